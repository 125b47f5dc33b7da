//! Two estimators' judgement of the same architectures: how far one is from the other.

use std::collections::{BTreeMap, HashSet};

use archwright_plugin::model::{Estimate, EstimateOutcome, Goal, Purpose, Query, Step, Subject};
use archwright_plugin::{Estimator, Kind, PluginError};
use archwright_space::{Architecture, Space, seed};
use archwright_store::{RunRecord, RunStatus, Store};
use serde::Serialize;

use crate::action::{Next, failed, shown};
use crate::driver::objective_name;
use crate::error::SearchError;
use crate::experiment::{Choice, Experiment, ExperimentFile};
use crate::jobs::{Delivery, Jobs};
use crate::journal::{Head, Journal};
use crate::parts::{Pinned, Prefer};
use crate::report::Observer;
use crate::search::{Environment, Search, objective as objective_of};
use crate::set::Set;
use crate::stop::Stop;

/// Draws in a row without another network after which the space counts as having no more.
const DRAWS: u32 = 1000;
/// The first job's number, above all of a run's own.
const FIRST_JOB: u64 = 1 << 40;
/// A strategy that every estimator runs with: none is asked.
const ANY_STRATEGY: &str = "random";
/// What an error about a stop says was not reached.
const CORRELATED: &str = "the architectures were judged";

/// What two estimators are compared on.
pub struct Correlation<'a> {
    /// The store that holds the run.
    pub store: &'a Store,
    /// The run: its space, its task, and its estimator as the search left it.
    pub record: &'a RunRecord,
    /// What there is on this machine.
    pub environment: &'a Environment,
    /// Architectures to judge, drawn from the space; no two have isomorphic networks.
    pub sample: u32,
    /// Seed of the draws.
    pub seed: u64,
    /// An estimator instead of the run's.
    pub estimator: Option<Choice>,
    /// The estimator to compare with.
    pub against: Choice,
}

/// What two estimators say of the same architectures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Correlated {
    /// The objective that they judge by.
    pub objective: String,
    /// Whether larger is better.
    pub maximize: bool,
    /// Names of the estimators.
    pub estimators: [String; 2],
    /// Architectures that both judged.
    pub judged: Vec<Judged>,
    /// How often each failed, and the last reason.
    pub failed: [u32; 2],
    /// The last reason.
    pub last_failure: Option<String>,
    /// Seconds of the task's clock that each was charged.
    pub cost: [f64; 2],
}

/// An architecture and what two estimators say of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// Its decisions.
    pub decisions: Vec<(String, String)>,
    /// Identifies its network up to isomorphism.
    pub fingerprint: String,
    /// The objective by each estimator.
    pub values: [f64; 2],
}

impl Correlation<'_> {
    /// Has both estimators judge the sample.
    ///
    /// # Errors
    /// Where the run is not finished or its parts are gone, an estimator is not there, or `stop` was requested.
    pub fn judge(self, stop: &Stop, observer: &mut dyn Observer) -> Result<Correlated, SearchError> {
        let Self { store, record, sample, seed, .. } = self;
        if record.status != RunStatus::Finished {
            return Err(SearchError::Unfinished { run: record.id, status: record.status });
        }
        let (head, journal) = Journal::replay(&store.journal_path(record.id))?;
        let own = self.search(&head, None)?;
        let against = self.other(&head, "--against", &self.against)?;
        let first = self.estimator.as_ref().map(|choice| self.other(&head, "--estimator", choice)).transpose()?;
        let (mut hands, ready, _) = own.hands(store, stop, CORRELATED)?;
        let space = own.space(&ready)?;
        let architectures = draw(&space, seed, sample, stop)?;
        let mut judge = |search: &Search, journal: Option<Journal>| {
            let set = Set { search, run: record.id, store, ready: &ready, space: &space, stop };
            set.with_estimator(journal, hands.as_mut(), observer, |estimator, jobs, observer| {
                let judging = Judging { experiment: search.experiment(), space: &space, stop };
                judging.estimates(estimator, jobs, &architectures, observer)
            })
        };
        let estimated = match &first {
            Some(search) => judge(search, None)?,
            None => judge(&own, Some(journal))?,
        };
        let reference = judge(&against, None)?;
        let objective = own.experiment().task.objectives[0];
        let goal = objective_of(objective).goal;
        let name = |search: &Search| search.experiment().estimator.name.clone();
        let mut judged = Vec::new();
        for (architecture, (one, other)) in architectures.iter().zip(estimated.iter().zip(&reference)) {
            if let (Ok(one), Ok(other)) = (one, other) {
                let fingerprint = space.fingerprint(architecture).unwrap_or_default();
                let values = [one.objectives[0], other.objectives[0]];
                judged.push(Judged { decisions: space.label(architecture), fingerprint, values });
            }
        }
        let both = [&estimated, &reference];
        let failures = |all: &[Result<Estimate, String>]| all.iter().filter(|one| one.is_err()).count() as u32;
        let cost = |all: &[Result<Estimate, String>]| all.iter().flatten().map(|one| one.cost).sum();
        Ok(Correlated {
            objective: objective_name(objective),
            maximize: goal == Goal::Maximize,
            estimators: [name(first.as_ref().unwrap_or(&own)), name(&against)],
            judged,
            failed: both.map(|all| failures(all)),
            last_failure: both.into_iter().flatten().filter_map(|one| one.as_ref().err().cloned()).next_back(),
            cost: both.map(|all| cost(all)),
        })
    }

    /// The run's search, with the estimator that `option` names. The rest of it is as it was when the run began: what is wrong
    /// is the estimator, or does not fit it.
    fn other(&self, head: &Head, option: &'static str, choice: &Choice) -> Result<Search, SearchError> {
        self.search(head, Some(choice)).map_err(|error| match error {
            SearchError::Experiment(error) => {
                let known = self.environment.catalogue.plugins(Kind::Estimator);
                let names: Vec<String> = known.into_iter().map(|(name, _)| name).collect();
                let help = format!("estimators are {}, or the path of a .wasm file", names.join(", "));
                SearchError::Compared { option, name: choice.name.clone(), problem: error.to_string(), help }
            }
            error => error,
        })
    }

    /// The run's search, with another estimator where one is given.
    fn search(&self, head: &Head, estimator: Option<&Choice>) -> Result<Search, SearchError> {
        let mut file = ExperimentFile::recorded(&head.experiment, &head.folder)?;
        let mut prefer = Prefer::Recorded;
        if let Some(estimator) = estimator {
            file.experiment.estimator = estimator.clone();
            file.experiment.strategy = Choice { name: ANY_STRATEGY.into(), options: serde_json::Map::new() };
            prefer = Prefer::AtHand;
        }
        let pinned = Pinned { parts: &head.parts, store: self.store, prefer, plugins: estimator.is_none() };
        Search::prepare_with(file, self.environment, Some(pinned), Some(head.trainer.clone()))
    }
}

