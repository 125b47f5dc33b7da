//! The vocabulary that plugins and host exchange, as plain data.
//!
//! These types mirror `wit/` one to one. They carry no WIT machinery, so that whoever drives plugins neither sees nor
//! links it.

pub use archwright_space::Relaxation;

use archwright_space::Architecture;
use serde::{Deserialize, Serialize};

/// Which way an objective is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Smaller is better.
    Minimize,
    /// Larger is better.
    Maximize,
}

/// What is optimized.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Objective {
    /// E.g. `accuracy` (a share in [0, 1]) or `parameters`.
    pub name: String,
    /// Which way it is better.
    pub goal: Goal,
}

/// What a strategy asks to have estimated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// Chosen by the strategy; unique in its search.
    pub id: u64,
    /// What to estimate.
    pub subject: Subject,
    /// Share of the full training budget to spend, in (0, 1].
    pub fidelity: f64,
    /// The earlier query this one descends from.
    #[serde(default)]
    pub parent: Option<u64>,
    /// What it is for.
    #[serde(default)]
    pub purpose: Purpose,
}

/// What a query is for. Only estimators whose architectures share weights tell the last two apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To know how good it is.
    #[default]
    Estimate,
    /// To know how good it is by the weights as they are.
    Probe,
    /// To have the shared weights learn from it.
    Train,
}

/// What a query is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// One architecture.
    Architecture(Architecture),
    /// A point between architectures.
    Relaxation(Relaxation),
}

/// What a strategy is told of one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The query's id.
    pub query: u64,
    /// What came of it.
    pub outcome: EstimateOutcome,
}

/// What came of a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EstimateOutcome {
    /// An estimate.
    Estimated(Estimate),
    /// Training diverged, ran out of memory, was refused, ...: the reason.
    Failed(String),
}

/// How good an architecture is thought to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// One finite value per objective, in objective order.
    pub objectives: Vec<f64>,
    /// Standard deviation per objective where one is known, else empty.
    #[serde(default)]
    pub uncertainty: Vec<f64>,
    /// For a relaxation: the derivative of the first objective's loss by each probability; else empty.
    #[serde(default)]
    pub gradient: Vec<f32>,
    /// Cost charged to the budget, in seconds of the task's clock, at least 0.
    pub cost: f64,
    /// Share of the full training budget that was in fact spent, in (0, 1].
    pub fidelity: f64,
    /// The first objective as training went on; empty where it was not seen.
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
}

/// The first objective once a share of the training budget was spent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Share of the full training budget, in (0, 1].
    pub fidelity: f64,
    /// The first objective.
    pub value: f64,
}

/// A strategy's answer to `ask`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// At least one query and at most as many as were asked for.
    Queries(Vec<Query>),
    /// Nothing until more observations come; queries are in flight.
    Waiting,
    /// The search is over.
    Finished,
}

/// What an estimator does next with a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Asks the host to act; the outcome goes to `advance`.
    Act(PluginAction),
    /// The job is over.
    Done(Estimate),
    /// The job is over without an estimate: the reason.
    Failed(String),
}

/// Something an estimator asks the host to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PluginAction {
    /// Train a stand-alone network and evaluate it on the validation split.
    Train(Training),
    /// Train the weights that all architectures share.
    TrainShared(SharedTraining),
    /// Evaluate an architecture with shared weights.
    EvaluateShared(SharedEvaluation),
    /// Differentiate a relaxation's loss.
    DifferentiateShared(SharedDerivative),
    /// Look a measurement up in the task's table.
    LookUp(Measurement),
}

/// What an estimator wants to know of a table of measurements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Of which architecture.
    pub subject: Architecture,
    /// Epochs of training, from 1 to those of a full one.
    pub until_epoch: u32,
    /// Epochs that are trained already, from 0 on: they cost nothing again.
    pub trained_epochs: u32,
    /// Which of the recorded trainings, counted round; without it their mean.
    #[serde(default)]
    pub training: Option<u64>,
    /// Whether earlier epochs are wanted, too.
    pub curve: bool,
}

