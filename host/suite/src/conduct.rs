//! Running a suite: every combination from every seed, as far as that is not done.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use archwright_search::{Environment, Report, Resumption, SearchError, Stop};
use archwright_store::{ComparisonId, EndOfRun, RunId, RunRecord, RunStatus, StartOfRun, Store};
use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};
use serde_json::{Value, json};

use crate::{Combination, Suite, SuiteError};

/// How long ends of runs are gathered before they are recorded together.
const GATHERED: Duration = Duration::from_millis(250);

/// What became of a comparison's runs.
#[derive(Debug)]
pub struct Conducted {
    /// The comparison.
    pub comparison: ComparisonId,
    /// Runs that this process carried out.
    pub run: usize,
    /// Runs that were there.
    pub there: usize,
    /// Runs that failed, each with its reason.
    pub failed: Vec<SuiteError>,
}

/// How far a comparison is.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// It starts; so many runs of all are there.
    Started {
        /// Runs that are there.
        there: usize,
        /// Runs in all.
        all: usize,
    },
    /// A run that trains begins.
    Training {
        /// What runs.
        combination: &'a Combination,
        /// From which seed.
        seed: u64,
    },
    /// So many runs ended since the last time.
    Ended(usize),
}

/// A run that is to be made.
#[derive(Clone, Copy)]
struct Task<'a> {
    combination: &'a Combination,
    seed: u64,
    run: RunId,
}