/// Random architectures whose networks differ, as many as there are.
fn draw(space: &Space, seed: u64, count: u32, stop: &Stop) -> Result<Vec<Architecture>, SearchError> {
    let mut seen = HashSet::new();
    let mut drawn = Vec::new();
    let (mut index, mut in_vain) = (0, 0);
    while drawn.len() < count as usize && in_vain < DRAWS {
        if stop.requested() {
            return Err(SearchError::Stopped { before: CORRELATED });
        }
        let architecture = space.sample(seed::derive(seed, "correlate", index));
        index += 1;
        if space.fingerprint(&architecture).is_ok_and(|one| seen.insert(one)) {
            in_vain = 0;
            drawn.push(architecture);
        } else {
            in_vain += 1;
        }
    }
    Ok(drawn)
}

/// What estimates are made with.
struct Judging<'a> {
    experiment: &'a Experiment,
    space: &'a Space,
    stop: &'a Stop,
}

impl Judging<'_> {
    /// An estimate of each architecture, or why there is none.
    fn estimates(
        &self,
        estimator: &mut Estimator,
        jobs: &mut Jobs<'_>,
        architectures: &[Architecture],
        observer: &mut dyn Observer,
    ) -> Result<Vec<Result<Estimate, String>>, SearchError> {
        let mut results: BTreeMap<u64, Result<Estimate, String>> = BTreeMap::new();
        let mut waiting = (FIRST_JOB..).zip(architectures);
        let mut open = 0;
        while results.len() < architectures.len() {
            while open < self.experiment.run.in_flight
                && let Some((job, architecture)) = waiting.next()
            {
                let subject = Subject::Architecture(architecture.clone());
                let query = Query { id: job, subject, fidelity: 1.0, parent: None, purpose: Purpose::Estimate };
                let step = estimator.begin(job, &query);
                open += 1;
                if follow(jobs, job, step, &mut results)? {
                    open -= 1;
                }
            }
            if open == 0 {
                continue;
            }
            let Some(Delivery { owner, result, weights, measured, .. }) = jobs.deliver(self.stop, observer)? else {
                return Err(SearchError::Stopped { before: CORRELATED });
            };
            let Some(architecture) = owner.checked_sub(FIRST_JOB).and_then(|job| architectures.get(job as usize))
            else {
                continue;
            };
            let outcome = match &result {
                Ok(outcome) => shown(outcome, &self.experiment.task.objectives, weights, measured, || {
                    self.space.profile(architecture).map_err(|error| error.to_string())
                }),
                Err(failure) => failed(failure.message.clone()),
            };
            let step = estimator.advance(owner, &outcome);
            if follow(jobs, owner, step, &mut results)? {
                open -= 1;
            }
        }
        Ok(results.into_values().collect())
    }
}

/// Does what an estimator wants next; says whether the job is over.
fn follow(
    jobs: &mut Jobs<'_>,
    job: u64,
    step: Result<Step, PluginError>,
    results: &mut BTreeMap<u64, Result<Estimate, String>>,
) -> Result<bool, SearchError> {
    let result = match Next::of(step, Purpose::Estimate)? {
        Next::Act(request) => {
            jobs.request(job, request)?;
            return Ok(false);
        }
        Next::Over(EstimateOutcome::Estimated(estimate)) => Ok(estimate),
        Next::Over(EstimateOutcome::Failed(reason)) => Err(reason),
    };
    results.insert(job, result);
    Ok(true)
}
