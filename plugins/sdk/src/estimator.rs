use archwright_space::{Architecture, Decision};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Error, Estimate, Objective, Query, Relaxation, Space, Subject};

/// A performance estimation strategy: decides how to find out how good an architecture is.
///
/// It never trains anything itself: it returns an action, the host carries it out, and the estimator looks at the outcome.
pub trait Estimator: Sized + 'static {
    /// Name under which it is used, in kebab-case.
    const NAME: &'static str;
    /// One line for a listing.
    const SUMMARY: &'static str;
    /// Papers and code that the method comes from.
    const REFERENCES: &'static [&'static str] = &[];
    /// What it cannot do without, e.g. `train.resume`.
    const NEEDS: &'static [&'static str] = &[];
    /// What it gives, e.g. `fidelity`, `uncertainty`.
    const GIVES: &'static [&'static str] = &[];
    /// Its options.
    type Options: DeserializeOwned + JsonSchema;

    /// Starts.
    ///
    /// # Errors
    /// Where options are out of range.
    fn open(setup: EstimatorSetup, options: Self::Options, space: Space) -> Result<Self, Error>;

    /// Starts job `job`. Many jobs are open at once.
    ///
    /// # Errors
    /// Where this query cannot be estimated; others can.
    fn begin(&mut self, job: u64, query: &Query) -> Result<Step, Error>;

    /// The outcome of the action that job `job` asked for last.
    ///
    /// # Errors
    /// Where this query cannot be estimated; others can.
    fn advance(&mut self, job: u64, outcome: &Outcome) -> Result<Step, Error>;
}

/// What an estimator starts from.
#[derive(Clone, Debug)]
pub struct EstimatorSetup {
    /// The space's decisions.
    pub decisions: Vec<Decision>,
    /// What is optimized. Never empty.
    pub objectives: Vec<Objective>,
    /// Seed of every random choice.
    pub seed: u64,
    /// Epochs of a full training in this task.
    pub full_epochs: u32,
    /// Names of the actions that can be carried out here, e.g. `train`, `train.resume`, `train-shared`.
    pub offers: Vec<String>,
    /// Steps of an epoch of shared training, at least 1.
    pub epoch_steps: u32,
}

/// What an estimator does next with a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Has a network trained; the outcome goes to [`Estimator::advance`].
    Train(Training),
    /// Has shared weights trained.
    TrainShared(SharedTraining),
    /// Has an architecture evaluated with shared weights.
    EvaluateShared(SharedEvaluation),
    /// Has a relaxation's loss differentiated.
    DifferentiateShared(SharedDerivative),
    /// Has a measurement looked up in the task's table.
    LookUp(Measurement),
    /// The job is over.
    Done(Estimate),
    /// The job is over without an estimate: the reason.
    Failed(String),
}

impl Step {
    /// Ends a job with an estimate, or as failed where an objective or a derivative is no finite number: the training diverged.
    /// Points of the curve that are not finite are left out, since a training may recover from them.
    pub fn done(mut estimate: Estimate) -> Self {
        if let Some(value) = estimate.objectives.iter().find(|value| !value.is_finite()) {
            return Self::Failed(format!("the training diverged: an objective is {value}"));
        }
        if let Some(value) = estimate.gradient.iter().find(|value| !value.is_finite()) {
            return Self::Failed(format!("the training diverged: a derivative is {value}"));
        }
        estimate.curve.retain(|point| point.value.is_finite());
        Self::Done(estimate)
    }
}

/// A training of a stand-alone network.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// What to train.
    pub subject: Architecture,
    /// Which weights to start from.
    pub start: Start,
    /// Epochs in all, at least 1; the schedule spans exactly these.
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

impl Training {
    /// A training at full fidelity but for the number of epochs.
    pub fn new(subject: Architecture, seed: u64, until_epoch: u32) -> Self {
        Self {
            subject,
            start: Start::Fresh(seed),
            until_epoch,
            data_share: 1.0,
            resolution_share: 1.0,
            width_share: 1.0,
            depth_share: 1.0,
        }
    }
}

/// Steps of training for the weights that all architectures share.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
pub enum Paths {
    /// The mean of so many random architectures, at least 1.
    Uniform(u32),
    /// One of these, in turn. Never empty.
    Given(Vec<Subject>),
    /// The mixture of all labels alike, each left out with this probability, in [0, 1).
    Mixture(f64),
}

/// The evaluation of an architecture with shared weights, on validation examples.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedEvaluation {
    /// The weights, as an outcome names them.
    pub weights: String,
    /// The architecture.
    pub subject: Architecture,
    /// Training batches over which the statistics of batch norms are estimated anew; 0 for the running statistics.
    pub calibration: u32,
    /// The number of one batch, counted through all passes over the validation examples; without it all are evaluated.
    pub batch: Option<u64>,
}

/// The loss of a relaxation with shared weights on one validation batch, and its derivative by every probability.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedDerivative {
    /// The weights, as an outcome names them.
    pub weights: String,
    /// The relaxation.
    pub relaxation: Relaxation,
    /// The number of the batch, counted through all passes over the validation examples.
    pub batch: u64,
    /// The derivative after one step of the weights on the next training batch (Liu, Simonyan & Yang 2019, equation 7).
    pub unrolled: bool,
    /// Epochs that the learning rate's schedule spans.
    pub epochs: u32,
}

/// What to look up in a table of measurements.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Of which architecture.
    pub subject: Architecture,
    /// Epochs of training, from 1 to those of a full one: the table answers with the most it has up to these, or else the
    /// fewest.
    pub until_epoch: u32,
    /// Epochs that are trained already, from 0 on: they cost nothing again.
    pub trained_epochs: u32,
    /// The recorded training of this number, counted round those that there are; without it their mean.
    pub training: Option<u64>,
    /// Whether all earlier epochs that the table has are wanted, too.
    pub curve: bool,
}

/// Weights to start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// Fresh ones from this seed.
    Fresh(u64),
    /// Go on from the weights that an earlier outcome names.
    Resume(String),
    /// Start a changed network from another's weights.
    Inherit(String),
}

/// What became of an action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Why it failed, where it did.
    pub failure: Option<String>,
    /// Validation metrics after each epoch so far.
    pub curve: Vec<Epoch>,
    /// Names the weights in the host's store.
    pub weights: Option<String>,
    /// One value per objective, where there are some: at the end of a training, of an evaluation, of shared weights' steps on
    /// the training batches themselves.
    pub objectives: Vec<f64>,
    /// Derivatives of the loss by the probabilities.
    pub gradient: Vec<f32>,
    /// Seconds of the task's clock.
    pub cost: f64,
}

/// One epoch of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    /// From 1.
    pub epoch: u32,
    /// Mean training loss.
    pub train_loss: f64,
    /// One value per objective, in objective order.
    pub objectives: Vec<f64>,
}
