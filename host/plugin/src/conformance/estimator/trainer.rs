//! A made-up trainer: what an estimator under test is told of its actions.

use std::collections::HashSet;

use archwright_space::Space;

use crate::conformance::{spaces, values};
use crate::model::{ActionOutcome, OutcomeEpoch, PluginAction, Relaxation};

/// Epochs of a full training.
pub(super) const FULL_EPOCHS: u32 = 20;

/// Steps of an epoch of shared training.
pub(super) const EPOCH_STEPS: u32 = 4;

/// What becomes of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// They succeed.
    Success,
    /// They fail.
    Failure,
    /// They succeed, and what they measure is no number.
    Divergence,
}

/// Carries actions out, as far as an estimator can tell.
pub(super) struct Trainer<'a> {
    pub(super) space: &'a Space,
    pub(super) fate: Fate,
    pub(super) objectives: usize,
    /// States of shared weights so far.
    states: HashSet<String>,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(space: &'a Space, fate: Fate, objectives: usize) -> Self {
        Self { space, fate, objectives, states: HashSet::new() }
    }

    pub(super) fn outcome(&mut self, job: u64, action: &PluginAction) -> ActionOutcome {
        match self.fate {
            Fate::Failure => {
                ActionOutcome { failure: Some("out of memory".into()), cost: 1.0, ..ActionOutcome::default() }
            }
            Fate::Success => self.success(job, action),
            Fate::Divergence => diverged(self.success(job, action)),
        }
    }

    fn success(&mut self, job: u64, action: &PluginAction) -> ActionOutcome {
        match action {
            PluginAction::Train(training) => {
                let weights = format!("weights-{job}-{}", training.until_epoch);
                self.trained(training.until_epoch, spaces::accuracy(self.space, &training.subject), weights)
            }
            PluginAction::LookUp(measurement) => {
                let accuracy = spaces::accuracy(self.space, &measurement.subject);
                ActionOutcome { weights: None, ..self.trained(measurement.until_epoch, accuracy, String::new()) }
            }
            // Named by what was asked for, and paid for once, as by the host.
            PluginAction::TrainShared(training) => {
                let name = blake3::hash(format!("{training:?}").as_bytes()).to_hex().to_string();
                let cost = if self.states.insert(name.clone()) { 1.0 } else { 0.0 };
                ActionOutcome { weights: Some(name), cost, ..self.valued(0.5) }
            }
            PluginAction::EvaluateShared(evaluation) => self.valued(spaces::accuracy(self.space, &evaluation.subject)),
            PluginAction::DifferentiateShared(derivative) => {
                let Relaxation { probabilities, .. } = &derivative.relaxation;
                let (accuracy, gradient) = values::relaxed(self.space, probabilities);
                ActionOutcome { gradient: Some(gradient), ..self.valued(accuracy) }
            }
        }
    }

    /// One value for each objective.
    fn values(&self, accuracy: f64) -> Vec<f64> {
        (0..self.objectives).map(|objective| accuracy + objective as f64).collect()
    }

    fn valued(&self, accuracy: f64) -> ActionOutcome {
        ActionOutcome { objectives: Some(self.values(accuracy)), cost: 1.0, ..ActionOutcome::default() }
    }

    fn trained(&self, until_epoch: u32, accuracy: f64, weights: String) -> ActionOutcome {
        let curve = (1..=until_epoch).map(|epoch| {
            let share = f64::from(epoch) / f64::from(FULL_EPOCHS);
            let objectives = self.values(accuracy * (0.5 + 0.5 * share));
            OutcomeEpoch { epoch, train_loss: 2.0 - share, objectives }
        });
        ActionOutcome {
            curve: Some(curve.collect()),
            weights: Some(weights),
            cost: f64::from(until_epoch),
            ..self.valued(accuracy)
        }
    }
}

/// The same, of a training whose loss became NaN.
fn diverged(mut outcome: ActionOutcome) -> ActionOutcome {
    let numbers = outcome.objectives.iter_mut().flatten();
    let epochs = outcome.curve.iter_mut().flatten().skip(1);
    let seen = epochs.flat_map(|epoch| std::iter::once(&mut epoch.train_loss).chain(&mut epoch.objectives));
    for number in numbers.chain(seen) {
        *number = f64::NAN;
    }
    outcome
}
