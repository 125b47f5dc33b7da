//! The loop between strategy, estimator and trainers.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use archwright_plugin::model::{
    Estimate, EstimateOutcome, Goal, Observation, PluginAction, Query, Reply, Step, Subject,
};
use archwright_plugin::{Estimator, PluginError, Strategy};
use archwright_space::{Architecture, Footprint, Space, SpaceError};
use archwright_store::{RunId, Store};
use serde_json::json;

use crate::action::{ActionMaker, failed, shown};
use crate::error::SearchError;
use crate::experiment::{Experiment, ObjectiveName, TellOrder};
use crate::jobs::{Delivery, Jobs};
use crate::report::{Event, Observed, Observer, Tried, median};
use crate::stop::Stop;

/// Drives one search to the end of its budget.
pub(crate) struct Driver<'a> {
    pub(crate) run: RunId,
    pub(crate) experiment: &'a Experiment,
    pub(crate) goal: Goal,
    pub(crate) space: &'a Space,
    pub(crate) strategy: &'a mut Strategy,
    pub(crate) estimator: &'a mut Estimator,
    pub(crate) maker: &'a ActionMaker<'a>,
    pub(crate) store: &'a Store,
    pub(crate) stop: &'a Stop,
}

/// What a search leaves behind.
pub(crate) struct Searched {
    pub(crate) tried: Tried,
    /// Architectures to retrain, the most promising first, no two of them isomorphic.
    pub(crate) candidates: Vec<Architecture>,
}

/// A query being estimated.
struct Job {
    query: Query,
    fingerprint: Option<String>,
    footprint: Option<Result<Footprint, SpaceError>>,
    trained: u32,
    remembered: u32,
    cost: f64,
}

#[derive(Default)]
struct Progress {
    /// Queries asked; the next one's place in the run.
    asked: u64,
    /// Queries told.
    told: u64,
    cost: f64,
    finished: bool,
    /// Being estimated, by place in the run.
    jobs: BTreeMap<u64, Job>,
    /// Estimated, not told yet.
    estimated: BTreeMap<u64, (Job, EstimateOutcome)>,
    observed: Vec<Observed>,
    /// Value of the best observation at the highest fidelity so far, and that fidelity.
    incumbent: Option<(f64, f64)>,
}

