//! From an experiment to a report.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use archwright_plugin::model::{Goal, Objective};
use archwright_protocol::{Ready, Setup, Supergraph, VERSION};
use archwright_space::{Context, Space};
use archwright_store::{ComparisonId, RunId, RunStatus, StartOfRun, Store, StoreError};
use archwright_table::TableError;
use serde_json::json;

use crate::catalogue::Catalogue;
use crate::driver::objective_name;
use crate::error::SearchError;
use crate::executor::Executor;
use crate::experiment::{Experiment, ExperimentFile, ObjectiveName, Source};
use crate::journal::{Head, Journal};
use crate::lock::{Lock, differences};
use crate::parts::{GRADIENTS, Loaded, Parts, Pinned, Prefer, load, needs};
use crate::report::{Observer, Report};
use crate::set::{LATENCY, Set, TRAIN};
use crate::stop::Stop;
use crate::tabular::{LOOK_UP, Optimum, TableExecutor, Tabular};
use crate::trainers::{TrainerCommand, TrainerPool};

/// What a search finds on this machine.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The store's folder.
    pub store: PathBuf,
    /// The bundled plugins.
    pub catalogue: Catalogue,
    /// Folder for compiled plugins; `None`: compile each time.
    pub compiled: Option<PathBuf>,
    /// The bundled trainer.
    pub trainer: PathBuf,
    /// The devices that `auto` stands for.
    pub auto_devices: Vec<String>,
}

/// An experiment whose parts are loaded and fit each other.
pub struct Search {
    pub(crate) experiment: Experiment,
    environment: Environment,
    folder: PathBuf,
    /// Where the experiment was read from, for errors that point into it.
    source: Source,
    pub(crate) loaded: Arc<Loaded>,
    /// What the trainer has to be, where that is settled.
    locked: Option<Ready>,
}

impl Search {
    /// Loads the experiment's parts and checks that they fit each other.
    ///
    /// # Errors
    /// Where a part is not there, does not load, refuses its options, or lacks what another needs.
    pub fn prepare(file: &ExperimentFile, environment: &Environment) -> Result<Self, SearchError> {
        Self::prepare_with(file.clone(), environment, None, None)
    }

    /// Loads exactly what a lock names: parts by their digests, from where the experiment names them or from the store.
    ///
    /// # Errors
    /// As [`Search::prepare`], and where a part is in neither place.
    pub fn prepare_locked(lock: &Lock, environment: &Environment) -> Result<Self, SearchError> {
        let store = Store::open(&environment.store)?;
        let pinned = Pinned { parts: &lock.head.parts, store: &store, prefer: Prefer::Recorded, plugins: true };
        let Head { experiment, folder, trainer, .. } = &lock.head;
        let file = ExperimentFile::recorded(experiment, folder)?;
        Self::prepare_with(file, environment, Some(pinned), Some(trainer.clone()))
    }

    pub(crate) fn prepare_with(
        mut file: ExperimentFile,
        environment: &Environment,
        pinned: Option<Pinned<'_>>,
        locked: Option<Ready>,
    ) -> Result<Self, SearchError> {
        let loaded = Arc::new(load(&mut file, environment, pinned)?);
        let ExperimentFile { experiment, folder, source } = file;
        Ok(Self { experiment, environment: environment.clone(), folder, source, loaded, locked })
    }

    /// The same search from another seed.
    pub fn reseeded(&self, seed: u64) -> Self {
        let Self { experiment, environment, folder, source, loaded, locked } = self;
        let mut experiment = experiment.clone();
        experiment.run.seed = seed;
        Self {
            experiment,
            environment: environment.clone(),
            folder: folder.clone(),
            source: source.clone(),
            loaded: Arc::clone(loaded),
            locked: locked.clone(),
        }
    }

    /// The best values of the first objective in the table that the search is on, after a full training; none of other tasks.
    pub fn optimum(&self) -> Optimum {
        let first = self.experiment.task.objectives.first();
        let tabular = self.loaded.tabular.as_ref();
        tabular.zip(first).map_or_else(Optimum::default, |(tabular, first)| tabular.optimum(*first))
    }

    /// What the search works on: what its table says of itself, or a trainer that is asked, once everything else fits that.
    ///
    /// # Errors
    /// Where the space is not the table's, the estimator needs what is not there, or no trainer can work on the task.
    pub fn probe(&self, stop: &Stop) -> Result<Ready, SearchError> {
        let ready = match &self.loaded.tabular {
            Some(tabular) => tabular.ready(),
            None => {
                let folder = tempfile::tempdir().map_err(SearchError::Scratch)?;
                let devices: Vec<String> = self.workers().into_iter().take(1).collect();
                self.pool(folder.path(), &devices, stop, "the trainer was asked")?.ready().clone()
            }
        };
        self.check_on(&ready)?;
        Ok(ready)
    }

