//! From an experiment to a report.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use archwright_plugin::model::{Goal, Objective};
use archwright_plugin::{
    Component, Engine, EngineOptions, Estimator, EstimatorSetup, Kind, LogLevel, LogSink, PluginError, SpaceComponent,
    Strategy, StrategySetup,
};
use archwright_protocol::{DataFormat, DataSource, Ready, Setup, Task, VERSION};
use archwright_space::{Context, Definition, Scalar, SearchSpace, Space, seed};
use archwright_store::{RunId, RunStatus, Store};
use serde_json::{Map, Value, json};

use crate::action::ActionMaker;
use crate::catalogue::{Catalogue, SpaceSource, Unknown, beside};
use crate::driver::{Driver, objective_name};
use crate::error::SearchError;
use crate::executor::Executor;
use crate::experiment::{Choice, Experiment, ExperimentError, ExperimentFile, ObjectiveName};
use crate::finale::Finale;
use crate::jobs::Jobs;
use crate::report::{Event, Observer, Report, Summary};
use crate::stop::Stop;
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
    task: Task,
    data: Option<PathBuf>,
    definition: Arc<dyn SearchSpace>,
    strategy: Component,
    estimator: Component,
    /// Digests and versions of everything that is not in the settings.
    parts: Value,
}

impl Search {
    /// Loads the experiment's parts and checks that they fit each other.
    ///
    /// # Errors
    /// Where a part is not there, does not load, refuses its options, or lacks what another needs.
    pub fn prepare(file: &ExperimentFile, environment: &Environment) -> Result<Self, SearchError> {
        let mut experiment = file.experiment.clone();
        let settings = &experiment.engine;
        let engine = Engine::new(&EngineOptions {
            stack_bytes: settings.stack_bytes,
            nan: settings.nan,
            patience: settings.patience.duration(),
            cache_dir: environment.compiled.clone(),
        })?;
        let loader = Loader { file, engine: &engine, environment, experiment: &experiment };
        let (strategy, strategy_options) = loader.plugin(Kind::Strategy, "strategy", &experiment.strategy)?;
        let (estimator, estimator_options) = loader.plugin(Kind::Estimator, "estimator", &experiment.estimator)?;
        let (definition, space_options, space_part) = loader.space(&experiment.space)?;
        check_needs(file, &strategy, &estimator)?;
        let (task, data) = loader.task()?;
        let parts = json!({
            "host": env!("CARGO_PKG_VERSION"),
            "engine": engine.fingerprint(),
            "strategy": part(&strategy),
            "estimator": part(&estimator),
            "space": space_part,
        });
        experiment.strategy.options = strategy_options;
        experiment.estimator.options = estimator_options;
        experiment.space.options = space_options;
        Ok(Self {
            experiment,
            environment: environment.clone(),
            folder: file.folder.clone(),
            task,
            data,
            definition,
            strategy,
            estimator,
            parts,
        })
    }

