use std::collections::VecDeque;

use archwright_sdk::testing::{bundled_space, estimate, run, setup, space};

use super::*;

/// Two objectives that no architecture is best at: the sum of its indices, weighted, and the sum of their squares.
fn values(architecture: &Architecture) -> Vec<f64> {
    let Architecture::Point(values) = architecture else { panic!("a network") };
    let index = |value: &Value| if let Value::Index(index) = value { f64::from(*index) } else { 0.0 };
    let gain = values.iter().zip(1..).map(|(value, place)| index(value) * f64::from(place)).sum::<f64>() / 84.0;
    let price = values.iter().zip(1..).map(|(value, place)| index(value).powi(2) / f64::from(place)).sum::<f64>();
    vec![gain, price / 39.2]
}

/// Runs a search, told out of order: the youngest in flight first, every third time.
fn search(options: Options, seed: u64, queries: usize, in_flight: usize) -> (Nsga2, Vec<Vec<f64>>) {
    let space = bundled_space("nas-bench-201");
    let objectives = vec![
        Objective { name: "accuracy".into(), goal: Goal::Maximize },
        Objective { name: "latency".into(), goal: Goal::Minimize },
    ];
    let setup = Setup { objectives, ..setup(&space, seed) };
    let mut strategy = Nsga2::open(setup, options, space).unwrap();
    let (mut open, mut seen) = (VecDeque::new(), Vec::new());
    while seen.len() < queries {
        if open.len() < in_flight {
            let Reply::Queries(asked) = strategy.ask(in_flight - open.len()).unwrap() else { panic!("no queries") };
            assert_eq!(asked.len(), in_flight - open.len());
            open.extend(asked);
        }
        let query: Query = if seen.len() % 3 == 2 { open.pop_back() } else { open.pop_front() }.unwrap();
        let Subject::Architecture(architecture) = &query.subject else { panic!("a relaxation") };
        let objectives = values(architecture);
        seen.push(objectives.clone());
        let outcome = EstimateOutcome::Estimated(Estimate { objectives, ..estimate(0.0) });
        strategy.tell(&[Observation { query: query.id, outcome }]).unwrap();
    }
    (strategy, seen)
}

fn small() -> Options {
    Options { population_size: 20, ..Options::default() }
}

/// The area that is dominated, up to a gain of 0 and a price of 1.
fn hypervolume(seen: &[Vec<f64>]) -> f64 {
    let mut points: Vec<(f64, f64)> = seen.iter().map(|values| (values[0], values[1])).collect();
    points.sort_by(|left, right| left.1.total_cmp(&right.1));
    let (mut area, mut best) = (0.0, 0.0);
    for (gain, price) in points {
        if gain > best {
            area += (gain - best) * (1.0 - price);
            best = gain;
        }
    }
    area
}

#[test]
fn beats_random_search_at_two_objectives() {
    // By the area dominated after 200 queries, over 20 seeds: evolution wins in at least 17. Under equal chances that has a
    // probability of 0.0013.
    let wins = (0..20).filter(|seed| {
        let (_, evolved) = search(small(), *seed, 200, 4);
        let (_, random) = search(Options { population_size: 200, ..small() }, *seed + 1000, 200, 1);
        hypervolume(&evolved) > hypervolume(&random)
    });
    let wins = wins.count();
    assert!(wins >= 17, "{wins} of 20");
}

#[test]
fn beats_random_search_at_one_objective() {
    // The best of 150, over 20 seeds, as above; the best there is counts as a win for neither.
    let best = |population_size: u32, seed: u64| {
        let space = bundled_space("nas-bench-201");
        let options = Options { population_size, ..Options::default() };
        let mut strategy = Nsga2::open(setup(&space, seed), options, space).unwrap();
        let history = run(&mut strategy, 150, 3, |architecture| Some(values(architecture)[0]));
        history.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max)
    };
    let wins = (0..20).filter(|seed| best(20, *seed) > best(150, *seed + 1000)).count();
    assert!(wins >= 17, "{wins} of 20");
}

