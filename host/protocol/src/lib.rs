//! What the host and its trainers say to each other: JSON lines over the trainer's standard streams.
//!
//! The host writes [`Request`]s to the trainer's standard input, one JSON object a line; the trainer writes
//! [`Reply`]s to its standard output. Standard error is free for the trainer's own log. No message holds a file path:
//! where data and weights lie on this machine is told by the environment variables [`DATA_DIR`] and [`WEIGHTS_DIR`].
//! This crate holds types only, no logic.

mod action;
mod measure;
mod message;
mod predict;
mod recipe;
mod shared;
mod task;

pub use action::{
    Action, Epoch, Evaluate, Failure, FailureKind, Latency, LookUp, Metrics, Outcome, Start, Subset, Train,
};
pub use measure::Measure;
pub use message::{Checkpoint, DataSummary, DeviceSummary, Normalisation, Ready, Reply, Request, Setup};
pub use predict::{Predict, Prediction};
pub use recipe::{Optimizer, Recipe, Schedule};
pub use shared::{
    DifferentiateShared, EvaluateShared, Paths, SharedStart, SharedState, Subject, Supergraph, TrainShared,
};
pub use task::{DataFormat, DataSource, Split, Task, Tokens};

/// Version of this protocol; host and trainer have to agree.
pub const VERSION: u32 = 1;

/// Environment variable: the file or folder that holds the task's data, where the source has one.
pub const DATA_DIR: &str = "ARCHWRIGHT_DATA";

/// Environment variable: the folder in which trained weights are kept, named by their content.
pub const WEIGHTS_DIR: &str = "ARCHWRIGHT_WEIGHTS";