impl Driver<'_> {
    /// Searches until the budget is spent or the strategy is finished.
    pub(crate) fn search(
        &mut self,
        jobs: &mut Jobs<'_, u64>,
        observer: &mut dyn Observer,
    ) -> Result<Searched, SearchError> {
        let start = Instant::now();
        let mut progress = Progress::default();
        loop {
            self.fill(&mut progress, jobs, observer, start)?;
            // The strategy is asked again after each observation, so that what it knows when asked for query n does
            // not depend on how many outcomes happened to be there.
            if self.tell_next(&mut progress, observer)? {
                continue;
            }
            let Some(delivery) = jobs.deliver(self.stop, observer)? else { break };
            self.advance(&mut progress, jobs, delivery)?;
        }
        if self.stop.requested() {
            jobs.keep_arrived()?;
            return Err(SearchError::Interrupted { run: self.run, queries: progress.told });
        }
        self.conclude(progress, start)
    }

    fn wants_more(&self, progress: &Progress, start: Instant) -> bool {
        let budget = &self.experiment.budget;
        !self.stop.requested()
            && budget.queries.is_none_or(|queries| progress.asked < queries)
            && budget.cost.is_none_or(|cost| progress.cost < cost.0)
            && budget.time.is_none_or(|time| start.elapsed() < time.duration())
    }

    /// Queries that may be asked now.
    fn room(&self, progress: &Progress) -> u64 {
        let open = progress.asked - progress.told;
        let room = u64::from(self.experiment.run.in_flight).saturating_sub(open);
        self.experiment.budget.queries.map_or(room, |queries| room.min(queries - progress.asked))
    }

    /// Asks for queries while there is room.
    fn fill(
        &mut self,
        progress: &mut Progress,
        jobs: &mut Jobs<'_, u64>,
        observer: &mut dyn Observer,
        start: Instant,
    ) -> Result<(), SearchError> {
        while !progress.finished && self.wants_more(progress, start) {
            let room = self.room(progress);
            if room == 0 {
                break;
            }
            match self.strategy.ask(u32::try_from(room).unwrap_or(u32::MAX))? {
                Reply::Queries(queries) => {
                    for query in queries {
                        let sequence = progress.asked;
                        progress.asked += 1;
                        observer.on(Event::Asked { sequence });
                        self.begin(progress, jobs, sequence, query)?;
                    }
                }
                Reply::Waiting => break,
                Reply::Finished => progress.finished = true,
            }
        }
        Ok(())
    }

    fn begin(
        &mut self,
        progress: &mut Progress,
        jobs: &mut Jobs<'_, u64>,
        sequence: u64,
        query: Query,
    ) -> Result<(), SearchError> {
        let architecture = match &query.subject {
            Subject::Architecture(architecture) => Some(architecture),
            Subject::Relaxation(_) => None,
        };
        let step = self.estimator.begin(sequence, &query);
        let job = Job {
            fingerprint: architecture.and_then(|architecture| self.space.fingerprint(architecture).ok()),
            footprint: architecture.map(|architecture| self.space.profile(architecture)),
            query,
            trained: 0,
            remembered: 0,
            cost: 0.0,
        };
        self.follow(progress, jobs, sequence, job, step)
    }

    /// Takes the outcome of an action to the job that asked for it.
    fn advance(
        &mut self,
        progress: &mut Progress,
        jobs: &mut Jobs<'_, u64>,
        Delivery { owner: sequence, result, remembered }: Delivery<u64>,
    ) -> Result<(), SearchError> {
        let Some(mut job) = progress.jobs.remove(&sequence) else { return Ok(()) };
        let outcome = match &result {
            Ok(outcome) => {
                if remembered {
                    job.remembered += 1;
                } else {
                    job.trained += 1;
                }
                job.cost += outcome.seconds;
                progress.cost += outcome.seconds;
                match &job.footprint {
                    Some(footprint) => shown(outcome, &self.experiment.task.objectives, footprint.as_ref()),
                    None => failed("a relaxation has no network of its own to train".into()),
                }
            }
            Err(failure) => {
                tracing::warn!(sequence, kind = ?failure.kind, reason = failure.message, "action failed");
                failed(failure.message.clone())
            }
        };
        let step = self.estimator.advance(sequence, &outcome);
        self.follow(progress, jobs, sequence, job, step)
    }

    /// Does what the estimator wants next.
    fn follow(
        &mut self,
        progress: &mut Progress,
        jobs: &mut Jobs<'_, u64>,
        sequence: u64,
        job: Job,
        step: Result<Step, PluginError>,
    ) -> Result<(), SearchError> {
        let outcome = match step {
            Ok(Step::Act(action)) => {
                let made = match &action {
                    PluginAction::Train(training) => self.maker.train(training),
                    _ => Err("this host cannot carry out such an action".into()),
                };
                jobs.request(sequence, made)?;
                progress.jobs.insert(sequence, job);
                return Ok(());
            }
            Ok(Step::Done(estimate)) => EstimateOutcome::Estimated(estimate),
            Ok(Step::Failed(reason)) => EstimateOutcome::Failed(reason),
            // The estimator refused this query in due form; it can go on with others.
            Err(error @ PluginError::Guest { .. }) => EstimateOutcome::Failed(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        progress.estimated.insert(sequence, (job, outcome));
        Ok(())
    }

    /// Tells one observation, by default the next in the order of the queries; false where none can be told yet.
    fn tell_next(&mut self, progress: &mut Progress, observer: &mut dyn Observer) -> Result<bool, SearchError> {
        let Some(entry) = progress.estimated.first_entry() else { return Ok(false) };
        let sequence = *entry.key();
        if self.experiment.run.tell == TellOrder::Query && sequence != progress.told {
            return Ok(false);
        }
        let (job, outcome) = entry.remove();
        self.tell(progress, observer, sequence, job, outcome)?;
        Ok(true)
    }

    fn tell(
        &mut self,
        progress: &mut Progress,
        observer: &mut dyn Observer,
        sequence: u64,
        job: Job,
        outcome: EstimateOutcome,
    ) -> Result<(), SearchError> {
        let observation = Observation { query: job.query.id, outcome: outcome.clone() };
        self.strategy.tell(std::slice::from_ref(&observation))?;
        let observed = self.observed(job, outcome);
        self.store.record_query(self.run, sequence, &json!(observed))?;
        progress.told += 1;
        let incumbent = self.is_incumbent(progress, &observed);
        observer.on(Event::Told { sequence, observed: &observed, incumbent });
        progress.observed.push(observed);
        Ok(())
    }

    fn observed(&self, job: Job, outcome: EstimateOutcome) -> Observed {
        let architecture = match job.query.subject {
            Subject::Architecture(architecture) => Some(architecture),
            Subject::Relaxation(_) => None,
        };
        Observed {
            query: job.query.id,
            decisions: architecture.as_ref().map(|of| self.space.label(of)).unwrap_or_default(),
            architecture,
            fingerprint: job.fingerprint,
            footprint: job.footprint.and_then(Result::ok),
            fidelity: job.query.fidelity,
            outcome,
            trained: job.trained,
            remembered: job.remembered,
            cost: job.cost,
        }
    }

    /// Whether an observation beats all before it: a higher fidelity first, then a better first objective.
    fn is_incumbent(&self, progress: &mut Progress, observed: &Observed) -> bool {
        let Some((value, fidelity)) = rank(observed) else { return false };
        let better =
            progress.incumbent.is_none_or(|(best, at)| fidelity > at || (fidelity == at && self.improves(value, best)));
        if better {
            progress.incumbent = Some((value, fidelity));
        }
        better
    }

    fn improves(&self, value: f64, over: f64) -> bool {
        match self.goal {
            Goal::Maximize => value > over,
            Goal::Minimize => value < over,
        }
    }

    fn conclude(&mut self, progress: Progress, start: Instant) -> Result<Searched, SearchError> {
        let observed = &progress.observed;
        let failures: Vec<&str> = observed
            .iter()
            .filter_map(|one| match &one.outcome {
                EstimateOutcome::Failed(reason) => Some(reason.as_str()),
                EstimateOutcome::Estimated(_) => None,
            })
            .collect();
        let values: Vec<f64> = observed.iter().filter_map(|one| one.objective(0)).collect();
        let Some((best, _)) = progress.incumbent else {
            let last = failures.last().copied().unwrap_or("none, the strategy asked for nothing").to_owned();
            return Err(SearchError::NothingFound { failed: failures.len() as u64, last });
        };
        let fingerprints: HashSet<&str> = observed.iter().filter_map(|one| one.fingerprint.as_deref()).collect();
        let tried = Tried {
            queries: progress.told,
            distinct: fingerprints.len() as u64,
            failed: failures.len() as u64,
            trained: observed.iter().map(|one| u64::from(one.trained)).sum(),
            remembered: observed.iter().map(|one| u64::from(one.remembered)).sum(),
            objective: objective_name(self.experiment.task.objectives[0]),
            best,
            median: median(values),
            cost: progress.cost,
            seconds: start.elapsed().as_secs_f64(),
        };
        let candidates = self.candidates(&progress.observed)?;
        Ok(Searched { tried, candidates })
    }

    /// The strategy's picks, or else the best observed; at most as many as there are finalists.
    fn candidates(&mut self, observed: &[Observed]) -> Result<Vec<Architecture>, SearchError> {
        let mut picks = self.strategy.recommend()?;
        if picks.is_empty() {
            let mut ranked: Vec<_> = observed.iter().filter_map(|one| Some((rank(one)?, one))).collect();
            // Stable: of equals, the one asked for first.
            ranked.sort_by(|((left, left_fidelity), _), ((right, right_fidelity), _)| {
                let by_value = match self.goal {
                    Goal::Maximize => right.total_cmp(left),
                    Goal::Minimize => left.total_cmp(right),
                };
                right_fidelity.total_cmp(left_fidelity).then(by_value)
            });
            picks = ranked.into_iter().filter_map(|(_, one)| one.architecture.clone()).collect();
        }
        let mut seen = HashSet::new();
        let distinct = picks.into_iter().filter(|pick| self.space.fingerprint(pick).is_ok_and(|one| seen.insert(one)));
        Ok(distinct.take(self.experiment.run.finalists as usize).collect())
    }
}

/// First objective and fidelity of an estimated observation.
fn rank(observed: &Observed) -> Option<(f64, f64)> {
    match &observed.outcome {
        EstimateOutcome::Estimated(Estimate { objectives, fidelity, .. }) => Some((*objectives.first()?, *fidelity)),
        EstimateOutcome::Failed(_) => None,
    }
}

pub(crate) fn objective_name(objective: ObjectiveName) -> String {
    // An enum of unit variants is a JSON string.
    json!(objective).as_str().unwrap_or_default().to_owned()
}
