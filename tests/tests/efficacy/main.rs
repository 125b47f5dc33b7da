//! Strategies find better architectures than random search on a real table: all 15,625 cells of NAS-Bench-201 with their
//! accuracy on CIFAR-10 (Dong & Yang 2020).
//!
//! The table is no part of the repository: `ARCHWRIGHT_NAS_BENCH_201` names a CSV file with the columns `architecture` (the
//! authors' strings) and `cifar10_test_accuracy` (in percent). Without it that test is skipped, and says so. The same is tried
//! always on a made-up table of the same cells, with fewer seeds.
//!
//! A strategy is one line of [`CASES`]; its statement is that the mean over seeds of what it comes to is larger than random
//! search's, with p < 0.01. What it comes to is a [`Measure`]: the best accuracy of 150 queries, one at a time; for a strategy
//! of several objectives, the hypervolume of accuracy and parameters; for one whose queries have fidelities, the best accuracy
//! of what it trained in full, where all of its trainings cost no more than 63 full ones, which is what random search spends
//! on 63. What cheaper trainings show is made up: see [`table`].

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod search;
mod statistics;
mod table;

use std::collections::BTreeMap;
use std::ops::Range;

use archwright_sdk::Strategy;
use archwright_strategy_asha::Asha;
use archwright_strategy_bananas::Bananas;
use archwright_strategy_bohb::Bohb;
use archwright_strategy_gaussian_process::GaussianProcess;
use archwright_strategy_grid::Grid;
use archwright_strategy_hyperband::Hyperband;
use archwright_strategy_local_search::LocalSearch;
use archwright_strategy_nsga2::Nsga2;
use archwright_strategy_random::Random;
use archwright_strategy_random_forest::RandomForest;
use archwright_strategy_regularized_evolution::RegularizedEvolution;
use archwright_strategy_successive_halving::SuccessiveHalving;
use archwright_strategy_tournament_evolution::TournamentEvolution;
use archwright_strategy_tree_parzen::TreeParzen;
use archwright_tests::say;

use crate::search::{Measure, search};
use crate::statistics::{chance, error, kendall, mean};
use crate::table::{Table, tau};

/// The environment variable that names the table.
const TABLE: &str = "ARCHWRIGHT_NAS_BENCH_201";
/// How many seeds there are of each strategy, and of those that take the most time.
struct Seeds {
    all: u64,
    slow: u64,
}

/// On the real table, and on the made-up one.
const SEEDS: Seeds = Seeds { all: 50, slow: 30 };
const FEW_SEEDS: Seeds = Seeds { all: 20, slow: 8 };
/// First seed of random search: other ones than the strategies', so that no pair of searches shares its first architectures.
const RANDOM_SEEDS: u64 = 1_000;
/// Largest probability of a difference of means as large by chance.
const LEVEL: f64 = 0.01;

