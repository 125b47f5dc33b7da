//! Strategies find better architectures than random search on a real table: all 15,625 cells of NAS-Bench-201 with their
//! accuracy on CIFAR-10 (Dong & Yang 2020).
//!
//! The table is no part of the repository: `ARCHWRIGHT_NAS_BENCH_201` names a CSV file with the columns `architecture` (the
//! authors' strings) and `cifar10_test_accuracy` (in percent). Without it the test is skipped, and says so. It has no
//! cheaper fidelity, so strategies whose queries have one are not in the list.
//!
//! A strategy is one line of [`CASES`]. Each has 150 queries, one at a time, and 50 seeds; its statement is that the mean of the
//! best accuracies it found is larger than random search's, with p < 0.01.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use archwright_sdk::testing::{run, setup};
use archwright_sdk::{Architecture, Rng, Space, Strategy, Value, serde_json};
use archwright_space::genotype::Genotype;
use archwright_space::{Context, Definition, bundled};
use archwright_strategy_grid::Grid;
use archwright_strategy_local_search::LocalSearch;
use archwright_strategy_random::Random;
use archwright_strategy_regularized_evolution::RegularizedEvolution;
use archwright_strategy_tournament_evolution::TournamentEvolution;
use archwright_strategy_tree_parzen::TreeParzen;

/// The environment variable that names the table.
const TABLE: &str = "ARCHWRIGHT_NAS_BENCH_201";
const QUERIES: usize = 150;
const SEEDS: u64 = 50;
/// Largest probability of a difference of means as large by chance.
const LEVEL: f64 = 0.01;
/// Ways to divide the searches at random that the observed one is compared with.
const DIVISIONS: usize = 20_000;

/// A strategy with its options, as JSON, and what is stated of it.
struct Case {
    name: &'static str,
    options: &'static str,
    search: fn(&Table, &str, u64) -> f64,
    statement: Statement,
}

#[derive(Clone, Copy, PartialEq)]
enum Statement {
    /// It is better than random search.
    Better,
    /// Nothing: it is there to be compared with.
    Nothing,
}

