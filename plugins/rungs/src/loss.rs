use archwright_sdk::{EstimateOutcome, Goal};

/// The first objective as a loss: smaller is better. Infinite where the query failed or its value is not finite.
pub fn loss(outcome: &EstimateOutcome, goal: Goal) -> f64 {
    let value = match outcome {
        EstimateOutcome::Estimated(estimate) => estimate.objectives.first().copied(),
        EstimateOutcome::Failed(_) => None,
    };
    match (value.filter(|value| value.is_finite()), goal) {
        (None, _) => f64::INFINITY,
        (Some(value), Goal::Minimize) => value,
        (Some(value), Goal::Maximize) => -value,
    }
}

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::estimate;

    use super::*;

    #[test]
    fn what_has_no_value_is_worst() {
        let of = |value, goal| loss(&EstimateOutcome::Estimated(estimate(value)), goal);
        assert_eq!((of(0.5, Goal::Minimize), of(0.5, Goal::Maximize)), (0.5, -0.5));
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!([Goal::Minimize, Goal::Maximize].map(|goal| of(value, goal)), [f64::INFINITY; 2]);
        }
        assert_eq!(loss(&EstimateOutcome::Failed(String::new()), Goal::Minimize), f64::INFINITY);
    }
}