/// A strategy with its options, as JSON, and what is stated of it.
struct Case {
    name: &'static str,
    options: &'static str,
    measure: Measure,
    search: fn(&Table, Measure, &str, u64) -> f64,
    statement: Statement,
    is_slow: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Statement {
    /// It is better than random search.
    Better,
    /// Nothing: it is there to be compared with.
    Nothing,
}

/// What is compared. Populations are sized for the budget, where the papers' would never leave the random first one; all other
/// options are the defaults, which are the papers'.
const CASES: &[Case] = &[
    better::<RegularizedEvolution>(Measure::Best, r#"{ "population_size": 30, "sample_size": 10 }"#),
    better::<LocalSearch>(Measure::Best, "{}"),
    better::<TournamentEvolution>(Measure::Best, r#"{ "population_size": 30 }"#),
    better::<TournamentEvolution>(
        Measure::Best,
        r#"{ "population_size": 30, "tournament_share": 0.05, "death": "nobody" }"#,
    ),
    better::<TreeParzen>(Measure::Best, "{}"),
    better::<TreeParzen>(Measure::Best, r#"{ "gamma": 0.15, "gamma_of": "number" }"#),
    slow(better::<RandomForest>(Measure::Best, "{}")),
    slow(better::<GaussianProcess>(Measure::Best, "{}")),
    better::<GaussianProcess>(Measure::Best, r#"{ "kernel": "hamming" }"#),
    slow(better::<Bananas>(Measure::Best, "{}")),
    better::<Nsga2>(Measure::Front, r#"{ "population_size": 20 }"#),
    better::<SuccessiveHalving>(Measure::BestAtCost, "{}"),
    better::<Hyperband>(Measure::BestAtCost, "{}"),
    better::<Asha>(Measure::BestAtCost, "{}"),
    slow(better::<Bohb>(Measure::BestAtCost, "{}")),
    nothing::<Grid>(Measure::Best, r#"{ "shuffle": true }"#),
];

const fn better<S: Strategy>(measure: Measure, options: &'static str) -> Case {
    Case { name: S::NAME, options, measure, search: search::<S>, statement: Statement::Better, is_slow: false }
}

const fn nothing<S: Strategy>(measure: Measure, options: &'static str) -> Case {
    Case { name: S::NAME, options, measure, search: search::<S>, statement: Statement::Nothing, is_slow: false }
}

const fn slow(case: Case) -> Case {
    Case { is_slow: true, ..case }
}

/// What a case comes to, from each seed. Searches on the table share nothing, so they take turns on all cores.
fn found(table: &Table, case: &Case, seeds: Range<u64>) -> Vec<f64> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let seeds: Vec<u64> = seeds.collect();
    std::thread::scope(|scope| {
        let search = |seed: &u64| (case.search)(table, case.measure, case.options, *seed);
        let parts: Vec<_> = seeds
            .chunks(seeds.len().div_ceil(threads))
            .map(|part| scope.spawn(move || part.iter().map(search).collect::<Vec<f64>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// Compares every case with random search from so many seeds.
fn compare(table: &Table, seeds: &Seeds) {
    let mut random: BTreeMap<Measure, Vec<f64>> = BTreeMap::new();
    let mut failed = Vec::new();
    for case in CASES {
        let random = random.entry(case.measure).or_insert_with(|| {
            let values = found(table, &nothing::<Random>(case.measure, "{}"), RANDOM_SEEDS..RANDOM_SEEDS + seeds.all);
            say(&format!("{:?} of random: {:.4} +- {:.4}", case.measure, mean(&values), error(&values)));
            values
        });
        let values = found(table, case, 0..if case.is_slow { seeds.slow } else { seeds.all });
        let chance = chance(&values, random);
        let Case { name, options, measure, .. } = case;
        say(&format!(
            "{measure:?} of {name} {options}: {:.4} +- {:.4}, p = {chance:.5}",
            mean(&values),
            error(&values)
        ));
        if case.statement == Statement::Better && chance >= LEVEL {
            failed.push(format!("{name} {options}: p = {chance}"));
        }
    }
    assert!(failed.is_empty(), "no better than random search: {failed:#?}");
}

fn made_up_table() -> Table {
    Table::new(&archwright_tests::made_up_cells(false), "arch_str", "made_test_acc")
}

#[test]
fn strategies_beat_random_search_on_nas_bench_201() {
    let Ok(path) = std::env::var(TABLE) else {
        say(&format!("SKIPPED: strategies were not compared on NAS-Bench-201, as {TABLE} names no table"));
        return;
    };
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{TABLE}: {path}: {error}"));
    let table = Table::new(&text, "architecture", "cifar10_test_accuracy");
    compare(&table, &SEEDS);
}

#[test]
fn strategies_beat_random_search_on_a_made_up_table() {
    compare(&made_up_table(), &FEW_SEEDS);
}

#[test]
fn cheaper_trainings_rank_cells_as_well_as_stated() {
    let table = made_up_table();
    let sample = |rung| -> Vec<f64> { table.rung(rung).iter().step_by(8).copied().collect() };
    for rung in 1..5 {
        let found = kendall(&sample(0), &sample(rung));
        assert!((found - tau(rung)).abs() < 0.03, "{found} at rung {rung}, not {}", tau(rung));
    }
}
