//! Networks as graphs of operations.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Attribute, Op};

/// A directed acyclic graph of operations in topological order.
///
/// The last node is the output (one score per class). [`Op::Auxiliary`] nodes are further outputs that exist only in
/// training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// The operations; a node's inputs come before it.
    pub nodes: Vec<Node>,
}

/// One operation of a [`Network`].
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique in the network; also the name of the node's weights.
    pub name: String,
    /// What the node computes.
    pub op: Op,
    /// Indices of earlier nodes.
    pub inputs: Vec<usize>,
}

/// A node in a form that a person reads.
#[derive(Serialize, Deserialize)]
struct Readable<'a> {
    name: Cow<'a, str>,
    #[serde(flatten)]
    op: Cow<'a, Op>,
    #[serde(default, skip_serializing_if = "<[usize]>::is_empty")]
    inputs: Cow<'a, [usize]>,
}

/// A node in a form that does not name its fields: name, operation, attributes, inputs.
type Compact = (String, String, Vec<(String, Attribute)>, Vec<usize>);

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, op, inputs } = self;
        if serializer.is_human_readable() {
            let (name, op, inputs) = (name.into(), Cow::Borrowed(op), inputs.into());
            return Readable { name, op, inputs }.serialize(serializer);
        }
        (name, op.name(), op.attributes(), inputs).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let Readable { name, op, inputs } = Readable::deserialize(deserializer)?;
            return Ok(Self { name: name.into_owned(), op: op.into_owned(), inputs: inputs.into_owned() });
        }
        let (name, op, attributes, inputs) = Compact::deserialize(deserializer)?;
        let op = Op::parse(&op, &attributes).map_err(serde::de::Error::custom)?;
        Ok(Self { name, op, inputs })
    }
}