impl Suite {
    /// Runs what is not there yet, on all cores, and records it.
    ///
    /// Runs on tables are made afresh where they did not end; those that train go on. A run that fails does not keep the others
    /// from running.
    ///
    /// # Errors
    /// Where the store fails, or `stop` was requested. What ended is kept.
    pub fn run(
        &self,
        environment: &Environment,
        stop: &Stop,
        observer: &mut dyn FnMut(Event<'_>),
    ) -> Result<Conducted, SuiteError> {
        let store = Store::open(&environment.store)?;
        let comparison = store.comparison_of(&self.name, &self.digest(), &self.settings())?;
        // Two processes would make the same runs under each other's hands.
        let Some(_claim) = store.claim(&format!("comparison-{comparison}"))? else {
            return Err(SuiteError::UnderWay(comparison));
        };
        let recorded: HashMap<u64, RunRecord> =
            store.runs_of(comparison)?.into_iter().filter_map(|run| Some((run.comparison?.1, run))).collect();
        let is_there = |place: u64| recorded.get(&place).is_some_and(|run| run.status == RunStatus::Finished);
        let there = (0..self.runs() as u64).filter(|place| is_there(*place)).count();
        observer(Event::Started { there, all: self.runs() });
        for combination in &self.combinations {
            for file in combination.search.files() {
                store.keep_part(file)?;
            }
        }
        let tasks = self.begin(&store, comparison, &recorded)?;
        let mut failed = self.look_up(&store, environment, &tasks, there, stop, observer)?;
        let mut run = tasks.len() - failed.len();
        for (place, combination, seed) in self.places().filter(|(_, combination, _)| !combination.search.is_on_table())
        {
            if is_there(place) {
                continue;
            }
            if stop.requested() {
                return Err(SuiteError::Stopped { done: there + run, all: self.runs() });
            }
            observer(Event::Training { combination, seed });
            let result = match recorded.get(&place) {
                Some(record) => {
                    Resumption::prepare(record, environment).and_then(|resumption| resumption.run(stop, &mut ()))
                }
                None => combination.search.reseeded(seed).run_in(Some((comparison, place)), stop, &mut ()),
            };
            match result {
                Ok(_) => run += 1,
                Err(
                    SearchError::Interrupted { .. }
                    | SearchError::InterruptedFinale { .. }
                    | SearchError::Stopped { .. },
                ) => {
                    return Err(SuiteError::Stopped { done: there + run, all: self.runs() });
                }
                Err(source) if is_of_all(&source) => return Err(of_run(combination, seed, source)),
                Err(source) => failed.push(of_run(combination, seed, source)),
            }
            observer(Event::Ended(1));
        }
        Ok(Conducted { comparison, run, there, failed })
    }

    /// Every run: its place, what runs, and from which seed.
    pub(crate) fn places(&self) -> impl Iterator<Item = (u64, &Combination, u64)> {
        let runs =
            self.combinations.iter().flat_map(|combination| self.seeds.iter().map(move |seed| (combination, *seed)));
        (0..).zip(runs).map(|(place, (combination, seed))| (place, combination, seed))
    }

    /// The runs on tables that are to be made, their starts on record.
    fn begin<'a>(
        &'a self,
        store: &Store,
        comparison: ComparisonId,
        recorded: &HashMap<u64, RunRecord>,
    ) -> Result<Vec<Task<'a>>, SuiteError> {
        let mut tasks = Vec::new();
        let mut fresh: Vec<(u64, &Combination, u64, Value, std::path::PathBuf)> = Vec::new();
        for (place, combination, seed) in self.places() {
            if !combination.search.is_on_table() {
                continue;
            }
            match recorded.get(&place) {
                Some(run) if run.status == RunStatus::Finished => {}
                Some(run) => tasks.push(Task { combination, seed, run: run.id }),
                None => {
                    let (settings, folder) = combination.search.reseeded(seed).settings(&combination.ready);
                    fresh.push((place, combination, seed, settings, folder));
                }
            }
        }
        let starts: Vec<StartOfRun<'_>> = fresh
            .iter()
            .map(|(place, _, _, settings, folder)| StartOfRun { place: *place, settings, folder })
            .collect();
        let runs = store.begin_runs(comparison, &starts)?;
        let begun = runs.into_iter().zip(&fresh);
        tasks.extend(begun.map(|(run, (_, combination, seed, ..))| Task { combination, seed: *seed, run }));
        Ok(tasks)
    }

    /// Makes runs on tables, on all cores; their ends are recorded some at a time. Gives those that failed.
    fn look_up(
        &self,
        store: &Store,
        environment: &Environment,
        tasks: &[Task<'_>],
        there: usize,
        stop: &Stop,
        observer: &mut dyn FnMut(Event<'_>),
    ) -> Result<Vec<SuiteError>, SuiteError> {
        let next = AtomicUsize::new(0);
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(tasks.len().max(1));
        let (sender, ended) = unbounded();
        let (done, failed) = std::thread::scope(|scope| {
            for _ in 0..threads {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    let store = match Store::open(&environment.store) {
                        Ok(store) => store,
                        Err(error) => {
                            let _ = sender.send((None, Err(error.into())));
                            return;
                        }
                    };
                    while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| !stop.requested())
                    {
                        let search = task.combination.search.reseeded(task.seed);
                        let result = search.run_recorded(&store, task.run, stop);
                        // Whoever listens has given up where this fails.
                        if sender.send((Some(*task), result)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let recorded = record(store, &ended, stop, observer);
            if recorded.is_err() {
                stop.request();
            }
            recorded
        })?;
        if stop.requested() {
            return Err(SuiteError::Stopped { done: there + done, all: self.runs() });
        }
        Ok(failed)
    }
}

type Ended<'a> = (Option<Task<'a>>, Result<Report, SearchError>);

/// Records ends of runs until there are no more; gives how many finished, and those that failed. Their journals are on disk
/// before.
fn record(
    store: &Store,
    ended: &Receiver<Ended<'_>>,
    stop: &Stop,
    observer: &mut dyn FnMut(Event<'_>),
) -> Result<(usize, Vec<SuiteError>), SuiteError> {
    let mut done = 0;
    let mut failed = Vec::new();
    let mut gathered: Vec<EndOfRun> = Vec::new();
    let mut problem = None;
    let mut since = Instant::now();
    let mut is_open = true;
    while is_open {
        match ended.recv_timeout(GATHERED) {
            Ok((Some(task), Ok(report))) => gathered.push(EndOfRun {
                run: task.run,
                status: RunStatus::Finished,
                queries: report.tried.queries,
                result: Some(json!(report)),
                problem: None,
            }),
            Ok((_, Err(SearchError::Interrupted { .. } | SearchError::InterruptedFinale { .. }))) => {}
            Ok((Some(Task { combination, seed, run }), Err(source))) if !is_of_all(&source) => {
                let problem = Some(source.to_string());
                gathered.push(EndOfRun { run, status: RunStatus::Failed, queries: 0, result: None, problem });
                failed.push(of_run(combination, seed, source));
            }
            Ok((task, Err(source))) => {
                // What ended is kept; the rest would only be in vain.
                stop.request();
                problem = problem.or(Some(match task {
                    Some(Task { combination, seed, .. }) => of_run(combination, seed, source),
                    None => SuiteError::Journal(Box::new(source)),
                }));
            }
            Ok((None, Ok(_))) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => is_open = false,
        }
        if !gathered.is_empty() && (!is_open || since.elapsed() >= GATHERED) {
            sync(store.folder())?;
            store.end_runs(&gathered)?;
            done += gathered.iter().filter(|end| end.status == RunStatus::Finished).count();
            observer(Event::Ended(gathered.len()));
            gathered.clear();
            since = Instant::now();
        }
    }
    problem.map_or(Ok((done, failed)), Err)
}

/// Has everything that was written to the file system of `folder` outlive the machine: one wait for hundreds of journals.
fn sync(folder: &Path) -> Result<(), SuiteError> {
    let folder_file = File::open(folder).map_err(SuiteError::file("open", folder))?;
    rustix::fs::syncfs(&folder_file).map_err(|error| SuiteError::file("sync", folder)(error.into()))
}

/// Whether every other run would fail by the same.
fn is_of_all(error: &SearchError) -> bool {
    matches!(error, SearchError::Store(_) | SearchError::Scratch(_))
}

fn of_run(combination: &Combination, seed: u64, source: SearchError) -> SuiteError {
    SuiteError::Run { combination: combination.labels.to_string(), seed, source: Box::new(source) }
}
