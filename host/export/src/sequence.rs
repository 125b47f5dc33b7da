//! Networks that go from step to step of a sequence.

use archwright_space::{Network, Op};

/// What there is to know about a network for sequences.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    /// How many different tokens there are, where a step reads one.
    pub(crate) vocabulary: Option<u32>,
    /// In the order of their nodes.
    pub(crate) states: Vec<State>,
}

/// What goes from one step to the next.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// Its slot, which names it.
    pub(crate) slot: u32,
    /// Its length.
    pub(crate) features: u32,
    /// The node that gives it.
    pub(crate) node: usize,
    /// The node whose result it is in the next step.
    pub(crate) next: usize,
}

impl Sequence {
    /// Of a valid network; nothing where the network is for images or vectors.
    pub(crate) fn of(network: &Network) -> Option<Self> {
        let nodes = &network.nodes;
        let next = |slot: u32| {
            nodes.iter().find(|node| node.op == Op::SetState { slot }).and_then(|node| node.inputs.first().copied())
        };
        let states: Vec<State> = nodes
            .iter()
            .enumerate()
            .filter_map(|(node, one)| match one.op {
                Op::State { slot, features } => Some(State { slot, features, node, next: next(slot)? }),
                _ => None,
            })
            .collect();
        let vocabulary = nodes.iter().find_map(|node| match node.op {
            Op::Embedding { vocabulary, .. } => Some(vocabulary),
            _ => None,
        });
        (vocabulary.is_some() || !states.is_empty()).then_some(Self { vocabulary, states })
    }
}