/// Steps of shared training that an estimator asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedTraining {
    /// Which weights to start from; none are inherited.
    pub start: Start,
    /// Steps of the optimizer, from 1 to those of an epoch.
    pub steps: u32,
    /// Epochs that the learning rate's schedule spans, at least 1.
    pub epochs: u32,
    /// What learns.
    pub paths: Paths,
}

/// What of the supergraph learns in a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paths {
    /// The mean of so many random architectures, at least 1.
    Uniform(u32),
    /// One of these, in turn. Never empty.
    Given(Vec<Subject>),
    /// The mixture of all labels alike, each left out with this probability, in [0, 1).
    Mixture(f64),
}

/// An evaluation with shared weights that an estimator asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedEvaluation {
    /// The weights, as an outcome names them.
    pub weights: String,
    /// The architecture.
    pub subject: Architecture,
    /// Training batches over which batch norms' statistics are estimated anew; 0 for the running ones.
    pub calibration: u32,
    /// The number of one batch; without it all validation examples are evaluated.
    #[serde(default)]
    pub batch: Option<u64>,
}

/// A derivative that an estimator asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedDerivative {
    /// The weights, as an outcome names them.
    pub weights: String,
    /// The relaxation.
    pub relaxation: Relaxation,
    /// The number of the validation batch.
    pub batch: u64,
    /// The derivative after one step of the weights.
    pub unrolled: bool,
    /// Epochs that the learning rate's schedule spans, at least 1.
    pub epochs: u32,
}

/// A training that an estimator asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// What to train.
    pub subject: Architecture,
    /// Which weights to start from.
    pub start: Start,
    /// Epochs in all, at least 1 and at most those of a full training; the learning-rate schedule spans exactly these.
    pub until_epoch: u32,
    /// Share of the training images used, in (0, 1].
    pub data_share: f64,
    /// Share of the images' height and width, in (0, 1].
    pub resolution_share: f64,
    /// Share of the network's channels, in (0, 1].
    pub width_share: f64,
    /// Share of the network's repeated cells or layers, in (0, 1].
    pub depth_share: f64,
}

/// Weights that a training starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Fresh ones from this seed.
    Fresh(u64),
    /// Go on from the weights that an earlier outcome names.
    Resume(String),
    /// Start a changed network from another's weights, function-preserving where it can be.
    Inherit(String),
}

/// What became of an action. What does not apply to the action is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionOutcome {
    /// Why the action failed, where it did.
    #[serde(default)]
    pub failure: Option<String>,
    /// Validation metrics after each epoch so far.
    #[serde(default)]
    pub curve: Option<Vec<OutcomeEpoch>>,
    /// Names the weights in the host's store.
    #[serde(default)]
    pub weights: Option<String>,
    /// One value per objective.
    #[serde(default)]
    pub objectives: Option<Vec<f64>>,
    /// Derivatives by the probabilities of a relaxation.
    #[serde(default)]
    pub gradient: Option<Vec<f32>>,
    /// Seconds of the task's clock.
    pub cost: f64,
}

/// One epoch of a training, as an estimator sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeEpoch {
    /// From 1.
    pub epoch: u32,
    /// Mean training loss over the epoch.
    pub train_loss: f64,
    /// One value per objective, in objective order.
    pub objectives: Vec<f64>,
}

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// Name under which the plugin is used, in kebab-case.
    pub name: String,
    /// Semantic version of the plugin.
    pub version: String,
    /// One line for a listing.
    pub summary: String,
    /// JSON Schema of the options.
    pub options_schema: serde_json::Value,
    /// Papers and code the method comes from, e.g. `arXiv:1802.01548`.
    pub references: Vec<String>,
    /// Names of what the plugin cannot do without, e.g. `gradients`.
    pub needs: Vec<String>,
    /// Names of what the plugin gives, e.g. `uncertainty`.
    pub gives: Vec<String>,
}

/// The three kinds of plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Decides which architectures to look at next.
    Strategy,
    /// Decides how to find out how good an architecture is.
    Estimator,
    /// Says which architectures there are.
    SearchSpace,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Strategy => "strategy",
            Self::Estimator => "estimator",
            Self::SearchSpace => "search space",
        })
    }
}
