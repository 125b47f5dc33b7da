//! What a plugin wishes for itself: limits in its own file that are lower than a host's.

use std::collections::BTreeMap;

use serde_json::Value;
use wasmparser::Payload;

use crate::inspect::outermost;
use crate::limits::InForce;
use crate::text::{nearest, shown};
use crate::{Limits, PluginError};

/// Name of the custom section of a component that holds its wishes: a JSON object of keys of `[limits]`.
pub(crate) const SECTION: &str = "archwright:limits";

/// Longest section of wishes, in bytes.
const SECTION_BYTES: usize = 16 << 10;

/// A plugin's wishes, by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes(BTreeMap<String, u64>);

impl Wishes {
    /// Reads the wishes in a component's file; none where it has no such section.
    pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<Self, PluginError> {
        let wrong = |problem: String| PluginError::Wishes { file: file.into(), problem };
        let mut sections = Vec::new();
        outermost(file, bytes, |payload| {
            if let Payload::CustomSection(custom) = payload
                && custom.name() == SECTION
            {
                sections.push(custom.data());
            }
            Ok(())
        })?;
        match sections.as_slice() {
            [] => Ok(Self::default()),
            [section] => Self::parse(section).map_err(wrong),
            _ => Err(wrong("is there twice; write all wishes into one".into())),
        }
    }

    /// Reads the content of a section; the error says what is wrong with the section.
    pub(crate) fn parse(section: &[u8]) -> Result<Self, String> {
        if section.len() > SECTION_BYTES {
            return Err(format!("has {} bytes, more than {SECTION_BYTES}", section.len()));
        }
        let wanted = "it has to be a JSON object of keys of `[limits]`, e.g. {\"fuel_per_call\": 1000000}";
        let wishes = match serde_json::from_slice(section) {
            Ok(Value::Object(wishes)) => wishes,
            Ok(_) => return Err(format!("is no object: {wanted}")),
            Err(error) => return Err(format!("is not JSON ({error}): {wanted}")),
        };
        let mut read = BTreeMap::new();
        for (key, wish) in wishes {
            if !Limits::KEYS.contains(&key.as_str()) {
                let name = shown(&key, 100);
                return Err(match nearest(&key, Limits::KEYS.iter().copied()) {
                    Some(near) => format!("wishes for `{name}`: there is no such limit; did you mean `{near}`?"),
                    None => format!(
                        "wishes for `{name}`: there is no such limit; there are `{}`",
                        Limits::KEYS.join("`, `")
                    ),
                });
            }
            let Some(number) = wish.as_u64() else {
                let given = shown(&wish.to_string(), 100);
                return Err(format!("wishes for `{key}` = {given}: it has to be a whole number of at least 0"));
            };
            read.insert(key, number);
        }
        Ok(Self(read))
    }

    /// The limits in force under a host's.
    pub(crate) fn under(&self, host: &Limits) -> InForce {
        InForce::new(host, self.0.iter().map(|(key, wish)| (key.as_str(), *wish)))
    }

    pub(crate) fn by_key(&self) -> &BTreeMap<String, u64> {
        &self.0
    }
}
