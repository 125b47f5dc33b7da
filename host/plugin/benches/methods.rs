//! What a whole search of DARTS's space costs in the sandbox and natively, method by method: the boundary costs all of them the
//! same, and the more a method thinks the less that is.
//!
//! Runs the bundled strategies as `cargo xtask build` makes them; one that is not built is not measured.

use std::sync::Arc;

use archwright_plugin::model::{Estimate, EstimateOutcome, Observation, Reply, Subject};
use archwright_plugin::{Engine, EngineOptions, Limits, NanProfile, Strategy};
use archwright_sdk as sdk;
use archwright_space::{Architecture, Context, Definition, Space, Value, bundled};
use archwright_strategy_gaussian_process::GaussianProcess;
use archwright_strategy_local_search::LocalSearch;
use archwright_strategy_regularized_evolution::RegularizedEvolution;
use archwright_strategy_tree_parzen::TreeParzen;
use cell::{built, open};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

mod cell;

type Failure = Box<dyn std::error::Error>;

/// Queries of a search, one at a time.
const QUERIES: u32 = 100;

/// A smooth objective: the mean place of the operations.
fn value(architecture: &Architecture) -> Result<f64, Failure> {
    let Architecture::Point(values) = architecture else { return Err("the strategy gave a network".into()) };
    let place = |value: &Value| if let Value::Index(index) = value { f64::from(*index) } else { 0.0 };
    Ok(values.iter().map(place).sum::<f64>() / values.len() as f64)
}

fn search(strategy: &mut Strategy) -> Result<(), Failure> {
    for _ in 0..QUERIES {
        let Reply::Queries(queries) = strategy.ask(1)? else { return Err("the strategy gave no query".into()) };
        for query in queries {
            let Subject::Architecture(architecture) = &query.subject else {
                return Err("the strategy gave no architecture".into());
            };
            let estimate = Estimate {
                objectives: vec![value(architecture)?],
                uncertainty: vec![],
                gradient: vec![],
                cost: 1.0,
                fidelity: 1.0,
                curve: vec![],
            };
            strategy.tell(&[Observation { query: query.id, outcome: EstimateOutcome::Estimated(estimate) }])?;
        }
    }
    Ok(())
}

fn search_natively<S: sdk::Strategy>(strategy: &mut S) -> Result<(), Failure> {
    for _ in 0..QUERIES {
        let sdk::Reply::Queries(queries) = strategy.ask(1)? else { return Err("the strategy gave no query".into()) };
        for query in queries {
            let sdk::Subject::Architecture(architecture) = &query.subject else {
                return Err("the strategy gave no architecture".into());
            };
            let estimate = sdk::testing::estimate(value(architecture)?);
            strategy
                .tell(&[sdk::Observation { query: query.id, outcome: sdk::EstimateOutcome::Estimated(estimate) }])?;
        }
    }
    Ok(())
}

fn method<S: sdk::Strategy>(criterion: &mut Criterion, space: &Arc<Space>) -> Result<(), Failure>
where
    S::Options: Default,
{
    let path = built().join(format!("plugins/strategies/{}.wasm", S::NAME));
    if !path.exists() {
        println!("no strategy at {}: `cargo xtask build` makes it", path.display());
        return Ok(());
    }
    let mut group = criterion.benchmark_group(format!("{QUERIES} queries of {}", S::NAME));
    group.sample_size(10).throughput(Throughput::Elements(QUERIES.into()));
    let mut failure = None;
    group.bench_function("native", |bencher| {
        let start = || {
            let space = sdk::Space::new(Arc::clone(space));
            S::open(sdk::testing::setup(&space, 1), S::Options::default(), space)
        };
        let run = |strategy: Result<S, sdk::Error>| search_natively(&mut strategy?);
        bencher.iter_batched(start, |strategy| failure = failure.take().or(run(strategy).err()), BatchSize::SmallInput);
    });
    for nan in [NanProfile::Portable, NanProfile::Native] {
        let engine = Engine::new(&EngineOptions { nan, ..EngineOptions::default() })?;
        let component = engine.load(&path, &Limits::default())?;
        group.bench_function(format!("sandboxed, {nan:?} NaNs"), |bencher| {
            let run = |strategy: Result<Strategy, Failure>| search(&mut strategy?);
            bencher.iter_batched(
                || open(&component, space),
                |strategy| failure = failure.take().or(run(strategy).err()),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    failure.map_or(Ok(()), Err)
}

fn methods(criterion: &mut Criterion) -> Result<(), Failure> {
    let source = bundled::source("darts").ok_or("there is no space of DARTS")?;
    let definition = Arc::new(Definition::parse(source)?);
    let space = Arc::new(Space::new(definition, Context::full(vec![3, 32, 32], 10))?);
    method::<LocalSearch>(criterion, &space)?;
    method::<RegularizedEvolution>(criterion, &space)?;
    method::<TreeParzen>(criterion, &space)?;
    method::<GaussianProcess>(criterion, &space)
}

fn run(criterion: &mut Criterion) {
    if let Err(error) = methods(criterion) {
        println!("nothing more measured: {error}");
    }
}

criterion_group!(benches, run);
criterion_main!(benches);
