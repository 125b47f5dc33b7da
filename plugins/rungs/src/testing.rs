//! Running strategies natively whose queries have fidelities.

use std::collections::HashSet;

use archwright_sdk::testing::estimate;
use archwright_sdk::{Architecture, EstimateOutcome, Observation, Query, Reply, Rng, Space, Strategy, Subject, Value};

use crate::Fresh;

/// A query with its value, and when it was told: how many were told before it.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was asked for.
    pub query: Query,
    /// What came of it; `None` where it failed.
    pub value: Option<f64>,
    /// Queries told before; `None` where it is in flight still.
    pub told: Option<usize>,
}

/// Drives a strategy until queries of a total fidelity of `budget` were asked, `in_flight` at a time. They are told in order, or
/// in an order that `rng` decides. `value` says how good an architecture is at the query's fidelity; `None` fails the query.
///
/// # Panics
/// Where the strategy fails or breaks the contract.
pub fn run<S: Strategy>(
    strategy: &mut S,
    budget: f64,
    in_flight: usize,
    mut rng: Option<&mut Rng>,
    mut value: impl FnMut(&Query) -> Option<f64>,
) -> Vec<Run> {
    let mut history: Vec<Run> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut ids = HashSet::new();
    let (mut spent, mut told) = (0.0, 0);
    let mut finished = false;
    loop {
        let capacity = in_flight - open.len();
        if spent < budget && capacity > 0 && !finished {
            match strategy.ask(capacity).unwrap_or_else(|error| panic!("ask: {error}")) {
                Reply::Queries(asked) => {
                    assert!((1..=capacity).contains(&asked.len()), "asked for {} of {capacity}", asked.len());
                    for query in asked {
                        assert!(query.fidelity > 0.0 && query.fidelity <= 1.0, "a fidelity of {}", query.fidelity);
                        assert!(ids.insert(query.id), "query {} twice", query.id);
                        spent += query.fidelity;
                        open.push(history.len());
                        let value = value(&query);
                        history.push(Run { query, value, told: None });
                    }
                }
                Reply::Waiting => assert!(!open.is_empty(), "waiting for nothing"),
                Reply::Finished => finished = true,
            }
        }
        if open.is_empty() {
            return history;
        }
        let place = open.remove(rng.as_mut().map_or(0, |rng| rng.below(open.len())));
        let run = &mut history[place];
        run.told = Some(told);
        told += 1;
        let outcome = match run.value {
            Some(value) => EstimateOutcome::Estimated(estimate(value)),
            None => EstimateOutcome::Failed("as the test wants".into()),
        };
        strategy.tell(&[Observation { query: run.query.id, outcome }]).unwrap_or_else(|error| panic!("tell: {error}"));
    }
}

/// The architecture that the host would take for the best: of the highest fidelity, the largest value.
///
/// # Panics
/// Where nothing was estimated.
pub fn best(history: &[Run]) -> &Query {
    let estimated = history.iter().filter_map(|run| Some((run.query.fidelity, run.value?, &run.query)));
    let best = estimated.reduce(|best, one| if (one.0, one.1) > (best.0, best.1) { one } else { best });
    best.unwrap_or_else(|| panic!("nothing was estimated")).2
}

/// The values of a query's point.
///
/// # Panics
/// Where it is about no point.
pub fn point(query: &Query) -> &[Value] {
    match &query.subject {
        Subject::Architecture(Architecture::Point(values)) => values,
        other => panic!("{other:?} is no point"),
    }
}

/// A made-up accuracy in [0, 1], better for later labels, with one best architecture. At a lower fidelity there is noise, the
/// same for the same architecture and fidelity: a standard deviation of about `noise` at no fidelity at all.
pub fn value(query: &Query, noise: f64) -> f64 {
    let values = point(query);
    let mut hash = Rng::new(query.fidelity.to_bits());
    let (mut sum, mut seed) = (0.0, hash.next_u64());
    for value in values {
        let index = if let Value::Index(index) = value { *index } else { 0 };
        sum += f64::from(index) / 4.0;
        seed = Rng::new(seed ^ u64::from(index)).next_u64();
    }
    let mut rng = Rng::new(seed);
    let normal = (0..12).map(|_| rng.uniform()).sum::<f64>() - 6.0;
    sum / values.len() as f64 + noise * (1.0 - query.fidelity) * normal
}

/// How good the best of so many random architectures is, all of them estimated at full fidelity.
///
/// # Panics
/// Where `count` is 0.
pub fn best_of_random(space: &Space, count: usize, seed: u64) -> f64 {
    let (mut fresh, mut rng) = (Fresh::new(space.clone()), Rng::new(seed));
    let values = (0..count).map(|_| value(&Query::full(0, fresh.draw(&mut rng)), 0.0));
    values.reduce(f64::max).unwrap_or_else(|| panic!("no architectures"))
}

/// A space without a choice, as text.
pub const ONE_POINT: &str = r#"
    name = "one"
    network = "network"
    [module.network]
    kind = "chain"
    layers = ["global-avg-pool", { op = "linear", features = "classes" }]
"#;

/// A space of six decisions with five labels each, whose networks are small.
///
/// # Panics
/// Never: the space is well formed.
pub fn small_space() -> Space {
    let layer = |place: u32| {
        format!(
            r#"{{ choose = {{ identity = "identity", relu = "relu", tanh = "tanh", sigmoid = "sigmoid", gelu = "gelu" }}, name = "layer-{place}" }},"#
        )
    };
    let layers: Vec<String> = (0..6).map(layer).collect();
    archwright_sdk::testing::space(&format!(
        r#"
        name = "small"
        network = "network"
        [module.network]
        kind = "chain"
        layers = [{} "global-avg-pool", {{ op = "linear", features = "classes" }}]
        "#,
        layers.concat()
    ))
}
