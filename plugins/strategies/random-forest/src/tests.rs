use std::collections::HashSet;

use archwright_sdk::testing::{bundled_space, estimate, run, setup, space};

use super::*;

/// How many of the six edges carry the third operation or a later one, in pairs that matter together: not smooth.
fn value(architecture: &Architecture) -> f64 {
    let Architecture::Point(values) = architecture else { panic!("a network") };
    let index = |place: usize| if let Value::Index(index) = values[place] { f64::from(index) } else { 0.0 };
    let single: f64 = (0..6).map(|place| (index(place) - 3.0).powi(2) * (place + 1) as f64).sum();
    let pairs: f64 = (0..3).map(|place| (index(place) - index(5 - place)).abs()).sum();
    -(single + 3.0 * pairs)
}

fn search(options: Options, seed: u64, queries: usize, in_flight: usize) -> Vec<(Query, Option<f64>)> {
    let space = bundled_space("nas-bench-201");
    let mut strategy = RandomForest::open(setup(&space, seed), options, space).unwrap();
    run(&mut strategy, queries, in_flight, |architecture| Some(value(architecture)))
}

fn best(history: &[(Query, Option<f64>)]) -> f64 {
    history.iter().filter_map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max)
}

fn architecture(query: &Query) -> &Architecture {
    let Subject::Architecture(architecture) = &query.subject else { panic!("a relaxation") };
    architecture
}

#[test]
fn beats_random_search() {
    // The best of 120, over 20 seeds: it wins in at least 17. Under equal chances that has a probability of 0.0013.
    let wins = (0..20).filter(|seed| {
        let random = Options { initial: 200, ..Options::default() };
        best(&search(Options::default(), *seed, 120, 1)) > best(&search(random, *seed + 1000, 120, 1))
    });
    let wins = wins.count();
    assert!(wins >= 17, "{wins} of 20");
}

#[test]
fn every_other_architecture_is_random() {
    let history = search(Options::default(), 2, 50, 1);
    let random = history[10..].iter().filter(|(query, _)| query.parent.is_none()).count();
    assert!((20..=24).contains(&random), "{random} of 40");
    let guided = search(Options { random_every: 0, ..Options::default() }, 2, 50, 1);
    assert!(guided[10..].iter().filter(|(query, _)| query.parent.is_none()).count() < 10);
}

#[test]
fn minimizing_is_maximizing_the_negative() {
    let space = bundled_space("nas-bench-201");
    let objectives = vec![Objective { name: "error".into(), goal: Goal::Minimize }];
    let minimize = Setup { objectives, ..setup(&space, 5) };
    let mut strategy = RandomForest::open(minimize, Options::default(), space).unwrap();
    let minimized = run(&mut strategy, 40, 2, |architecture| Some(-value(architecture)));
    let maximized = search(Options::default(), 5, 40, 2);
    assert!(minimized.iter().zip(&maximized).all(|(left, right)| left.0 == right.0));
}

#[test]
fn asks_for_nothing_twice_and_for_mutants_after_the_first() {
    for in_flight in [1, 8, 30] {
        let history = search(Options::default(), 1, 60, in_flight);
        let seen: HashSet<String> = history.iter().map(|(query, _)| format!("{:?}", query.subject)).collect();
        assert_eq!(seen.len(), 60);
        assert!(history[..10].iter().all(|(query, _)| query.parent.is_none()));
        assert!(history.iter().filter(|(query, _)| query.parent.is_some()).count() >= 5);
    }
}

#[test]
fn told_late_and_out_of_order_it_goes_on() {
    let space = bundled_space("nas-bench-201");
    let mut strategy = RandomForest::open(setup(&space, 0), Options::default(), space).unwrap();
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
    assert!(strategy.history.observed().len() > 15);
}

#[test]
fn goes_on_when_everything_fails_or_is_alike() {
    let space = bundled_space("nas-bench-201");
    let mut strategy = RandomForest::open(setup(&space, 0), Options::default(), space.clone()).unwrap();
    assert_eq!(run(&mut strategy, 50, 4, |_| None).len(), 50);
    let mut strategy = RandomForest::open(setup(&space, 0), Options::default(), space).unwrap();
    assert_eq!(run(&mut strategy, 40, 4, |_| Some(0.5)).len(), 40);
}

#[test]
fn ends_once_every_architecture_was_asked_for() {
    let of = |choices: &str| {
        space(&format!(
            "name = \"small\"\nnetwork = \"network\"\n[module.network]\nkind = \"chain\"\nlayers = [{choices}\
             \"global-avg-pool\", {{ op = \"linear\", features = \"classes\" }}]\n"
        ))
    };
    let one = of("");
    let mut strategy = RandomForest::open(setup(&one, 0), Options::default(), one).unwrap();
    assert_eq!(run(&mut strategy, 20, 3, |_| Some(0.5)).len(), 1);
    let some = of("{ op = \"conv2d\", kernel = { choose = [1, 3, 5] }, channels = { choose = [4, 8, 12, 16, 20] } },");
    let mut strategy = RandomForest::open(setup(&some, 0), Options::default(), some).unwrap();
    assert_eq!(run(&mut strategy, 40, 3, |_| Some(0.5)).len(), 15);
}

#[test]
fn constraints_are_met() {
    let space = bundled_space("nas-bench-101");
    let mut strategy = RandomForest::open(setup(&space, 0), Options::default(), space.clone()).unwrap();
    let mut count = 0.0;
    let history = run(&mut strategy, 40, 2, |_| {
        count += 1.0;
        Some(count % 7.0)
    });
    assert!(history.iter().all(|(query, _)| space.admits(architecture(query))));
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
    assert_eq!(search(Options::default(), 1, 30, 2), search(Options::default(), 1, 30, 2));
    assert_ne!(search(Options::default(), 1, 30, 2), search(Options::default(), 2, 30, 2));
}
