//! What the runs of a comparison observed, from their journals.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use archwright_compare::Better;
use archwright_protocol::{Metrics, Ready};
use archwright_search::experiment::{Experiment, ObjectiveName};
use archwright_search::journal::{Observation, observations};
use archwright_search::{Optimum, Parts, Report, SearchError};
use archwright_store::{ComparisonRecord, RunId, RunRecord, RunStatus, Store};
use serde::Deserialize;

use crate::SuiteError;
use crate::suite::{Labels, Reporting};

/// Everything that a report is made of.
#[derive(Clone, Debug)]
pub struct Results {
    /// What the comparison is called.
    pub name: String,
    /// What the report is asked for.
    pub reporting: Reporting,
    /// What was compared on: a task in a space each.
    pub problems: Vec<Problem>,
    /// Runs that are not finished, and so are not in it.
    pub missing: Vec<Missing>,
}

/// A run that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Labels of its parts.
    pub labels: Labels,
    /// Its seed.
    pub seed: u64,
    /// Why it failed, where that is on record.
    pub problem: Option<String>,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, seed {}", self.labels, self.seed)?;
        self.problem.iter().try_for_each(|problem| write!(f, ": {problem}"))
    }
}

/// A task in a space, on which methods are compared.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Label of the task.
    pub task: String,
    /// Label of the space.
    pub space: String,
    /// The first objective.
    pub objective: ObjectiveName,
    /// Which of two values of it is better.
    pub better: Better,
    /// Whether what runs come to in the end are values of the test set; otherwise they are what the search saw.
    pub is_test: bool,
    /// The same of what they are at on the way, which is so on a table that has them.
    pub is_test_along: bool,
    /// Runs whose network has no test value, though others have.
    pub untested: usize,
    /// The best values that there are, where they are known.
    pub optimum: Optimum,
    /// What was compared, in the order of the suite.
    pub methods: Vec<Method>,
}

/// A strategy with an estimator.
#[derive(Clone, Debug)]
pub struct Method {
    /// The strategy's label, with the estimator's where there are several.
    pub name: String,
    /// Labels of its parts.
    pub labels: Labels,
    /// Settings of its first run.
    pub experiment: Experiment,
    /// What it was made of.
    pub parts: Parts,
    /// What it worked on.
    pub trainer: Ready,
    /// Its runs, in the order of their seeds in the suite.
    pub runs: Vec<Run>,
}

/// A run of a method.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number in the store.
    pub id: RunId,
    /// Its seed.
    pub seed: u64,
    /// How the search went.
    pub trace: Trace,
    /// Every query, in the order in which it was told.
    pub observations: Vec<Observation>,
    /// What it found.
    pub report: Report,
    /// What its network comes to in the end: its test value where there is one.
    pub value: f64,
}

/// How a search went: an entry for each query, in the order in which they were told.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// What was charged so far, in seconds of the task's clock.
    pub cost: Vec<f64>,
    /// The run's clock, in seconds.
    pub at: Vec<f64>,
    /// The value of the best architecture so far by what the search saw: on the test set, or as seen. NaN before the first that
    /// has one.
    pub value: Vec<f64>,
}

/// A combination as a comparison's settings have it.
#[derive(Deserialize)]
struct Recorded {
    labels: Labels,
    optimum: Optimum,
}

/// The part of a comparison's settings that its results need.
#[derive(Deserialize)]
struct Settings {
    seeds: Vec<u64>,
    report: Reporting,
    combinations: Vec<Recorded>,
}

