//! Architectures as files give them.

use std::collections::BTreeMap;

use archwright_space::genotype::Genotype;
use archwright_space::{Architecture, Space, Value};
use serde_json::Value as Json;

/// The point of `space` that a text stands for: a genotype in the field's notation, or a JSON object of decisions.
pub(crate) fn of_text(space: &Space, text: &str) -> Result<Vec<Value>, String> {
    if let Some(labels) = decisions(text) {
        return of_labels(space, labels);
    }
    let genotype = Genotype::parse(text).map_err(|error| error.to_string())?;
    values(space, genotype.locate(space).map_err(|error| error.to_string())?)
}

/// The readable values of decisions that a text gives as one JSON object, by the decisions' names; nothing for other texts.
/// [`Space::point_of`] tells which point they are.
pub fn decisions(text: &str) -> Option<BTreeMap<String, String>> {
    let Ok(Json::Object(members)) = serde_json::from_str(text) else { return None };
    if members.values().any(|value| value.is_array() || value.is_object()) {
        return None;
    }
    let readable = |value: Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(members.into_iter().map(|(name, value)| (name, readable(value))).collect())
}

/// The point whose active decisions have these readable values.
pub(crate) fn of_labels(space: &Space, labels: BTreeMap<String, String>) -> Result<Vec<Value>, String> {
    values(space, space.point_of(&labels).map_err(|error| error.to_string())?)
}

fn values(space: &Space, architecture: Architecture) -> Result<Vec<Value>, String> {
    space.check(&architecture).map_err(|error| error.to_string())?;
    match architecture {
        Architecture::Point(values) => Ok(values),
        Architecture::Network(_) => Err("it is no point of the space".into()),
    }
}

/// What a point is found by in a table. A point is in its space, so values of one decision are of one kind.
pub(crate) fn key(values: &[Value]) -> Vec<u8> {
    // None of a value's kinds is one that has no compact form.
    postcard::to_stdvec(values).unwrap_or_default()
}

/// The point of a key.
pub(crate) fn of_key(key: &[u8]) -> Option<Vec<Value>> {
    postcard::from_bytes(key).ok()
}
