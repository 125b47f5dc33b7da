//! What to do: an experiment file, read and checked.

mod read;
mod recipe;
mod seconds;
mod source;
mod words;

use std::path::{Path, PathBuf};

use archwright_plugin::{EngineOptions, Limits, NanProfile};
use archwright_protocol::{DataFormat, Latency, Recipe, Split, Tokens};
use archwright_space::SizeLimits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use read::nearest;
pub(crate) use recipe::recipe_problem;
pub use seconds::Seconds;
pub use source::{Excerpt, ExperimentError, Source};

/// An experiment: which parts to combine, on which task, for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Where architectures come from.
    pub space: Choice,
    /// Decides which architectures to look at.
    pub strategy: Choice,
    /// Decides how to find out how good one is.
    pub estimator: Choice,
    /// What the networks have to learn.
    pub task: TaskSettings,
    /// When to stop searching.
    pub budget: Budget,
    /// What a network may need at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<Constraints>,
    /// How to run.
    #[serde(default)]
    pub run: RunSettings,
    /// What trains networks.
    #[serde(default)]
    pub trainer: TrainerSettings,
    /// What a plugin may use.
    #[serde(default)]
    pub limits: Limits,
    /// How plugins are compiled and executed.
    #[serde(default)]
    pub engine: EngineSettings,
}

/// A part by name or path, with its options beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// The name of a bundled part or of a plugin in `plugins.toml`, or the path of a file: a component (`.wasm`), for a
    /// space also a `.toml` file. Relative paths start at the experiment file's folder.
    #[serde(rename = "use")]
    pub name: String,
    /// The part's own options; `archwright plugin inspect NAME` lists them.
    #[serde(flatten)]
    pub options: Map<String, Value>,
}

/// What the networks have to learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskSettings {
    /// `digits` (embedded), or the path of a folder or file with the data, or of a table of measurements. Relative paths
    /// start at the experiment file's folder.
    pub data: String,
    /// How the data is stored; left out, it is told from what lies at the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<DataFormat>,
    /// Height and width that images of an image folder are resized to; default 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<u32>,
    /// What a text is divided into; default words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Most different tokens of a text to tell apart, at least 2: rarer ones become `<unk>`. Default: all of its training
    /// part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<u32>,
    /// Which of a table's data sets the run is about, where it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_set: Option<String>,
    /// Which of a table's accuracies the search sees; default validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<Signal>,
    /// What to optimize; the first counts for methods with one objective. Default: accuracy, of a text perplexity.
    #[serde(default = "TaskSettings::default_objectives")]
    pub objectives: Vec<ObjectiveName>,
    /// Inputs in a batch whose latency is measured, of a text sequences side by side; 1 to 10^6. It counts where `latency`
    /// is an objective or constrained.
    #[serde(default = "TaskSettings::default_latency_batch")]
    pub latency_batch: u32,
    /// How the data is divided.
    #[serde(default)]
    pub split: Split,
    /// How a network is trained in full.
    #[serde(default)]
    pub recipe: Recipe,
}

impl TaskSettings {
    fn default_objectives() -> Vec<ObjectiveName> {
        vec![ObjectiveName::Accuracy]
    }

    fn default_latency_batch() -> u32 {
        1
    }
}

/// What a search on a table of measurements sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// Accuracy and loss on the validation examples, as with real training.
    #[default]
    Validation,
    /// Accuracy and loss on the test examples, of a table that has no others, or to compare with figures that were made so.
    Test,
}

/// What can be optimized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveName {
    /// Share of validation examples classified right, of a text tokens predicted right; maximized.
    Accuracy,
    /// Mean cross-entropy on the validation examples; minimized.
    Loss,
    /// Exponential of the loss, what language models are compared by; minimized.
    Perplexity,
    /// Trainable parameters; minimized.
    Parameters,
    /// Multiply-adds for one image or token; minimized.
    MultiplyAdds,
    /// Bytes of activations for one image or token; minimized.
    ActivationBytes,
    /// Seconds of a forward pass in evaluation mode for a batch, measured by the trainer; minimized.
    Latency,
}

