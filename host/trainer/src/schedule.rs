//! How the learning rate goes.

use std::f64::consts::PI;

use archwright_protocol::{Recipe, Schedule};

/// The learning rate at `progress` epochs (fractions included) of `epochs`.
pub(crate) fn learning_rate(recipe: &Recipe, progress: f64, epochs: u32) -> f64 {
    let peak = recipe.learning_rate;
    let warmup = recipe.warmup_epochs.min(f64::from(epochs));
    if progress < warmup {
        return peak * progress / warmup;
    }
    match recipe.schedule {
        Schedule::Constant => peak,
        Schedule::Cosine => {
            let rest = f64::from(epochs) - warmup;
            let done = if rest > 0.0 { (progress - warmup) / rest } else { 1.0 };
            let end = recipe.final_learning_rate;
            end + (peak - end) * (1.0 + (PI * done).cos()) / 2.0
        }
        Schedule::Step => {
            let falls = (progress / f64::from(recipe.step_epochs)).floor();
            peak * recipe.step_factor.powf(falls)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(recipe: &Recipe, progress: f64) -> f64 {
        (learning_rate(recipe, progress, 10) * 1e6).round() / 1e6
    }

    #[test]
    fn cosine_falls_from_the_peak_to_the_end() {
        let recipe = Recipe { learning_rate: 0.1, final_learning_rate: 0.02, ..Recipe::default() };
        assert_eq!([0.0, 5.0, 10.0].map(|progress| at(&recipe, progress)), [0.1, 0.06, 0.02]);
    }

    #[test]
    fn warm_up_rises_linearly_and_the_rest_falls_from_its_end() {
        let recipe = Recipe { learning_rate: 0.1, warmup_epochs: 2.0, ..Recipe::default() };
        assert_eq!([0.0, 1.0, 2.0, 6.0].map(|progress| at(&recipe, progress)), [0.0, 0.05, 0.1, 0.05]);
    }

    #[test]
    fn steps_fall_by_the_factor() {
        let recipe = Recipe {
            learning_rate: 0.1,
            schedule: Schedule::Step,
            step_epochs: 3,
            step_factor: 0.5,
            ..Recipe::default()
        };
        assert_eq!([0.0, 2.9, 3.0, 6.5].map(|progress| at(&recipe, progress)), [0.1, 0.1, 0.05, 0.025]);
    }
}