    /// Whether the task is a table of measurements.
    pub fn is_on_table(&self) -> bool {
        self.loaded.tabular.is_some()
    }

    /// Checks that what the search is made of can work on what another search of the same task said it works on.
    ///
    /// # Errors
    /// As [`Search::probe`].
    pub fn check_on(&self, ready: &Ready) -> Result<(), SearchError> {
        self.check_trainer(ready)?;
        self.space(ready).map(|_| ())
    }

    /// What the store knows of a run of this search, and the folder that relative paths in it start at; `ready` says what it
    /// works on.
    pub fn settings(&self, ready: &Ready) -> (serde_json::Value, PathBuf) {
        let head = self.head(ready);
        (head.settings(), head.folder)
    }

    /// What the search is made of.
    pub fn parts(&self) -> &Parts {
        &self.loaded.parts
    }

    /// The files of strategy, estimator and space, for the store to keep.
    pub fn files(&self) -> &[Vec<u8>] {
        &self.loaded.files
    }

    /// The experiment with every default filled in.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// What a journal of this search starts with, with a trainer that says `ready`.
    pub(crate) fn head(&self, ready: &Ready) -> Head {
        Head {
            experiment: self.experiment.clone(),
            parts: self.loaded.parts.clone(),
            trainer: ready.clone(),
            folder: absolute(&self.folder),
        }
    }

    /// Runs the search with trainers on this machine.
    ///
    /// # Errors
    /// Where no trainer can work on the task, a plugin fails, the store fails, nothing could be estimated, or `stop` was
    /// requested. A run that began is recorded with its end.
    pub fn run(&self, stop: &Stop, observer: &mut dyn Observer) -> Result<Report, SearchError> {
        self.run_in(None, stop, observer)
    }

    /// As [`Search::run`], in a place of a comparison.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn run_in(
        &self,
        place: Option<(ComparisonId, u64)>,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<Report, SearchError> {
        let store = Store::open(&self.environment.store)?;
        let (mut hands, ready, workers) = self.hands(&store, stop, "the run began")?;
        self.begin_on(hands.as_mut(), &ready, workers, &store, place, stop, observer)
    }

    /// Runs the search on any executor; `ready` says what it works on.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn run_on(
        &self,
        executor: &mut dyn Executor,
        ready: &Ready,
        workers: usize,
        store: &Store,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<Report, SearchError> {
        self.begin_on(executor, ready, workers, store, None, stop, observer)
    }

