//! Samples through which derivatives go back.

use archwright_sdk::Rng;

use crate::{Parameters, Rows};

/// Draws from the concrete distribution (Maddison, Mnih & Teh 2017), also called Gumbel softmax, at a temperature that changes
/// linearly with the training.
#[derive(Clone, Debug)]
pub struct Concrete {
    /// The temperature at the start and at the end.
    temperatures: [f64; 2],
    rng: Rng,
}

/// A sample: a softmax of noisy logits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// The label with the largest noisy logit, for each row.
    pub choices: Vec<usize>,
    /// The softmax in its place.
    pub soft: Vec<f64>,
    /// The temperature of that softmax.
    pub temperature: f64,
}

impl Concrete {
    /// Temperatures at the start and at the end, above 0.
    pub fn new(temperatures: [f64; 2], rng: Rng) -> Self {
        Self { temperatures, rng }
    }

    /// A fresh sample once this share of the training, in [0, 1], is done.
    pub fn sample(&mut self, parameters: &Parameters, share: f64) -> Sample {
        let [first, last] = self.temperatures;
        let temperature = first + (last - first) * share;
        let noisy = parameters.noisy(&mut self.rng);
        // The logarithm of a softmax differs from the logits by the same in a row, which changes no softmax.
        let soft = parameters.rows.softmax(&noisy, temperature);
        Sample { choices: parameters.rows.argmax(&noisy), soft, temperature }
    }
}

impl Sample {
    /// Takes derivatives by the softmax to the logits.
    pub fn to_logits(&self, rows: &Rows, gradient: &[f64]) -> Vec<f64> {
        rows.to_logits(&self.soft, gradient).into_iter().map(|slope| slope / self.temperature).collect()
    }
}
