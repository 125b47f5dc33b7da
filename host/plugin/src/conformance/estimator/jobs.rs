//! Jobs of an estimator, carried out by the made-up trainer.

use std::sync::Arc;

use archwright_space::Space;
use serde::Serialize;

use super::trainer::{EPOCH_STEPS, FULL_EPOCHS, Fate, Trainer};
use crate::conformance::report::Fault;
use crate::conformance::{Subject, advice, trial};
use crate::model::{Estimate, Objective, Query, Step};
use crate::{Estimator, EstimatorSetup, PluginError};

/// Actions of one job after which it is given up.
const ACTIONS: usize = 200;

/// How the steps of jobs follow on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Each job to its end before the next one begins.
    OneByOne,
    /// All begin, and go on in turns.
    Forwards,
    /// All begin, and the last one goes on first.
    Backwards,
}

/// What an estimator is put through.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) queries: Vec<Query>,
    pub(super) order: Order,
    pub(super) fate: Fate,
    pub(super) objectives: Vec<Objective>,
    pub(super) offers: Vec<String>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::conformance) enum End {
    Estimated(Estimate),
    Failed(String),
    /// It refused the query, in due form.
    Refused(String),
}

/// What came of the work.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) ends: Vec<End>,
    /// The most fuel that a call took.
    pub(super) fuel: u64,
    /// Bytes of memory at the end.
    pub(super) memory: u64,
}

/// Why the work was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    Plugin(PluginError),
    Endless { job: usize },
}

impl Trouble {
    pub(super) fn declines(&self) -> bool {
        matches!(self, Self::Plugin(error) if trial::declines(error))
    }
}

impl From<PluginError> for Trouble {
    fn from(error: PluginError) -> Self {
        Self::Plugin(error)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plugin(error) => error.fmt(formatter),
            Self::Endless { job } => write!(formatter, "job {job} asked for {ACTIONS} actions and was not done"),
        }
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        let advice = match &trouble {
            Trouble::Plugin(error) => advice::on(error),
            Trouble::Endless { .. } => "end each job with `done` or `failed` after some actions".into(),
        };
        Self::new(trouble.to_string(), advice)
    }
}

/// Has all jobs done.
pub(super) fn carry_out(subject: &Subject<'_>, space: &Arc<Space>, work: &Work) -> Result<Done, Trouble> {
    let mut bench = Bench::open(subject, space, work)?;
    if work.order == Order::OneByOne {
        for job in 0..work.queries.len() {
            bench.begin(job)?;
            while bench.advance(job)? {}
        }
    } else {
        bench.begin_all()?;
        while bench.turn()? {}
    }
    Ok(bench.done())
}

/// Has all jobs done while another instance, which takes turns with this one, does them, too.
pub(super) fn carry_out_beside_another(
    subject: &Subject<'_>,
    space: &Arc<Space>,
    work: &Work,
) -> Result<Done, Trouble> {
    let mut benches = [Bench::open(subject, space, work)?, Bench::open(subject, space, work)?];
    for job in 0..work.queries.len() {
        for bench in &mut benches {
            bench.begin(job)?;
        }
    }
    let mut busy = true;
    while busy {
        busy = false;
        for bench in &mut benches {
            busy |= bench.turn()?;
        }
    }
    let [bench, _] = benches;
    Ok(bench.done())
}

enum State {
    Waiting,
    Acting { step: Step, actions: usize },
    Over(End),
}

struct Bench<'a> {
    estimator: Estimator,
    trainer: Trainer<'a>,
    work: &'a Work,
    fuel: u64,
    states: Vec<State>,
}

impl<'a> Bench<'a> {
    fn open(subject: &Subject<'_>, space: &'a Arc<Space>, work: &'a Work) -> Result<Self, Trouble> {
        let setup = EstimatorSetup {
            objectives: work.objectives.clone(),
            options: subject.options.clone(),
            seed: 1,
            full_epochs: FULL_EPOCHS,
            offers: work.offers.clone(),
            epoch_steps: EPOCH_STEPS,
        };
        let estimator = Estimator::open(subject.component, Arc::clone(space), setup, subject.limits, subject.log())?;
        let trainer = Trainer::new(space, work.fate, work.objectives.len());
        let states = work.queries.iter().map(|_| State::Waiting).collect();
        Ok(Self { estimator, trainer, work, fuel: 0, states })
    }

    fn begin(&mut self, job: usize) -> Result<(), Trouble> {
        let before = self.estimator.fuel_used();
        let step = self.estimator.begin(job as u64, &self.work.queries[job]);
        self.take(job, step, before, 0)
    }

    fn begin_all(&mut self) -> Result<(), Trouble> {
        (0..self.work.queries.len()).try_for_each(|job| self.begin(job))
    }

    /// Carries an action of each job out; false where none has one.
    fn turn(&mut self) -> Result<bool, Trouble> {
        let jobs = self.work.queries.len();
        let mut busy = false;
        for place in 0..jobs {
            let job = if self.work.order == Order::Backwards { jobs - 1 - place } else { place };
            busy |= self.advance(job)?;
        }
        Ok(busy)
    }

    fn done(self) -> Done {
        let ends = self.states.into_iter().filter_map(|state| match state {
            State::Over(end) => Some(end),
            _ => None,
        });
        Done { ends: ends.collect(), fuel: self.fuel, memory: self.estimator.memory_bytes() }
    }

    /// Carries the job's action out; false where it has none.
    fn advance(&mut self, job: usize) -> Result<bool, Trouble> {
        let State::Acting { step: Step::Act(action), actions } = &self.states[job] else { return Ok(false) };
        if *actions >= ACTIONS {
            return Err(Trouble::Endless { job });
        }
        let (actions, outcome) = (*actions, self.trainer.outcome(job as u64, action));
        let before = self.estimator.fuel_used();
        let step = self.estimator.advance(job as u64, &outcome);
        self.take(job, step, before, actions + 1)?;
        Ok(matches!(self.states[job], State::Acting { .. }))
    }

    fn take(
        &mut self,
        job: usize,
        step: Result<Step, PluginError>,
        before: u64,
        actions: usize,
    ) -> Result<(), Trouble> {
        self.fuel = self.fuel.max(self.estimator.fuel_used() - before);
        self.states[job] = match step {
            Ok(step @ Step::Act(_)) => State::Acting { step, actions },
            Ok(Step::Done(estimate)) => State::Over(End::Estimated(estimate)),
            Ok(Step::Failed(reason)) => State::Over(End::Failed(reason)),
            // To the host an estimator that answers an error has refused one query.
            Err(error @ PluginError::Guest { .. }) => State::Over(End::Refused(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }
}
