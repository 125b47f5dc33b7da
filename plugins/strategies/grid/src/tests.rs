use std::collections::HashSet;

use archwright_sdk::Condition;
use archwright_sdk::encoding::is_active;
use archwright_sdk::testing::{bundled_space, run, setup, space};

use super::*;

fn open(space: &Space, options: Options, seed: u64) -> Grid {
    Grid::open(setup(space, seed), options, space.clone()).unwrap()
}

fn search(space: &Space, options: Options, seed: u64, queries: usize) -> Vec<Architecture> {
    run(&mut open(space, options, seed), queries, 3, |_| Some(0.5))
        .into_iter()
        .map(|(query, _)| match query.subject {
            Subject::Architecture(architecture) => architecture,
            Subject::Relaxation(_) => panic!("a relaxation"),
        })
        .collect()
}

fn texts(architectures: &[Architecture]) -> HashSet<String> {
    architectures.iter().map(|architecture| format!("{architecture:?}")).collect()
}

fn shuffled() -> Options {
    Options { shuffle: true, ..Options::default() }
}

#[test]
fn every_point_comes_once_in_either_order() {
    let space = bundled_space("nas-bench-201");
    let all = search(&space, Options::default(), 0, 20_000);
    assert_eq!((all.len(), texts(&all).len()), (15_625, 15_625));
    let spread = search(&space, shuffled(), 0, 20_000);
    assert_eq!(texts(&all), texts(&spread));
    assert_ne!(all, spread);
}

/// All points of a grid by brute force.
fn brute(decisions: &[Decision], axes: &[Axis], values: &mut Vec<Value>, all: &mut Vec<Vec<Value>>) {
    let index = values.len();
    if index == decisions.len() {
        all.push(values.clone());
        return;
    }
    let choices = if is_active(decisions, index, values) {
        (0..axes[index].len()).map(|number| axes[index].value(number)).collect()
    } else {
        vec![Value::Inactive]
    };
    for value in choices {
        values.push(value);
        brute(decisions, axes, values, all);
        values.pop();
    }
}

#[test]
fn conditions_are_honoured() {
    let mut rng = Rng::new(5);
    for _ in 0..100 {
        let mut decisions: Vec<Decision> = Vec::new();
        for index in 0..5 {
            let domain = match rng.below(4) {
                0 => Domain::Categorical(["a", "b", "c"].map(String::from).to_vec()),
                1 => Domain::Ordinal(vec![1.0, 4.0]),
                2 => Domain::Integer { low: -1, high: 2, log_scale: false },
                _ => Domain::Integer { low: 1, high: 1_000, log_scale: true },
            };
            let earlier = rng.below(index + 1);
            let active_when = if earlier < index {
                vec![Condition { decision: earlier, any_of: vec![rng.below(2) as u32, 1] }]
            } else {
                Vec::new()
            };
            decisions.push(Decision { name: format!("x{index}"), domain, active_when });
        }
        let axes: Vec<Axis> = decisions.iter().map(|decision| Axis::new(decision, 3)).collect();
        let mut all = Vec::new();
        brute(&decisions, &axes, &mut Vec::new(), &mut all);
        let mut odometer = Odometer::new(&decisions, &axes);
        let in_order: Vec<_> = std::iter::from_fn(|| odometer.next(&decisions, &axes)).collect();
        assert_eq!(in_order, all);
        let ranks = Ranks::new(&decisions, &axes).unwrap();
        assert_eq!(ranks.len(), all.len() as u128);
        let text = |point: &Vec<Value>| format!("{point:?}");
        let ranked: HashSet<String> = (0..ranks.len()).map(|number| text(&ranks.point(number, &axes))).collect();
        assert_eq!(ranked, all.iter().map(text).collect());
    }
}

#[test]
fn constraints_and_conditions_of_bundled_spaces_are_met() {
    for (name, options) in [("chain", Options::default()), ("chain", shuffled()), ("nas-bench-101", Options::default())]
    {
        let space = bundled_space(name);
        let asked = search(&space, options, 1, 300);
        assert_eq!(texts(&asked).len(), 300, "{name}");
        assert!(asked.iter().all(|architecture| space.admits(architecture)), "{name}");
    }
}

#[test]
fn a_space_too_large_to_list_is_begun() {
    for name in ["darts", "proxylessnas"] {
        let space = bundled_space(name);
        for options in [Options::default(), shuffled()] {
            assert_eq!(texts(&search(&space, options, 0, 50)).len(), 50, "{name}");
        }
    }
}

#[test]
fn the_seed_decides_the_shuffle_alone() {
    let space = bundled_space("nas-bench-201");
    assert_eq!(search(&space, shuffled(), 1, 20), search(&space, shuffled(), 1, 20));
    assert_ne!(search(&space, shuffled(), 1, 20), search(&space, shuffled(), 2, 20));
    assert_eq!(search(&space, Options::default(), 1, 20), search(&space, Options::default(), 2, 20));
}

#[test]
fn a_space_of_one_point_is_finished_after_it() {
    let one = space(ONE);
    for options in [Options::default(), shuffled()] {
        let mut grid = open(&one, options, 0);
        assert!(matches!(grid.ask(5).unwrap(), Reply::Queries(queries) if queries.len() == 1));
        assert_eq!(grid.ask(5).unwrap(), Reply::Finished);
    }
}

/// A space without a choice.
const ONE: &str = r#"
    name = "one"
    network = "network"
    [module.network]
    kind = "chain"
    layers = ["global-avg-pool", { op = "linear", features = "classes" }]
"#;
