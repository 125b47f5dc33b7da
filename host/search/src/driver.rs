//! The loop between strategy, estimator and trainers.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet, VecDeque};

use archwright_plugin::model::{Estimate, EstimateOutcome, Goal, Observation, Purpose, Query, Reply, Step, Subject};
use archwright_plugin::{Estimator, PluginError, Strategy};
use archwright_space::{Architecture, Space};
use archwright_store::{RunId, Store};
use serde_json::json;

use crate::action::{Next, failed, shown};
use crate::error::SearchError;
use crate::experiment::{Experiment, ObjectiveName, TellOrder};
use crate::jobs::{Delivery, Jobs};
use crate::journal::{Record, answer};
use crate::report::{Event, Observer, Tried, median};
use crate::stop::Stop;

/// Queries between two notes in the store of how far the run is, and the least of them that a wait notes.
const NOTED_QUERIES: u64 = 10_000;

/// Drives one search to the end of its budget.
pub(crate) struct Driver<'a> {
    pub(crate) run: RunId,
    pub(crate) experiment: &'a Experiment,
    pub(crate) goal: Goal,
    pub(crate) space: &'a Space,
    pub(crate) strategy: &'a mut Strategy,
    pub(crate) estimator: &'a mut Estimator,
    pub(crate) store: &'a Store,
    pub(crate) stop: &'a Stop,
    /// Whether actions look measurements up. A table may lack thousands of them: that is told once.
    pub(crate) on_table: bool,
}

/// What a search leaves behind.
pub(crate) struct Searched {
    pub(crate) tried: Tried,
    /// Architectures to retrain, the most promising first, no two of them isomorphic.
    pub(crate) candidates: Vec<Candidate>,
}

/// An architecture to retrain.
pub(crate) struct Candidate {
    pub(crate) architecture: Architecture,
    /// Whether the search measured its latency, and found it within the limit where there is one.
    pub(crate) measured: bool,
}

/// A query being estimated.
struct Job {
    query: Query,
    trained: u32,
    remembered: u32,
    /// Whether an outcome of it holds a latency.
    measured: bool,
}

/// A query that was told, as far as the end of the search needs it.
struct Told {
    architecture: Option<Architecture>,
    /// First objective and fidelity, where it was estimated.
    rank: Option<(f64, f64)>,
    /// As of its job.
    measured: bool,
}

#[derive(Default)]
struct Progress {
    /// Queries asked; the next one's place in the run.
    asked: u64,
    /// Queries told.
    told: u64,
    /// Those of them that judge no single architecture.
    steps: u64,
    /// Queries told when the store was last told of it.
    noted: u64,
    cost: f64,
    finished: bool,
    time_over: bool,
    /// Being estimated, by place in the run.
    jobs: BTreeMap<u64, Job>,
    /// Estimated, not told yet, in the order of their places.
    estimated: VecDeque<(u64, Job, EstimateOutcome)>,
    history: Vec<Told>,
    /// Fingerprints of the networks that actions were about.
    networks: HashSet<[u8; 32]>,
    trained: u64,
    remembered: u64,
    failed: u64,
    last_failure: Option<String>,
    /// Look-ups that failed, and why the last one did.
    not_found: (u64, String),
    /// Value of the best observation at the highest fidelity so far, and that fidelity.
    incumbent: Option<(f64, f64)>,
    strategy_fuel: u64,
    estimator_fuel: u64,
}

