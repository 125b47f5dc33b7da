//! Taking away what computes nothing.

use crate::{Network, Node, Op};

/// What becomes of a node.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It stays.
    Stays,
    /// Its result is that of this earlier node.
    Is(usize),
}

impl Network {
    /// The same function with fewer nodes: identities and one-input sums, products and concatenations are bridged,
    /// zeros are left out of sums and carried through operations that keep them zero, and nodes that reach no output
    /// are dropped. Names stay. Expects a valid network.
    #[must_use]
    pub fn simplify(&self) -> Self {
        let mut nodes: Vec<Node> = self.nodes.clone();
        let mut fate = vec![Fate::Stays; nodes.len()];
        let mut zero = vec![false; nodes.len()];
        for index in 0..nodes.len() {
            let inputs: Vec<usize> = nodes[index]
                .inputs
                .iter()
                .map(|input| match fate[*input] {
                    Fate::Is(other) => other,
                    Fate::Stays => *input,
                })
                .collect();
            nodes[index].inputs = inputs;
            settle(&mut nodes, &mut fate, &mut zero, index);
        }
        self.keep(nodes, &fate)
    }

    fn keep(&self, mut nodes: Vec<Node>, fate: &[Fate]) -> Self {
        let resolve = |index: usize| match fate[index] {
            Fate::Is(other) => other,
            Fate::Stays => index,
        };
        let mut live = vec![false; nodes.len()];
        if let Some(last) = nodes.len().checked_sub(1) {
            live[resolve(last)] = true;
        }
        for index in (0..nodes.len()).rev() {
            // The input stays even where nothing reads it.
            let output = nodes[index].op == Op::Auxiliary || index == 0;
            if (live[index] || output) && fate[index] == Fate::Stays {
                live[index] = true;
                for input in &nodes[index].inputs {
                    live[*input] = true;
                }
            }
        }
        let output = nodes.len().checked_sub(1).map(resolve);
        let feeds = |node: usize| live[node] && output.is_some_and(|output| nodes[node].inputs.contains(&output));
        if (0..nodes.len()).any(|node| Some(node) != output && feeds(node)) {
            // An auxiliary head on the very output: it cannot stand before it.
            return self.clone();
        }
        let mut places = vec![0; nodes.len()];
        let mut kept = Vec::new();
        // The output comes last: auxiliary heads that stood behind what it was bridged to move before it.
        let order = (0..nodes.len()).filter(|index| Some(*index) != output).chain(output);
        for index in order {
            if live[index] {
                places[index] = kept.len();
                let mut node = std::mem::replace(
                    &mut nodes[index],
                    Node { name: String::new(), op: Op::Identity, inputs: Vec::new() },
                );
                for input in &mut node.inputs {
                    *input = places[*input];
                }
                kept.push(node);
            }
        }
        Self { nodes: kept }
    }
}

/// Decides about one node whose inputs are settled.
fn settle(nodes: &mut [Node], fate: &mut [Fate], zero: &mut [bool], index: usize) {
    let inputs = nodes[index].inputs.clone();
    let zeros = inputs.iter().filter(|input| zero[**input]).count();
    let all_zero = !inputs.is_empty() && zeros == inputs.len();
    match &nodes[index].op {
        Op::Zero { .. } => zero[index] = true,
        Op::Identity => fate[index] = Fate::Is(inputs[0]),
        Op::Add if zeros > 0 && !all_zero => {
            let rest: Vec<usize> = inputs.into_iter().filter(|input| !zero[*input]).collect();
            if let [only] = rest[..] {
                fate[index] = Fate::Is(only);
            } else {
                nodes[index].inputs = rest;
            }
        }
        Op::Multiply if zeros > 0 => become_zero(nodes, zero, index, inputs[0]),
        // A sum of equal zeros is one of them.
        Op::Add if all_zero => fate[index] = Fate::Is(inputs[0]),
        Op::Add | Op::Multiply | Op::Concat if inputs.len() == 1 => fate[index] = Fate::Is(inputs[0]),
        // These keep zeros and the shape.
        Op::Relu
        | Op::Relu6
        | Op::Gelu
        | Op::Silu
        | Op::HardSwish
        | Op::Tanh
        | Op::Shift { .. }
        | Op::Dropout { .. }
        | Op::DropPath
            if all_zero =>
        {
            fate[index] = Fate::Is(inputs[0]);
        }
        _ => {}
    }
}

/// Replaces a node by zeros of its own shape.
fn become_zero(nodes: &mut [Node], zero: &mut [bool], index: usize, like: usize) {
    nodes[index].op = Op::Zero { stride: [1, 1] };
    nodes[index].inputs = vec![like];
    zero[index] = true;
}
