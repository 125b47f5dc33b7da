//! Operations of networks, between the host's types and names with attributes.

use archwright_space::Op;
use serde_json::{Map, Value};

use crate::bindings::types::{Attribute, AttributeValue};

/// The attributes of an operation, defaults included.
pub(crate) fn attributes(op: &Op) -> Vec<Attribute> {
    let Ok(Value::Object(members)) = serde_json::to_value(op) else { return Vec::new() };
    members
        .into_iter()
        .filter(|(name, _)| name != "op")
        .filter_map(|(name, value)| Some(Attribute { name, value: attribute(&value)? }))
        .collect()
}

fn attribute(value: &Value) -> Option<AttributeValue> {
    Some(match value {
        Value::Bool(flag) => AttributeValue::Boolean(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => AttributeValue::Integer(integer),
            None => AttributeValue::Real(number.as_f64()?),
        },
        Value::String(text) => AttributeValue::Text(text.clone()),
        Value::Array(elements) => match elements.iter().map(Value::as_i64).collect() {
            Some(integers) => AttributeValue::Integers(integers),
            None => AttributeValue::Reals(elements.iter().map(Value::as_f64).collect::<Option<_>>()?),
        },
        _ => return None,
    })
}

/// The operation of this name with these attributes.
///
/// # Errors
/// What is wrong, in words: an unknown operation or attribute, a missing attribute, one of a wrong type.
pub(crate) fn parse(op: &str, attributes: &[Attribute]) -> Result<Op, String> {
    let mut members = Map::new();
    members.insert("op".into(), Value::String(op.into()));
    for Attribute { name, value } in attributes {
        let value = match value {
            AttributeValue::Integer(integer) => (*integer).into(),
            AttributeValue::Real(real) if !real.is_finite() => return Err(format!("attribute `{name}` is {real}")),
            AttributeValue::Real(real) => (*real).into(),
            AttributeValue::Boolean(flag) => (*flag).into(),
            AttributeValue::Text(text) => text.as_str().into(),
            AttributeValue::Integers(integers) => integers.as_slice().into(),
            AttributeValue::Reals(reals) => match reals.iter().find(|real| !real.is_finite()) {
                Some(real) => return Err(format!("attribute `{name}` holds {real}")),
                None => reals.as_slice().into(),
            },
        };
        if members.insert(name.clone(), value).is_some() {
            return Err(format!("attribute `{name}` is given twice"));
        }
    }
    serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())
}
