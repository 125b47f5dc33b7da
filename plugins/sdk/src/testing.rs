//! Running a plugin's logic natively, without a host.

use std::collections::HashMap;
use std::sync::Arc;

use archwright_space::{Context, Definition, bundled};

use crate::{
    Architecture, Epoch, Estimate, EstimateOutcome, EstimatorSetup, Goal, Objective, Observation, Outcome, Query,
    Reply, Setup, Space, Strategy, Subject,
};

/// A bundled search space for images of 3x32x32 pixels in 10 classes.
///
/// # Panics
/// Where there is no bundled space of this name.
pub fn bundled_space(name: &str) -> Space {
    let text = bundled::source(name).unwrap_or_else(|| panic!("there is no bundled space `{name}`"));
    space(text)
}

/// The search space that a text in the declarative format describes, for images of 3x32x32 pixels in 10 classes.
///
/// # Panics
/// Where the text describes none.
pub fn space(text: &str) -> Space {
    let definition = Definition::parse(text).unwrap_or_else(|error| panic!("{error}"));
    let context = Context::full(vec![3, 32, 32], 10);
    let space = archwright_space::Space::new(Arc::new(definition), context).unwrap_or_else(|error| panic!("{error}"));
    Space::new(Arc::new(space))
}

/// What a strategy starts from: this space, an accuracy to maximize, this seed.
pub fn setup(space: &Space, seed: u64) -> Setup {
    Setup {
        decisions: space.native.decisions().to_vec(),
        objectives: vec![Objective { name: "accuracy".into(), goal: Goal::Maximize }],
        seed,
        max_queries: None,
        offers: Vec::new(),
    }
}

/// An estimate of the one objective, at full fidelity.
pub fn estimate(value: f64) -> Estimate {
    Estimate {
        objectives: vec![value],
        uncertainty: Vec::new(),
        gradient: Vec::new(),
        cost: 1.0,
        fidelity: 1.0,
        curve: Vec::new(),
    }
}

/// Drives a strategy for `queries` queries, `in_flight` at a time, told in order; gives the queries with their values.
/// `value` says how good an architecture is; `None` fails the query.
///
/// # Panics
/// Where the strategy fails or breaks the contract.
pub fn run<S: Strategy>(
    strategy: &mut S,
    queries: usize,
    in_flight: usize,
    mut value: impl FnMut(&Architecture) -> Option<f64>,
) -> Vec<(Query, Option<f64>)> {
    let mut history: Vec<(Query, Option<f64>)> = Vec::new();
    let mut told = 0;
    let mut ids = HashMap::new();
    while told < queries {
        let capacity = in_flight.min(told + in_flight - history.len()).min(queries - history.len());
        if capacity > 0 {
            match strategy.ask(capacity).unwrap_or_else(|error| panic!("ask: {error}")) {
                Reply::Queries(asked) => {
                    assert!((1..=capacity).contains(&asked.len()), "asked for {} of {capacity}", asked.len());
                    for query in asked {
                        assert_eq!(ids.insert(query.id, history.len()), None, "query {} was asked twice", query.id);
                        let Subject::Architecture(architecture) = &query.subject else { panic!("a relaxation") };
                        let value = value(architecture);
                        history.push((query, value));
                    }
                }
                Reply::Waiting => assert!(told < history.len(), "waiting for nothing"),
                Reply::Finished if told == history.len() => break,
                Reply::Finished => {}
            }
        }
        if told < history.len() {
            let (query, value) = &history[told];
            let outcome = match value {
                Some(value) => EstimateOutcome::Estimated(estimate(*value)),
                None => EstimateOutcome::Failed("as the test wants".into()),
            };
            let observation = Observation { query: query.id, outcome };
            strategy.tell(&[observation]).unwrap_or_else(|error| panic!("tell: {error}"));
            told += 1;
        }
    }
    history
}

/// What an estimator starts from: this space, an accuracy to maximize, this seed, so many epochs of a full training.
pub fn estimator_setup(space: &Space, seed: u64, full_epochs: u32) -> EstimatorSetup {
    let Setup { decisions, objectives, .. } = setup(space, seed);
    EstimatorSetup { decisions, objectives, seed, full_epochs, offers: vec!["train".into()], epoch_steps: 10 }
}

/// The outcome of a training with these values of the one objective after each epoch.
pub fn trained(values: &[f64], cost: f64) -> Outcome {
    let curve = values
        .iter()
        .zip(1..)
        .map(|(value, epoch)| Epoch { epoch, train_loss: 1.0 - value, objectives: vec![*value] })
        .collect();
    Outcome { curve, cost, ..Outcome::default() }
}
