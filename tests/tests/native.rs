//! A strategy proposes the same in a component as it does natively, in spaces of all kinds: whatever a component works out by
//! itself is what the host would have answered.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::Arc;

use archwright_plugin::model::{Estimate, EstimateOutcome, Goal, Objective, Observation, Reply, Subject};
use archwright_plugin::{Engine, EngineOptions, Limits, Strategy, StrategySetup};
use archwright_sdk::testing;
use archwright_space::{Architecture, Context, Definition, SizeLimits, Space, Value, bundled};
use archwright_strategy_local_search::LocalSearch;
use archwright_strategy_regularized_evolution::RegularizedEvolution;
use archwright_tests::program;
use serde_json::{Map, json};

const QUERIES: usize = 30;
const SEED: u64 = 11;

fn space(name: &str) -> Space {
    let definition = Definition::parse(bundled::source(name).unwrap()).unwrap();
    Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).unwrap()
}

/// All bundled spaces for images, one with numbers on a log scale, and one whose networks have to be small.
fn spaces() -> Vec<(String, Arc<Space>)> {
    let names = bundled::names().iter().filter(|name| **name != "rnn-cell").chain(&["chain-joint"]);
    let mut spaces: Vec<_> = names.map(|name| ((*name).to_owned(), Arc::new(space(name)))).collect();
    let cells = space("nas-bench-201");
    let mut sizes: Vec<u64> = (0..30).map(|seed| cells.profile(&cells.sample(seed)).unwrap().parameters).collect();
    sizes.sort_unstable();
    let limits = SizeLimits { parameters: Some(sizes[15]), multiply_adds: None, activation_bytes: None };
    spaces.push(("nas-bench-201, small".into(), Arc::new(cells.limited(limits).unwrap())));
    let free = spaces.iter().filter(|(_, space)| space.admits_all()).count();
    assert!(free > 0 && free < spaces.len(), "{free} of {} spaces are unconstrained", spaces.len());
    spaces
}

/// Something to optimize that differs from point to point.
fn value(architecture: &Architecture) -> f64 {
    let Architecture::Point(values) = architecture else { panic!("a network") };
    let number = |(place, value): (usize, &Value)| {
        let number = match value {
            Value::Index(index) => f64::from(*index),
            Value::Integer(integer) => *integer as f64,
            Value::Real(real) => *real,
            Value::Inactive => -1.0,
        };
        number * (1 + place % 3) as f64
    };
    values.iter().enumerate().map(number).sum()
}

fn natively<S: archwright_sdk::Strategy>(space: &Arc<Space>, options: &serde_json::Value) -> Vec<Architecture> {
    let space = archwright_sdk::Space::new(Arc::clone(space));
    let options = serde_json::from_value(options.clone()).unwrap();
    let mut strategy = S::open(testing::setup(&space, SEED), options, space).unwrap();
    let history = testing::run(&mut strategy, QUERIES, 1, |architecture| Some(value(architecture)));
    let architecture = |(query, _): (archwright_sdk::Query, Option<f64>)| match query.subject {
        archwright_sdk::Subject::Architecture(architecture) => architecture,
        archwright_sdk::Subject::Relaxation(_) => panic!("a relaxation"),
    };
    history.into_iter().map(architecture).collect()
}

fn sandboxed(engine: &Engine, name: &str, space: &Arc<Space>, options: &serde_json::Value) -> Vec<Architecture> {
    let file = program().parent().unwrap().join(format!("plugins/strategies/{name}.wasm"));
    let component = engine.load(&file, &Limits::default()).unwrap();
    let given: Map<_, _> = options.as_object().unwrap().clone();
    let setup = StrategySetup {
        objectives: vec![Objective { name: "accuracy".into(), goal: Goal::Maximize }],
        options: component.options(&given).unwrap(),
        seed: SEED,
        max_queries: None,
        offers: vec![],
    };
    let mut strategy =
        Strategy::open(&component, Arc::clone(space), setup, &Limits::default(), Arc::new(|_, _| ())).unwrap();
    let mut asked = Vec::new();
    while asked.len() < QUERIES {
        let Reply::Queries(queries) = strategy.ask(1).unwrap() else { panic!("no queries") };
        for query in queries {
            let Subject::Architecture(architecture) = query.subject else { panic!("a relaxation") };
            let estimate = Estimate {
                objectives: vec![value(&architecture)],
                uncertainty: vec![],
                gradient: vec![],
                cost: 1.0,
                fidelity: 1.0,
                curve: vec![],
            };
            let outcome = EstimateOutcome::Estimated(estimate);
            strategy.tell(&[Observation { query: query.id, outcome }]).unwrap();
            asked.push(architecture);
        }
    }
    asked
}

fn proposes_the_same<S: archwright_sdk::Strategy>(options: &serde_json::Value) {
    let engine = Engine::new(&EngineOptions::default()).unwrap();
    for (name, space) in spaces() {
        let (native, component) = (natively::<S>(&space, options), sandboxed(&engine, S::NAME, &space, options));
        assert_eq!(native, component, "{} in {name}", S::NAME);
    }
}

/// Samples, mutants and children of two parents.
#[test]
fn evolution_proposes_the_same_in_a_component() {
    let options = json!({ "population_size": 6, "sample_size": 2, "crossover_probability": 0.5 });
    proposes_the_same::<RegularizedEvolution>(&options);
}

/// Samples and neighbours.
#[test]
fn local_search_proposes_the_same_in_a_component() {
    proposes_the_same::<LocalSearch>(&json!({ "initial_samples": 3 }));
}
