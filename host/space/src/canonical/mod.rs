//! Fingerprints: equal exactly for isomorphic networks.
//!
//! Two networks are isomorphic where their nodes correspond one to one such that operations with their attributes, and
//! the multisets of inputs, agree; a state is joined to what sets it, whatever the number of their slot. Names do not
//! count; the order of inputs does not either, since every operation with several inputs is a sum, a product, a mean or a
//! concatenation, which another order changes by a permutation of channels at most.
//!
//! The canonical form is found in two steps: series-parallel reduction (`reduce`), which makes most networks a single
//! node, and individualisation-refinement on the rest (`search`, on the ordered partitions of `partition`; McKay &
//! Piperno 2014).

mod partition;
mod reduce;
mod search;

use std::collections::BTreeMap;

use crate::{Attribute, Network, Op};
use reduce::reduce;

/// A digest of a label: equal labels are equal operations, or equal reduced parts.
type Label = [u8; 32];

/// A directed graph with labelled nodes; edges have multiplicities. Without the nodes labelled [`delay`] it has no cycles.
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
            graph.labels.push(digest(&[b"op", role, &written(&node.op)]));
            // Inputs that do not come before their node make a network invalid; nothing is promised of those.
            for input in node.inputs.iter().filter(|input| **input < index) {
                *graph.inputs[index].entry(*input).or_insert(0) += 1;
                *graph.outputs[*input].entry(index).or_insert(0) += 1;
            }
        }
        graph.join_steps(network);
        graph
    }

    /// Joins each state to what sets it through a node of its own, so that slots need no numbers.
    fn join_steps(&mut self, network: &Network) {
        let nodes = || network.nodes.iter().enumerate();
        let states = nodes().filter_map(|(index, node)| match node.op {
            Op::State { slot, .. } => Some((index, slot)),
            _ => None,
        });
        for (state, slot) in states {
            let Some((setter, _)) = nodes().find(|(_, node)| node.op == Op::SetState { slot }) else { continue };
            let between = self.len();
            self.labels.push(delay());
            self.inputs.push(BTreeMap::from([(setter, 1)]));
            self.outputs.push(BTreeMap::from([(state, 1)]));
            self.outputs[setter].insert(between, 1);
            self.inputs[state].insert(between, 1);
        }
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}

/// Label of what lies between a step and the next.
fn delay() -> Label {
    digest(&[b"delay"])
}

/// An operation's name and attributes as bytes that tell operations apart. The slot of a state is none of them.
fn written(op: &Op) -> Vec<u8> {
    let mut bytes = op.name().as_bytes().to_vec();
    let tells = |name: &str| name != "slot";
    for (name, attribute) in op.attributes().into_iter().filter(|(name, _)| tells(name)) {
        bytes.push(0);
        bytes.extend(name.as_bytes());
        bytes.push(0);
        match attribute {
            Attribute::Integer(value) => bytes.extend(value.to_le_bytes()),
            // Zeros of either sign are one number.
            Attribute::Real(value) => bytes.extend((value + 0.0).to_bits().to_le_bytes()),
            Attribute::Boolean(value) => bytes.push(value.into()),
            Attribute::Text(value) => {
                bytes.extend((value.len() as u64).to_le_bytes());
                bytes.extend(value.as_bytes());
            }
            Attribute::Integers(values) => {
                bytes.extend((values.len() as u64).to_le_bytes());
                values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
            }
            Attribute::Reals(values) => {
                bytes.extend((values.len() as u64).to_le_bytes());
                values.iter().for_each(|value| bytes.extend((value + 0.0).to_bits().to_le_bytes()));
            }
        }
    }
    bytes
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
    /// The same text for two networks exactly when they are isomorphic: 64 hexadecimal digits. Stable across versions
    /// and machines. Expects a valid network.
    ///
    /// Two things bound "exactly". Different networks have one fingerprint where a 256-bit hash collides, which nobody
    /// has seen. And the search for a canonical form has a fixed amount of work, far above what networks of the
    /// literature take: a graph built to exhaust it (from strongly regular graphs, say) has a fingerprint that depends
    /// on the order of its nodes, so that reordered copies of it are taken for different networks, but never different
    /// networks for one.
    pub fn fingerprint(&self) -> String {
        let graph = reduce(Graph::of(self));
        blake3::Hash::from_bytes(search::canonical_digest(&graph)).to_hex().to_string()
    }
}
