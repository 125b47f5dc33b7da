//! Points between architectures.

use serde::{Deserialize, Serialize};

/// A point between architectures: every categorical decision weighs all of its labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relaxation {
    /// One row a categorical decision, concatenated in decision order. A row sums to 1.
    pub probabilities: Vec<f32>,
    /// Of which probabilities the derivatives are wanted; empty where of all. What a probability of 0 stands for is computed
    /// only if its derivative is wanted; a derivative that is not wanted may come as 0.
    #[serde(default)]
    pub wanted: Vec<bool>,
}

impl Relaxation {
    /// A relaxation of which all derivatives are wanted.
    pub fn new(probabilities: Vec<f32>) -> Self {
        Self { probabilities, wanted: Vec::new() }
    }
}
