//! What strategies and estimators exchange with the host. The contract in `wit/` says what each value means.

use archwright_space::{Architecture, Relaxation};

/// Which way an objective is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Smaller is better.
    Minimize,
    /// Larger is better.
    Maximize,
}

impl Goal {
    /// Whether `value` is strictly better than `than`.
    pub fn is_better(self, value: f64, than: f64) -> bool {
        match self {
            Self::Minimize => value < than,
            Self::Maximize => value > than,
        }
    }
}

/// What is optimized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objective {
    /// E.g. `accuracy`, a share in [0, 1].
    pub name: String,
    /// Which way it is better.
    pub goal: Goal,
}

/// What a strategy asks to have estimated.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Chosen by the strategy; unique in its search.
    pub id: u64,
    /// What to estimate.
    pub subject: Subject,
    /// Share of the full training budget to spend, in (0, 1].
    pub fidelity: f64,
    /// The earlier query this one descends from: estimators may inherit its weights.
    pub parent: Option<u64>,
    /// What it is for.
    pub purpose: Purpose,
}

impl Query {
    /// A query at full fidelity, without a parent.
    pub fn new(id: u64, subject: Subject, purpose: Purpose) -> Self {
        Self { id, subject, fidelity: 1.0, parent: None, purpose }
    }

    /// A query for an architecture at full fidelity, without a parent.
    pub fn full(id: u64, architecture: Architecture) -> Self {
        Self::new(id, Subject::Architecture(architecture), Purpose::Estimate)
    }
}

/// What a query is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// One architecture.
    Architecture(Architecture),
    /// For gradient-based strategies.
    Relaxation(Relaxation),
}

/// What a query is for. Only estimators whose architectures share weights tell the last two apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To know how good it is. How to find out is the estimator's business.
    #[default]
    Estimate,
    /// To know how good it is by the weights as they are.
    Probe,
    /// To have the shared weights learn from it. What is observed is how well it did in that training, and as `fidelity` the
    /// share of all training so far: 1.0 once there is no more to come.
    Train,
}

/// What a strategy is told of one query.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The query's id.
    pub query: u64,
    /// What came of it.
    pub outcome: EstimateOutcome,
}

/// What came of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum EstimateOutcome {
    /// An estimate.
    Estimated(Estimate),
    /// Training diverged, ran out of memory, was refused, ...: the reason.
    Failed(String),
}

/// How good an architecture is thought to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// One value per objective, in objective order. Finite.
    pub objectives: Vec<f64>,
    /// Standard deviation per objective where one is known, else empty.
    pub uncertainty: Vec<f64>,
    /// For a relaxation: the derivative of the first objective's loss by each probability; else empty.
    pub gradient: Vec<f32>,
    /// Cost in seconds of the task's clock, at least 0.
    pub cost: f64,
    /// Share of the full training budget that was spent, in (0, 1].
    pub fidelity: f64,
    /// The first objective as training went on, where it was seen.
    pub curve: Vec<CurvePoint>,
}

/// The first objective once a share of the training budget was spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Share of the full training budget, in (0, 1].
    pub fidelity: f64,
    /// The first objective.
    pub value: f64,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// For the plugin's author.
    Debug,
    /// For whoever follows the run closely.
    Info,
    /// Something is odd.
    Warn,
    /// Something went wrong.
    Error,
}
