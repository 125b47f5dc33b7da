//! From an experiment to a report.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use archwright_plugin::model::{Goal, Objective};
use archwright_plugin::{Estimator, EstimatorSetup, Strategy, StrategySetup};
use archwright_protocol::{DataFormat, Ready, Recipe, Setup, Supergraph, VERSION};
use archwright_space::{Context, Space, seed};
use archwright_store::{ComparisonId, RunId, RunStatus, StartOfRun, Store, StoreError};
use archwright_table::TableError;
use serde_json::json;

use crate::action::ActionMaker;
use crate::catalogue::Catalogue;
use crate::driver::{Driver, objective_name};
use crate::error::SearchError;
use crate::executor::Executor;
use crate::experiment::{Experiment, ExperimentFile, ObjectiveName, Source};
use crate::finale::Finale;
use crate::jobs::{Jobs, Watch};
use crate::journal::{Head, Journal, Record, answer};
use crate::lock::{Lock, differences};
use crate::parts::{GRADIENTS, Loaded, Parts, Pinned, Prefer, load, log_sink, needs};
use crate::report::{Event, Observer, Report, Summary};
use crate::stop::Stop;
use crate::tabular::{LOOK_UP, TableExecutor, Tabular};
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
    experiment: Experiment,
    environment: Environment,
    folder: PathBuf,
    /// Where the experiment was read from, for errors that point into it.
    source: Source,
    loaded: Arc<Loaded>,
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

    /// What the table says of itself that the search is on, where it is on one, once everything else fits it.
    ///
    /// # Errors
    /// Where the space is not the table's, or the estimator needs what a table has not.
    pub fn check_table(&self) -> Result<Option<Ready>, SearchError> {
        let Some(ready) = self.loaded.tabular.as_ref().map(Tabular::ready) else { return Ok(None) };
        self.check_trainer(&ready)?;
        self.space(&ready)?;
        Ok(Some(ready))
    }

    /// The best value of the first objective in the table that the search is on, after a full training: on the test set, where
    /// the table has it.
    pub fn optimum(&self) -> Option<f64> {
        self.loaded.tabular.as_ref()?.optimum(*self.experiment.task.objectives.first()?)
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
        Ok(report) => store.end_run(run, RunStatus::Finished, Some(&json!(report)), None),
        Err(error @ (SearchError::Interrupted { .. } | SearchError::InterruptedFinale { .. })) => {
            store.end_run(run, RunStatus::Interrupted, None, Some(&error.to_string()))
        }
        Err(error) => store.end_run(run, RunStatus::Failed, None, Some(&error.to_string())),
    };
    let report = result?;
    recorded?;
    Ok(report)
}

/// Everything that a run is conducted with, but for its journal and its trainers.
pub(crate) struct Set<'a> {
    pub(crate) search: &'a Search,
    pub(crate) run: RunId,
    pub(crate) store: &'a Store,
    pub(crate) ready: &'a Ready,
    pub(crate) space: &'a Arc<Space>,
    pub(crate) stop: &'a Stop,
}

