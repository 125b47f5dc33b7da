use archwright_sdk::testing::{bundled_space, run, setup};
use archwright_surrogates::testing::{self, architecture, best, search};

use super::*;

fn opened(options: Options) -> impl Fn(Setup, Space) -> RandomForest {
    move |setup, space| RandomForest::open(setup, options.clone(), space).unwrap()
}

#[test]
fn beats_random_search() {
    // The best of 120), over 20 seeds: it wins in at least 17. Under equal chances that has a probability of 0.0013.
    let wins = (0..20).filter(|seed| {
        let random = Options { initial: 200, ..Options::default() };
        best(&search(opened(Options::default()), *seed, 120, 1)) > best(&search(opened(random), *seed + 1000, 120, 1))
    });
    let wins = wins.count();
    assert!(wins >= 17, "{wins} of 20");
}

#[test]
fn every_other_architecture_is_random() {
    let history = search(opened(Options::default()), 2, 50, 1);
    let random = history[10..].iter().filter(|(query, _)| query.parent.is_none()).count();
    assert!((20..=24).contains(&random), "{random} of 40");
    let guided = search(opened(Options { random_every: 0, ..Options::default() }), 2, 50, 1);
    assert!(guided[10..].iter().filter(|(query, _)| query.parent.is_none()).count() < 10);
}

#[test]
fn minimizing_is_maximizing_the_negative() {
    testing::minimizes_as_it_maximizes(opened(Options::default()));
}

#[test]
fn asks_for_nothing_twice_and_for_mutants_after_the_first() {
    testing::asks_for_nothing_twice(opened(Options::default()), 5);
}

#[test]
fn told_late_and_out_of_order_it_goes_on() {
    let strategy = testing::is_told_late(opened(Options::default()));
    assert!(strategy.history.observed().len() > 15);
}

#[test]
fn goes_on_when_everything_fails_or_is_alike() {
    testing::goes_on_without_differences(opened(Options::default()));
}

#[test]
fn ends_once_every_architecture_was_asked_for() {
    testing::ends_with_the_space(opened(Options::default()));
}

#[test]
fn constraints_are_met() {
    testing::meets_constraints(opened(Options::default()));
}

#[test]
fn any_sort_of_decision_will_do() {
    for name in ["residual", "chain", "darts"] {
        let space = bundled_space(name);
        let mut strategy = RandomForest::open(setup(&space, 0), Options::default(), space.clone()).unwrap();
        let history = run(&mut strategy, 25, 2, |architecture| Some(format!("{architecture:?}").len() as f64));
        assert!(history.iter().all(|(query, _)| space.admits(architecture(query))));
    }
}

#[test]
fn the_seed_alone_decides() {
    assert_eq!(search(opened(Options::default()), 1, 30, 2), search(opened(Options::default()), 1, 30, 2));
    assert_ne!(search(opened(Options::default()), 1, 30, 2), search(opened(Options::default()), 2, 30, 2));
}
