use archwright_sdk::{EstimateOutcome, Goal, Objective};

/// What observations are worth: the first objective, its negative where smaller is better.
///
/// Rewards are not scaled. Zoph & Le 2017 cube accuracies and divide a constant by squared perplexities (their sections 4.1
/// and 4.2), which an estimator that wants it can do.
#[derive(Clone, Debug)]
pub struct Rewards {
    goal: Goal,
    worst: Option<f64>,
}

impl Rewards {
    /// For the first of these objectives; larger is better where there is none.
    pub fn new(objectives: &[Objective]) -> Self {
        Self { goal: objectives.first().map_or(Goal::Maximize, |objective| objective.goal), worst: None }
    }

    /// The reward of an outcome. What failed is worth as much as the worst seen, or nothing known where nothing was seen.
    pub fn of(&mut self, outcome: &EstimateOutcome) -> Option<f64> {
        let value = match outcome {
            EstimateOutcome::Estimated(estimate) => estimate.objectives.first().copied(),
            EstimateOutcome::Failed(_) => None,
        };
        let Some(value) = value.filter(|value| value.is_finite()) else { return self.worst };
        let reward = if self.goal == Goal::Minimize { -value } else { value };
        self.worst = Some(self.worst.map_or(reward, |worst| worst.min(reward)));
        Some(reward)
    }
}

/// An exponential moving average of rewards. What is better than it becomes more probable.
#[derive(Clone, Debug)]
pub struct Baseline {
    decay: f64,
    value: Option<f64>,
}

impl Baseline {
    /// One that keeps `decay` of itself at each reward, in [0, 1).
    pub fn new(decay: f64) -> Self {
        Self { decay, value: None }
    }

    /// By how much each reward of a batch exceeds the average of the batches before, or of this batch where it is the
    /// first; the average then takes them in, one after the other.
    pub fn advantages(&mut self, rewards: &[f64]) -> Vec<f64> {
        let mean = rewards.iter().sum::<f64>() / rewards.len().max(1) as f64;
        let before = self.value.unwrap_or(mean);
        if !rewards.is_empty() {
            let take = |value: f64, reward: &f64| self.decay * value + (1.0 - self.decay) * reward;
            self.value = Some(rewards.iter().fold(before, take));
        }
        rewards.iter().map(|reward| reward - before).collect()
    }
}

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::estimate;

    use super::*;

    fn rewards(goal: Goal) -> Rewards {
        Rewards::new(&[Objective { name: "loss".into(), goal }])
    }

    #[test]
    fn failures_are_worth_the_worst_seen() {
        let mut rewards = rewards(Goal::Maximize);
        let failed = EstimateOutcome::Failed("no".into());
        assert_eq!(rewards.of(&failed), None);
        assert_eq!(rewards.of(&EstimateOutcome::Estimated(estimate(0.5))), Some(0.5));
        assert_eq!(rewards.of(&EstimateOutcome::Estimated(estimate(0.7))), Some(0.7));
        assert_eq!(rewards.of(&failed), Some(0.5));
    }

    #[test]
    fn what_is_minimized_is_worth_its_negative() {
        let mut rewards = rewards(Goal::Minimize);
        assert_eq!(rewards.of(&EstimateOutcome::Estimated(estimate(3.0))), Some(-3.0));
        assert_eq!(rewards.of(&EstimateOutcome::Estimated(estimate(2.0))), Some(-2.0));
        assert_eq!(rewards.of(&EstimateOutcome::Failed("no".into())), Some(-3.0));
    }

    #[test]
    fn the_baseline_follows_the_rewards() {
        let mut baseline = Baseline::new(0.5);
        assert!(baseline.advantages(&[]).is_empty());
        assert_eq!(baseline.advantages(&[1.0, 3.0]), [-1.0, 1.0]);
        // From 2: (2 + 1) / 2 = 1.5, then (1.5 + 3) / 2 = 2.25.
        assert_eq!(baseline.advantages(&[2.25]), [0.0]);
    }
}
