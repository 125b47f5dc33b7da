//! Networks as graphs of operations.

use serde::{Deserialize, Serialize};

use crate::Op;

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Unique in the network; also the name of the node's weights.
    pub name: String,
    /// What the node computes.
    #[serde(flatten)]
    pub op: Op,
    /// Indices of earlier nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<usize>,
}
