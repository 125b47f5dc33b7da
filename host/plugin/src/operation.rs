//! Operations of networks, between the host's types and the contract's.

use archwright_space::{Attribute, Op};

use crate::bindings::types;

/// The attributes of an operation, defaults included.
pub(crate) fn attributes(op: &Op) -> Vec<types::Attribute> {
    op.attributes().into_iter().map(|(name, value)| types::Attribute { name, value: lower(value) }).collect()
}

fn lower(value: Attribute) -> types::AttributeValue {
    match value {
        Attribute::Integer(integer) => types::AttributeValue::Integer(integer),
        Attribute::Real(real) => types::AttributeValue::Real(real),
        Attribute::Boolean(flag) => types::AttributeValue::Boolean(flag),
        Attribute::Text(text) => types::AttributeValue::Text(text),
        Attribute::Integers(integers) => types::AttributeValue::Integers(integers),
        Attribute::Reals(reals) => types::AttributeValue::Reals(reals),
    }
}

/// The operation of this name with these attributes.
///
/// # Errors
/// What is wrong, in words: an unknown operation or attribute, a missing attribute, one of a wrong type.
pub(crate) fn parse(op: &str, attributes: Vec<types::Attribute>) -> Result<Op, String> {
    let mut lifted = Vec::with_capacity(attributes.len());
    for types::Attribute { name, value } in attributes {
        let value = match value {
            types::AttributeValue::Integer(integer) => Attribute::Integer(integer),
            types::AttributeValue::Real(real) => Attribute::Real(finite(&name, real)?),
            types::AttributeValue::Boolean(flag) => Attribute::Boolean(flag),
            types::AttributeValue::Text(text) => Attribute::Text(text),
            types::AttributeValue::Integers(integers) => Attribute::Integers(integers),
            types::AttributeValue::Reals(reals) => {
                Attribute::Reals(reals.into_iter().map(|real| finite(&name, real)).collect::<Result<_, _>>()?)
            }
        };
        lifted.push((name, value));
    }
    Op::parse(op, &lifted)
}

fn finite(name: &str, real: f64) -> Result<f64, String> {
    if real.is_finite() { Ok(real) } else { Err(format!("`{name}` is {real}")) }
}