/// What is compared. Populations are sized for the budget, where the papers' would never leave the random first one.
const CASES: &[Case] = &[
    better::<RegularizedEvolution>(r#"{ "population_size": 30, "sample_size": 10 }"#),
    better::<LocalSearch>("{}"),
    better::<TournamentEvolution>(r#"{ "population_size": 30 }"#),
    better::<TournamentEvolution>(r#"{ "population_size": 30, "tournament_share": 0.05, "death": "nobody" }"#),
    better::<TreeParzen>("{}"),
    better::<TreeParzen>(r#"{ "gamma": 0.15, "gamma_of": "number" }"#),
    nothing::<Grid>(r#"{ "shuffle": true }"#),
];

const fn better<S: Strategy>(options: &'static str) -> Case {
    Case { name: S::NAME, options, search: search::<S>, statement: Statement::Better }
}

const fn nothing<S: Strategy>(options: &'static str) -> Case {
    Case { name: S::NAME, options, search: search::<S>, statement: Statement::Nothing }
}

/// The table, by point.
struct Table {
    space: Space,
    accuracies: HashMap<Vec<u32>, f64>,
}

impl Table {
    fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{TABLE}: {path}: {error}"));
        // One cell for each stage: the same points, and smaller networks to tell isomorphic ones by.
        let source = bundled::source("nas-bench-201").unwrap();
        let small = source.replace("cells = 5 ", "cells = 1 ");
        assert_ne!(small, source);
        let definition = Arc::new(Definition::parse(&small).unwrap());
        let space = archwright_space::Space::new(definition, Context::full(vec![3, 32, 32], 10)).unwrap();
        let mut lines = text.lines();
        let columns: Vec<&str> = lines.next().expect("a header").split(',').collect();
        let place = |name: &str| {
            columns.iter().position(|column| *column == name).unwrap_or_else(|| panic!("{path} has no column `{name}`"))
        };
        let (architecture, accuracy) = (place("architecture"), place("cifar10_test_accuracy"));
        let mut accuracies = HashMap::new();
        for line in lines {
            let fields: Vec<&str> = line.split(',').collect();
            let point = Genotype::parse(fields[architecture]).unwrap().locate(&space).unwrap();
            accuracies.insert(key(&point), fields[accuracy].parse().unwrap());
        }
        assert_eq!(accuracies.len(), 15_625, "{path} does not have all architectures");
        Self { space: Space::new(Arc::new(space)), accuracies }
    }

    fn accuracy(&self, architecture: &Architecture) -> f64 {
        self.accuracies[&key(architecture)]
    }
}

fn key(architecture: &Architecture) -> Vec<u32> {
    let Architecture::Point(values) = architecture else { panic!("a network") };
    values.iter().map(|value| if let Value::Index(index) = value { *index } else { panic!("{value:?}") }).collect()
}

/// The best accuracy that a strategy finds.
fn search<S: Strategy>(table: &Table, options: &str, seed: u64) -> f64 {
    let options = serde_json::from_str(options).unwrap();
    let mut strategy = S::open(setup(&table.space, seed), options, table.space.clone()).unwrap();
    let history = run(&mut strategy, QUERIES, 1, |architecture| Some(table.accuracy(architecture)));
    assert_eq!(history.len(), QUERIES, "{} ended early", S::NAME);
    history.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max)
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Standard error of the mean.
fn error(numbers: &[f64]) -> f64 {
    let (mean, count) = (mean(numbers), numbers.len() as f64);
    (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / (count - 1.0) / count).sqrt()
}

/// One-sided permutation test: how probable it is that the mean of `left` exceeds that of `right` by as much, if who found what
/// were chance.
fn chance(left: &[f64], right: &[f64]) -> f64 {
    let mut all = [left, right].concat();
    let observed: f64 = left.iter().sum();
    let mut rng = Rng::new(0);
    let as_large = (0..DIVISIONS).filter(|_| {
        rng.shuffle(&mut all);
        // Sums in another order differ by rounding.
        all[..left.len()].iter().sum::<f64>() >= observed - 1e-9
    });
    (1 + as_large.count()) as f64 / (1 + DIVISIONS) as f64
}

/// A line that is seen without `--nocapture`, too, unlike those of `eprintln`.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

#[test]
fn strategies_beat_random_search_on_nas_bench_201() {
    let Ok(path) = std::env::var(TABLE) else {
        say(&format!("SKIPPED: strategies were not compared on NAS-Bench-201, as {TABLE} names no table"));
        return;
    };
    let table = Table::read(&path);
    let found = |case: &Case, first: u64| -> Vec<f64> {
        (first..first + SEEDS).map(|seed| (case.search)(&table, case.options, seed)).collect()
    };
    // Other seeds than the strategies', so that no pair of searches shares its first architectures.
    let random = found(&nothing::<Random>("{}"), 1_000);
    let best = table.accuracies.values().copied().fold(0.0, f64::max);
    say(&format!("random: {:.3} +- {:.3} of at most {best:.3}", mean(&random), error(&random)));
    let mut failed = Vec::new();
    for case in CASES {
        let accuracies = found(case, 0);
        let chance = chance(&accuracies, &random);
        let Case { name, options, .. } = case;
        say(&format!("{name} {options}: {:.3} +- {:.3}, p = {chance:.5}", mean(&accuracies), error(&accuracies)));
        if case.statement == Statement::Better && chance >= LEVEL {
            failed.push(format!("{name} {options}: p = {chance}"));
        }
    }
    assert!(failed.is_empty(), "no better than random search: {failed:#?}");
}

#[test]
fn chance_is_that_of_small_cases() {
    // Of the 6 ways to divide four numbers in pairs, one has a sum as large.
    let found = chance(&[3.0, 4.0], &[1.0, 2.0]);
    assert!((found - 1.0 / 6.0).abs() < 0.02, "{found}");
    assert_eq!(chance(&[1.0; 3], &[1.0; 3]), 1.0);
}
