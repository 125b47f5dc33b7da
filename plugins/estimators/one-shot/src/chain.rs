//! The shared weights' way from state to state.

use archwright_sdk::{Outcome, Paths, SharedTraining, Start};

/// The weights, and the training that they are in.
///
/// One training follows on the other. A job that needs the weights while another's training is under way waits for that by
/// asking for the same, which is done once.
pub(crate) struct Chain {
    seed: u64,
    epochs: u32,
    epoch_steps: u32,
    /// Steps of the optimizer so far.
    steps: u64,
    /// The weights after those, where there were some.
    weights: Option<String>,
    /// Trainings so far.
    number: u64,
    under_way: Option<UnderWay>,
    /// Why there are no weights any more.
    broken: Option<String>,
}

struct UnderWay {
    training: SharedTraining,
    /// Whether it is along what one job is about; all depend on others.
    along_given: bool,
}

/// A training that a job waits for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Wait {
    number: u64,
    /// Steps of it along what the job is about; 0 where it is another's or everybody's.
    pub(crate) own_steps: u32,
}

/// What a job does about the weights.
pub(crate) enum Turn {
    /// Asks for this training and waits for it.
    Train(Wait, SharedTraining),
    /// Uses these weights.
    Ready(String),
    /// Nothing: the reason.
    Over(String),
}

impl Chain {
    pub(crate) fn new(seed: u64, epochs: u32, epoch_steps: u32) -> Self {
        let epoch_steps = epoch_steps.max(1);
        Self { seed, epochs, epoch_steps, steps: 0, weights: None, number: 0, under_way: None, broken: None }
    }

    /// Whole epochs so far.
    pub(crate) fn epoch(&self) -> u32 {
        u32::try_from(self.steps / u64::from(self.epoch_steps)).unwrap_or(u32::MAX)
    }

    /// Steps to the end of the epoch.
    pub(crate) fn rest_of_epoch(&self) -> u32 {
        self.epoch_steps - (self.steps % u64::from(self.epoch_steps)) as u32
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.weights.is_none()
    }

    /// Share of all training that was done, in (0, 1].
    pub(crate) fn share(&self) -> f64 {
        let all = u64::from(self.epochs) * u64::from(self.epoch_steps);
        (self.steps.max(1) as f64 / all.max(1) as f64).min(1.0)
    }

    /// Has the weights take steps, once those that others asked for are taken.
    pub(crate) fn train(&mut self, steps: u32, paths: Paths) -> Turn {
        if let Some(turn) = self.wait() {
            return turn;
        }
        if self.epoch() >= self.epochs {
            return Turn::Over("the shared weights have been trained to the end".into());
        }
        let start = self.weights.clone().map_or(Start::Fresh(self.seed), Start::Resume);
        let along_given = matches!(paths, Paths::Given(_));
        let training = SharedTraining { start, steps, epochs: self.epochs, paths };
        self.number += 1;
        self.under_way = Some(UnderWay { training: training.clone(), along_given });
        Turn::Train(Wait { number: self.number, own_steps: if along_given { steps } else { 0 } }, training)
    }

    /// The weights, once the steps that others asked for before are taken.
    pub(crate) fn rest(&mut self) -> Turn {
        match (self.wait(), &self.weights) {
            (Some(turn), _) => turn,
            (None, Some(weights)) => Turn::Ready(weights.clone()),
            (None, None) => Turn::Over("there are no shared weights yet".into()),
        }
    }

    fn wait(&self) -> Option<Turn> {
        if let Some(reason) = &self.broken {
            return Some(Turn::Over(reason.clone()));
        }
        let wait = Wait { number: self.number, own_steps: 0 };
        self.under_way.as_ref().map(|under_way| Turn::Train(wait, under_way.training.clone()))
    }

    /// Takes in what came of a training, once: all who waited for it are shown the same outcome.
    pub(crate) fn take_in(&mut self, wait: &Wait, outcome: &Outcome) {
        if wait.number != self.number {
            return;
        }
        let Some(UnderWay { training, along_given }) = self.under_way.take() else { return };
        match (&outcome.failure, &outcome.weights) {
            (None, Some(weights)) => {
                self.steps += u64::from(training.steps);
                self.weights = Some(weights.clone());
            }
            // What one architecture cannot learn is no matter of others. Without what all start from there is nothing.
            (Some(_), _) if along_given => {}
            (failure, _) => {
                let reason = failure.clone().unwrap_or_else(|| "the outcome names no weights".into());
                self.broken = Some(format!("the shared weights could not be trained: {reason}"));
            }
        }
    }
}
