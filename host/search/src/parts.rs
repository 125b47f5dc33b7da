//! Loading what an experiment names: plugins, the search space, the data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use archwright_plugin::{Component, Engine, EngineOptions, Kind, LogLevel, LogSink, PluginError, SpaceComponent};
use archwright_protocol::{DataFormat, DataSource, Task};
use archwright_space::{Definition, Scalar, SearchSpace};
use archwright_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::catalogue::{FoundPlugin, SpaceSource, Unknown, beside};
use crate::driver::objective_name;
use crate::error::SearchError;
use crate::experiment::{Choice, Experiment, ExperimentError, ExperimentFile, ObjectiveName, TaskSettings};
use crate::search::Environment;
use crate::tabular::Tabular;

/// What strategies need that ask about relaxations.
pub(crate) const GRADIENTS: &str = "gradients";

/// First bytes of a component.
const WASM: &[u8] = b"\0asm";

/// What a run was made of, besides its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    /// Version of the host.
    pub host: String,
    /// Version and configuration of the engine that runs plugins.
    pub engine: String,
    /// The strategy.
    pub strategy: Part,
    /// The estimator.
    pub estimator: Part,
    /// The search space.
    pub space: Part,
}

/// A file that a run was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The plugin's own name, or a space file's.
    pub name: String,
    /// The plugin's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// BLAKE3 of the file.
    pub digest: String,
}

/// Which of two builds of a part is taken, where the recorded one is not the one at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefer {
    /// The recorded one: the store keeps it.
    Recorded,
    /// The one at hand, as long as there is one.
    AtHand,
}

/// Parts that a run was made of, to be used again.
#[derive(Clone, Copy)]
pub(crate) struct Pinned<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) store: &'a Store,
    pub(crate) prefer: Prefer,
    /// Whether strategy and estimator are those of the run, besides the space.
    pub(crate) plugins: bool,
}

/// Everything that an experiment names, with the settings in force.
pub(crate) struct Loaded {
    pub(crate) strategy: Component,
    pub(crate) estimator: Component,
    pub(crate) definition: Arc<dyn SearchSpace>,
    /// The definition as text with its options, where it is in the declarative format.
    pub(crate) text: Option<(String, BTreeMap<String, Scalar>)>,
    pub(crate) task: Task,
    pub(crate) data: Option<PathBuf>,
    /// The table that the task is, where it is one.
    pub(crate) tabular: Option<Tabular>,
    pub(crate) parts: Parts,
    /// The parts' files.
    pub(crate) files: Vec<Vec<u8>>,
}

/// Loads what an experiment file names; errors point into the file. Options are completed in place.
pub(crate) fn load(
    file: &mut ExperimentFile,
    environment: &Environment,
    pinned: Option<Pinned<'_>>,
) -> Result<Loaded, SearchError> {
    let settings = &file.experiment.engine;
    let engine = Engine::new(&EngineOptions {
        stack_bytes: settings.stack_bytes,
        nan: settings.nan,
        patience: settings.patience.duration(),
        cache_dir: environment.compiled.clone(),
    })?;
    let loader = Loader { file, engine: &engine, environment, pinned };
    let strategy = loader.plugin(Kind::Strategy)?;
    let estimator = loader.plugin(Kind::Estimator)?;
    let space = loader.space()?;
    check_needs(file, &strategy.component, &estimator.component)?;
    check_objectives(file, &strategy.component)?;
    file.check_space_recipe(space.definition.as_ref())?;
    let (task, data) = loader.task()?;
    let tabular = match (task.data.format, &data) {
        (DataFormat::Table, Some(path)) => Some(Tabular::open(file, path)?),
        _ => None,
    };
    let parts = Parts {
        host: env!("CARGO_PKG_VERSION").into(),
        engine: engine.fingerprint(),
        strategy: part(&strategy.component),
        estimator: part(&estimator.component),
        space: space.part,
    };
    let is_text = task.data.format == DataFormat::Text;
    if is_text && !file.source.has(["task", "objectives"]) {
        file.experiment.task.objectives = vec![ObjectiveName::Perplexity];
    }
    if let Some(tabular) = &tabular {
        file.settle_for_table(tabular.epochs());
    }
    let experiment = &mut file.experiment;
    experiment.strategy.options = strategy.options;
    experiment.estimator.options = estimator.options;
    experiment.space.options = space.options;
    Ok(Loaded {
        strategy: strategy.component,
        estimator: estimator.component,
        definition: space.definition,
        text: space.text,
        task,
        data,
        tabular,
        parts,
        files: vec![strategy.bytes, estimator.bytes, space.bytes],
    })
}