    /// The experiment with every default filled in.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Runs the search with trainers on this machine.
    ///
    /// # Errors
    /// Where no trainer can work on the task, a plugin fails, the store fails, nothing could be estimated, or `stop` was
    /// requested. A run that began is recorded with its end.
    pub fn run(&self, stop: &Stop, observer: &mut dyn Observer) -> Result<Report, SearchError> {
        let store = Store::open(&self.environment.store)?;
        let devices = self.workers();
        let setup = Setup {
            protocol: VERSION,
            task: self.task.clone(),
            device: String::new(),
            threads: self.experiment.trainer.threads,
        };
        let patience = self.experiment.trainer.patience.duration();
        let mut pool =
            TrainerPool::start(&self.command(&store), &setup, &devices, patience, self.experiment.run.retries)
                .map_err(SearchError::Trainer)?;
        let ready = pool.ready().clone();
        self.run_on(&mut pool, &ready, devices.len(), &store, stop, observer)
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
        let context = Context::full(ready.data.input.clone(), ready.data.classes);
        let space = Arc::new(Space::new(Arc::clone(&self.definition), context)?);
        let settings = json!(self.experiment);
        let record = json!({ "experiment": settings, "parts": self.parts, "trainer": ready });
        let run = store.begin_run(&record)?;
        let summary = Summary { run, settings, trainer: ready.clone(), space_size: space.size().to_string(), workers };
        observer.on(Event::Started(&summary));
        let result = self.search(run, executor, ready, &space, store, stop, observer);
        match &result {
            Ok(report) => store.end_run(run, RunStatus::Finished, Some(&json!(report)), None)?,
            Err(error @ SearchError::Interrupted { .. }) => {
                store.end_run(run, RunStatus::Interrupted, None, Some(&error.to_string()))?;
            }
            Err(error) => store.end_run(run, RunStatus::Failed, None, Some(&error.to_string()))?,
        }
        result
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a run, each used once")]
    fn search(
        &self,
        run: RunId,
        executor: &mut dyn Executor,
        ready: &Ready,
        space: &Arc<Space>,
        store: &Store,
        stop: &Stop,
        observer: &mut dyn Observer,
    ) -> Result<Report, SearchError> {
        let Experiment { task, run: settings, limits, budget, .. } = &self.experiment;
        let objectives: Vec<Objective> = task.objectives.iter().map(|one| objective(*one)).collect();
        let keep_weights = settings.keep_weights || needs(&self.estimator, RESUME);
        let mut strategy = Strategy::open(
            &self.strategy,
            Arc::clone(space),
            StrategySetup {
                objectives: objectives.clone(),
                options: json!(self.experiment.strategy.options),
                seed: seed::derive(settings.seed, "strategy", 0),
                max_queries: budget.queries,
                offers: self.estimator.description().gives.clone(),
            },
            limits,
            log_sink(self.strategy.name()),
        )?;
        let mut estimator = Estimator::open(
            &self.estimator,
            Arc::clone(space),
            EstimatorSetup {
                objectives: objectives.clone(),
                options: json!(self.experiment.estimator.options),
                seed: seed::derive(settings.seed, "estimator", 0),
                full_epochs: task.recipe.epochs,
                offers: offers(ready, keep_weights),
            },
            limits,
            log_sink(self.estimator.name()),
        )?;
        let maker = ActionMaker {
            space,
            task: &self.task,
            recipe: &task.recipe,
            ready,
            keep_weights,
            share_isomorphic: settings.share_isomorphic,
        };
        let mut jobs = Jobs::new(executor, store, settings.tell, settings.cache);
        let goal = objectives.first().map_or(Goal::Maximize, |objective| objective.goal);
        let mut driver = Driver {
            run,
            experiment: &self.experiment,
            goal,
            space,
            strategy: &mut strategy,
            estimator: &mut estimator,
            maker: &maker,
            store,
            stop,
        };
        let searched = driver.search(&mut jobs, observer)?;
        Finale { run, settings, space, maker: &maker, stop }.conclude(searched, &mut jobs, observer)
    }

    /// The device of each worker.
    fn workers(&self) -> Vec<String> {
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

    fn command(&self, store: &Store) -> TrainerCommand {
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
            data: self.data.as_deref().map(absolute),
            weights: absolute(&store.weights()),
        }
    }
}

/// The name under which going on from kept weights is offered and needed.
const RESUME: &str = "train.resume";

/// What estimators can have done here.
fn offers(ready: &Ready, keep_weights: bool) -> Vec<String> {
    let offered = |action: &&String| *action == "train" || (*action == RESUME && keep_weights);
    ready.actions.iter().filter(offered).cloned().collect()
}

fn needs(component: &Component, name: &str) -> bool {
    component.description().needs.iter().any(|need| need == name)
}

/// Refuses a strategy that needs what the estimator does not give.
fn check_needs(file: &ExperimentFile, strategy: &Component, estimator: &Component) -> Result<(), ExperimentError> {
    let gives = &estimator.description().gives;
    match strategy.description().needs.iter().find(|need| !gives.contains(need)) {
        None => Ok(()),
        Some(need) => Err(file.error(
            &["estimator", "use"],
            format!(
                "the strategy `{}` needs `{need}`, which the estimator `{}` does not give",
                strategy.name(),
                estimator.name()
            ),
            Some(format!(
                "this estimator gives {}; choose another estimator or strategy",
                if gives.is_empty() { "nothing beyond estimates".into() } else { gives.join(", ") }
            )),
        )),
    }
}

/// A search space, its options in force, and what goes on record of it.
type LoadedSpace = (Arc<dyn SearchSpace>, Map<String, Value>, Value);

/// Loads what an experiment file names; errors point into the file.
struct Loader<'a> {
    file: &'a ExperimentFile,
    engine: &'a Engine,
    environment: &'a Environment,
    experiment: &'a Experiment,
}