impl ObjectiveName {
    /// Whether it is known from the network alone, without any measurement.
    pub(crate) fn is_size(self) -> bool {
        matches!(self, Self::Parameters | Self::MultiplyAdds | Self::ActivationBytes)
    }
}

/// What a network may need at most. Architectures that need more are not drawn, and fail where a strategy asks for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Constraints {
    /// Most trainable parameters, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// Most multiply-adds for one image or token, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiply_adds: Option<u64>,
    /// Most bytes of activations for one image or token, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_bytes: Option<u64>,
    /// Longest latency for a batch of `task.latency_batch`. The trainer measures it before a training, and does not train
    /// a network that takes longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Seconds>,
}

impl Constraints {
    /// Those that are known without training.
    pub(crate) fn sizes(&self) -> SizeLimits {
        let Self { parameters, multiply_adds, activation_bytes, latency: _ } = *self;
        SizeLimits { parameters, multiply_adds, activation_bytes }
    }
}

impl Experiment {
    /// The limits of size that are set.
    pub(crate) fn size_limits(&self) -> SizeLimits {
        self.constraints.map(|constraints| constraints.sizes()).unwrap_or_default()
    }

    /// The latency that trainings have measured, where something asks for it.
    pub(crate) fn latency(&self) -> Option<Latency> {
        let limit = self.constraints.and_then(|constraints| constraints.latency).map(|limit| limit.0);
        let asked = limit.is_some() || self.task.objectives.contains(&ObjectiveName::Latency);
        asked.then_some(Latency { batch_size: self.task.latency_batch, limit, network: None })
    }
}

/// When to stop searching. At least one limit has to be given; the first one reached counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Number of architectures to ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries: Option<u64>,
    /// Training time charged to the search, summed over workers; remembered outcomes are charged what they cost once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Seconds>,
    /// Wall time of the search, without the final retraining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Seconds>,
}

/// How to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunSettings {
    /// Every random choice of the run derives from it. At most 2^63 - 1.
    pub seed: u64,
    /// Trainers at work at the same time on the CPU; default: as many as there are cores, at most `in_flight`. Results
    /// do not depend on it. On GPUs there is one trainer a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// Queries that the strategy has open at most: it is asked for query n + `in_flight` once it was told of query n.
    pub in_flight: u32,
    /// In which order observations are told.
    pub tell: TellOrder,
    /// Whether outcomes recorded earlier are used instead of training again.
    pub cache: bool,
    /// Whether isomorphic networks share an outcome.
    pub share_isomorphic: bool,
    /// Whether the weights of every training are kept, so that estimators can go on from them.
    pub keep_weights: bool,
    /// Architectures retrained with the full recipe at the end, at least 1.
    pub finalists: u32,
    /// Seeds with which each finalist is retrained, at least 1.
    pub final_seeds: u32,
    /// Times an action is tried again after its trainer crashed or hung; ten times as often where it was killed.
    pub retries: u32,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            seed: 0,
            workers: None,
            in_flight: 4,
            tell: TellOrder::Query,
            cache: true,
            share_isomorphic: true,
            keep_weights: false,
            finalists: 3,
            final_seeds: 3,
            retries: 1,
        }
    }
}

/// In which order observations are told to the strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TellOrder {
    /// In the order of the queries: a run does not depend on which worker was faster.
    Query,
    /// As they arrive: no worker waits, and a run repeats only by chance.
    Arrival,
}

/// What trains networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainerSettings {
    /// Program and arguments of a trainer of your own; empty: the bundled one. Its working folder is the experiment
    /// file's.
    pub command: Vec<String>,
    /// Devices to train on: `auto` (every GPU, or else the CPU), `cpu`, `cuda:0`, ...
    pub devices: Vec<String>,
    /// Threads of each trainer on the CPU, at least 1. Results depend on it.
    pub threads: u32,
    /// Silence after which a trainer counts as hung.
    pub patience: Seconds,
    /// Time between two checkpoints of a training that goes on: what a training that is killed loses at most.
    pub checkpoint: Seconds,
}

impl Default for TrainerSettings {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            devices: vec!["auto".into()],
            threads: 1,
            patience: Seconds(300.0),
            checkpoint: Seconds(60.0),
        }
    }
}

