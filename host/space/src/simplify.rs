//! Taking away what computes nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::steps::needed;
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
    /// The same function with fewer nodes: identities and one-input sums, products, means and concatenations are bridged,
    /// zeros are left out of sums, carried through operations that keep them zero and made once, and nodes that reach no
    /// output, in this step or a later one, are dropped. Names stay. Expects a valid network, and leaves one whose nodes
    /// are out of order as it is.
    #[must_use]
    pub fn simplify(&self) -> Self {
        let mut nodes: Vec<Node> = self.nodes.clone();
        let ordered = nodes.iter().enumerate().all(|(index, node)| {
            let fed = !node.inputs.is_empty() || matches!(node.op, Op::Input { .. } | Op::State { .. });
            fed && node.inputs.iter().all(|input| *input < index)
        });
        if !ordered {
            return self.clone();
        }
        let mut fate = vec![Fate::Stays; nodes.len()];
        let mut zero = vec![false; nodes.len()];
        let shapes = self.shapes().ok();
        let mut zeros = HashMap::new();
        for index in 0..nodes.len() {
            for input in &mut nodes[index].inputs {
                *input = resolve(&fate, *input);
            }
            if let (Op::Zero { .. }, Some(shapes)) = (&nodes[index].op, &shapes) {
                // Of its input a zero only has the shape: what makes another value of that shape is not needed.
                let mut input = nodes[index].inputs[0];
                while let [before] = nodes[input].inputs[..]
                    && shapes[before] == shapes[input]
                {
                    input = before;
                }
                nodes[index].inputs = vec![input];
            }
            settle(&mut nodes, &mut fate, &mut zero, index);
            if zero[index]
                && fate[index] == Fate::Stays
                && let Some(shapes) = &shapes
            {
                // Zeros of one shape are the same, whatever makes them.
                match zeros.entry(shapes[index]) {
                    Entry::Occupied(first) => fate[index] = Fate::Is(*first.get()),
                    Entry::Vacant(vacant) => {
                        vacant.insert(index);
                    }
                }
            }
        }
        self.keep(nodes, &fate)
    }

    fn keep(&self, mut nodes: Vec<Node>, fate: &[Fate]) -> Self {
        let Some(last) = nodes.len().checked_sub(1) else { return self.clone() };
        let mut output = resolve(fate, last);
        // The input stays even where nothing reads it.
        let heads = (0..nodes.len()).filter(|index| nodes[*index].op == Op::Auxiliary);
        let mut live = needed(&nodes, heads.chain([0, output]));
        let used = (0..nodes.len()).any(|index| live[index] && nodes[index].inputs.contains(&output));
        if output != last && (used || output == 0) {
            // The output comes last, so something that others use, or the input, cannot be it.
            nodes[last].op = Op::Identity;
            nodes[last].inputs = vec![output];
            live[last] = true;
            output = last;
        }
        let mut places = vec![0; nodes.len()];
        let mut kept = Vec::new();
        // Auxiliary heads that stood behind what the output was bridged to move before it.
        let order = (0..nodes.len()).filter(|index| *index != output).chain([output]);
        for index in order.filter(|index| live[*index]) {
            places[index] = kept.len();
            let Node { name, op, inputs } = nodes[index].clone();
            kept.push(Node { name, op, inputs: inputs.into_iter().map(|input| places[input]).collect() });
        }
        Self { nodes: kept }
    }
}

fn resolve(fate: &[Fate], index: usize) -> usize {
    match fate[index] {
        Fate::Is(other) => other,
        Fate::Stays => index,
    }
}

/// Decides about one node whose inputs are settled.
fn settle(nodes: &mut [Node], fate: &mut [Fate], zero: &mut [bool], index: usize) {
    let inputs = &nodes[index].inputs;
    let all_zero = !inputs.is_empty() && inputs.iter().all(|input| zero[*input]);
    match &nodes[index].op {
        Op::Zero { .. } => zero[index] = true,
        Op::Identity => fate[index] = Fate::Is(inputs[0]),
        // A sum of zeros is one of them.
        Op::Add if all_zero => fate[index] = Fate::Is(inputs[0]),
        Op::Add if inputs.iter().any(|input| zero[*input]) => {
            let rest: Vec<usize> = inputs.iter().copied().filter(|input| !zero[*input]).collect();
            match rest[..] {
                [only] => fate[index] = Fate::Is(only),
                _ => nodes[index].inputs = rest,
            }
        }
        Op::Multiply => {
            // Factors have one shape, so a zero among them has the product's.
            let first_zero = inputs.iter().copied().find(|input| zero[*input]);
            match (first_zero, &inputs[..]) {
                (Some(input), _) => fate[index] = Fate::Is(input),
                (None, [input]) => fate[index] = Fate::Is(*input),
                _ => {}
            }
        }
        // As is a mean of zeros.
        Op::Mean if all_zero => fate[index] = Fate::Is(inputs[0]),
        Op::Add | Op::Mean | Op::Concat if inputs.len() == 1 => fate[index] = Fate::Is(inputs[0]),
        // These keep zeros and the shape.
        Op::Relu
        | Op::Relu6
        | Op::Gelu
        | Op::Silu
        | Op::HardSwish
        | Op::Tanh
        | Op::Shift { .. }
        | Op::Dropout { .. }
        | Op::LockedDropout { .. }
        | Op::DropPath
            if all_zero =>
        {
            fate[index] = Fate::Is(inputs[0]);
        }
        // These keep zeros in another shape. Batch norm does not: it learns a shift.
        Op::Conv2d { bias: false, .. }
        | Op::Linear { bias: false, .. }
        | Op::TiedLinear { bias: false, .. }
        | Op::MaxPool { .. }
        | Op::AvgPool { .. }
        | Op::GlobalAvgPool
        | Op::Flatten
        | Op::Truncate { .. }
        | Op::Concat => zero[index] = all_zero,
        _ => {}
    }
}
