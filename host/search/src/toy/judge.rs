//! Trying an estimator on a landscape.

use std::collections::HashMap;
use std::sync::Arc;

use archwright_plugin::model::{
    ActionOutcome, Goal, Objective, OutcomeEpoch, PluginAction, Purpose, Query, Start, Step, Subject,
};
use archwright_plugin::{Component, Estimator, EstimatorSetup, Limits, PluginError};
use archwright_space::{Architecture, Space, seed};
use serde::Serialize;
use serde_json::Value;

use super::{EPOCHS, Landscape};
use crate::parts::log_sink;

/// Actions of one job after which it is given up.
const ACTIONS: usize = 10_000;

/// Steps of an epoch of shared training.
const EPOCH_STEPS: u32 = 10;

/// An estimator to try, and what on.
#[derive(Clone, Copy, Debug)]
pub struct Judging<'a> {
    /// The estimator.
    pub component: &'a Component,
    /// Its options, complete.
    pub options: &'a Value,
    /// Its limits.
    pub limits: &'a Limits,
    /// The space.
    pub space: &'a Arc<Space>,
    /// The landscape over it.
    pub landscape: &'a Landscape,
    /// Seed of the architectures that are drawn, and of the estimator.
    pub seed: u64,
}

/// An architecture and what an estimator says of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// Its decisions.
    pub decisions: Vec<(String, String)>,
    /// How good it is.
    pub truth: f64,
    /// What the estimator says; nothing where it failed.
    pub estimate: Option<f64>,
    /// Why it failed, where it did.
    pub failure: Option<String>,
    /// Cost that it charges, in full trainings.
    pub cost: f64,
    /// Share of a full training that it says it spent.
    pub fidelity: Option<f64>,
}

impl Judging<'_> {
    /// Has the estimator judge so many random architectures, asked for at a fidelity, as many open at once as there are
    /// workers.
    ///
    /// # Errors
    /// Where the estimator cannot be opened, or breaks a limit or the contract.
    pub fn judge(self, count: usize, fidelity: f64, workers: usize) -> Result<Vec<Judged>, PluginError> {
        let Self { component, options, limits, space, landscape, seed } = self;
        let needs = component.description().needs.iter().cloned();
        let offers = ["train", "train.resume", "train-shared", "evaluate-shared", "differentiate-shared", "look-up"];
        let setup = EstimatorSetup {
            objectives: vec![Objective { name: "accuracy".into(), goal: Goal::Maximize }],
            options: options.clone(),
            seed,
            full_epochs: EPOCHS,
            offers: needs.chain(offers.map(String::from)).collect(),
            epoch_steps: EPOCH_STEPS,
        };
        let log = log_sink(component.name());
        let mut estimator = Estimator::open(component, Arc::clone(space), setup, limits, log)?;
        let mut trainer = Trainer { space, landscape, states: HashMap::new() };
        let mut all = Vec::with_capacity(count);
        let architectures: Vec<_> =
            (0..count).map(|index| space.sample(seed::derive(seed, "judged", index as u64))).collect();
        for (batch, group) in architectures.chunks(workers.max(1)).enumerate() {
            let mut steps = Vec::with_capacity(group.len());
            for (place, architecture) in group.iter().enumerate() {
                let job = (batch * workers.max(1) + place) as u64;
                let subject = Subject::Architecture(architecture.clone());
                let query = Query { id: job, subject, fidelity, parent: None, purpose: Purpose::Estimate };
                steps.push((job, ended(estimator.begin(job, &query))?));
            }
            for ((job, mut step), architecture) in steps.into_iter().zip(group) {
                let mut actions = 0;
                while let Ok(Step::Act(action)) = &step {
                    actions += 1;
                    if actions > ACTIONS {
                        step = Err(format!("it asked for {ACTIONS} actions and was not done"));
                        break;
                    }
                    let outcome = trainer.outcome(job, action);
                    step = ended(estimator.advance(job, &outcome))?;
                }
                all.push(judged(space, landscape, architecture, step));
            }
        }
        Ok(all)
    }
}

