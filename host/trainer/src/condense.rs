//! What a mixture need not compute twice, and what it need not add.

use std::collections::BTreeMap;

use archwright_space::{Node, Op, OpenNetwork};

/// The same mixture with less to compute. Edges that leave one vertex apply the same poolings and activations to it: all that
/// read such a result read the first one that is equal. Alternatives that are zeros add nothing to a choice, nor has the loss a
/// derivative by how much of them there is: choices do not read them.
///
/// Nodes keep their names and places; nothing reads those that are not needed any more.
pub(crate) fn condense(mut open: OpenNetwork) -> OpenNetwork {
    // The states of a step are read by place, in an order of their own.
    if !open.network.states().is_empty() {
        return open;
    }
    let mut choices = open.choices.iter_mut().peekable();
    let mut nodes: Vec<Node> = Vec::with_capacity(open.network.nodes.len());
    let mut first: Vec<usize> = Vec::new();
    let mut is_nothing: Vec<bool> = Vec::new();
    // Nodes that may be read in place of others, by what they read.
    let mut readers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, mut node) in open.network.nodes.into_iter().enumerate() {
        node.inputs.iter_mut().for_each(|input| *input = first[*input]);
        let choice = choices.next_if(|choice| choice.node == index);
        let mut earliest = index;
        if let Some(choice) = choice {
            let read: Vec<bool> = node.inputs.iter().map(|input| !is_nothing[*input]).collect();
            // A choice between zeros alone is zeros.
            if read.contains(&true) {
                let mut inputs = read.iter();
                node.inputs.retain(|_| inputs.next() != Some(&false));
                let mut terms = read.iter();
                choice.terms.retain(|_| terms.next() != Some(&false));
            }
            is_nothing.push(false);
        } else {
            if depends_on_inputs_alone(&node.op) {
                let known = readers.entry(node.inputs[0]).or_default();
                match known.iter().find(|other| nodes[**other].op == node.op) {
                    Some(other) => earliest = *other,
                    None => known.push(index),
                }
            }
            let passes = matches!(node.op, Op::Identity | Op::DropPath);
            is_nothing.push(matches!(node.op, Op::Zero { .. }) || (passes && is_nothing[node.inputs[0]]));
        }
        first.push(earliest);
        nodes.push(node);
    }
    open.network.nodes = nodes;
    open
}

/// Whether an operation reads one input, and has neither weights nor anything random.
fn depends_on_inputs_alone(op: &Op) -> bool {
    matches!(
        op,
        Op::MaxPool { .. }
            | Op::AvgPool { .. }
            | Op::GlobalAvgPool
            | Op::Shift { .. }
            | Op::Truncate { .. }
            | Op::Identity
            | Op::Flatten
            | Op::Relu
            | Op::Relu6
            | Op::Gelu
            | Op::Silu
            | Op::HardSwish
            | Op::Tanh
            | Op::Sigmoid
            | Op::Complement
    )
}
