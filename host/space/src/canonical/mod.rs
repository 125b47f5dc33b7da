//! Fingerprints: equal exactly for isomorphic networks.
//!
//! Two networks are isomorphic where their nodes correspond one to one such that operations with their attributes, and
//! the multisets of inputs, agree. Names do not count; the order of inputs does not either, since every operation with
//! several inputs is a sum, a product or a concatenation, which another order changes by a permutation of channels at
//! most.
//!
//! The canonical form is found in two steps: series-parallel reduction (`reduce`), which makes most networks a single
//! node, and individualisation-refinement on the rest (`search`; McKay & Piperno 2014).

mod reduce;
mod search;

use std::collections::BTreeMap;

use crate::Network;
use reduce::reduce;

/// A digest of a label: equal labels are equal operations, or equal reduced parts.
type Label = [u8; 32];

/// A directed graph with labelled nodes; edges have multiplicities.
#[derive(Clone, Debug)]
struct Graph {
    labels: Vec<Label>,
    /// Predecessors of each node, with multiplicities.
    inputs: Vec<BTreeMap<usize, u32>>,
    /// Successors of each node, with multiplicities.
    outputs: Vec<BTreeMap<usize, u32>>,
}

impl Graph {
    fn of(network: &Network) -> Self {
        let count = network.nodes.len();
        let mut graph = Self {
            labels: Vec::with_capacity(count),
            inputs: vec![BTreeMap::new(); count],
            outputs: vec![BTreeMap::new(); count],
        };
        for (index, node) in network.nodes.iter().enumerate() {
            let role: &[u8] = if index + 1 == count { b"output" } else { b"" };
            // Debug of plain data: field by field, floats in their shortest exact form.
            graph.labels.push(digest(&[b"op", role, format!("{:?}", node.op).as_bytes()]));
            for input in &node.inputs {
                *graph.inputs[index].entry(*input).or_insert(0) += 1;
                *graph.outputs[*input].entry(index).or_insert(0) += 1;
            }
        }
        graph
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}

/// Digest of parts, each with its length, so that no two lists of parts run together.
fn digest(parts: &[&[u8]]) -> Label {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

impl Network {
    /// The same text for two networks exactly when they are isomorphic (but for a collision of a 256-bit hash): 64
    /// hexadecimal digits. Stable across versions and machines. Expects a valid network.
    pub fn fingerprint(&self) -> String {
        let graph = reduce(Graph::of(self));
        blake3::Hash::from_bytes(search::canonical_digest(&graph)).to_hex().to_string()
    }
}