impl Set<'_> {
    pub(crate) fn start(&self, workers: usize, resumed: bool, observer: &mut dyn Observer) {
        observer.on(Event::Started(&Summary {
            run: self.run,
            settings: json!(self.search.experiment),
            trainer: self.ready.clone(),
            space_size: self.space.size().to_string(),
            workers,
            resumed,
        }));
    }

    /// Conducts the run from its start to its end, whatever of it is played back and whatever happens now.
    pub(crate) fn conduct(
        &self,
        mut journal: Journal,
        executor: &mut dyn Executor,
        observer: &mut dyn Observer,
        watch: Option<Watch<'_>>,
    ) -> Result<Report, SearchError> {
        let Self { search, run, store, space, stop, .. } = *self;
        let settings = &search.experiment.run;
        let mut strategy = self.open_strategy(&mut journal)?;
        let mut estimator = self.open_estimator(&mut journal)?;
        let maker = self.maker();
        let mut jobs = Jobs::new(run, journal, executor, store, &maker, &search.experiment);
        jobs.watch = watch;
        let searched = self.driver(&mut strategy, &mut estimator).search(&mut jobs, observer)?;
        let is_text = search.loaded.task.data.format == DataFormat::Text;
        let measured = search.loaded.tabular.as_ref().map(Tabular::epochs);
        let report = Finale { run, settings, space, stop, is_text, measured, latency: search.experiment.latency() }
            .conclude(searched, &mut jobs, observer)?;
        jobs.journal.put(&Record::Ended { report: json!(report).to_string().into() })?;
        jobs.rest()?;
        jobs.journal.sync()?;
        if jobs.journal.is_writing() {
            jobs.let_go(true);
        }
        Ok(report)
    }

    /// Hands the estimator to `work`, as it is at the end of the search that `journal` plays back, or fresh. Nothing of it is
    /// on record.
    pub(crate) fn with_estimator<T>(
        &self,
        journal: Option<Journal>,
        executor: &mut dyn Executor,
        observer: &mut dyn Observer,
        work: impl FnOnce(&mut Estimator, &mut Jobs<'_>, &mut dyn Observer) -> Result<T, SearchError>,
    ) -> Result<T, SearchError> {
        let Self { search, run, store, .. } = *self;
        let played = journal.is_some();
        let mut journal = journal.unwrap_or_else(Journal::nowhere);
        let mut strategy = if played { Some(self.open_strategy(&mut journal)?) } else { None };
        let mut estimator = self.open_estimator(&mut journal)?;
        let maker = self.maker();
        let mut jobs = Jobs::new(run, journal, executor, store, &maker, &search.experiment);
        if let Some(strategy) = &mut strategy {
            self.driver(strategy, &mut estimator).search(&mut jobs, &mut ())?;
        }
        jobs.journal.leave();
        work(&mut estimator, &mut jobs, observer)
    }

    fn objectives(&self) -> Vec<Objective> {
        self.search.experiment.task.objectives.iter().map(|one| objective(*one)).collect()
    }

    fn keeps_weights(&self) -> bool {
        self.search.experiment.run.keep_weights || needs(&self.search.loaded.estimator, RESUME)
    }

    /// What the run's actions are made from.
    pub(crate) fn maker(&self) -> ActionMaker<'_> {
        let Search { experiment, loaded, .. } = self.search;
        ActionMaker {
            space: self.space,
            task: &loaded.task,
            recipe: &experiment.task.recipe,
            ready: self.ready,
            keep_weights: self.keeps_weights(),
            share_isomorphic: experiment.run.share_isomorphic,
            latency: experiment.latency(),
            supergraph: self.search.supergraph(self.ready),
        }
    }

    fn driver<'s>(&'s self, strategy: &'s mut Strategy, estimator: &'s mut Estimator) -> Driver<'s> {
        let Self { search, run, store, space, stop, .. } = *self;
        let goal = objective(search.experiment.task.objectives[0]).goal;
        Driver { run, experiment: &search.experiment, goal, space, strategy, estimator, store, stop }
    }

    fn open_strategy(&self, journal: &mut Journal) -> Result<Strategy, SearchError> {
        let Search { experiment, loaded, .. } = self.search;
        let setup = StrategySetup {
            objectives: self.objectives(),
            options: json!(experiment.strategy.options),
            seed: seed::derive(experiment.run.seed, "strategy", 0),
            max_queries: experiment.budget.queries,
            offers: loaded.estimator.description().gives.clone(),
        };
        let log = log_sink(loaded.strategy.name());
        let opened = Strategy::open(&loaded.strategy, Arc::clone(self.space), setup, &experiment.limits, log);
        let fuel = opened.as_ref().map_or(0, Strategy::fuel_used);
        journal.put(&Record::StrategyOpened { answer: answer(&opened, |_| ()), fuel })?;
        Ok(opened?)
    }

    fn open_estimator(&self, journal: &mut Journal) -> Result<Estimator, SearchError> {
        let Search { experiment, loaded, .. } = self.search;
        let setup = EstimatorSetup {
            objectives: self.objectives(),
            options: json!(experiment.estimator.options),
            seed: seed::derive(experiment.run.seed, "estimator", 0),
            full_epochs: experiment.task.recipe.epochs,
            offers: offers(self.ready, self.keeps_weights(), loaded.text.is_some()),
            epoch_steps: epoch_steps(self.ready, loaded.task.data.format, &experiment.task.recipe),
        };
        let log = log_sink(loaded.estimator.name());
        let opened = Estimator::open(&loaded.estimator, Arc::clone(self.space), setup, &experiment.limits, log);
        let fuel = opened.as_ref().map_or(0, Estimator::fuel_used);
        journal.put(&Record::EstimatorOpened { answer: answer(&opened, |_| ()), fuel })?;
        Ok(opened?)
    }
}

/// The name under which trainings are offered and needed.
const TRAIN: &str = "train";

/// The name under which going on from kept weights is offered and needed.
const RESUME: &str = "train.resume";

/// The name under which trainers offer to measure latencies.
pub(crate) const LATENCY: &str = "latency";

/// The name under which trainers offer weights that architectures share.
const SHARED: &str = "shared";

/// What estimators can have done here. Weights are shared in spaces that trainers can read.
fn offers(ready: &Ready, keep_weights: bool, declarative: bool) -> Vec<String> {
    let offered = |action: &&String| [TRAIN, LOOK_UP].contains(&action.as_str()) || (*action == RESUME && keep_weights);
    let mut offers: Vec<String> = ready.actions.iter().filter(offered).cloned().collect();
    if declarative && ready.actions.iter().any(|action| action == SHARED) {
        offers.extend(["train-shared", "evaluate-shared", "differentiate-shared"].map(String::from));
    }
    offers
}

/// Steps of an epoch over all training examples.
fn epoch_steps(ready: &Ready, format: DataFormat, recipe: &Recipe) -> u32 {
    let (examples, batch) = (ready.data.train, u64::from(recipe.batch_size.max(1)));
    let steps = match format {
        DataFormat::Text => (examples.saturating_sub(1) / batch).div_ceil(recipe.sequence_length.max(1).into()),
        // A batch of one example is left out: a batch norm cannot normalise over it.
        _ => examples / batch + u64::from(examples % batch > 1),
    };
    u32::try_from(steps).unwrap_or(u32::MAX).max(1)
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
