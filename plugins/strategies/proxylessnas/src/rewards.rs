//! REINFORCE over sampled paths (Cai, Zhu & Han 2019, section 3.3.2).

use archwright_relaxation::{Parameters, Rows};
use archwright_sdk::Value;

/// How far the baseline moves to the mean reward of a step, as in the authors' code.
const BASELINE_STEP: f64 = 0.99;

/// Rewards of one step's paths, and what rewards are usual.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rewards {
    paths: Vec<(Vec<Value>, f64)>,
    baseline: Option<f64>,
}

impl Rewards {
    /// Takes the reward of a path.
    pub(crate) fn add(&mut self, path: Vec<Value>, reward: f64) {
        self.paths.push((path, reward));
    }

    /// The derivatives of the negative expected reward by the logits, estimated by the paths since the last time; nothing
    /// where there are none. Decisions that are inactive in a path learn nothing from it.
    pub(crate) fn derivatives(&mut self, rows: &Rows, probabilities: &[f64]) -> Option<Vec<f64>> {
        let paths = std::mem::take(&mut self.paths);
        if paths.is_empty() {
            return None;
        }
        let count = paths.len() as f64;
        let mean = paths.iter().map(|(_, reward)| reward).sum::<f64>() / count;
        let baseline = self.baseline.map_or(mean, |baseline| baseline + BASELINE_STEP * (mean - baseline));
        self.baseline = Some(baseline);
        let mut by_logit = vec![0.0; probabilities.len()];
        for (values, reward) in &paths {
            let advantage = (reward - baseline) / count;
            for row in rows.iter() {
                let Some(Value::Index(choice)) = values.get(row.decision) else { continue };
                // The derivative of -ln p of the choice.
                for place in row.range() {
                    let chosen = f64::from(u8::from(place == row.start + *choice as usize));
                    by_logit[place] += advantage * (probabilities[place] - chosen);
                }
            }
        }
        Some(by_logit)
    }

    /// One step of the optimizer by the paths since the last one.
    pub(crate) fn step(&mut self, parameters: &mut Parameters) {
        if let Some(by_logit) = self.derivatives(&parameters.rows, &parameters.probabilities()) {
            parameters.descend(&by_logit);
        }
    }
}

#[cfg(test)]
mod tests {
    use archwright_relaxation::testing::categorical;
    use archwright_sdk::Rng;

    use super::*;

    /// Over many paths the estimate comes to the derivative of the expected reward.
    #[test]
    fn the_estimate_is_that_of_the_expected_reward() {
        let rows = Rows::of(&[categorical("a", &["x", "y", "z"]), categorical("b", &["x", "y"])]).unwrap();
        let logits = [0.2, -0.5, 0.4, 0.0, 0.3];
        let worth = [0.1, 0.9, 0.4, 0.2, 0.7];
        let probabilities = rows.softmax(&logits, 1.0);
        let exact = rows.to_logits(&probabilities, &worth.map(|one: f64| -one));
        let mut rng = Rng::new(0);
        let mut sum = [0.0; 5];
        let mut rewards = Rewards::default();
        for _ in 0..2000 {
            for _ in 0..10 {
                let choices = rows.sample(&probabilities, &mut rng);
                let reward = worth[choices[0]] + worth[3 + choices[1]];
                rewards.add(choices.iter().map(|choice| Value::Index(*choice as u32)).collect(), reward);
            }
            let estimate = rewards.derivatives(&rows, &probabilities).unwrap();
            sum.iter_mut().zip(estimate).for_each(|(sum, one)| *sum += one / 2000.0);
        }
        for (estimate, exact) in sum.into_iter().zip(exact) {
            // The baseline holds the mean of the paths themselves, which takes about a tenth.
            assert!((estimate - 0.9 * exact).abs() < 0.01, "{estimate} {exact}");
        }
        assert_eq!(rewards.derivatives(&rows, &probabilities), None);
    }

    #[test]
    fn inactive_decisions_learn_nothing() {
        let rows = Rows::of(&[categorical("a", &["x", "y"]), categorical("b", &["x", "y"])]).unwrap();
        let mut rewards = Rewards::default();
        rewards.add(vec![Value::Index(0), Value::Inactive], 1.0);
        rewards.add(vec![Value::Index(1), Value::Inactive], 0.0);
        let by_logit = rewards.derivatives(&rows, &[0.5; 4]).unwrap();
        assert!(by_logit[0] < 0.0 && by_logit[1] > 0.0);
        assert_eq!(by_logit[2..], [0.0, 0.0]);
    }
}