/// How plugins are compiled and executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EngineSettings {
    /// Bytes of a plugin's call stack.
    pub stack_bytes: usize,
    /// Whether NaNs have the same bits on every processor (`portable`), or float loops run at full speed (`native`).
    pub nan: NanProfile,
    /// Longest that one plugin call may take before the host gives up. Fuel bounds a call long before.
    pub patience: Seconds,
}

impl Default for EngineSettings {
    fn default() -> Self {
        let options = EngineOptions::default();
        Self { stack_bytes: options.stack_bytes, nan: options.nan, patience: Seconds(options.patience.as_secs_f64()) }
    }
}

/// An experiment with the file it came from.
#[derive(Clone, Debug)]
pub struct ExperimentFile {
    /// What it says, defaults filled in.
    pub experiment: Experiment,
    /// Folder that relative paths start at.
    pub folder: PathBuf,
    pub(crate) source: Source,
}

impl ExperimentFile {
    /// Reads and checks an experiment file.
    ///
    /// # Errors
    /// Where the file cannot be read, is no experiment, or a value is out of range; says where.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let source = Source::read(path, "experiment")?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::from_source(source, folder)
    }

    /// Reads and checks an experiment from text; `name` is used in messages.
    ///
    /// # Errors
    /// Where the text is no experiment, or a value is out of range; says where.
    pub fn from_text(name: &str, text: &str, folder: &Path) -> Result<Self, ExperimentError> {
        Self::from_source(Source::new(name, text), folder)
    }

    /// Reads and checks the experiment that a text is, or a part of it. Relative paths start at `folder`.
    ///
    /// # Errors
    /// Where it is no experiment, or a value is out of range; says where in the whole text.
    pub fn from_source(source: Source, folder: &Path) -> Result<Self, ExperimentError> {
        let experiment: Experiment = source.deserialize()?;
        let file = Self { experiment, folder: folder.to_owned(), source };
        file.check()?;
        Ok(file)
    }

    /// A recorded experiment as a file.
    pub(crate) fn recorded(experiment: &Experiment, folder: &Path) -> Result<Self, ExperimentError> {
        let name = "the recorded settings";
        match experiment.to_toml() {
            Ok(text) => Self::from_text(name, &text, folder),
            Err(error) => Err(Source::new(name, "").error(&[], error.to_string(), None)),
        }
    }

    /// Checks ranges that types do not, after the experiment was changed, say.
    ///
    /// # Errors
    /// Where a value is out of range.
    pub fn check(&self) -> Result<(), ExperimentError> {
        read::check(&self.experiment, &self.source)
    }

    /// Settles what a table of measurements decides: epochs of a full training; that simulated workers look at one query each,
    /// one by default, and are told of as they end; and that what counts is the best that the search has seen.
    pub(crate) fn settle_for_table(&mut self, epochs: u32) {
        let is_given = |key| self.source.has(["run", key]);
        let (in_flight, tell, finalists) = (is_given("in_flight"), is_given("tell"), is_given("finalists"));
        let Experiment { task, run, .. } = &mut self.experiment;
        task.recipe.epochs = epochs;
        if !in_flight {
            run.in_flight = run.workers.unwrap_or(1);
        }
        if !tell {
            run.tell = TellOrder::Arrival;
        }
        if !finalists {
            run.finalists = 1;
        }
    }

    /// An error that points at the value under `path`, or at the closest table around it.
    pub fn error(&self, path: &[&str], message: impl Into<String>, help: Option<String>) -> ExperimentError {
        self.source.error(path, message, help)
    }
}

impl Experiment {
    /// The settings as an experiment file's text. Options without a value, for which TOML has no word, are left out.
    ///
    /// # Errors
    /// Where a setting has no form in TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let mut written = self.clone();
        for choice in [&mut written.space, &mut written.strategy, &mut written.estimator] {
            choice.options.retain(|_, value| !value.is_null());
        }
        toml::to_string(&written)
    }
}

/// The JSON schema of experiment files.
pub fn schema() -> Value {
    schemars::schema_for!(Experiment).to_value()
}
