//! One trainer that classifies examples or measures networks.

use std::time::Duration;

use archwright_protocol::{Failure, Measure, Predict, Prediction, Ready, Setup};

use super::TrainerCommand;
use super::process::TrainerProcess;
use crate::stop::Stop;

/// A trainer that is set up. It ends when this is dropped.
pub(crate) struct SingleTrainer {
    process: TrainerProcess,
    ready: Ready,
    patience: Duration,
    requests: u64,
}

impl SingleTrainer {
    /// Starts a trainer and sets it up.
    pub(crate) fn start(
        command: &TrainerCommand,
        setup: &Setup,
        patience: Duration,
        stop: &Stop,
    ) -> Result<Self, Failure> {
        let (process, ready) = TrainerProcess::start(command, setup, patience, stop)?;
        Ok(Self { process, ready, patience, requests: 0 })
    }

    /// What the trainer said of itself and the data.
    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Classifies examples.
    pub(crate) fn predict(&mut self, predict: Predict, stop: &Stop) -> Result<Vec<Prediction>, Failure> {
        self.requests += 1;
        self.process.predict(self.requests, predict, self.patience, stop)
    }

    /// Measures a network's latency in seconds for a batch.
    pub(crate) fn measure(&mut self, measure: Measure, stop: &Stop) -> Result<f64, Failure> {
        self.requests += 1;
        self.process.measure(self.requests, measure, self.patience, stop)
    }
}