/// Loads the search space alone.
pub(crate) fn load_space(
    file: &ExperimentFile,
    environment: &Environment,
    pinned: Option<Pinned<'_>>,
) -> Result<Arc<dyn SearchSpace>, SearchError> {
    let engine = Engine::new(&EngineOptions { cache_dir: environment.compiled.clone(), ..EngineOptions::default() })?;
    Ok(Loader { file, engine: &engine, environment, pinned }.space()?.definition)
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

/// Whether a plugin cannot do without something.
pub(crate) fn needs(component: &Component, name: &str) -> bool {
    component.description().needs.iter().any(|need| need == name)
}

/// Refuses what says nothing of what lies between architectures, for a strategy that looks there: sizes as objectives; a
/// latency as the first one, or a limit of it, which nothing would keep the search within.
fn check_objectives(file: &ExperimentFile, strategy: &Component) -> Result<(), ExperimentError> {
    if !needs(strategy, GRADIENTS) {
        return Ok(());
    }
    let Experiment { task, constraints, .. } = &file.experiment;
    let name = strategy.name();
    let asks = format!(
        "the strategy `{name}` asks about mixtures of architectures, which have no size or latency of their own"
    );
    let is_of_one =
        |(place, one): &(usize, &ObjectiveName)| one.is_size() || (*place == 0 && **one == ObjectiveName::Latency);
    if let Some((_, objective)) = task.objectives.iter().enumerate().find(is_of_one) {
        let problem = format!("`{}` cannot be an objective here: {asks}", objective_name(*objective));
        let help = match objective {
            ObjectiveName::Latency => "name it behind another objective",
            _ => "limit sizes in [constraints], or by the strategy's own options",
        };
        return Err(file.error(&["task", "objectives"], problem, Some(help.into())));
    }
    if constraints.is_some_and(|constraints| constraints.latency.is_some()) {
        let problem = format!("`latency` cannot be constrained here: {asks}");
        let help = "limit sizes, or take a strategy that asks for estimates";
        return Err(file.error(&["constraints", "latency"], problem, Some(help.into())));
    }
    Ok(())
}

struct LoadedPlugin {
    component: Component,
    options: Map<String, Value>,
    bytes: Vec<u8>,
}

struct LoadedSpace {
    definition: Arc<dyn SearchSpace>,
    text: Option<(String, BTreeMap<String, Scalar>)>,
    options: Map<String, Value>,
    part: Part,
    bytes: Vec<u8>,
}

struct Loader<'a> {
    file: &'a ExperimentFile,
    engine: &'a Engine,
    environment: &'a Environment,
    pinned: Option<Pinned<'a>>,
}

