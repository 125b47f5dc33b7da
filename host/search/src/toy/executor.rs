//! Carrying out actions on a landscape.

use std::sync::Arc;
use std::time::Duration;

use archwright_protocol::{
    Action, DataSummary, DeviceSummary, Epoch, Failure, FailureKind, Metrics, Outcome, Ready, VERSION,
};
use archwright_space::{Architecture, Space};

use super::{EPOCHS, Landscape};
use crate::executor::{ActionResult, Executor, ExecutorEvent, Work};
use crate::simulated::Workers;
use crate::tabular::LOOK_UP;

/// An architecture whose height was looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// The architecture.
    pub architecture: Architecture,
    /// Share of a full training, in (0, 1].
    pub share: f64,
    /// What was seen.
    pub value: f64,
}

/// Simulated workers, to whom a full training takes a second.
pub struct ToyExecutor {
    landscape: Landscape,
    space: Arc<Space>,
    workers: Workers,
    looked: Vec<Looked>,
}

impl ToyExecutor {
    /// So many workers on a landscape over a space.
    pub fn new(landscape: Landscape, space: Arc<Space>, workers: usize) -> Self {
        Self { landscape, space, workers: Workers::new(workers), looked: Vec::new() }
    }

    /// What it would say of itself, for inputs of this shape: that it looks measurements up, or has weights that architectures
    /// share.
    pub fn ready(input: &[u32], classes: u32, shared: bool) -> Ready {
        let actions: &[&str] = if shared { &["train", "shared"] } else { &[LOOK_UP] };
        Ready {
            protocol: VERSION,
            name: "toy".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            numerics: "made up".into(),
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            device: DeviceSummary { name: "toy".into(), memory: None },
            data: DataSummary {
                digest: "0".repeat(64),
                input: input.to_vec(),
                classes,
                train: 640,
                validation: 640,
                test: 640,
                normalisation: None,
                class_names: None,
            },
        }
    }

    /// What was looked up, in the order in which it was asked for.
    pub fn looked(&self) -> &[Looked] {
        &self.looked
    }

    fn carry_out(&mut self, action: &Action) -> ActionResult {
        let share = |epochs: u32| f64::from(epochs) / f64::from(EPOCHS);
        match action {
            Action::LookUp(look_up) => {
                let until = look_up.until_epoch.min(EPOCHS);
                let training = look_up.training.unwrap_or(0);
                let seen = |epoch| self.landscape.seen(&self.space, &look_up.subject, epoch, training);
                let epochs = if look_up.curve { levels(until) } else { vec![until] };
                let epochs = epochs.into_iter().map(|epoch| (epoch, seen(epoch)));
                let curve =
                    epochs.map(|(epoch, accuracy)| Epoch { epoch, train_loss: 1.0, metrics: metrics(accuracy) });
                let curve = curve.collect();
                let value = seen(until);
                let architecture = look_up.subject.clone();
                self.looked.push(Looked { architecture, share: share(until), value });
                let seconds = share(until.saturating_sub(look_up.trained_epochs));
                Ok(Outcome { curve, ..Outcome::of(metrics(value), seconds) })
            }
            // What comes of the weights is not made up: they are as good after a step as they will ever be.
            Action::TrainShared(_) => Ok(Outcome::of(metrics(0.5), share(1))),
            Action::EvaluateShared(evaluate) => {
                let value = self.landscape.seen(&self.space, &evaluate.subject, EPOCHS, 0);
                let architecture = evaluate.subject.clone();
                self.looked.push(Looked { architecture, share: 1.0, value });
                Ok(Outcome::of(metrics(value), 0.0))
            }
            Action::DifferentiateShared(differentiate) => {
                let probabilities = &differentiate.relaxation.probabilities;
                let (value, gradient) = self.landscape.mixture(&self.space, probabilities);
                Ok(Outcome { gradient, ..Outcome::of(metrics(value), 0.0) })
            }
            // Of the network that was found nobody asks how good it is when it is trained: the landscape says it.
            Action::Train(_) | Action::Evaluate(_) => {
                Ok(Outcome { weights: Some("0".repeat(64)), ..Outcome::of(metrics(0.0), 0.0) })
            }
            _ => Err(Failure { kind: FailureKind::Unsupported, message: "nobody made up what comes of that".into() }),
        }
    }
}

/// Epochs of a curve: powers of three, and the last.
fn levels(until: u32) -> Vec<u32> {
    let powers = std::iter::successors(Some(1u32), |epoch| epoch.checked_mul(3));
    powers.take_while(|epoch| *epoch < until).chain([until]).collect()
}

fn metrics(accuracy: f64) -> Metrics {
    Metrics { accuracy, loss: -accuracy.max(1e-6).ln() }
}

impl Executor for ToyExecutor {
    fn submit(&mut self, ticket: u64, work: Work) {
        let result = self.carry_out(&work.action);
        self.workers.submit(ticket, result);
    }

    fn next(&mut self, patience: Duration) -> Option<ExecutorEvent> {
        self.workers.next(patience)
    }

    fn clock(&self) -> Option<f64> {
        Some(self.workers.now())
    }
}
