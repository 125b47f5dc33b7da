//! A made-up estimator with shared weights, to test strategies by.

use archwright_sdk::testing::space;
use archwright_sdk::{
    Architecture, Decision, Domain, Estimate, EstimateOutcome, Goal, Observation, Purpose, Query, Relaxation, Reply,
    Rng, Space, Strategy, Subject, Value,
};

use crate::Rows;

/// Queries after which a search counts as endless.
const ENDLESS: usize = 1_000_000;

/// A decision on these labels.
pub fn categorical(name: &str, labels: &[&str]) -> Decision {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    Decision { name: name.into(), domain: Domain::Categorical(labels), active_when: Vec::new() }
}

/// The cell of NAS-Bench-201 once, in a network that is quick to build: six edges with one of five operations each.
pub fn one_cell() -> Space {
    space(
        r#"
name = "one-cell"
summary = "The cell of NAS-Bench-201 once"
network = "network"

[module.network]
kind = "chain"
layers = [
    { op = "conv2d", channels = 4, kernel = 3 },
    { module = "cell", channels = 4 },
    "global-avg-pool",
    { op = "linear", features = "classes" },
]

[module.cell]
kind = "edges"
vertices = 4
nothing = "none"

[module.cell.choices]
none = { op = "zero" }
skip_connect = "identity"
nor_conv_1x1 = { op = "conv2d", kernel = 1 }
nor_conv_3x3 = { op = "conv2d", kernel = 3 }
avg_pool_3x3 = { op = "avg-pool", kernel = 3 }
"#,
    )
}

/// An estimator whose loss is linear in the coefficients of the labels, with one best label in each row.
#[derive(Clone, Debug)]
pub struct Planted {
    /// The rows of the space.
    pub rows: Rows,
    /// The best label of each row.
    pub best: Vec<usize>,
    /// The loss of each label: 0 for the best, from 0.5 to 1.5 for others.
    pub losses: Vec<f64>,
    /// Training steps in all.
    pub steps: u64,
    /// Training steps so far.
    pub trained: u64,
    /// Which way the first objective is better.
    pub goal: Goal,
    /// Every how many queries one fails; 0: none does.
    pub failing: usize,
}

impl Planted {
    /// One that plants labels other than the first, which often is `none`, at random.
    pub fn new(rows: Rows, steps: u64, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let best: Vec<usize> =
            rows.iter().map(|row| (1 + rng.below(row.labels.len() - 1)).min(row.labels.len() - 1)).collect();
        let mut losses: Vec<f64> = (0..rows.labels()).map(|_| 0.5 + rng.uniform()).collect();
        for (row, best) in rows.iter().zip(&best) {
            losses[row.start + best] = 0.0;
        }
        Self { rows, best, losses, steps, trained: 0, goal: Goal::Maximize, failing: 0 }
    }

    /// The mean loss of a row.
    pub fn loss(&self, coefficients: &[f64]) -> f64 {
        let sum: f64 = self.losses.iter().zip(coefficients).map(|(loss, one)| loss * one).sum();
        sum / self.rows.count() as f64
    }

    /// What it tells of a query.
    pub fn estimate(&mut self, query: &Query) -> Estimate {
        let (coefficients, wanted) = match &query.subject {
            Subject::Architecture(Architecture::Network(_)) => (vec![0.0; self.rows.labels()], Vec::new()),
            Subject::Architecture(Architecture::Point(values)) => {
                let mut coefficients = vec![0.0; self.rows.labels()];
                for row in self.rows.iter() {
                    if let Some(Value::Index(index)) = values.get(row.decision) {
                        coefficients[row.start + *index as usize] = 1.0;
                    }
                }
                (coefficients, Vec::new())
            }
            Subject::Relaxation(Relaxation { probabilities, wanted }) => {
                (probabilities.iter().copied().map(f64::from).collect(), wanted.clone())
            }
        };
        let asks = |index: usize| wanted.get(index).copied().unwrap_or(true);
        let gradient = match (&query.subject, query.purpose) {
            (Subject::Relaxation(_), Purpose::Probe) => {
                let slope = |index: usize| if asks(index) { self.losses[index] as f32 } else { 0.0 };
                (0..self.losses.len()).map(slope).collect()
            }
            _ => Vec::new(),
        };
        self.trained += u64::from(query.purpose == Purpose::Train);
        let fidelity = match query.purpose {
            Purpose::Train => (self.trained as f64 / self.steps as f64).min(1.0),
            _ => query.fidelity,
        };
        let loss = self.loss(&coefficients);
        let value = if self.goal == Goal::Maximize { 1.0 / (1.0 + loss) } else { 1.0 + loss };
        Estimate { fidelity, gradient, ..archwright_sdk::testing::estimate(value) }
    }

    /// Runs a strategy to its end, `in_flight` queries at a time; gives the queries.
    ///
    /// # Panics
    /// Where the strategy fails, breaks the contract or does not end.
    pub fn run<S: Strategy>(&mut self, strategy: &mut S, in_flight: usize) -> Vec<Query> {
        let mut asked: Vec<Query> = Vec::new();
        let mut told = 0;
        while asked.len() < ENDLESS {
            let room = in_flight - (asked.len() - told);
            if room > 0 {
                match strategy.ask(room).unwrap_or_else(|error| panic!("ask: {error}")) {
                    Reply::Queries(queries) => {
                        assert!((1..=room).contains(&queries.len()), "{} queries for {room}", queries.len());
                        queries.iter().for_each(|query| self.check(query));
                        asked.extend(queries);
                    }
                    Reply::Waiting => assert!(told < asked.len(), "it waits for nothing"),
                    Reply::Finished if told == asked.len() => return asked,
                    Reply::Finished => {}
                }
            }
            if let Some(query) = asked.get(told) {
                told += 1;
                let outcome = if self.failing > 0 && told % self.failing == 0 {
                    EstimateOutcome::Failed("as the test wants".into())
                } else {
                    EstimateOutcome::Estimated(self.estimate(query))
                };
                let observation = Observation { query: query.id, outcome };
                strategy.tell(&[observation]).unwrap_or_else(|error| panic!("tell: {error}"));
            }
        }
        panic!("the search does not end")
    }

    /// The choices of the recommended point's rows, where they are those of active decisions.
    ///
    /// # Panics
    /// Where nothing is recommended.
    pub fn recommended<S: Strategy>(&self, strategy: &mut S) -> Vec<Option<usize>> {
        let picks = strategy.recommend();
        let Some(Architecture::Point(values)) = picks.first() else { panic!("{picks:?}") };
        let choice = |value: &Value| if let Value::Index(index) = value { Some(*index as usize) } else { None };
        self.rows.iter().map(|row| choice(&values[row.decision])).collect()
    }

    /// Whether the planted labels are what a strategy recommends.
    pub fn is_found<S: Strategy>(&self, strategy: &mut S) -> bool {
        self.recommended(strategy) == self.best.iter().copied().map(Some).collect::<Vec<_>>()
    }

    /// Panics where a relaxation is none.
    fn check(&self, query: &Query) {
        let Subject::Relaxation(Relaxation { probabilities, wanted }) = &query.subject else { return };
        assert_eq!(probabilities.len(), self.rows.labels());
        assert!(wanted.is_empty() || wanted.len() == probabilities.len());
        for row in self.rows.iter() {
            let sum: f64 = probabilities[row.range()].iter().copied().map(f64::from).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{}: {sum}", row.name);
            assert!(probabilities[row.range()].iter().all(|one| (0.0..=1.0).contains(one)), "{}", row.name);
        }
    }
}
