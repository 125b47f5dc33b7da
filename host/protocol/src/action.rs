//! What a trainer is asked to do, and what came of it.

use archwright_space::{Architecture, Network};
use serde::{Deserialize, Serialize};

use crate::{DifferentiateShared, EvaluateShared, Recipe, TrainShared};

/// Something for a trainer to do. What an action says determines its outcome, up to cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Action {
    /// Train a network and evaluate it after each epoch.
    Train(Train),
    /// Evaluate a trained network.
    Evaluate(Evaluate),
    /// Train the weights that all architectures of a space share.
    TrainShared(Box<TrainShared>),
    /// Evaluate an architecture with such weights.
    EvaluateShared(Box<EvaluateShared>),
    /// Differentiate the loss of a relaxation with such weights.
    DifferentiateShared(Box<DifferentiateShared>),
    /// Look a measurement up. Trainers have no tables: the host does it.
    LookUp(Box<LookUp>),
}

/// Looks up what was measured of an architecture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LookUp {
    /// The architecture.
    pub subject: Architecture,
    /// Epochs of training, at least 1.
    pub until_epoch: u32,
    /// Epochs that are trained already, from 0 on: they cost nothing again.
    pub trained_epochs: u32,
    /// Which of the recorded trainings, counted round; without it their mean.
    pub training: Option<u64>,
    /// Whether the outcome's curve holds the epochs before the last, too.
    pub curve: bool,
}

/// Trains a network until it has seen `until_epoch` epochs in all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Train {
    /// The network, for inputs of `input` shape.
    pub network: Network,
    /// Shape of one input (channels, height, width; 1 for a token): smaller than the data's where the resolution is
    /// reduced; the trainer scales the images down.
    pub input: Vec<u32>,
    /// How to train. The schedule spans `until_epoch` epochs, not `recipe.epochs`.
    pub recipe: Recipe,
    /// Epochs in all, at least 1.
    pub until_epoch: u32,
    /// Seed of initial weights, order of examples and augmentation.
    pub seed: u64,
    /// Share of the training examples used, in (0, 1]: a prefix of an order drawn from the split's seed, so that a
    /// smaller share is part of a larger one.
    pub data_share: f64,
    /// Which weights to start from.
    pub start: Start,
    /// What to evaluate on after each epoch. Never the test split.
    pub evaluate: Subset,
    /// Whether to keep the trained weights.
    pub keep_weights: bool,
    /// What to find out of the network's latency before it is trained. Only for trainers whose actions hold `latency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

/// A latency to measure: the median time of a forward pass in evaluation mode, in seconds for a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Inputs in a batch; of a text sequences side by side, each of the recipe's length. At least 1.
    pub batch_size: u32,
    /// Longest latency in seconds. A network that takes longer is not trained, nor evaluated with shared weights: the action
    /// fails with [`FailureKind::Infeasible`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// The network to measure, where it is not the one to train: the full one, where a smaller one stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Box<Network>>,
}

/// Weights to start from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Fresh ones.
    Fresh,
    /// Go on from these, by their digest in the weights folder, with the optimizer's state and after the epochs that
    /// they have seen.
    Resume(String),
}

/// Evaluates kept weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluate {
    /// The network the weights belong to.
    pub network: Network,
    /// Shape of one input (channels, height, width).
    pub input: Vec<u32>,
    /// Digest of the weights.
    pub weights: String,
    /// What to evaluate on.
    pub subset: Subset,
}

/// A part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subset {
    /// What the search sees.
    Validation,
    /// What only the end of a run sees.
    Test,
}

/// What came of an action that succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// For a training: one entry an epoch so far, those before a resume included. For an evaluation: empty.
    pub curve: Vec<Epoch>,
    /// Metrics at the end; of steps of shared weights, on the batches that they learned from.
    pub metrics: Metrics,
    /// Digest of the kept weights.
    #[serde(default)]
    pub weights: Option<String>,
    /// Seconds the action took, without loading data or starting up.
    pub seconds: f64,
    /// Largest device memory in use, in bytes, where it is known.
    #[serde(default)]
    pub peak_memory: Option<u64>,
    /// The measured latency in seconds for a batch, where it was asked for. A measurement, as `seconds`: it does not repeat.
    #[serde(default)]
    pub latency: Option<f64>,
    /// The derivative of the loss by each probability of a relaxation; empty for other actions.
    #[serde(default)]
    pub gradient: Vec<f32>,
    /// What a table has of the test set, beside what the search sees. No plugin is shown it.
    #[serde(default)]
    pub test: Option<Metrics>,
}

impl Outcome {
    /// An outcome with these metrics and nothing else.
    pub fn of(metrics: Metrics, seconds: f64) -> Self {
        let (curve, gradient) = (Vec::new(), Vec::new());
        Self { curve, metrics, weights: None, seconds, peak_memory: None, latency: None, gradient, test: None }
    }
}

/// One epoch of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: u32,
    /// Mean training loss over the epoch, as optimized.
    pub train_loss: f64,
    /// On the subset that was asked for.
    pub metrics: Metrics,
}

/// How good a network is on a subset.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Share of examples classified right, of a text tokens predicted right, in [0, 1].
    pub accuracy: f64,
    /// Mean cross-entropy in nats, without label smoothing. A text's perplexity is its exponential. NaN where a table of
    /// measurements does not have it; `null` in JSON.
    #[serde(with = "absent")]
    pub loss: f64,
}

/// A number that may be NaN, for which JSON has no word.
mod absent {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return Some(*value).filter(|value| !value.is_nan()).serialize(serializer);
        }
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        if deserializer.is_human_readable() {
            return Option::deserialize(deserializer).map(|value| value.unwrap_or(f64::NAN));
        }
        f64::deserialize(deserializer)
    }
}

/// Why an action failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The sort of failure.
    pub kind: FailureKind,
    /// What happened, for a person.
    pub message: String,
}

/// Sorts of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The loss became NaN or infinite.
    Diverged,
    /// The device's memory ran out.
    OutOfMemory,
    /// Refused before it was built: the network does not fit on the device.
    TooLarge,
    /// The trainer ended, by a signal or an exit.
    Crashed,
    /// The trainer said nothing for too long.
    TimedOut,
    /// The trainer was killed from outside: by a person, or by a system that is short of memory.
    Killed,
    /// The trainer cannot do this action.
    Unsupported,
    /// The data or the weights could not be read.
    Data,
    /// Weights could not be written: the disk is full or read-only. The host stops the run, to be resumed.
    Storage,
    /// A defect in the trainer.
    Internal,
    /// The network's latency is above the limit: it was not trained, or not evaluated.
    Infeasible,
    /// The trainer does not have the state of shared weights that the action starts from.
    UnknownState,
}