impl Results {
    /// Reads the journals of a comparison's finished runs, on all cores.
    ///
    /// # Errors
    /// Where a journal cannot be read, or no run is finished.
    pub fn read(store: &Store, comparison: &ComparisonRecord) -> Result<Self, SuiteError> {
        let settings: Settings = serde_json::from_value(comparison.settings.clone())
            .map_err(|error| SuiteError::Empty(format!("comparison {} is damaged: {error}", comparison.id)))?;
        let Settings { seeds, report: reporting, combinations } = settings;
        let records = store.runs_of(comparison.id)?;
        let finished = finished(&records);
        if finished.is_empty() {
            let problem = format!("no run of comparison {} is finished: `archwright compare` goes on", comparison.id);
            return Err(SuiteError::Empty(problem));
        }
        let mut runs: BTreeMap<u64, (Run, Experiment, Parts, Ready)> = read_all(store, &finished)?;
        let several = combinations.iter().any(|one| one.labels.estimator != combinations[0].labels.estimator);
        let mut problems: Vec<Problem> = Vec::new();
        let mut missing = Vec::new();
        let failed = records.iter().filter(|run| run.status == RunStatus::Failed);
        let mut failures: BTreeMap<u64, String> =
            failed.filter_map(|run| Some((run.comparison?.1, run.problem.clone()?))).collect();
        for (number, Recorded { labels, optimum }) in combinations.into_iter().enumerate() {
            let first = (number * seeds.len()) as u64;
            let mut found = Vec::new();
            for (place, seed) in (first..).zip(&seeds) {
                match runs.remove(&place) {
                    Some(run) => found.push(run),
                    None => {
                        let problem = failures.remove(&place);
                        missing.push(Missing { labels: labels.clone(), seed: *seed, problem });
                    }
                }
            }
            let Some((_, experiment, parts, trainer)) = found.first().cloned() else { continue };
            let name = match several {
                true => format!("{} + {}", labels.strategy, labels.estimator),
                false => labels.strategy.clone(),
            };
            let objective = experiment.task.objectives[0];
            let runs = found.drain(..).map(|(run, ..)| run).collect();
            let method = Method { name, labels, experiment, parts, trainer, runs };
            let (task, space) = (&method.labels.task, &method.labels.space);
            let known = problems.iter_mut().find(|one| one.task == *task && one.space == *space);
            match known {
                Some(problem) => problem.methods.push(method),
                None => problems.push(Problem {
                    task: task.clone(),
                    space: space.clone(),
                    objective,
                    better: if objective == ObjectiveName::Accuracy { Better::Higher } else { Better::Lower },
                    is_test: false,
                    is_test_along: false,
                    untested: 0,
                    optimum,
                    methods: vec![method],
                }),
            }
        }
        for problem in &mut problems {
            problem.trace();
        }
        Ok(Self { name: comparison.name.clone(), reporting, problems, missing })
    }
}

fn finished(records: &[RunRecord]) -> Vec<(u64, RunId)> {
    let done = records.iter().filter(|run| run.status == RunStatus::Finished);
    done.filter_map(|run| Some((run.comparison?.1, run.id))).collect()
}

type ReadRun = (Run, Experiment, Parts, Ready);

fn read_all(store: &Store, finished: &[(u64, RunId)]) -> Result<BTreeMap<u64, ReadRun>, SuiteError> {
    let paths: Vec<_> = finished.iter().map(|(_, run)| store.journal_path(*run)).collect();
    let next = AtomicUsize::new(0);
    let read: Mutex<Vec<(u64, Result<ReadRun, SearchError>)>> = Mutex::new(Vec::with_capacity(finished.len()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(finished.len().max(1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let (Some((place, id)), Some(path)) = (finished.get(index), paths.get(index)) else { return };
                    let run = read_run(*id, path);
                    read.lock().unwrap_or_else(PoisonError::into_inner).push((*place, run));
                }
            });
        }
    });
    let read = read.into_inner().unwrap_or_else(PoisonError::into_inner);
    let all: Result<BTreeMap<u64, ReadRun>, SearchError> =
        read.into_iter().map(|(place, run)| Ok((place, run?))).collect();
    all.map_err(|error| SuiteError::Journal(Box::new(error)))
}

fn read_run(id: RunId, path: &std::path::Path) -> Result<ReadRun, SearchError> {
    let read = observations(path)?;
    let Some(report) = read.report else {
        return Err(SearchError::Record { record: 0, problem: format!("the journal of run {id} ends before the run") });
    };
    let seed = read.experiment.run.seed;
    let run = Run { id, seed, trace: Trace::default(), observations: read.observations, report, value: f64::NAN };
    Ok((run, read.experiment, read.parts, read.trainer))
}

impl Problem {
    /// Values of the test set where every finished run has one.
    fn trace(&mut self) {
        let (objective, better) = (self.objective, self.better);
        let runs = || self.methods.iter().flat_map(|method| &method.runs);
        let tested_runs = runs().filter(|run| tested(&run.report, objective).is_some()).count();
        self.is_test = tested_runs == runs().count();
        self.untested = if tested_runs > 0 { runs().count() - tested_runs } else { 0 };
        let has_tests = |run: &Run| run.observations.iter().any(|one| one.test.is_some());
        self.is_test_along = self.is_test && runs().all(has_tests);
        let (is_test, along) = (self.is_test, self.is_test_along);
        for run in self.methods.iter_mut().flat_map(|method| &mut method.runs) {
            run.trace = Trace::of(&run.observations, objective, better, along);
            // Without test values in the end there are none along the way: the trace is what was seen.
            let seen = || run.trace.value.last().copied().filter(|value| !value.is_nan());
            run.value = match is_test {
                true => tested(&run.report, objective),
                false => seen().or(run.report.tried.best),
            }
            .unwrap_or(f64::NAN);
        }
    }

