use archwright_sdk::Rng;

use crate::{Adam, Rows, noise};

/// Architecture parameters: one logit for each label of a categorical decision, and what optimizes them.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Where the labels lie.
    pub rows: Rows,
    /// The logits.
    pub logits: Vec<f64>,
    optimizer: Adam,
}

impl Parameters {
    /// Logits from a normal distribution around 0.
    pub fn new(rows: Rows, deviation: f64, optimizer: Adam, rng: &mut Rng) -> Self {
        let logits = (0..rows.labels()).map(|_| deviation * noise::normal(rng)).collect();
        Self { rows, logits, optimizer }
    }

    /// The softmax of each row.
    pub fn probabilities(&self) -> Vec<f64> {
        self.rows.softmax(&self.logits, 1.0)
    }

    /// One step of the optimizer against the derivatives of the loss by the logits.
    pub fn descend(&mut self, by_logit: &[f64]) {
        self.optimizer.step(&mut self.logits, by_logit);
    }
}
