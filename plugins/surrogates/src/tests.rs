use archwright_sdk::distributions::Normal;
use archwright_sdk::testing::{bundled_space, estimate, setup};
use archwright_sdk::{EstimateOutcome, Goal, Objective, Observation, Rng};

use super::*;

/// The integral over [-12, 12] of `f`, by Simpson's rule.
fn integral(f: impl Fn(f64) -> f64) -> f64 {
    let steps = 48_000;
    let width = 24.0 / f64::from(steps);
    let weight = |step: i32| if step == 0 || step == steps { 1.0 } else { f64::from(2 + 2 * (step % 2)) };
    (0..=steps).map(|step| weight(step) * f(-12.0 + f64::from(step) * width)).sum::<f64>() * width / 3.0
}

#[test]
fn expected_improvement_is_the_integral_of_improvements() {
    for (mean, deviation, best) in [(0.0, 1.0, 0.0), (1.0, 0.5, 0.3), (-2.0, 3.0, -1.0), (5.0, 2.0, 0.0)] {
        // In units of the deviation, so that a sum over 24 of them is all there is.
        let reference = integral(|at| (best - (mean + deviation * at)).max(0.0) * Normal::STANDARD.density(at));
        let found = expected_improvement(mean, deviation, best);
        assert!((found - reference).abs() < 1e-6, "{found}, not {reference}");
    }
}

#[test]
fn without_doubt_the_improvement_is_the_gain() {
    assert_eq!(expected_improvement(1.0, 0.0, 3.0), 2.0);
    assert_eq!(expected_improvement(3.0, 0.0, 1.0), 0.0);
    assert_eq!(expected_improvement(3.0, 1e-300, 1.0), 0.0);
    assert_eq!(expected_improvement(f64::NAN, 1.0, 0.0), 0.0);
    assert!(expected_improvement(50.0, 1.0, 0.0) >= 0.0);
}

/// A history in which these values were observed; `None` fails.
fn history(goal: Goal, values: &[Option<f64>]) -> History {
    let space = bundled_space("nas-bench-201");
    let mut history = History::new(&[Objective { name: "value".into(), goal }]);
    let queries: Vec<_> =
        (0..values.len()).map(|index| history.ask(space.sample(index as u64), None).unwrap()).collect();
    for (query, value) in queries.iter().zip(values).rev() {
        let outcome = match value {
            Some(value) => EstimateOutcome::Estimated(estimate(*value)),
            None => EstimateOutcome::Failed("as the test wants".into()),
        };
        let told = history.tell(&Observation { query: query.id, outcome }).unwrap();
        assert_eq!(told.is_some(), value.is_some_and(f64::is_finite));
    }
    assert_eq!(history.in_flight(), 0);
    history
}

#[test]
fn costs_are_small_where_values_are_good_and_failures_have_none() {
    let values = [Some(1.0), None, Some(3.0), Some(f64::NAN), Some(2.0)];
    let queries = |history: &History| -> Vec<u64> {
        history.best(10).into_iter().map(|index| history.observed()[index].query).collect()
    };
    assert_eq!(queries(&history(Goal::Maximize, &values)), [2, 4, 0]);
    assert_eq!(queries(&history(Goal::Minimize, &values)), [0, 4, 2]);
    let mut history = history(Goal::Minimize, &values);
    let unknown = Observation { query: 0, outcome: EstimateOutcome::Failed(String::new()) };
    assert!(history.tell(&unknown).is_err());
}

#[test]
fn standardized_costs_have_mean_0_and_variance_1() {
    let history = history(Goal::Minimize, &[Some(1e300), Some(-1e300), Some(3e299)]);
    let Standardized { costs, best } = history.standardized(&[0, 1, 2]);
    assert!(costs.iter().sum::<f64>().abs() < 1e-12);
    assert!((costs.iter().map(|cost| cost * cost).sum::<f64>() / 3.0 - 1.0).abs() < 1e-12);
    assert_eq!(best, costs[1]);
    assert_eq!(history.standardized(&[0]).costs, [0.0]);
    assert_eq!(history.standardized(&[]).best, f64::INFINITY);
}

#[test]
fn the_best_and_the_latest_are_kept() {
    // Told backwards: the index of value v is 9 - v.
    let values: Vec<_> = (0..10).map(|value| Some(f64::from(value))).collect();
    let history = history(Goal::Maximize, &values);
    assert_eq!(history.kept(10).len(), 10);
    assert_eq!(history.kept(4), [0, 1, 8, 9]);
    assert_eq!(history.kept(1), [0]);
}

#[test]
fn what_is_drawn_is_new_and_different() {
    let space = bundled_space("nas-bench-201");
    let mut history = History::new(&setup(&space, 0).objectives);
    let asked = space.sample(0);
    history.ask(asked.clone(), None).unwrap();
    let mut draws = Draws::new(&space, &history);
    assert!(!draws.take(&asked).unwrap());
    let mut rng = Rng::new(0);
    // The architecture has 24 mutants that are one decision away; then its neighbours come.
    let mutants = draws.mutants(std::slice::from_ref(&asked), 1, 100, 1, &mut rng).unwrap();
    assert_eq!(mutants.len(), 24);
    let both = [asked, space.sample(1)];
    let more = draws.mutants(&both, 1, 10, 1, &mut rng).unwrap();
    assert!(more.len() == 10 && more.iter().all(|(_, parent)| *parent == 1));
    assert!(draws.mutants(&[], 1, 10, 1, &mut rng).unwrap().is_empty());
    assert_eq!(draws.randoms(50, &mut rng).unwrap().len(), 50);
    let one = draws.random(&mut rng).unwrap().unwrap();
    assert!(!draws.take(&one).unwrap());
}
