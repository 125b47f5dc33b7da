use archwright_sdk::testing::{bundled_space, run, setup};
use archwright_surrogates::testing::{self, best, search, value};

use super::*;

fn quick() -> Options {
    Options { epochs: 60, ..Options::default() }
}

fn opened(options: Options) -> impl Fn(Setup, Space) -> Bananas {
    move |setup, space| Bananas::open(setup, options.clone(), space).unwrap()
}

#[test]
fn beats_random_search() {
    // The best of 60), over 20 seeds: it wins in at least 17. Under equal chances that has a probability of 0.0013.
    let wins = (0..20).filter(|seed| {
        let random = Options { initial: 100, ..quick() };
        best(&search(opened(quick()), *seed, 60, 1)) > best(&search(opened(random), *seed + 1000, 60, 1))
    });
    let wins = wins.count();
    assert!(wins >= 17, "{wins} of 20");
}

#[test]
fn an_ensemble_ranks_what_it_has_not_seen() {
    for seed in 0..5 {
        let space = bundled_space("nas-bench-201");
        let options = Options { initial: 1_000, ..Options::default() };
        let mut strategy = Bananas::open(setup(&space, seed), options, space.clone()).unwrap();
        run(&mut strategy, 80, 1, |architecture| Some(value(architecture)));
        let fresh: Vec<Architecture> = (0..200).map(|seed| space.sample(10_000 + seed)).collect();
        let row = |one: &Architecture| features::features(one, strategy.encoding, &space).unwrap();
        let rows: Vec<network::Features> = fresh.iter().map(row).collect();
        let predictions = strategy.predict(&rows);
        let predicted: Vec<f64> = (0..200).map(|one| predictions.iter().map(|costs| costs[one]).sum()).collect();
        let costs: Vec<f64> = fresh.iter().map(|one| -value(one)).collect();
        // Pairs in the right order: half of them by chance, with a standard deviation of 0.024 over 200 architectures.
        let pairs = (0..200).flat_map(|left| (0..left).map(move |right| (left, right)));
        let agree =
            pairs.filter(|(left, right)| (predicted[*left] < predicted[*right]) == (costs[*left] < costs[*right]));
        let share = agree.count() as f64 / 19_900.0;
        assert!(share > 0.58, "{share}, seed {seed}");
    }
}

#[test]
fn minimizing_is_maximizing_the_negative() {
    testing::minimizes_as_it_maximizes(opened(quick()));
}

#[test]
fn asks_for_nothing_twice_and_for_mutants_after_the_first() {
    testing::asks_for_nothing_twice(opened(quick()), 20);
}

#[test]
fn told_late_and_out_of_order_it_goes_on() {
    let strategy = testing::is_told_late(opened(quick()));
    assert!(strategy.history.observed().len() > 15);
}

#[test]
fn goes_on_when_everything_fails_or_is_alike() {
    testing::goes_on_without_differences(opened(quick()));
}

#[test]
fn ends_once_every_architecture_was_asked_for() {
    testing::ends_with_the_space(opened(quick()));
}

#[test]
fn constraints_are_met() {
    testing::meets_constraints(opened(quick()));
}

#[test]
fn a_bound_is_the_objective_s() {
    let scaled = |goal: Goal, values: [f64; 3], bound: Option<f64>| {
        let space = bundled_space("nas-bench-201");
        let objectives = vec![Objective { name: "value".into(), goal }];
        let options = Options { bound, ..quick() };
        let mut strategy = Bananas::open(Setup { objectives, ..setup(&space, 0) }, options, space).unwrap();
        let mut values = values.into_iter();
        run(&mut strategy, 3, 1, |_| values.next());
        strategy.scaled(&[0, 1, 2])
    };
    let near = |found: Vec<f64>, wanted: [f64; 3]| {
        assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-9), "{found:?}");
    };
    near(scaled(Goal::Maximize, [0.9, 0.8, 0.6], Some(1.0)), [0.5, 1.0, 2.0]);
    near(scaled(Goal::Minimize, [0.1, 0.2, 0.4], Some(0.0)), [0.5, 1.0, 2.0]);
    near(scaled(Goal::Minimize, [0.0, 1.0, 2.1], None), [1.0 / 11.0, 1.0, 2.0]);
    // A bound that was passed is moved.
    assert!(scaled(Goal::Minimize, [0.1, 0.2, 0.4], Some(0.15))[0] > 0.0);
}

#[test]
fn the_seed_alone_decides() {
    assert_eq!(search(opened(quick()), 1, 30, 2), search(opened(quick()), 1, 30, 2));
    assert_ne!(search(opened(quick()), 1, 30, 2), search(opened(quick()), 2, 30, 2));
}