impl Driver<'_> {
    /// Searches until the budget is spent or the strategy is finished.
    pub(crate) fn search(&mut self, jobs: &mut Jobs<'_>, observer: &mut dyn Observer) -> Result<Searched, SearchError> {
        let mut progress = Progress {
            strategy_fuel: self.strategy.fuel_used(),
            estimator_fuel: self.estimator.fuel_used(),
            ..Progress::default()
        };
        loop {
            self.fill(&mut progress, jobs, observer)?;
            // The filling may have been cut short: what follows it in a journal is what follows all of it.
            if self.stop.requested() {
                break;
            }
            // The strategy is asked again after each outcome that was delivered, so that what it knows when asked for
            // query n does not depend on how many outcomes happened to be there.
            if self.tell_estimated(&mut progress, jobs, observer)? {
                continue;
            }
            self.note(&mut progress, jobs)?;
            let Some(delivery) = jobs.deliver(self.stop, observer)? else { break };
            self.advance(&mut progress, jobs, delivery)?;
        }
        if self.stop.requested() {
            jobs.keep_arrived()?;
            return Err(SearchError::Interrupted { run: self.run, queries: progress.told });
        }
        self.conclude(progress, jobs)
    }

    /// Tells the store how far the run is, for whoever lists runs.
    fn note(&self, progress: &mut Progress, jobs: &mut Jobs<'_>) -> Result<(), SearchError> {
        if progress.noted < progress.told && !jobs.journal.remakes() && !jobs.journal.is_playing()? {
            self.store.set_progress(self.run, progress.told)?;
            progress.noted = progress.told;
        }
        Ok(())
    }

    fn wants_more(&self, progress: &mut Progress, jobs: &mut Jobs<'_>) -> Result<bool, SearchError> {
        let budget = &self.experiment.budget;
        let wanted = !progress.finished
            && !progress.time_over
            && !self.stop.requested()
            && budget.queries.is_none_or(|queries| progress.asked < queries)
            && budget.cost.is_none_or(|cost| progress.cost < cost.0);
        if let (true, Some(time)) = (wanted, budget.time) {
            progress.time_over = jobs.journal.time_is_over(time.0)?;
        }
        Ok(wanted && !progress.time_over)
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
        jobs: &mut Jobs<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), SearchError> {
        while self.wants_more(progress, jobs)? {
            let room = self.room(progress);
            if room == 0 {
                break;
            }
            match self.ask(progress, jobs, u32::try_from(room).unwrap_or(u32::MAX))? {
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

    fn ask(&mut self, progress: &mut Progress, jobs: &mut Jobs<'_>, capacity: u32) -> Result<Reply, SearchError> {
        let given = own(self.strategy.ask(capacity))?;
        let fuel = spent(&mut progress.strategy_fuel, self.strategy.fuel_used());
        jobs.journal.put(&Record::Asked { capacity, answer: answer(&given, Cow::Borrowed), fuel })?;
        Ok(given?)
    }

    fn begin(
        &mut self,
        progress: &mut Progress,
        jobs: &mut Jobs<'_>,
        sequence: u64,
        query: Query,
    ) -> Result<(), SearchError> {
        let given = match self.exceeded(&query.subject) {
            // No estimator is asked: nothing is trained, and nothing charged.
            Some(problem) => Ok(Step::Failed(problem)),
            None => own(self.estimator.begin(sequence, &query))?,
        };
        let fuel = spent(&mut progress.estimator_fuel, self.estimator.fuel_used());
        jobs.journal.put(&Record::Started { sequence, answer: answer(&given, Cow::Borrowed), fuel })?;
        self.follow(progress, jobs, sequence, Job { query, trained: 0, remembered: 0, measured: false }, given)
    }

    fn is_within(&self, architecture: &Architecture) -> bool {
        let limits = self.space.limits();
        limits.is_none_or(|limits| self.space.profile(architecture).is_ok_and(|one| limits.check(&one).is_ok()))
    }

    /// The constraint of size that an architecture does not meet.
    fn exceeded(&self, subject: &Subject) -> Option<String> {
        let (Some(limits), Subject::Architecture(architecture)) = (self.space.limits(), subject) else { return None };
        // One that cannot be built fails where it is to be trained.
        let footprint = self.space.profile(architecture).ok()?;
        limits.check(&footprint).err().map(|error| error.to_string())
    }

    /// Takes the outcome of an action to the job that asked for it.
    fn advance(
        &mut self,
        progress: &mut Progress,
        jobs: &mut Jobs<'_>,
        Delivery { owner: sequence, result, remembered, network, weights, measured }: Delivery,
    ) -> Result<(), SearchError> {
        let Some(mut job) = progress.jobs.remove(&sequence) else { return Ok(()) };
        let outcome = match &result {
            Ok(outcome) => {
                *(if remembered { &mut job.remembered } else { &mut job.trained }) += 1;
                progress.cost += outcome.seconds;
                job.measured |= outcome.latency.is_some();
                progress.networks.extend(network);
                shown(outcome, &self.experiment.task.objectives, weights, measured, || match &job.query.subject {
                    Subject::Architecture(one) => self.space.profile(one).map_err(|error| error.to_string()),
                    Subject::Relaxation(_) => Err("a relaxation has no size of its own for an objective".into()),
                })
            }
            Err(failure) => {
                if self.on_table {
                    tracing::debug!(sequence, kind = ?failure.kind, reason = failure.message, "look-up failed");
                    progress.not_found = (progress.not_found.0 + 1, failure.message.clone());
                } else {
                    tracing::warn!(sequence, kind = ?failure.kind, reason = failure.message, "action failed");
                }
                failed(failure.message.clone())
            }
        };
        let given = own(self.estimator.advance(sequence, &outcome))?;
        let fuel = spent(&mut progress.estimator_fuel, self.estimator.fuel_used());
        let argument = jobs.journal.checksum(&outcome);
        let answer = answer(&given, Cow::Borrowed);
        jobs.journal.put(&Record::Advanced { sequence, argument, answer, fuel })?;
        self.follow(progress, jobs, sequence, job, given)
    }

    /// Does what the estimator wants next.
    fn follow(
        &mut self,
        progress: &mut Progress,
        jobs: &mut Jobs<'_>,
        sequence: u64,
        job: Job,
        step: Result<Step, PluginError>,
    ) -> Result<(), SearchError> {
        let outcome = match Next::of(step, job.query.purpose)? {
            Next::Act(request) => {
                progress.jobs.insert(sequence, job);
                return jobs.request(sequence, request);
            }
            Next::Over(outcome) => outcome,
        };
        let place = progress.estimated.partition_point(|(other, ..)| *other < sequence);
        progress.estimated.insert(place, (sequence, job, outcome));
        Ok(())
    }

    /// Tells what is estimated, by default in the order of the queries; false where nothing can be told yet.
    ///
    /// All of it in one call: it is estimated without an outcome that others could have come before, or waited for the
    /// same one.
    fn tell_estimated(
        &mut self,
        progress: &mut Progress,
        jobs: &mut Jobs<'_>,
        observer: &mut dyn Observer,
    ) -> Result<bool, SearchError> {
        let count = match self.experiment.run.tell {
            TellOrder::Arrival => progress.estimated.len(),
            TellOrder::Query => {
                let places = progress.estimated.iter().zip(progress.told..);
                places.take_while(|((sequence, ..), place)| sequence == place).count()
            }
        };
        if count == 0 {
            return Ok(false);
        }
        let mut sequences = Vec::with_capacity(count);
        let mut told = Vec::with_capacity(count);
        let mut observations = Vec::with_capacity(count);
        for (sequence, job, outcome) in progress.estimated.drain(..count) {
            sequences.push(sequence);
            observations.push(Observation { query: job.query.id, outcome });
            told.push(job);
        }
        let given = own(self.strategy.tell(&observations))?;
        let fuel = spent(&mut progress.strategy_fuel, self.strategy.fuel_used());
        jobs.journal.put(&Record::Told {
            sequences: Cow::Borrowed(&sequences),
            answer: answer(&given, |()| ()),
            fuel,
        })?;
        given?;
        for ((sequence, job), observation) in sequences.into_iter().zip(told).zip(observations) {
            self.note_told(progress, observer, sequence, job, observation.outcome);
        }
        if progress.told - progress.noted >= NOTED_QUERIES {
            self.note(progress, jobs)?;
        }
        Ok(true)
    }

    fn note_told(
        &self,
        progress: &mut Progress,
        observer: &mut dyn Observer,
        sequence: u64,
        job: Job,
        outcome: EstimateOutcome,
    ) {
        progress.told += 1;
        progress.trained += u64::from(job.trained);
        progress.remembered += u64::from(job.remembered);
        let architecture = match job.query.subject {
            Subject::Architecture(architecture) => Some(architecture),
            Subject::Relaxation(_) => None,
        };
        // Steps of shared weights and single batches say little of an architecture, and a mixture is none.
        let judges = job.query.purpose == Purpose::Estimate && architecture.is_some();
        progress.steps += u64::from(!judges);
        let rank = rank(&outcome).filter(|_| judges);
        let incumbent = rank.is_some_and(|rank| self.is_incumbent(progress, rank));
        // What takes long is found out for the few.
        let footprint = architecture.as_ref().filter(|_| incumbent).and_then(|of| self.space.profile(of).ok());
        let failed = matches!(outcome, EstimateOutcome::Failed(_));
        observer.on(Event::Told { sequence, objective: rank.map(|(value, _)| value), failed, incumbent, footprint });
        if let EstimateOutcome::Failed(reason) = outcome {
            progress.failed += 1;
            progress.last_failure = Some(reason);
        }
        progress.history.push(Told { architecture, rank, measured: job.measured });
    }

    /// Whether an observation beats all before it: a higher fidelity first, then a better first objective.
    fn is_incumbent(&self, progress: &mut Progress, (value, fidelity): (f64, f64)) -> bool {
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

    fn conclude(&mut self, progress: Progress, jobs: &mut Jobs<'_>) -> Result<Searched, SearchError> {
        let seconds = jobs.journal.searched()?;
        let (not_found, last) = &progress.not_found;
        if *not_found > 0 {
            tracing::warn!(run = %self.run, "{not_found} look-ups failed, the last one so: {last}");
        }
        let history = &progress.history;
        let tried = Tried {
            queries: progress.told,
            steps: progress.steps,
            distinct: (!progress.networks.is_empty()).then_some(progress.networks.len() as u64),
            failed: progress.failed,
            trained: progress.trained,
            remembered: progress.remembered,
            objective: objective_name(self.experiment.task.objectives[0]),
            best: progress.incumbent.map(|(best, _)| best),
            median: median(history.iter().filter_map(|one| Some(one.rank?.0)).collect()),
            cost: progress.cost,
            seconds,
        };
        let (failed, last_failure) = (progress.failed, progress.last_failure.clone());
        let candidates = self.candidates(progress, jobs)?;
        // A strategy may know what it picks without having tried anything.
        if candidates.is_empty() || (failed > 0 && failed == tried.queries) {
            let problem = match last_failure {
                Some(last) => format!("estimated: the last of {failed} failures was: {last}"),
                None => "chosen: the strategy picked none that meets all constraints, and had none estimated".into(),
            };
            return Err(SearchError::NothingFound { problem });
        }
        Ok(Searched { tried, candidates })
    }

    /// The strategy's picks, or else the best observed; at most as many as there are finalists.
    fn candidates(&mut self, mut progress: Progress, jobs: &mut Jobs<'_>) -> Result<Vec<Candidate>, SearchError> {
        let given = own(self.strategy.recommend())?;
        let fuel = spent(&mut progress.strategy_fuel, self.strategy.fuel_used());
        let answer = answer(&given, |picks| Cow::Borrowed(picks.as_slice()));
        jobs.journal.put(&Record::Recommended { answer, fuel })?;
        let mut picks = given?;
        if picks.is_empty() {
            let best = best_first(&progress.history, self.goal);
            return Ok(self.finalists(best, &progress.history));
        }
        Ok(self.finalists(picks.drain(..), &progress.history))
    }

    /// The first ones that meet the constraints and whose networks differ, as many as there are finalists.
    fn finalists(&self, picks: impl Iterator<Item = Architecture>, history: &[Told]) -> Vec<Candidate> {
        let mut seen = HashSet::new();
        let within = picks.filter(|pick| self.is_within(pick));
        let distinct = within.filter(|pick| self.space.fingerprint(pick).is_ok_and(|one| seen.insert(one)));
        let measures = self.experiment.latency().is_some();
        let candidate = |architecture: Architecture| {
            let told = |one: &Told| one.measured && one.architecture.as_ref() == Some(&architecture);
            Candidate { measured: measures && history.iter().any(told), architecture }
        };
        distinct.take(self.experiment.run.finalists as usize).map(candidate).collect()
    }
}

/// A call's result, where it is the plugin's: what the host gives up on says nothing of the plugin, and is not recorded.
fn own<T>(result: Result<T, PluginError>) -> Result<Result<T, PluginError>, SearchError> {
    match result {
        Err(error @ PluginError::Aborted { .. }) => Err(error.into()),
        result => Ok(result),
    }
}

/// Fuel taken since the last call, which `before` was the total after.
fn spent(before: &mut u64, total: u64) -> u64 {
    total.saturating_sub(std::mem::replace(before, total))
}

/// The architectures that were estimated, the best first: a higher fidelity, then a better value; of equals, the one asked
/// for first. A heap, since only the first few are wanted.
fn best_first(history: &[Told], goal: Goal) -> impl Iterator<Item = Architecture> {
    let order = |number: f64| {
        // Bits whose order as integers is that of `f64::total_cmp`.
        let bits = number.to_bits().cast_signed();
        bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
    };
    let mut heap: BinaryHeap<_> = history
        .iter()
        .enumerate()
        .filter_map(|(index, one)| {
            let (value, fidelity) = one.rank?;
            let value = if goal == Goal::Maximize { value } else { -value };
            Some((order(fidelity), order(value), Reverse(index)))
        })
        .collect();
    std::iter::from_fn(move || heap.pop()).filter_map(|(_, _, Reverse(index))| history[index].architecture.clone())
}

/// First objective and fidelity of an estimate.
fn rank(outcome: &EstimateOutcome) -> Option<(f64, f64)> {
    match outcome {
        EstimateOutcome::Estimated(Estimate { objectives, fidelity, .. }) => Some((*objectives.first()?, *fidelity)),
        EstimateOutcome::Failed(_) => None,
    }
}

pub(crate) fn objective_name(objective: ObjectiveName) -> String {
    // An enum of unit variants is a JSON string.
    json!(objective).as_str().unwrap_or_default().to_owned()
}
