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

    /// The logits with Gumbel noise. Their softmax over a temperature is a sample of a concrete distribution (Maddison, Mnih &
    /// Teh 2017), their largest one of the distribution itself.
    pub fn noisy(&self, rng: &mut Rng) -> Vec<f64> {
        self.logits.iter().map(|logit| logit + noise::gumbel(rng)).collect()
    }

    /// One step of the optimizer against the derivatives of the loss by the logits.
    pub fn descend(&mut self, by_logit: &[f64]) {
        self.optimizer.step(&mut self.logits, by_logit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::categorical;

    #[test]
    fn the_largest_noisy_logit_comes_as_often_as_its_softmax_says() {
        let rows = Rows::of(&[categorical("a", &["x", "y", "z"])]).unwrap();
        let mut rng = Rng::new(0);
        let mut parameters = Parameters::new(rows, 0.0, Adam::new(1e-3, [0.5, 0.999], 0.0), &mut rng);
        parameters.logits = vec![0.0, 1.0, -1.0];
        let mut counts = [0; 3];
        (0..20_000).for_each(|_| counts[parameters.rows.argmax(&parameters.noisy(&mut rng))[0]] += 1);
        for (count, probability) in counts.into_iter().zip(parameters.probabilities()) {
            assert!((f64::from(count) / 20_000.0 - probability).abs() < 0.02, "{counts:?}");
        }
    }
}
