use archwright_rungs::testing::{ONE_POINT, Run, best, best_of_random, point, run, small_space, value};
use archwright_sdk::testing::{bundled_space, setup, space};

use super::*;

/// What the brackets of R = 81 and eta = 3 cost.
const ROUND: f64 = 21.0;

fn open(space: &Space, options: Options, seed: u64) -> Bohb {
    Bohb::open(setup(space, seed), options, space.clone()).unwrap()
}

fn search(options: Options, seed: u64, budget: f64, in_flight: usize) -> Vec<Run> {
    run(&mut open(&small_space(), options, seed), budget, in_flight, None, |query| Some(value(query, 0.1)))
}

#[test]
fn brackets_are_those_of_hyperband() {
    let history = search(Options::default(), 0, ROUND - 1e-6, 1);
    let mut resources: Vec<u32> = history.iter().map(|run| (run.query.fidelity * 81.0).round() as u32).collect();
    assert_eq!(resources.len(), 187);
    resources.dedup();
    assert_eq!(resources, [1, 3, 9, 27, 81, 3, 9, 27, 81, 9, 27, 81, 27, 81]);
}

#[test]
fn the_model_draws_better_architectures_than_chance() {
    let new = |history: &[Run]| {
        let new: Vec<f64> = history
            .iter()
            .skip(187)
            .filter(|run| run.query.parent.is_none())
            .map(|run| value(&Query { fidelity: 1.0, ..run.query.clone() }, 0.0))
            .collect();
        new.iter().sum::<f64>() / new.len() as f64
    };
    let modelled = new(&search(Options::default(), 1, 3.0 * ROUND, 1));
    let random = new(&search(Options { random_fraction: 1.0, ..Options::default() }, 1, 3.0 * ROUND, 1));
    // Some 170 architectures each, of values with a standard deviation of 0.14: 0.06 is four standard deviations of the
    // difference. A third of the modelled ones is random.
    assert!(modelled > random + 0.06, "{modelled} {random}");
}

#[test]
fn beats_random_search_at_equal_cost() {
    // Two rounds against as many random architectures in full: 29 wins of 40 have a probability of 0.003 under equal chances.
    for in_flight in [1, 8] {
        let wins = (0..40).filter(|seed| {
            let history = search(Options::default(), *seed, 2.0 * ROUND - 1.0 - 1e-6, in_flight);
            let cost: f64 = history.iter().map(|run| run.query.fidelity).sum();
            value(best(&history), 0.0) > best_of_random(&small_space(), cost.ceil() as usize, 1_000 + seed)
        });
        let wins = wins.count();
        assert!(wins >= 29, "{wins} of 40 with {in_flight} in flight");
    }
}

#[test]
fn beats_hyperband_where_there_is_time_to_learn() {
    // Three rounds each, of which Hyperband's are BOHB's without a model: 27 wins of 40, draws counted as losses, have a
    // probability of 0.019 under equal chances.
    let found = |random_fraction: f64, seed: u64| {
        let history = search(Options { random_fraction, ..Options::default() }, seed, 3.0 * ROUND - 1e-6, 1);
        value(best(&history), 0.0)
    };
    let wins = (0..40).filter(|seed| found(1.0 / 3.0, *seed) > found(1.0, 1_000 + seed)).count();
    assert!(wins >= 27, "{wins} of 40");
}

#[test]
fn numbers_are_drawn_where_they_are_good() {
    let numbers = space(
        r#"
        name = "numbers"
        network = "network"
        [module.network]
        kind = "chain"
        layers = [
            { op = "conv2d", kernel = 1, channels = { integer = [1, 1000], log = true } },
            "global-avg-pool",
            { op = "linear", features = "classes" },
        ]
        [recipe]
        learning_rate = { real = [1e-4, 1.0], log = true }
        weight_decay = { real = [1e-6, 1e-2], log = true }
        momentum = { real = [0.0, 0.99] }
        "#,
    );
    let axes: Vec<Axis> = setup(&numbers, 0).decisions.iter().map(|decision| Axis::new(&decision.domain)).collect();
    let value = |query: &Query| {
        let distance = |(axis, value): (&Axis, &Value)| (axis.coordinate(*value).unwrap() - 0.3).powi(2);
        let sum: f64 = axes.iter().zip(point(query)).map(distance).sum();
        // Little training shifts the optimum.
        -sum - 0.1 * (1.0 - query.fidelity) * axes[0].coordinate(point(query)[0]).unwrap()
    };
    let new = |random_fraction: f64, seed: u64| {
        let mut bohb = open(&numbers, Options { random_fraction, ..Options::default() }, seed);
        let history = run(&mut bohb, ROUND - 1e-6, 1, None, |query| Some(value(query)));
        let new = history.iter().filter(|run| run.query.parent.is_none());
        let values: Vec<f64> = new.map(|run| value(&Query { fidelity: 1.0, ..run.query.clone() })).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    // All of 20 have a probability of 1e-6 under equal chances.
    assert!((0..20).all(|seed| new(1.0 / 3.0, seed) > new(1.0, 1_000 + seed)));
}

#[test]
fn conditions_and_numbers_are_drawn_as_points() {
    for name in ["chain", "nas-bench-201-joint"] {
        let space = bundled_space(name);
        let mut bohb = open(&space, Options { max_resource: 9, ..Options::default() }, 0);
        let history = run(&mut bohb, 30.0, 3, None, |query| Some(-(point(query).len() as f64) / (query.id + 1) as f64));
        assert!(history.iter().all(|run| space.admits(&Architecture::Point(point(&run.query).to_vec()))), "{name}");
        assert!(history.len() > 50, "{name}");
    }
}

#[test]
fn goes_on_after_failures_in_any_order() {
    let space = small_space();
    for rate in [1, 3] {
        let mut order = Rng::new(1);
        let mut bohb = open(&space, Options::default(), 0);
        let history =
            run(&mut bohb, 10.0, 7, Some(&mut order), |query| (query.id % rate != 0).then(|| value(query, 0.1)));
        assert!(history.len() > 50, "{}", history.len());
    }
    let one = space_of_one();
    assert!(run(&mut open(&one, Options::default(), 0), 30.0, 3, None, |_| Some(0.5)).len() > 187);
}

fn space_of_one() -> Space {
    space(ONE_POINT)
}

#[test]
fn the_seed_alone_decides_and_options_are_checked() {
    let asked =
        |seed| -> Vec<Query> { search(Options::default(), seed, 25.0, 3).into_iter().map(|run| run.query).collect() };
    assert_eq!(asked(1), asked(1));
    assert_ne!(asked(1), asked(2));
    let space = small_space();
    for options in [
        Options { samples: 0, ..Options::default() },
        Options { random_fraction: f64::NAN, ..Options::default() },
        Options { top_n_percent: 100, ..Options::default() },
        Options { eta: 1, ..Options::default() },
    ] {
        assert!(Bohb::open(setup(&space, 0), options, space.clone()).is_err());
    }
}
