//! Which component each plugin of a project is.

use std::collections::BTreeMap;

use archwright_plugin::Kind;
use serde::{Deserialize, Serialize};

use crate::file::Text;
use crate::{Digest, RegistryError, Source};

/// The form of lock files that this program reads and writes.
const FORM: u32 = 1;

#[cfg(feature = "remote")]
const HEAD: &str = "# Which component each plugin of plugins.toml is. Written by `archwright plugin`: keep it beside \
                    plugins.toml, and\n# do not change it by hand.\n\n";

/// The component that a plugin of a project is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its digest, by which it is known everywhere.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What it exports.
    pub kind: Kind,
    /// The version it says it has.
    pub version: String,
    /// The version of the contract that it was built against.
    pub contract: String,
    /// What the source stood for when it was locked, where it may come to stand for something else: of a tag in a registry
    /// the manifest with its digest, of a project's folder the component's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<String>,
    /// The source that `plugins.toml` named then.
    pub source: Source,
}

/// What `plugins.lock` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    form: u32,
    #[serde(default)]
    pub(crate) plugins: BTreeMap<String, Locked>,
}

impl Lock {
    pub(crate) fn parse(text: &Text) -> Result<Self, RegistryError> {
        #[derive(Deserialize)]
        struct Form {
            form: u32,
        }
        let Form { form } = text.deserialize()?;
        if form != FORM {
            let message = format!("it is of form {form}, and this archwright reads form {FORM}");
            let help = "use the archwright that wrote it, or a newer one".to_owned();
            return Err(text.error(None, message, Some(help)).into());
        }
        Ok(text.deserialize()?)
    }

    #[cfg(feature = "remote")]
    pub(crate) fn to_text(&self) -> String {
        let lock = Self { form: FORM, plugins: self.plugins.clone() };
        // Its keys are texts and its numbers below 2^63: there is nothing that TOML lacks.
        format!("{HEAD}{}", toml::to_string(&lock).unwrap_or_default())
    }
}