impl Loader<'_> {
    fn unknown(&self, section: &str, unknown: Unknown) -> ExperimentError {
        let message = unknown.to_string();
        self.file.error(&[section, "use"], message, unknown.help)
    }

    /// What a component's file holds, where that is what it has to be.
    fn read(&self, section: &str, found: &FoundPlugin) -> Result<Vec<u8>, SearchError> {
        let bytes = Engine::read(&found.path, &self.file.experiment.limits)?;
        found.check(&bytes).map_err(|unknown| self.unknown(section, unknown))?;
        Ok(bytes)
    }

    /// What the file at hand holds, or what the store keeps of the part that is pinned.
    fn pinned(
        &self,
        section: &str,
        wanted: fn(&Parts) -> &Part,
        at_hand: Result<Vec<u8>, SearchError>,
    ) -> Result<Vec<u8>, SearchError> {
        let Some(Pinned { parts, store, prefer, .. }) = self.pinned else { return at_hand };
        let Part { name, digest, .. } = wanted(parts);
        let same = |bytes: &Vec<u8>| blake3::hash(bytes).to_hex().as_str() == digest;
        if at_hand.as_ref().is_ok_and(|bytes| prefer == Prefer::AtHand || same(bytes)) {
            return at_hand;
        }
        match store.part(digest)? {
            Some(bytes) => Ok(bytes),
            None => Err(SearchError::Missing {
                what: format!("the {section} `{name}` with digest {digest}"),
                instead: match at_hand {
                    Ok(bytes) => format!("the one at hand has digest {}", blake3::hash(&bytes).to_hex()),
                    Err(error) => error.to_string(),
                },
            }),
        }
    }

    fn plugin(&self, kind: Kind) -> Result<LoadedPlugin, SearchError> {
        let experiment = &self.file.experiment;
        let (section, choice, wanted): (_, _, fn(&Parts) -> &Part) = match kind {
            Kind::Estimator => ("estimator", &experiment.estimator, |parts| &parts.estimator),
            _ => ("strategy", &experiment.strategy, |parts| &parts.strategy),
        };
        let found = self.environment.catalogue.find(kind, &choice.name, &self.file.folder);
        let name = found.as_ref().map_or_else(|_| choice.name.clone(), |found| found.path.display().to_string());
        let at_hand = match found {
            Ok(found) => self.read(section, &found),
            Err(unknown) => Err(self.unknown(section, unknown).into()),
        };
        let is_pinned = self.pinned.is_some_and(|pinned| pinned.plugins);
        let bytes = if is_pinned { self.pinned(section, wanted, at_hand)? } else { at_hand? };
        self.component(kind, section, &name, choice, bytes)
    }

    fn component(
        &self,
        kind: Kind,
        section: &str,
        name: &str,
        choice: &Choice,
        bytes: Vec<u8>,
    ) -> Result<LoadedPlugin, SearchError> {
        let component = self.engine.load_bytes(name, &bytes, &self.file.experiment.limits)?;
        if component.kind() != kind {
            let message = format!("{name} is not of the kind that [{section}] takes");
            return Err(self.file.error(&[section, "use"], message, None).into());
        }
        match component.options(&choice.options) {
            Ok(Value::Object(options)) => Ok(LoadedPlugin { component, options, bytes }),
            Ok(_) => Ok(LoadedPlugin { component, options: Map::new(), bytes }),
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

    fn space(&self) -> Result<LoadedSpace, SearchError> {
        let choice = &self.file.experiment.space;
        let (name, at_hand) = match self.environment.catalogue.find_space(&choice.name, &self.file.folder) {
            Ok(SpaceSource::Bundled { name, text }) => (name, Ok(text.as_bytes().to_vec())),
            Ok(SpaceSource::Component(found)) => (found.path.display().to_string(), self.read("space", &found)),
            Ok(SpaceSource::File(path)) => {
                let bytes = std::fs::read(&path).map_err(|error| {
                    let message = format!("cannot read the search space {}: {error}", path.display());
                    self.file.error(&["space", "use"], message, None).into()
                });
                (path.display().to_string(), bytes)
            }
            Err(unknown) => (choice.name.clone(), Err(self.unknown("space", unknown).into())),
        };
        let bytes = self.pinned("search space", |parts| &parts.space, at_hand)?;
        if bytes.starts_with(WASM) {
            let LoadedPlugin { component, options, bytes } =
                self.component(Kind::SearchSpace, "space", &name, choice, bytes)?;
            let limits = &self.file.experiment.limits;
            let definition = SpaceComponent::open(&component, &json!(options), limits, log_sink(component.name()))?;
            let part = part(&component);
            return Ok(LoadedSpace { definition: Arc::new(definition), text: None, options, part, bytes });
        }
        let problem =
            |problem: String| self.file.error(&["space", "use"], format!("search space {name}: {problem}"), None);
        let text = std::str::from_utf8(&bytes).map_err(|error| problem(format!("it is no text: {error}")))?;
        let mut options = BTreeMap::new();
        for (key, value) in &choice.options {
            let scalar: Scalar = serde_json::from_value(value.clone()).map_err(|_| {
                self.file.error(&["space", key], format!("the option `{key}` is not a single value"), None)
            })?;
            options.insert(key.clone(), scalar);
        }
        let definition =
            Definition::parse_with(text, &options).map_err(|diagnostic| problem(diagnostic.to_string()))?;
        let options = definition.options().iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        let part = Part { name: choice.name.clone(), version: None, digest: blake3::hash(&bytes).to_hex().to_string() };
        let text = Some((text.to_owned(), definition.options().clone()));
        Ok(LoadedSpace { definition: Arc::new(definition), text, options, part, bytes })
    }

    fn task(&self) -> Result<(Task, Option<PathBuf>), SearchError> {
        let settings = &self.file.experiment.task;
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
        self.check_format(format)?;
        let image_size = (format == DataFormat::Images).then(|| settings.image_size.unwrap_or(32));
        let tokens = (format == DataFormat::Text).then(|| settings.tokens.unwrap_or_default());
        let data = DataSource { format, image_size, tokens, vocabulary: settings.vocabulary };
        Ok((Task { data, split: settings.split.clone() }, path))
    }

    /// Refuses settings that say nothing of data of this format.
    fn check_format(&self, format: DataFormat) -> Result<(), ExperimentError> {
        let TaskSettings { image_size, tokens, vocabulary, recipe, data_set, signal, .. } = &self.file.experiment.task;
        let is_text = format == DataFormat::Text;
        let is_table = format == DataFormat::Table;
        let of_tables = "is for tables of measurements, and this data is none";
        let of_text = "is for texts, and this data is none";
        let of_images = "is for images, and this data is a text";
        let problems: [(bool, &[&str], &str); 9] = [
            (!is_table && data_set.is_some(), &["task", "data_set"], of_tables),
            (!is_table && signal.is_some(), &["task", "signal"], of_tables),
            (!is_text && tokens.is_some(), &["task", "tokens"], of_text),
            (!is_text && vocabulary.is_some(), &["task", "vocabulary"], of_text),
            (is_text && image_size.is_some(), &["task", "image_size"], of_images),
            (is_text && recipe.crop_padding > 0, &["task", "recipe", "crop_padding"], of_images),
            (is_text && recipe.flip, &["task", "recipe", "flip"], of_images),
            (is_text && recipe.cutout > 0, &["task", "recipe", "cutout"], of_images),
            (is_text && recipe.mixup > 0.0, &["task", "recipe", "mixup"], of_images),
        ];
        match problems.into_iter().find(|(wrong, ..)| *wrong) {
            Some((_, path, why)) => Err(self.file.error(path, format!("`{}` {why}", path.join(".")), None)),
            None => Ok(()),
        }
    }

    /// Tells from a folder's content how the data is stored.
    fn guess_format(&self, path: &Path) -> Result<DataFormat, ExperimentError> {
        let has = |name: &str| path.join(name).exists();
        let problem = |message: String, help: &str| self.file.error(&["task", "data"], message, Some(help.to_owned()));
        let ends_in = |ending: &str| path.is_file() && path.extension().is_some_and(|extension| extension == ending);
        if ends_in("npz") {
            Ok(DataFormat::Npz)
        } else if ends_in("table") {
            Ok(DataFormat::Table)
        } else if is_text_file(path) || has("train.txt") {
            Ok(DataFormat::Text)
        } else if !path.exists() {
            let help = "`data` is `digits`, or the path of a folder, an .npz file, a text or a table";
            Err(problem(format!("there is no data at {}", path.display()), help))
        } else if has("train-images-idx3-ubyte") || has("train-images-idx3-ubyte.gz") {
            Ok(DataFormat::Idx)
        } else if has("data_batch_1.bin") {
            Ok(DataFormat::Cifar10)
        } else if has("train.bin") && has("test.bin") {
            Ok(DataFormat::Cifar100)
        } else if path.is_dir() && has_folders(path) {
            Ok(DataFormat::Images)
        } else if let Some(ending) = importable(path) {
            let help = format!(
                "make a table of it by `archwright table import {} --space {}`, and name that",
                path.display(),
                self.file.experiment.space.name
            );
            let problem = format!("{} is a {ending} file, and measurements are read from tables", path.display());
            Err(self.file.error(&["task", "data"], problem, Some(help)))
        } else {
            let help = "give `format`: idx, cifar10, cifar100, images, npz, text or table";
            Err(problem(format!("cannot tell how the data at {} is stored", path.display()), help))
        }
    }
}

/// The ending of a file that a table can be made of.
fn importable(path: &Path) -> Option<&str> {
    let ending = path.extension()?.to_str()?;
    (path.is_file() && archwright_table::ENDINGS.contains(&ending.to_lowercase().as_str())).then_some(ending)
}

/// A file whose name is that of a text.
fn is_text_file(path: &Path) -> bool {
    path.is_file() && path.extension().is_none_or(|extension| extension.eq_ignore_ascii_case("txt"))
}

fn has_folders(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|entries| entries.flatten().any(|entry| entry.path().is_dir()))
}

fn part(component: &Component) -> Part {
    Part {
        name: component.name().to_owned(),
        version: Some(component.description().version.clone()),
        digest: component.digest().to_owned(),
    }
}

/// Plugins' log lines, among the host's.
pub(crate) fn log_sink(plugin: &str) -> LogSink {
    let plugin = plugin.to_owned();
    Arc::new(move |level, line| match level {
        LogLevel::Debug => tracing::debug!(target: "plugin", plugin, "{line}"),
        LogLevel::Info => tracing::info!(target: "plugin", plugin, "{line}"),
        LogLevel::Warn => tracing::warn!(target: "plugin", plugin, "{line}"),
        LogLevel::Error => tracing::error!(target: "plugin", plugin, "{line}"),
    })
}
