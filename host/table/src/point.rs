//! Architectures as files give them.

use std::collections::BTreeMap;

use archwright_space::genotype::Genotype;
use archwright_space::{Architecture, Space, Value};
use serde_json::Value as Json;

/// The point of `space` that a text stands for: a genotype in the field's notation, or a JSON object of decisions.
pub(crate) fn of_text(space: &Space, text: &str) -> Result<Vec<Value>, String> {
    if let Ok(Json::Object(members)) = serde_json::from_str(text)
        && members.values().all(|value| !value.is_array() && !value.is_object())
    {
        let readable = |value: Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return of_labels(space, members.into_iter().map(|(name, value)| (name, readable(value))).collect());
    }
    let genotype = Genotype::parse(text).map_err(|error| error.to_string())?;
    values(space, genotype.locate(space).map_err(|error| error.to_string())?)
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
