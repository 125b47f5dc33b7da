//! Networks that go from step to step of a sequence.

use archwright_space::{Network, RecurrentState};

/// What there is to know about a network for sequences.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    /// How many different tokens there are, where a step reads one.
    pub(crate) vocabulary: Option<u32>,
    /// In the order of their nodes.
    pub(crate) states: Vec<RecurrentState>,
}

impl Sequence {
    /// Of a valid network; nothing where the network is for images or vectors.
    pub(crate) fn of(network: &Network) -> Option<Self> {
        let (vocabulary, states) = (network.vocabulary(), network.states());
        (vocabulary.is_some() || !states.is_empty()).then_some(Self { vocabulary, states })
    }
}