/// A step; an error that the estimator answers with ends the job, not the estimator.
fn ended(step: Result<Step, PluginError>) -> Result<Result<Step, String>, PluginError> {
    match step {
        Ok(step) => Ok(Ok(step)),
        Err(error @ PluginError::Guest { .. }) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}

fn judged(space: &Space, landscape: &Landscape, architecture: &Architecture, step: Result<Step, String>) -> Judged {
    let (decisions, truth) = (space.label(architecture), landscape.truth(space, architecture));
    let (estimate, failure) = match step {
        Ok(Step::Done(estimate)) => (Some(estimate), None),
        Ok(Step::Failed(reason)) | Err(reason) => (None, Some(reason)),
        Ok(Step::Act(_)) => (None, Some("it was not done".into())),
    };
    Judged {
        decisions,
        truth,
        failure,
        cost: estimate.as_ref().map_or(0.0, |estimate| estimate.cost),
        fidelity: estimate.as_ref().map(|estimate| estimate.fidelity),
        estimate: estimate.and_then(|estimate| estimate.objectives.first().copied()),
    }
}

/// What becomes of an estimator's actions.
struct Trainer<'a> {
    space: &'a Space,
    landscape: &'a Landscape,
    /// Epochs that kept weights have seen, and the training that they are of.
    states: HashMap<String, (u32, u64)>,
}

impl Trainer<'_> {
    fn outcome(&mut self, job: u64, action: &PluginAction) -> ActionOutcome {
        match action {
            PluginAction::Train(training) => {
                let (trained, seed) = match &training.start {
                    Start::Fresh(seed) => (0, *seed),
                    Start::Resume(weights) | Start::Inherit(weights) => {
                        self.states.get(weights).copied().unwrap_or_default()
                    }
                };
                let shares =
                    [training.data_share, training.resolution_share, training.width_share, training.depth_share];
                let share: f64 = shares.iter().product();
                let name = format!("weights-{job}-{}-{seed}", training.until_epoch);
                self.states.insert(name.clone(), (training.until_epoch, seed));
                // Less of anything shows as fewer epochs would.
                let seen = |epoch: u32| {
                    let epoch = (f64::from(epoch) * share.sqrt()).round().max(1.0) as u32;
                    self.landscape.seen(self.space, &training.subject, epoch, seed)
                };
                let epochs = training.until_epoch.saturating_sub(trained);
                let cost = share * f64::from(epochs) / f64::from(EPOCHS);
                ActionOutcome { weights: Some(name), ..curve(training.until_epoch, cost, seen) }
            }
            PluginAction::LookUp(measurement) => {
                let training = measurement.training.unwrap_or(0);
                let epochs = measurement.until_epoch.saturating_sub(measurement.trained_epochs);
                curve(measurement.until_epoch, f64::from(epochs) / f64::from(EPOCHS), |epoch| {
                    self.landscape.seen(self.space, &measurement.subject, epoch, training)
                })
            }
            PluginAction::TrainShared(training) => {
                let name = blake3::hash(format!("{training:?}").as_bytes()).to_hex().to_string();
                let cost = f64::from(training.steps) / f64::from(EPOCH_STEPS * EPOCHS);
                ActionOutcome { weights: Some(name), ..valued(0.5, cost) }
            }
            PluginAction::EvaluateShared(evaluation) => {
                valued(self.landscape.seen(self.space, &evaluation.subject, EPOCHS / 3, 0), 0.0)
            }
            PluginAction::DifferentiateShared(derivative) => {
                let (value, gradient) = self.landscape.mixture(self.space, &derivative.relaxation.probabilities);
                ActionOutcome { gradient: Some(gradient), ..valued(value, 0.0) }
            }
            _ => ActionOutcome { failure: Some("nobody made up what comes of that".into()), ..valued(0.0, 0.0) },
        }
    }
}

fn valued(accuracy: f64, cost: f64) -> ActionOutcome {
    ActionOutcome { objectives: Some(vec![accuracy]), cost, ..ActionOutcome::default() }
}

fn curve(until: u32, cost: f64, seen: impl Fn(u32) -> f64) -> ActionOutcome {
    let epoch = |epoch| OutcomeEpoch { epoch, train_loss: 1.0, objectives: vec![seen(epoch)] };
    ActionOutcome { curve: Some((1..=until).map(epoch).collect()), ..valued(seen(until), cost) }
}
