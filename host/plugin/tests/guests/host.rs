//! The host's side of the tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use archwright_plugin::model::{ActionOutcome, Goal, Objective, Purpose, Query, Subject};
use archwright_plugin::{
    Component, Engine, EngineOptions, Estimator, EstimatorSetup, Limits, LogLevel, LogSink, PluginError,
    SpaceComponent, Strategy, StrategySetup,
};
use archwright_space::{
    Architecture, Context, Decision, Domain, Network, Node, Op, Scalar, SearchSpace, Space, SpaceError, Value,
};

/// One categorical decision between two widths.
struct Widths(Vec<Decision>);

impl SearchSpace for Widths {
    fn decisions(&self) -> &[Decision] {
        &self.0
    }

    fn build(&self, values: &[Value], context: &Context) -> Result<Network, SpaceError> {
        let out_features = if values == [Value::Index(0)] { 8 } else { 16 };
        let node = |name: &str, op, inputs| Node { name: name.into(), op, inputs };
        Ok(Network {
            nodes: vec![
                node("input", Op::Input { shape: context.input.clone() }, vec![]),
                node("pool", Op::GlobalAvgPool, vec![0]),
                node("hidden", Op::Linear { out_features, bias: true }, vec![1]),
                node("relu", Op::Relu, vec![2]),
                node("scores", Op::Linear { out_features: context.classes, bias: true }, vec![3]),
            ],
        })
    }

    fn recipe(&self, _: &[Value]) -> Result<BTreeMap<String, Scalar>, SpaceError> {
        Ok(BTreeMap::new())
    }
}

pub(crate) fn space() -> Arc<Space> {
    let labels = vec!["narrow".into(), "wide".into()];
    let decision = Decision { name: "width".into(), domain: Domain::Categorical(labels), active_when: vec![] };
    Arc::new(Space::new(Arc::new(Widths(vec![decision])), Context::full(vec![3, 8, 8], 10)).unwrap())
}

/// The engine that tests share, as a program has one.
pub(crate) fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(&EngineOptions::default()).unwrap()).clone()
}

/// An engine that gives up soon, and takes compiled code from a folder.
pub(crate) fn impatient(cache: &Path, patience: Duration) -> Engine {
    Engine::new(&EngineOptions { patience, ..cached(cache) }).unwrap()
}

/// Options of an engine that keeps compiled code in a folder.
pub(crate) fn cached(folder: &Path) -> EngineOptions {
    EngineOptions { cache_dir: Some(folder.into()), ..EngineOptions::default() }
}

/// Limits that are reached soon.
pub(crate) fn limits() -> Limits {
    Limits {
        fuel_per_call: 10_000_000,
        memory_bytes: 4 << 20,
        hostcall_bytes: 64 << 10,
        handles: 8,
        log_lines: 5,
        log_bytes: 1000,
        network_nodes: 100,
        ..Limits::default()
    }
}

pub(crate) fn load(bytes: &[u8]) -> Result<Component, PluginError> {
    engine().load_bytes("test.wasm", bytes, &limits())
}

pub(crate) type Lines = Arc<Mutex<Vec<(LogLevel, String)>>>;

/// A sink and what went into it.
pub(crate) fn log() -> (LogSink, Lines) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    (Arc::new(move |level, line: &str| into.lock().unwrap().push((level, line.to_owned()))), lines)
}

pub(crate) fn objectives() -> Vec<Objective> {
    vec![Objective { name: "accuracy".into(), goal: Goal::Maximize }]
}

pub(crate) fn open_strategy_with(
    engine: &Engine,
    bytes: &[u8],
    limits: &Limits,
    sink: LogSink,
) -> Result<Strategy, PluginError> {
    let component = engine.load_bytes("test.wasm", bytes, limits)?;
    let options = component.options(&serde_json::Map::new())?;
    let setup = StrategySetup { objectives: objectives(), options, seed: 1, max_queries: None, offers: vec![] };
    Strategy::open(&component, space(), setup, limits, sink)
}

pub(crate) fn open_strategy(bytes: &[u8]) -> Result<Strategy, PluginError> {
    open_strategy_with(&engine(), bytes, &limits(), log().0)
}

pub(crate) fn open_estimator_with(bytes: &[u8], limits: &Limits, sink: LogSink) -> Result<Estimator, PluginError> {
    let component = engine().load_bytes("test.wasm", bytes, limits)?;
    let options = component.options(&serde_json::Map::new())?;
    let offers = vec!["train".into(), "train.resume".into()];
    let setup = EstimatorSetup { objectives: objectives(), options, seed: 1, full_epochs: 10, offers, epoch_steps: 5 };
    Estimator::open(&component, space(), setup, limits, sink)
}

pub(crate) fn open_estimator(bytes: &[u8]) -> Result<Estimator, PluginError> {
    open_estimator_with(bytes, &limits(), log().0)
}

pub(crate) fn open_space(bytes: &[u8]) -> Result<SpaceComponent, PluginError> {
    let component = load(bytes)?;
    let options = component.options(&serde_json::Map::new())?;
    SpaceComponent::open(&component, &options, &limits(), log().0)
}

/// A query about point 0.
pub(crate) fn query(id: u64) -> Query {
    let subject = Subject::Architecture(Architecture::Point(vec![Value::Index(0)]));
    Query { id, subject, fidelity: 1.0, parent: None, purpose: Purpose::Estimate }
}

pub(crate) fn outcome(cost: f64) -> ActionOutcome {
    ActionOutcome { cost, weights: Some("w".into()), ..ActionOutcome::default() }
}