    #[expect(clippy::too_many_arguments, reason = "what a run is made on, told one by one")]
    fn begin_on(
        &self,
        executor: &mut dyn Executor,
        ready: &Ready,
        workers: usize,
        store: &Store,
        place: Option<(ComparisonId, u64)>,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<Report, SearchError> {
        let head = self.head(ready);
        self.check_trainer(ready)?;
        let space = self.space(ready)?;
        for file in &self.loaded.files {
            store.keep_part(file)?;
        }
        let run = match place {
            None => store.begin_run(&head.settings(), &head.folder)?,
            Some((comparison, place)) => {
                let (settings, folder) = (&head.settings(), &head.folder);
                let begun = store.begin_runs(comparison, &[StartOfRun { place, settings, folder }])?;
                begun.into_iter().next().ok_or_else(|| StoreError::NoRun("that was begun".into()))?
            }
        };
        let result = Journal::create(&store.journal_path(run), &head).and_then(|journal| {
            let set = Set { search: self, run, store, ready, space: &space, stop };
            set.start(workers, false, observer);
            set.conduct(journal, executor, observer, None)
        });
        finish(store, run, result)
    }

    /// Runs a search on its table as a run whose start is on record; its end is for the caller to record. What an earlier
    /// process left of its journal is made again.
    ///
    /// # Errors
    /// As [`Search::run`], and where the search is not on a table.
    pub fn run_recorded(&self, store: &Store, run: RunId, stop: &Stop) -> Result<Report, SearchError> {
        let (mut hands, ready, _) = self.hands(store, stop, "the run began")?;
        self.check_trainer(&ready)?;
        let space = self.space(&ready)?;
        let path = store.journal_path(run);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::file(store.folder(), "remove", &path, source).into());
            }
            _ => {}
        }
        let journal = Journal::create_unsynced(&path, &self.head(&ready))?;
        let set = Set { search: self, run, store, ready: &ready, space: &space, stop };
        set.conduct(journal, hands.as_mut(), &mut (), None)
    }

    /// Runs the search on any executor and leaves nothing on record; no outcome is remembered.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn rehearse(
        &self,
        executor: &mut dyn Executor,
        ready: &Ready,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<Report, SearchError> {
        self.check_trainer(ready)?;
        let folder = tempfile::tempdir().map_err(SearchError::Scratch)?;
        let store = Store::open(folder.path())?;
        let run = store.begin_run(&json!({}), &self.folder)?;
        let set = Set { search: self, run, store: &store, ready, space: &self.space(ready)?, stop };
        set.conduct(Journal::nowhere(), executor, observer, None)
    }

    /// As [`Search::rehearse`], on the table that the task is.
    ///
    /// # Errors
    /// As [`Search::run`], and where the task is no table.
    pub fn rehearse_on_table(&self, stop: &Stop, observer: &mut dyn Observer) -> Result<Report, SearchError> {
        let Some((mut executor, ready)) = self.on_table()? else {
            let problem = "this is no table of measurements";
            return Err(self.source.error(&["task", "data"], problem, None).into());
        };
        self.rehearse(&mut executor, &ready, stop, observer)
    }

    /// What the table that the task is has of every architecture after a full training, as the search sees it; nothing of
    /// other tasks.
    pub fn table_values(&self) -> Vec<f64> {
        self.loaded.tabular.as_ref().map(Tabular::values).unwrap_or_default()
    }

    /// What carries actions out: trainers for the task, or a table; with what it works on and how many workers it has. An
    /// error says that it was stopped before `before`.
    pub(crate) fn hands(
        &self,
        store: &Store,
        stop: &Stop,
        before: &'static str,
    ) -> Result<(Box<dyn Executor>, Ready, usize), SearchError> {
        let (hands, ready, workers): (Box<dyn Executor>, _, _) = match self.on_table()? {
            Some((executor, ready)) => (Box::new(executor), ready, self.simulated_workers()),
            None => {
                let devices = self.workers();
                let pool = self.pool(&store.weights(), &devices, stop, before)?;
                let ready = pool.ready().clone();
                (Box::new(pool), ready, devices.len())
            }
        };
        if let Some(locked) = &self.locked {
            let differences = differences(locked, &ready);
            if !differences.is_empty() {
                return Err(SearchError::Changed(differences));
            }
        }
        Ok((hands, ready, workers))
    }

    /// What looks measurements up, where the task is a table of them.
    pub(crate) fn on_table(&self) -> Result<Option<(TableExecutor, Ready)>, SearchError> {
        let Some(tabular) = &self.loaded.tabular else { return Ok(None) };
        let ready = tabular.ready();
        let executor = TableExecutor::new(tabular.clone(), self.space(&ready)?, self.simulated_workers());
        Ok(Some((executor, ready)))
    }

    fn simulated_workers(&self) -> usize {
        self.experiment.run.workers.unwrap_or(1) as usize
    }

    /// Starts a trainer on each of `devices`, which keeps weights in the folder `weights`.
    pub(crate) fn pool(
        &self,
        weights: &Path,
        devices: &[String],
        stop: &Stop,
        before: &'static str,
    ) -> Result<TrainerPool, SearchError> {
        let Experiment { trainer, run, .. } = &self.experiment;
        let setup = self.setup(String::new());
        let patience = trainer.patience.duration();
        let pool = TrainerPool::start(&self.command(weights), &setup, devices, patience, run.retries, stop);
        if stop.requested() {
            return Err(SearchError::Stopped { before });
        }
        pool.map_err(SearchError::Trainer)
    }

    pub(crate) fn space(&self, ready: &Ready) -> Result<Arc<Space>, SearchError> {
        // A table is always for the same inputs.
        let Some(of_table) = self.loaded.tabular.as_ref().map(Tabular::space) else { return self.new_space(ready) };
        if let Some(space) = of_table.get() {
            return Ok(Arc::clone(space));
        }
        let space = self.new_space(ready)?;
        Ok(Arc::clone(of_table.get_or_init(|| space)))
    }

    fn new_space(&self, ready: &Ready) -> Result<Arc<Space>, SearchError> {
        let context = Context::full(ready.data.input.clone(), ready.data.classes);
        let mut space = Space::new(Arc::clone(&self.loaded.definition), context)?;
        if let Some(tabular) = &self.loaded.tabular {
            let problem = |error: TableError| self.source.error(&["space", "use"], error.to_string(), None);
            space = tabular.fit(space).map_err(problem)?;
        }
        let limited = space.limited(self.experiment.size_limits()).map_err(|unmet| {
            let path = ["constraints"].into_iter().chain(unmet.limit).collect::<Vec<_>>();
            self.source.error(&path, unmet.to_string(), None)
        })?;
        if needs(&self.loaded.strategy, GRADIENTS) {
            limited.open().map_err(|error| {
                let name = self.loaded.strategy.name();
                let problem = format!("the strategy `{name}` needs a mixture of this space's architectures: {error}");
                self.source.error(&["space", "use"], problem, None)
            })?;
        }
        Ok(Arc::new(limited))
    }

    /// What architectures share weights by, where the space has a form that trainers can read.
    pub(crate) fn supergraph(&self, ready: &Ready) -> Option<Supergraph> {
        let (definition, options) = self.loaded.text.clone()?;
        let (input, classes) = (ready.data.input.clone(), ready.data.classes);
        Some(Supergraph { definition, options, input, classes })
    }

    /// Refuses a trainer that cannot do what the experiment asks for.
    pub(crate) fn check_trainer(&self, ready: &Ready) -> Result<(), SearchError> {
        if self.experiment.latency().is_some() && !ready.actions.iter().any(|action| action == LATENCY) {
            return Err(SearchError::CannotMeasure(ready.name.clone()));
        }
        let estimator = &self.loaded.estimator;
        let has_table = ready.actions.iter().any(|action| action == LOOK_UP);
        let (problem, help) = match (has_table, needs(estimator, LOOK_UP)) {
            (true, false) if needs(estimator, TRAIN) || needs(estimator, "train-shared") => {
                ("has networks trained, and the task is a table of measurements", "take `benchmark-table`")
            }
            (false, true) => (
                "looks measurements up in a table, and the task is none",
                "name a table that `archwright table import` made in `task.data`, or take `full-training`",
            ),
            _ => return Ok(()),
        };
        let problem = format!("the estimator `{}` {problem}", estimator.name());
        Err(self.source.error(&["estimator", "use"], problem, Some(help.into())).into())
    }

    /// The device of each worker.
    pub(crate) fn workers(&self) -> Vec<String> {
        let Experiment { run, trainer, .. } = &self.experiment;
        let devices: Vec<String> = trainer
            .devices
            .iter()
            .flat_map(
                |device| if device == "auto" { self.environment.auto_devices.clone() } else { vec![device.clone()] },
            )
            .collect();
        if devices.iter().any(|device| device != "cpu") {
            return devices;
        }
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        let workers = run.workers.unwrap_or((cores / trainer.threads).max(1)).min(run.in_flight);
        vec!["cpu".into(); workers as usize]
    }

    /// What a trainer on a device is told to work on.
    pub(crate) fn setup(&self, device: String) -> Setup {
        Setup { protocol: VERSION, task: self.loaded.task.clone(), device, threads: self.experiment.trainer.threads }
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(crate) fn command(&self, weights: &Path) -> TrainerCommand {
        let (program, arguments) = match self.experiment.trainer.command.split_first() {
            // A program with a slash lies where the experiment says, not where the host was started.
            Some((program, arguments)) if program.contains('/') => (self.folder.join(program), arguments.to_vec()),
            Some((program, arguments)) => (program.into(), arguments.to_vec()),
            None => (self.environment.trainer.clone(), Vec::new()),
        };
        TrainerCommand {
            program: absolute(&program),
            arguments,
            folder: self.folder.clone(),
            data: self.loaded.data.as_deref().map(absolute),
            weights: absolute(weights),
        }
    }
}

/// Records a run's end. An end that cannot be recorded is told where the run itself went well; otherwise what ended the run
/// comes first, and it is resumed as one whose host was killed.
pub(crate) fn finish(store: &Store, run: RunId, result: Result<Report, SearchError>) -> Result<Report, SearchError> {
    let recorded = match &result {
        Ok(report) => store
            .set_progress(run, report.tried.queries)
            .and_then(|()| store.end_run(run, RunStatus::Finished, Some(&json!(report)), None)),
        Err(error @ (SearchError::Interrupted { .. } | SearchError::InterruptedFinale { .. })) => {
            store.end_run(run, RunStatus::Interrupted, None, Some(&error.to_string()))
        }
        Err(error) => store.end_run(run, RunStatus::Failed, None, Some(&error.to_string())),
    };
    let report = result?;
    recorded?;
    Ok(report)
}

pub(crate) fn objective(name: ObjectiveName) -> Objective {
    let goal = if name == ObjectiveName::Accuracy { Goal::Maximize } else { Goal::Minimize };
    Objective { name: objective_name(name), goal }
}

/// The same place however the working folder changes. A bare program name stays, to be looked up in PATH.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    if path.components().count() < 2 && path != Path::new(".") {
        return path.to_owned();
    }
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