    /// How the values that runs come to in the end are called, with their unit, for axes.
    pub fn axis(&self) -> String {
        self.named(self.is_test)
    }

    /// The same of the values on the way.
    pub fn axis_along(&self) -> String {
        self.named(self.is_test_along)
    }

    fn named(&self, is_test: bool) -> String {
        let of = if is_test { "test " } else { "validation " };
        match self.objective {
            ObjectiveName::Accuracy => format!("{of}accuracy (%)"),
            ObjectiveName::Loss => format!("{of}loss (nats)"),
            ObjectiveName::Perplexity => format!("{of}perplexity"),
            ObjectiveName::Latency => "latency (s)".into(),
            ObjectiveName::Parameters => "parameters".into(),
            ObjectiveName::MultiplyAdds => "multiply-adds".into(),
            ObjectiveName::ActivationBytes => "activations (bytes)".into(),
        }
    }

    /// What values are multiplied by for a reader: accuracies are shown in percent.
    pub fn scale(&self) -> f64 {
        if self.objective == ObjectiveName::Accuracy { 100.0 } else { 1.0 }
    }

    /// The best of what runs could come to in the end: of all there is, or else of what they came to.
    pub fn best(&self) -> f64 {
        let runs = self.methods.iter().flat_map(|method| &method.runs);
        self.best_of(self.is_test, runs.map(|run| run.value))
    }

    /// The same of the values on the way.
    pub fn best_along(&self) -> f64 {
        let runs = self.methods.iter().flat_map(|method| &method.runs);
        self.best_of(self.is_test_along, runs.flat_map(|run| run.trace.value.iter().copied()))
    }

    fn best_of(&self, is_test: bool, values: impl Iterator<Item = f64>) -> f64 {
        let fold = |best: f64, value: f64| match self.better {
            Better::Higher => best.max(value),
            Better::Lower => best.min(value),
        };
        let known = if is_test { self.optimum.test } else { self.optimum.seen };
        known.or_else(|| values.filter(|value| !value.is_nan()).reduce(fold)).unwrap_or(f64::NAN)
    }

    /// What a value lacks of the best, at least 0: one training of several may by chance be above the best mean.
    pub fn lacks(&self, best: f64, value: f64) -> f64 {
        match self.better {
            Better::Higher => (best - value).max(0.0),
            Better::Lower => (value - best).max(0.0),
        }
    }
}

impl Trace {
    fn of(observations: &[Observation], objective: ObjectiveName, better: Better, along: bool) -> Self {
        let mut trace = Self::default();
        let mut spent = 0.0;
        // The best so far: its fidelity, what the search saw, and what it comes to.
        let mut incumbent: Option<(f64, f64, f64)> = None;
        let is_better = |one: f64, other: f64| match better {
            Better::Higher => one > other,
            Better::Lower => one < other,
        };
        for observation in observations {
            spent += observation.cost;
            if let Some(seen) = observation.objectives.first().copied() {
                let wins = incumbent.is_none_or(|(fidelity, best, _)| {
                    observation.fidelity > fidelity || (observation.fidelity == fidelity && is_better(seen, best))
                });
                if wins {
                    // A table may lack a test value: what came before stands then.
                    let before = incumbent.map_or(f64::NAN, |(_, _, value)| value);
                    let test = || observation.test.and_then(|test| of_metrics(&test, objective));
                    let value = if along { test().unwrap_or(before) } else { seen };
                    incumbent = Some((observation.fidelity, seen, value));
                }
            }
            trace.cost.push(spent);
            trace.at.push(observation.at.max(trace.at.last().copied().unwrap_or(0.0)));
            trace.value.push(incumbent.map_or(f64::NAN, |(_, _, value)| value));
        }
        trace
    }
}

fn of_metrics(metrics: &Metrics, objective: ObjectiveName) -> Option<f64> {
    let value = match objective {
        ObjectiveName::Accuracy => metrics.accuracy,
        ObjectiveName::Loss => metrics.loss,
        ObjectiveName::Perplexity => metrics.loss.exp(),
        _ => return None,
    };
    Some(value).filter(|value| !value.is_nan())
}

/// What a run's network comes to on the test set.
fn tested(report: &Report, objective: ObjectiveName) -> Option<f64> {
    let values: Option<Vec<f64>> = report.test.iter().map(|metrics| of_metrics(metrics, objective)).collect();
    values.filter(|values| !values.is_empty()).and_then(|values| archwright_compare::mean(&values))
}
