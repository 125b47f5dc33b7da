//! What crossing the boundary costs: ask and tell round trips of a strategy, one query at a time and in batches.
//!
//! Runs the component that `ARCHWRIGHT_BENCH_STRATEGY` names, or else the bundled random search as `cargo xtask` builds
//! it; without either there is nothing to measure.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use archwright_plugin::model::{Estimate, EstimateOutcome, Goal, Objective, Observation, Reply};
use archwright_plugin::{Component, Engine, EngineOptions, Limits, NanProfile, Strategy, StrategySetup};
use archwright_space::{Context, Decision, Domain, Network, Node, Op, Scalar, SearchSpace, Space, SpaceError, Value};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// Six edges of five operations, like NAS-Bench-201's cell.
struct Cell(Vec<Decision>);

impl SearchSpace for Cell {
    fn decisions(&self) -> &[Decision] {
        &self.0
    }

    fn build(&self, _: &[Value], context: &Context) -> Result<Network, SpaceError> {
        let node = |name: &str, op, inputs| Node { name: name.into(), op, inputs };
        let scores = Op::Linear { out_features: context.classes, bias: true };
        Ok(Network {
            nodes: vec![
                node("input", Op::Input { shape: context.input.clone() }, vec![]),
                node("pool", Op::GlobalAvgPool, vec![0]),
                node("scores", scores, vec![1]),
            ],
        })
    }

    fn recipe(&self, _: &[Value]) -> Result<std::collections::BTreeMap<String, Scalar>, SpaceError> {
        Ok(std::collections::BTreeMap::new())
    }
}

fn space() -> Result<Arc<Space>, SpaceError> {
    let labels = || ["zero", "identity", "conv1", "conv3", "pool"].map(String::from).to_vec();
    let decision = |edge: usize| Decision {
        name: format!("edge-{edge}/op"),
        domain: Domain::Categorical(labels()),
        active_when: vec![],
    };
    let cell = Arc::new(Cell((0..6).map(decision).collect()));
    Ok(Arc::new(Space::new(cell, Context::full(vec![3, 32, 32], 10))?))
}

fn open(component: &Component, space: &Arc<Space>) -> Result<Strategy, Box<dyn std::error::Error>> {
    let setup = StrategySetup {
        objectives: vec![Objective { name: "accuracy".into(), goal: Goal::Maximize }],
        options: component.options(&serde_json::Map::new())?,
        seed: 1,
        max_queries: None,
        offers: vec![],
    };
    Ok(Strategy::open(component, Arc::clone(space), setup, &Limits::default(), Arc::new(|_, _| ()))?)
}

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

fn boundary(criterion: &mut Criterion) -> Result<(), Box<dyn std::error::Error>> {
    let bundled = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/archwright/plugins/strategies/random.wasm");
    let path = std::env::var_os("ARCHWRIGHT_BENCH_STRATEGY").map_or_else(|| PathBuf::from(bundled), PathBuf::from);
    if !path.exists() {
        println!("no strategy at {}: build the bundled plugins, or set ARCHWRIGHT_BENCH_STRATEGY", path.display());
        return Ok(());
    }
    let space = space()?;
    for nan in [NanProfile::Portable, NanProfile::Native] {
        let engine = Engine::new(&EngineOptions { nan, ..EngineOptions::default() })?;
        let component = engine.load(&path, &Limits::default())?;
        let mut group = criterion.benchmark_group(format!("{} {nan:?}", component.name()));
        for capacity in [1, 100] {
            let mut strategy = open(&component, &space)?;
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
            bencher.iter_batched(|| (), |()| open(&component, &space).is_ok(), BatchSize::SmallInput);
        });
        group.finish();
    }
    Ok(())
}

fn run(criterion: &mut Criterion) {
    if let Err(error) = boundary(criterion) {
        println!("nothing measured: {error}");
    }
}

criterion_group!(benches, run);
criterion_main!(benches);
