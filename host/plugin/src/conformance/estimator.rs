//! Checks of estimators.

use std::collections::HashSet;
use std::sync::Arc;

use archwright_space::Space;

use super::{Checks, Subject, declined, log, objectives, same, spaces};
use crate::model::{ActionOutcome, OutcomeEpoch, PluginAction, Purpose, Query, Relaxation, Step, Subject as Asked};
use crate::{Estimator, EstimatorSetup, PluginError};

/// Jobs in a check.
const JOBS: u64 = 12;

/// Actions of one job after which it is given up.
const ACTIONS: usize = 100;

const FULL_EPOCHS: u32 = 20;

const EPOCH_STEPS: u32 = 4;

/// How the steps of jobs follow on each other.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    OneByOne,
    Interleaved,
}

pub(super) fn check(subject: &Subject<'_>, checks: &mut Checks) {
    let spaces = match spaces::all() {
        Ok(spaces) => spaces,
        Err(error) => return checks.add("can be tried in the test spaces", Err(error.to_string())),
    };
    let mut accepted = Vec::new();
    for (name, space) in spaces {
        let first = match estimate(subject, &space, Order::OneByOne, false) {
            Err(Problem::Plugin(error)) if declined(&error) => {
                checks.add(format!("declines the {name} space in due form"), Ok(error.to_string()));
                continue;
            }
            first => first.map_err(|problem| problem.to_string()),
        };
        accepted.push(name);
        let estimates = first.as_ref().map_err(Clone::clone).and_then(|steps| all_done(steps));
        checks.add(format!("estimates in the {name} space"), estimates);
        let Ok(first) = first else { continue };
        let compare = |order| {
            let again = estimate(subject, &space, order, false).map_err(|problem| problem.to_string())?;
            same(&first, &again, "estimate")
        };
        checks.add(format!("repeats itself in the {name} space"), compare(Order::OneByOne));
        checks.add(format!("keeps jobs apart in the {name} space"), compare(Order::Interleaved));
        let failing = estimate(subject, &space, Order::OneByOne, true);
        let failing = failing.map(|steps| format!("{} jobs ended", steps.len())).map_err(|problem| problem.to_string());
        checks.add(format!("ends jobs whose actions fail in the {name} space"), failing);
    }
    let some = if accepted.is_empty() { Err("it declined all of them".into()) } else { Ok(accepted.join(", ")) };
    checks.add("works in one of the test spaces", some);
}

fn all_done(steps: &[Step]) -> Result<String, String> {
    match steps.iter().find(|step| !matches!(step, Step::Done(_))) {
        None => Ok(format!("{} jobs done", steps.len())),
        Some(step) => Err(format!("no action failed, but a job ended with {step:?}")),
    }
}

/// Why a check went no further.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Plugin(#[from] PluginError),
    #[error("job {0} asked for {ACTIONS} actions and was not done")]
    Endless(u64),
}

/// The last step of each job.
fn estimate(subject: &Subject<'_>, space: &Arc<Space>, order: Order, failing: bool) -> Result<Vec<Step>, Problem> {
    let needs = subject.component.description().needs.iter().cloned();
    let actions = [
        "train",
        "train.resume",
        "train.inherit",
        "train-shared",
        "evaluate-shared",
        "differentiate-shared",
        "look-up",
    ];
    let actions = actions.map(String::from);
    let setup = EstimatorSetup {
        objectives: objectives(),
        options: subject.options.clone(),
        seed: 1,
        full_epochs: FULL_EPOCHS,
        offers: needs.chain(actions).collect(),
        epoch_steps: EPOCH_STEPS,
    };
    let name = subject.component.name();
    let mut estimator = Estimator::open(subject.component, Arc::clone(space), setup, subject.limits, log(name))?;
    let queries: Vec<_> = (0..JOBS)
        .map(|job| Query {
            id: 100 + job,
            subject: Asked::Architecture(space.sample(job / 2)),
            fidelity: if job % 3 == 2 { 0.5 } else { 1.0 },
            parent: (job > 0 && job % 2 == 1).then_some(99 + job),
            purpose: Purpose::Estimate,
        })
        .collect();
    let mut steps: Vec<Option<Step>> = vec![None; queries.len()];
    if order == Order::Interleaved {
        for (job, query) in (0..).zip(&queries) {
            steps[job as usize] = Some(estimator.begin(job, query)?);
        }
    }
    let mut rounds = 0;
    let mut states = HashSet::new();
    loop {
        let mut busy = false;
        for (job, query) in (0..).zip(&queries) {
            let slot = &mut steps[job as usize];
            let mut step = match slot.take() {
                Some(step) => step,
                None => estimator.begin(job, query)?,
            };
            let mut actions = 0;
            while let Step::Act(action) = &step {
                if actions.max(rounds) >= ACTIONS {
                    return Err(Problem::Endless(job));
                }
                actions += 1;
                let outcome = if failing { failed() } else { outcome(space, job, action, &mut states) };
                step = estimator.advance(job, &outcome)?;
                if order == Order::Interleaved {
                    break;
                }
            }
            busy |= matches!(step, Step::Act(_));
            *slot = Some(step);
        }
        rounds += 1;
        if !busy {
            return Ok(steps.into_iter().flatten().collect());
        }
    }
}

fn failed() -> ActionOutcome {
    ActionOutcome { failure: Some("out of memory".into()), cost: 1.0, ..ActionOutcome::default() }
}

/// What a made-up trainer makes of an action; `states` are those of shared weights so far.
fn outcome(space: &Space, job: u64, action: &PluginAction, states: &mut HashSet<String>) -> ActionOutcome {
    match action {
        PluginAction::Train(training) => {
            let weights = format!("weights-{job}-{}", training.until_epoch);
            trained(training.until_epoch, spaces::accuracy(space, &training.subject), weights)
        }
        PluginAction::LookUp(measurement) => {
            let accuracy = spaces::accuracy(space, &measurement.subject);
            ActionOutcome { weights: None, ..trained(measurement.until_epoch, accuracy, String::new()) }
        }
        // Named by what was asked for, and paid for once, as by the host.
        PluginAction::TrainShared(training) => {
            let name = blake3::hash(format!("{training:?}").as_bytes()).to_hex().to_string();
            let cost = if states.insert(name.clone()) { 1.0 } else { 0.0 };
            ActionOutcome { weights: Some(name), cost, ..valued(0.5) }
        }
        PluginAction::EvaluateShared(evaluation) => valued(spaces::accuracy(space, &evaluation.subject)),
        PluginAction::DifferentiateShared(derivative) => {
            let Relaxation { probabilities, .. } = &derivative.relaxation;
            ActionOutcome { gradient: Some(vec![0.1; probabilities.len()]), ..valued(0.5) }
        }
    }
}

fn valued(accuracy: f64) -> ActionOutcome {
    ActionOutcome { objectives: Some(vec![accuracy]), cost: 1.0, ..ActionOutcome::default() }
}

fn trained(until_epoch: u32, accuracy: f64, weights: String) -> ActionOutcome {
    let curve = (1..=until_epoch).map(|epoch| {
        let share = f64::from(epoch) / f64::from(FULL_EPOCHS);
        OutcomeEpoch { epoch, train_loss: 2.0 - share, objectives: vec![accuracy * (0.5 + 0.5 * share)] }
    });
    ActionOutcome {
        curve: Some(curve.collect()),
        weights: Some(weights),
        objectives: Some(vec![accuracy]),
        cost: f64::from(until_epoch),
        ..ActionOutcome::default()
    }
}