impl Loader<'_> {
    fn unknown(&self, section: &str, unknown: Unknown) -> ExperimentError {
        let message = unknown.to_string();
        self.file.error(&[section, "use"], message, unknown.help)
    }

    fn plugin(
        &self,
        kind: Kind,
        section: &str,
        choice: &Choice,
    ) -> Result<(Component, Map<String, Value>), SearchError> {
        let catalogue = &self.environment.catalogue;
        let path =
            catalogue.find(kind, &choice.name, &self.file.folder).map_err(|unknown| self.unknown(section, unknown))?;
        self.component(kind, section, &path, choice)
    }

    fn component(
        &self,
        kind: Kind,
        section: &str,
        path: &Path,
        choice: &Choice,
    ) -> Result<(Component, Map<String, Value>), SearchError> {
        let component = self.engine.load(path, &self.experiment.limits)?;
        if component.kind() != kind {
            let message = format!("{} is not of the kind that [{section}] takes", path.display());
            return Err(self.file.error(&[section, "use"], message, None).into());
        }
        match component.options(&choice.options) {
            Ok(Value::Object(options)) => Ok((component, options)),
            Ok(_) => Ok((component, Map::new())),
            Err(error) => Err(self.wrong_option(section, error)),
        }
    }

    fn wrong_option(&self, section: &str, error: PluginError) -> SearchError {
        match &error {
            PluginError::Options { option, .. } => {
                let message = error.to_string();
                self.file.error(&[section, option], message, None).into()
            }
            _ => error.into(),
        }
    }

    fn space(&self, choice: &Choice) -> Result<LoadedSpace, SearchError> {
        let source = self
            .environment
            .catalogue
            .find_space(&choice.name, &self.file.folder)
            .map_err(|unknown| self.unknown("space", unknown))?;
        let (name, text) = match source {
            SpaceSource::Component(path) => {
                let (component, options) = self.component(Kind::SearchSpace, "space", &path, choice)?;
                let limits = &self.experiment.limits;
                let definition = SpaceComponent::open(&component, &json!(options), limits, log_sink(component.name()))?;
                return Ok((Arc::new(definition), options, part(&component)));
            }
            SpaceSource::Bundled { name, text } => (name, text.to_owned()),
            SpaceSource::File(path) => {
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    let message = format!("cannot read the search space {}: {error}", path.display());
                    self.file.error(&["space", "use"], message, None)
                })?;
                (path.display().to_string(), text)
            }
        };
        let mut options = std::collections::BTreeMap::new();
        for (key, value) in &choice.options {
            let scalar: Scalar = serde_json::from_value(value.clone()).map_err(|_| {
                self.file.error(&["space", key], format!("the option `{key}` is not a single value"), None)
            })?;
            options.insert(key.clone(), scalar);
        }
        let definition = Definition::parse_with(&text, &options).map_err(|diagnostic| {
            self.file.error(&["space", "use"], format!("search space {name}: {diagnostic}"), None)
        })?;
        let digest = blake3::hash(text.as_bytes()).to_hex().to_string();
        let settled = definition.options().iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        Ok((Arc::new(definition), settled, json!({ "name": name, "digest": digest })))
    }

    fn task(&self) -> Result<(Task, Option<PathBuf>), SearchError> {
        let settings = &self.experiment.task;
        let (format, path) = if settings.data == "digits" {
            (DataFormat::Digits, None)
        } else {
            let path = beside(&self.file.folder, &settings.data);
            let guessed = match settings.format {
                Some(format) => format,
                None => self.guess_format(&path)?,
            };
            (guessed, Some(path))
        };
        let image_size = (format == DataFormat::Images).then(|| settings.image_size.unwrap_or(32));
        let data = DataSource { format, image_size };
        Ok((Task { data, split: settings.split.clone() }, path))
    }

    /// Tells from a folder's content how the data is stored.
    fn guess_format(&self, path: &Path) -> Result<DataFormat, ExperimentError> {
        let has = |name: &str| path.join(name).exists();
        let problem = |message: String, help: &str| self.file.error(&["task", "data"], message, Some(help.to_owned()));
        if path.is_file() && path.extension().is_some_and(|extension| extension == "npz") {
            Ok(DataFormat::Npz)
        } else if !path.exists() {
            let help = "`data` is `digits`, or the path of a folder or an .npz file";
            Err(problem(format!("there is no data at {}", path.display()), help))
        } else if has("train-images-idx3-ubyte") || has("train-images-idx3-ubyte.gz") {
            Ok(DataFormat::Idx)
        } else if has("data_batch_1.bin") {
            Ok(DataFormat::Cifar10)
        } else if has("train.bin") && has("test.bin") {
            Ok(DataFormat::Cifar100)
        } else if path.is_dir() && has_folders(path) {
            Ok(DataFormat::Images)
        } else {
            let help = "give `format`: idx, cifar10, cifar100, images or npz";
            Err(problem(format!("cannot tell how the data at {} is stored", path.display()), help))
        }
    }
}

fn has_folders(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|entries| entries.flatten().any(|entry| entry.path().is_dir()))
}

fn part(component: &Component) -> Value {
    json!({
        "name": component.name(),
        "version": component.description().version,
        "digest": component.digest(),
    })
}

fn objective(name: ObjectiveName) -> Objective {
    let goal = if name == ObjectiveName::Accuracy { Goal::Maximize } else { Goal::Minimize };
    Objective { name: objective_name(name), goal }
}

/// Plugins' log lines, among the host's.
fn log_sink(plugin: &str) -> LogSink {
    let plugin = plugin.to_owned();
    Arc::new(move |level, line| match level {
        LogLevel::Debug => tracing::debug!(target: "plugin", plugin, "{line}"),
        LogLevel::Info => tracing::info!(target: "plugin", plugin, "{line}"),
        LogLevel::Warn => tracing::warn!(target: "plugin", plugin, "{line}"),
        LogLevel::Error => tracing::error!(target: "plugin", plugin, "{line}"),
    })
}

/// The same place however the working folder changes. A bare program name stays, to be looked up in PATH.
fn absolute(path: &Path) -> PathBuf {
    if path.components().count() < 2 {
        return path.to_owned();
    }
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
