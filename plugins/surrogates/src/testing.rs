//! What every strategy of this kind has to do, tried natively on problems whose answers are known. `open` opens one, quick enough
//! for a test.
//!
//! All panic where the strategy does not.

#![expect(clippy::panic, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::HashSet;

use archwright_sdk::testing::{bundled_space, estimate, run, setup, space};
use archwright_sdk::{
    Architecture, EstimateOutcome, Goal, Objective, Observation, Query, Reply, Setup, Space, Strategy, Subject, Value,
};

/// How good a cell of NAS-Bench-201 is: how many of its six edges carry the third operation or a later one, in pairs that
/// matter together. Not smooth.
pub fn value(architecture: &Architecture) -> f64 {
    let Architecture::Point(values) = architecture else { panic!("a network") };
    let index = |place: usize| if let Value::Index(index) = values[place] { f64::from(index) } else { 0.0 };
    let single: f64 = (0..6).map(|place| (index(place) - 3.0).powi(2) * (place + 1) as f64).sum();
    let pairs: f64 = (0..3).map(|place| (index(place) - index(5 - place)).abs()).sum();
    -(single + 3.0 * pairs)
}

/// A search for the best cell.
pub fn search<S: Strategy>(
    open: impl Fn(Setup, Space) -> S,
    seed: u64,
    queries: usize,
    in_flight: usize,
) -> Vec<(Query, Option<f64>)> {
    let space = bundled_space("nas-bench-201");
    run(&mut open(setup(&space, seed), space), queries, in_flight, |architecture| Some(value(architecture)))
}

/// The best value that was told.
pub fn best(history: &[(Query, Option<f64>)]) -> f64 {
    history.iter().filter_map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max)
}

/// The architecture that a query is about.
pub fn architecture(query: &Query) -> &Architecture {
    let Subject::Architecture(architecture) = &query.subject else { panic!("a relaxation") };
    architecture
}

/// Minimizing an objective asks for the same as maximizing its negative.
pub fn minimizes_as_it_maximizes<S: Strategy>(open: impl Fn(Setup, Space) -> S) {
    let space = bundled_space("nas-bench-201");
    let objectives = vec![Objective { name: "error".into(), goal: Goal::Minimize }];
    let minimize = Setup { objectives, ..setup(&space, 5) };
    let minimized = run(&mut open(minimize, space), 40, 2, |architecture| Some(-value(architecture)));
    let maximized = search(open, 5, 40, 2);
    assert!(minimized.iter().zip(&maximized).all(|(left, right)| left.0 == right.0));
}

/// Nothing is asked for twice; the first ten are random, and at least so many of sixty are mutants.
pub fn asks_for_nothing_twice<S: Strategy>(open: impl Fn(Setup, Space) -> S, mutants: usize) {
    for in_flight in [1, 8, 30] {
        let history = search(&open, 1, 60, in_flight);
        let seen: HashSet<String> = history.iter().map(|(query, _)| format!("{:?}", query.subject)).collect();
        assert_eq!(seen.len(), 60);
        assert!(history[..10].iter().all(|(query, _)| query.parent.is_none()));
        assert!(history.iter().filter(|(query, _)| query.parent.is_some()).count() >= mutants);
    }
}

/// It goes on when it is told late, out of order, of failures and of NaNs; gives it.
pub fn is_told_late<S: Strategy>(open: impl Fn(Setup, Space) -> S) -> S {
    let space = bundled_space("nas-bench-201");
    let mut strategy = open(setup(&space, 0), space);
    let mut open = Vec::new();
    for round in 0..6 {
        let Reply::Queries(asked) = strategy.ask(7).unwrap() else { panic!("no queries") };
        assert_eq!(asked.len(), 7);
        open.extend(asked);
        // The youngest first; the oldest three stay open to the end.
        while open.len() > 3 {
            let query: Query = open.pop().unwrap();
            let outcome = match (query.id + round) % 5 {
                0 => EstimateOutcome::Failed("as the test wants".into()),
                1 => EstimateOutcome::Estimated(estimate(f64::NAN)),
                _ => EstimateOutcome::Estimated(estimate(value(architecture(&query)))),
            };
            strategy.tell(&[Observation { query: query.id, outcome }]).unwrap();
        }
    }
    strategy
}

/// It goes on when everything fails, and when all values are alike.
pub fn goes_on_without_differences<S: Strategy>(open: impl Fn(Setup, Space) -> S) {
    let space = bundled_space("nas-bench-201");
    let fresh = || open(setup(&space, 0), space.clone());
    assert_eq!(run(&mut fresh(), 50, 4, |_| None).len(), 50);
    assert_eq!(run(&mut fresh(), 40, 4, |_| Some(0.5)).len(), 40);
}

/// It ends once every architecture of a small space was asked for.
pub fn ends_with_the_space<S: Strategy>(open: impl Fn(Setup, Space) -> S) {
    let of = |choices: &str| {
        space(&format!(
            "name = \"small\"\nnetwork = \"network\"\n[module.network]\nkind = \"chain\"\nlayers = [{choices}\
             \"global-avg-pool\", {{ op = \"linear\", features = \"classes\" }}]\n"
        ))
    };
    let one = of("");
    assert_eq!(run(&mut open(setup(&one, 0), one), 20, 3, |_| Some(0.5)).len(), 1);
    let some = of("{ op = \"conv2d\", kernel = { choose = [1, 3, 5] }, channels = { choose = [4, 8, 12, 16, 20] } },");
    assert_eq!(run(&mut open(setup(&some, 0), some), 40, 3, |_| Some(0.5)).len(), 15);
}

/// All that it asks for meets the space's constraints.
pub fn meets_constraints<S: Strategy>(open: impl Fn(Setup, Space) -> S) {
    let space = bundled_space("nas-bench-101");
    let mut count = 0.0;
    let history = run(&mut open(setup(&space, 0), space.clone()), 40, 2, |_| {
        count += 1.0;
        Some(count % 7.0)
    });
    assert!(history.iter().all(|(query, _)| space.admits(architecture(query))));
}
