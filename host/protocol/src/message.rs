//! The messages themselves.

use serde::{Deserialize, Serialize};

use crate::{Action, Failure, Measure, Metrics, Outcome, Predict, Prediction, Task, TrainShared};

/// What the host says, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Request {
    /// First message: load the task's data and get ready.
    Setup(Setup),
    /// Do this; exactly one [`Reply::Done`] or [`Reply::Failed`] with the same id ends it. One action at a time.
    Act {
        /// Names the action in replies.
        id: u64,
        /// What to do.
        action: Box<Action>,
        /// Where a training may keep its state while it goes on, for those who go on after a crash.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        checkpoint: Option<Checkpoint>,
        /// How to come to the state of shared weights that the action starts from, where it is not at hand: trainings, each
        /// from the state that the one before leads to. Only after the action failed with
        /// [`FailureKind::UnknownState`](crate::FailureKind::UnknownState).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ancestry: Vec<TrainShared>,
    },
    /// Classify examples; exactly one [`Reply::Predicted`] or [`Reply::Failed`] with the same id ends it. Only for trainers
    /// whose actions hold `predict`.
    Predict {
        /// Names the request in replies.
        id: u64,
        /// What to classify, and with what.
        predict: Box<Predict>,
    },
    /// Measure a network's latency; exactly one [`Reply::Measured`] or [`Reply::Failed`] with the same id ends it. Only for
    /// trainers whose actions hold `latency`.
    Measure {
        /// Names the request in replies.
        id: u64,
        /// What to measure.
        measure: Box<Measure>,
    },
    /// Last message: end with exit code 0. The end of the standard input means the same.
    Stop,
}

/// Where and how often a training keeps its state while it goes on. A trainer that cannot may ignore it.
///
/// An action whose checkpoint is there goes on from it, with the same outcome as if it had never stopped; its seconds
/// include those before. The host removes the checkpoint once the outcome is recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Names the action by its content: the file is `checkpoints/NAME.safetensors` in the weights folder.
    pub name: String,
    /// Seconds of work between two checkpoints, above 0.
    pub seconds: f64,
}

/// What a trainer works on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Version of the protocol that the host speaks.
    pub protocol: u32,
    /// The data and its split.
    pub task: Task,
    /// Device to work on: `cpu` or `cuda:N`.
    pub device: String,
    /// Threads to compute with, on the CPU. Part of what makes a result repeat bit for bit.
    pub threads: u32,
}

/// What a trainer says, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Reply {
    /// Answer to [`Request::Setup`]: ready for actions.
    Ready(Ready),
    /// Answer to [`Request::Setup`]: cannot work on this; the trainer ends.
    Refused(Failure),
    /// A sign of life within an action. Optional, any number; silence for longer than the host's patience counts as a
    /// hang.
    Progress {
        /// The action's id.
        id: u64,
        /// Epochs finished, fractions included.
        epoch: f64,
        /// Metrics of the last finished epoch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metrics: Option<Metrics>,
    },
    /// The action's outcome.
    Done {
        /// The action's id.
        id: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// The classes of examples.
    Predicted {
        /// The request's id.
        id: u64,
        /// One for each file, in the request's order.
        predictions: Vec<Prediction>,
    },
    /// A network's latency.
    Measured {
        /// The request's id.
        id: u64,
        /// Seconds for a batch.
        latency: f64,
    },
    /// The action failed; the trainer goes on with the next unless it ends.
    Failed {
        /// The action's id.
        id: u64,
        /// Why.
        failure: Failure,
    },
}

/// A trainer's answer to the set-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    /// Version of the protocol that the trainer speaks.
    pub protocol: u32,
    /// The trainer's name.
    pub name: String,
    /// The trainer's version.
    pub version: String,
    /// Everything besides the action that bits of the results depend on, e.g. `libtorch 2.11.0, cpu, 1 thread`.
    pub numerics: String,
    /// What it can do: `train`, `train.resume`, `evaluate`, `shared`, `predict`, `latency`.
    pub actions: Vec<String>,
    /// What it works on.
    pub device: DeviceSummary,
    /// The data as loaded and split.
    pub data: DataSummary,
}

/// What a trainer works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSummary {
    /// For people, e.g. `cpu` or `NVIDIA H100`.
    pub name: String,
    /// Memory that trainings can use, in bytes, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

/// The data as loaded and split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    /// Digest of the examples and labels.
    pub digest: String,
    /// Shape of one example: channels, height, width; 1 for a text's tokens.
    pub input: Vec<u32>,
    /// Number of classes; of a text the size of its vocabulary.
    pub classes: u32,
    /// Number of training examples; of a text tokens.
    pub train: u64,
    /// Number of validation examples.
    pub validation: u64,
    /// Number of test examples.
    pub test: u64,
    /// How examples are normalised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalisation: Option<Normalisation>,
    /// Names of the classes, in the order of the scores, where the data has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_names: Option<Vec<String>>,
}

/// How examples are normalised: each channel's mean is taken off, and the rest divided by its deviation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Mean of each channel over the training examples.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel over the training examples; 1 where it is the same everywhere.
    pub deviation: Vec<f32>,
}
