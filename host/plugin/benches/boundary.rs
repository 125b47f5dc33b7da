//! What crossing the boundary costs: ask and tell round trips of a strategy in the sandbox, one query at a time and in
//! batches, against the same strategy called natively, as it is and with its proposals checked as the host checks a component's.
//!
//! Runs the bundled regularized evolution as `cargo xtask build` makes it; without it there is nothing to measure. The same
//! method in Python and JavaScript is measured where `cargo xtask bench` has built it.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use archwright_plugin::model::{Estimate, EstimateOutcome, Observation, Reply};
use archwright_plugin::{Engine, EngineOptions, Limits, NanProfile, Strategy};
use archwright_sdk as sdk;
use archwright_space::Space;
use archwright_strategy_regularized_evolution::{Options, RegularizedEvolution};
use cell::{built, open, space};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

mod cell;

/// One round: as many queries as `capacity`, all told at once.
fn round(strategy: &mut Strategy, capacity: u32) -> Result<(), Box<dyn std::error::Error>> {
    let Reply::Queries(queries) = strategy.ask(capacity)? else { return Err("the strategy gave no queries".into()) };
    let estimate = |query: u64| Estimate {
        objectives: vec![query as f64],
        uncertainty: vec![],
        gradient: vec![],
        cost: 1.0,
        fidelity: 1.0,
        curve: vec![],
    };
    let observations: Vec<_> = queries
        .iter()
        .map(|query| Observation { query: query.id, outcome: EstimateOutcome::Estimated(estimate(query.id)) })
        .collect();
    strategy.tell(black_box(&observations))?;
    Ok(())
}

/// The same round of the same strategy, compiled natively. What it proposes is looked at if there is a space to check it against.
fn native_round(
    strategy: &mut RegularizedEvolution,
    capacity: usize,
    checked: Option<&Space>,
) -> Result<(), Box<dyn std::error::Error>> {
    let sdk::Reply::Queries(queries) = sdk::Strategy::ask(strategy, capacity)? else {
        return Err("the strategy gave no queries".into());
    };
    if let Some(space) = checked {
        for query in &queries {
            let sdk::Subject::Architecture(architecture) = &query.subject else {
                return Err("the strategy gave no architecture".into());
            };
            space.check(architecture)?;
        }
    }
    let observations: Vec<_> = queries
        .iter()
        .map(|query| {
            let estimate = sdk::testing::estimate(query.id as f64);
            sdk::Observation { query: query.id, outcome: sdk::EstimateOutcome::Estimated(estimate) }
        })
        .collect();
    sdk::Strategy::tell(strategy, black_box(&observations))?;
    Ok(())
}

fn native(
    criterion: &mut Criterion,
    space: &Arc<Space>,
    checked: Option<&Space>,
    name: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut group = criterion.benchmark_group(name);
    for capacity in [1, 100] {
        let space = sdk::Space::new(Arc::clone(space));
        let setup = sdk::testing::setup(&space, 1);
        let mut strategy = <RegularizedEvolution as sdk::Strategy>::open(setup, Options::default(), space)?;
        let mut failure = None;
        group.throughput(Throughput::Elements(capacity as u64));
        group.bench_function(format!("ask and tell {capacity}"), |bencher| {
            bencher.iter(|| failure = failure.take().or(native_round(&mut strategy, capacity, checked).err()));
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
    }
    group.finish();
    Ok(())
}

fn boundary(criterion: &mut Criterion) -> Result<(), Box<dyn std::error::Error>> {
    let path = built().join("plugins/strategies/regularized-evolution.wasm");
    if !path.exists() {
        println!("no strategy at {}: `cargo xtask build` makes it", path.display());
        return Ok(());
    }
    let space = space()?;
    native(criterion, &space, None, "regularized-evolution native")?;
    native(criterion, &space, Some(&space), "regularized-evolution native, checked")?;
    for nan in [NanProfile::Portable, NanProfile::Native] {
        sandboxed(criterion, &space, &path, nan, &format!("regularized-evolution sandboxed, {nan:?} NaNs"))?;
    }
    for language in ["python", "javascript"] {
        let path = built().join("languages").join(format!("{language}.wasm"));
        if path.exists() {
            sandboxed(criterion, &space, &path, NanProfile::Portable, &format!("regularized-evolution in {language}"))?;
        }
    }
    Ok(())
}

fn sandboxed(
    criterion: &mut Criterion,
    space: &Arc<Space>,
    path: &Path,
    nan: NanProfile,
    name: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(&EngineOptions { nan, ..EngineOptions::default() })?;
    let component = engine.load(path, &Limits::default())?;
    let mut group = criterion.benchmark_group(name);
    for capacity in [1, 100] {
        let mut strategy = open(&component, space)?;
        let mut failure = None;
        group.throughput(Throughput::Elements(u64::from(capacity)));
        group.bench_function(format!("ask and tell {capacity}"), |bencher| {
            bencher.iter(|| failure = failure.take().or(round(&mut strategy, capacity).err()));
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("open", |bencher| {
        bencher.iter_batched(|| (), |()| open(&component, space).is_ok(), BatchSize::SmallInput);
    });
    group.finish();
    Ok(())
}

fn run(criterion: &mut Criterion) {
    if let Err(error) = boundary(criterion) {
        println!("nothing measured: {error}");
    }
}

criterion_group!(benches, run);
criterion_main!(benches);