#[test]
fn recommends_the_first_front_best_first_objective_first() {
    for in_flight in [1, 7, 50] {
        let (mut strategy, _) = search(small(), 3, 170, in_flight);
        let front: Vec<Vec<f64>> = strategy.recommend().iter().map(values).collect();
        assert!(front.len() > 3, "{front:?}");
        for pair in front.windows(2) {
            // Not dominated: who is worse at the one is better at the other.
            assert!(pair[0][0] > pair[1][0] && pair[0][1] > pair[1][1] || pair[0] == pair[1], "{front:?}");
        }
    }
}

#[test]
fn children_descend_from_who_was_told_and_the_population_keeps_its_size() {
    let (strategy, _) = search(small(), 0, 131, 5);
    assert_eq!(strategy.parents.len(), 20);
    assert_eq!(strategy.children.len(), (131 - 20) % 20);
    let space = bundled_space("nas-bench-201");
    let mut strategy = Nsga2::open(setup(&space, 0), small(), space).unwrap();
    let history = run(&mut strategy, 60, 4, |architecture| Some(values(architecture)[0]));
    for (place, (query, _)) in history.iter().enumerate() {
        assert_eq!(query.parent.is_none(), place < 20);
        assert!(query.parent.is_none_or(|parent| (parent as usize) < place));
    }
}

#[test]
fn selection_keeps_whole_fronts_then_the_least_crowded() {
    let space = bundled_space("nas-bench-201");
    let options = Options { population_size: 3, ..Options::default() };
    let objectives = vec![
        Objective { name: "a".into(), goal: Goal::Minimize },
        Objective { name: "b".into(), goal: Goal::Minimize },
    ];
    let mut strategy = Nsga2::open(Setup { objectives, ..setup(&space, 0) }, options, space).unwrap();
    let Reply::Queries(asked) = strategy.ask(6).unwrap() else { panic!("no queries") };
    // The first front is the first four, of which 1 has less room than 2; the rest are dominated.
    let told = [[0.0, 10.0], [1.0, 8.0], [5.0, 4.0], [10.0, 0.0], [10.0, 10.0], [11.0, 11.0]];
    for (query, objectives) in asked.iter().zip(told) {
        let outcome = EstimateOutcome::Estimated(Estimate { objectives: objectives.to_vec(), ..estimate(0.0) });
        strategy.tell(&[Observation { query: query.id, outcome }]).unwrap();
    }
    let mut alive: Vec<u64> = strategy.parents.iter().map(|individual| individual.query).collect();
    alive.sort_unstable();
    assert_eq!(alive, [0, 2, 3]);
}

#[test]
fn goes_on_when_queries_fail_or_are_not_numbers() {
    for in_flight in [1, 30] {
        let space = bundled_space("nas-bench-201");
        let mut strategy = Nsga2::open(setup(&space, 0), small(), space.clone()).unwrap();
        assert_eq!(run(&mut strategy, 80, in_flight, |_| None).len(), 80);
        assert!(strategy.recommend().is_empty());
        let mut strategy = Nsga2::open(setup(&space, 0), small(), space).unwrap();
        let mut count = 0;
        let some = |_: &Architecture| {
            count += 1;
            [None, Some(f64::NAN), Some(f64::INFINITY), Some(0.5)][count % 4]
        };
        assert_eq!(run(&mut strategy, 200, in_flight, some).len(), 200);
        assert!(!strategy.recommend().is_empty());
    }
}

#[test]
fn a_space_of_one_point_is_searched() {
    let text = "name = \"one\"\nnetwork = \"network\"\n[module.network]\nkind = \"chain\"\n\
                layers = [\"global-avg-pool\", { op = \"linear\", features = \"classes\" }]\n";
    let space = space(text);
    let mut strategy = Nsga2::open(setup(&space, 0), small(), space).unwrap();
    assert_eq!(run(&mut strategy, 70, 3, |_| Some(0.5)).len(), 70);
    assert_eq!(strategy.recommend().len(), 1);
}

#[test]
fn the_seed_alone_decides() {
    assert_eq!(search(small(), 1, 90, 4).1, search(small(), 1, 90, 4).1);
    assert_ne!(search(small(), 1, 90, 4).1, search(small(), 2, 90, 4).1);
}
