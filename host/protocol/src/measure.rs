//! Measuring a network without training it.

use archwright_space::Network;
use serde::{Deserialize, Serialize};

use crate::Recipe;

/// Measures a network's latency: the median time of a forward pass in evaluation mode, in seconds for a batch. The network
/// need not fit the trainer's data: its own first node says what it takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The network.
    pub network: Network,
    /// Inputs in a batch; of a text sequences side by side. At least 1.
    pub batch_size: u32,
    /// Says how the network computes: precision, order of an image's values in memory, length of a sequence.
    pub recipe: Recipe,
}
