//! What can be said on the command line.

mod compare;
mod plugin;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use compare::{Compare, Report, Table, TableImport};
pub(crate) use plugin::{Check, New, Plugin, RunPlugin};

/// Searches neural network architectures with sandboxed methods.
#[derive(Debug, Parser)]
#[command(name = "archwright", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Print JSON to standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more in the log; twice for even more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Folder of the store, which keeps runs, outcomes and weights.
    #[arg(long, global = true, env = "ARCHWRIGHT_STORE", value_name = "FOLDER")]
    pub(crate) store: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    the run, a plugin, a trainer or the store failed; a verified run differs, or the store is damaged
  2    wrong usage, or a mistake in a file that was given
  130  stopped by Ctrl-C or SIGTERM; `resume` goes on";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Search a network as an experiment file says.
    Run(Run),
    /// Train one architecture in full, and test it.
    Train(Train),
    /// Go on with a run that was stopped, however it was: it ends as if it had never been.
    Resume {
        /// The run's number, or `latest`.
        #[arg(default_value = "latest")]
        run: String,
    },
    /// Play a run's journal back, and name the first thing that differs.
    Verify(Verify),
    /// Compare what a run's estimator says of random architectures with what another one says, by default full training.
    Correlate(Correlate),
    /// Print exactly what a run was made of, for `run --locked`.
    Lock {
        /// The run's number, or `latest`.
        #[arg(default_value = "latest")]
        run: String,
        /// Where to write it, instead of to standard output.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print a run's journal: everything that plugins were asked and answered, and what came of actions, a JSON object a
    /// line.
    Journal {
        /// The run's number, or `latest`.
        #[arg(default_value = "latest")]
        run: String,
        /// Leave out what depends on the clock: runs that did the same print the same.
        #[arg(long)]
        timeless: bool,
    },
    /// List the runs of the store.
    Runs,
    /// Show a run: what it searched, tried and found.
    Show {
        /// The run's number, or `latest`.
        #[arg(default_value = "latest")]
        run: String,
        /// List every architecture tried, too.
        #[arg(long)]
        queries: bool,
    },
    /// Write the network that a run found, with its weights, in forms that others read.
    Export(Export),
    /// Classify files with the network that a run found: PNG or JPEG images, `.npy` arrays, or
    /// `.npz` archives.
    Predict {
        /// The run's number or `latest`, which is what is meant where none stands first; then the files.
        #[arg(required = true, value_name = "RUN|FILE")]
        what: Vec<PathBuf>,
    },
    /// Remove runs from the record, with their journals. What they trained stays until it is pruned.
    Remove {
        /// The runs' numbers, or `latest`.
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
    },
    /// Look through what the store remembers; check it, export it, delete from it.
    #[command(subcommand)]
    Cache(Cache),
    /// List and inspect plugins; make one of your own, build it, check it, try it.
    #[command(subcommand)]
    Plugin(Plugin),
    /// List search spaces and look into one.
    #[command(subcommand)]
    Space(Space),
    /// Compare methods: run a suite's spaces, strategies, estimators and tasks from all seeds, and report.
    Compare(Compare),
    /// Make a comparison's report again, from the journals of its runs alone.
    Report(Report),
    /// List the comparisons of the store.
    Comparisons,
    /// Make tables of measurements, on which methods are compared without training, and look into one.
    #[command(subcommand)]
    Table(Table),
    /// Check that everything is in place, and say how to mend what is not.
    Doctor,
    /// Print the JSON schema of a kind of file.
    Schema {
        /// The kind of file.
        #[arg(default_value = "experiment")]
        of: SchemaOf,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// A kind of file that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// An experiment.
    Experiment,
    /// `plugin.toml`, the manifest of a plugin's project.
    Plugin,
    /// `plugins.toml`, where the plugins of a project come from.
    Plugins,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The experiment file (TOML).
    #[arg(required_unless_present = "locked")]
    pub(crate) experiment: Option<PathBuf>,
    /// Run exactly what a run was made of: its number, `latest`, or the path of a file that `lock` wrote.
    #[arg(long, value_name = "RUN|FILE", conflicts_with_all = ["experiment", "seed"])]
    pub(crate) locked: Option<String>,
    /// Seed instead of the file's.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Number of trainers at work instead of the file's.
    #[arg(long)]
    pub(crate) workers: Option<u32>,
    /// Load and check everything, print the full settings, and stop.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// Name of a published architecture; or with `--space` its genotype in the field's notation, or a JSON object of
    /// decisions.
    pub(crate) architecture: String,
    /// What to train it on: the name or path of data, or an experiment file whose `[task]`, `[trainer]` and `[run]` count.
    #[arg(long, value_name = "DATA|FILE")]
    pub(crate) task: String,
    /// Space that it is a point of: a bundled one, or path of a file.
    #[arg(long)]
    pub(crate) space: Option<String>,
    /// Set an option of the space, e.g. `-o cells=8`. A published architecture has those of its paper.
    #[arg(short, long = "option", value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
    /// Epochs instead of the recipe's.
    #[arg(long)]
    pub(crate) epochs: Option<u32>,
    /// Trainings, each from a seed of its own.
    #[arg(long, default_value_t = 1)]
    pub(crate) seeds: u32,
    /// Seed instead of the file's.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Load and check everything, print the full settings, and stop.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The run's number, or `latest`.
    #[arg(default_value = "latest")]
    pub(crate) run: String,
    /// Compare with this experiment file instead of the recorded settings.
    #[arg(long, value_name = "FILE")]
    pub(crate) experiment: Option<PathBuf>,
    /// Repeat some of the trainings on the CPU, too, and of what was done with shared weights, and compare the outcomes.
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = "3")]
    pub(crate) deep: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Correlate {
    /// The run's number, or `latest`: its space, its task, and its estimator as the search left it.
    #[arg(default_value = "latest")]
    pub(crate) run: String,
    /// Architectures to judge, drawn from the space; no two have the same network.
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(3..=100_000))]
    pub(crate) sample: u32,
    /// Seed of the draws.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Compare this estimator, instead of the run's.
    #[arg(long, value_name = "ESTIMATOR")]
    pub(crate) estimator: Option<String>,
    /// Set an option of that, e.g. `-o epochs_share=0.25`.
    #[arg(short, long = "option", value_name = "KEY=VALUE", requires = "estimator")]
    pub(crate) options: Vec<String>,
    /// Compare with this estimator.
    #[arg(long, value_name = "ESTIMATOR", default_value = "full-training")]
    pub(crate) against: String,
    /// Set an option of that, e.g. `--against-option repeats=3`.
    #[arg(long = "against-option", value_name = "KEY=VALUE")]
    pub(crate) against_options: Vec<String>,
    /// Draw one against the other into this SVG file.
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The run's number, or `latest`.
    #[arg(default_value = "latest")]
    pub(crate) run: String,
    /// What to write; everything, where it is left out.
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', num_args = 1..)]
    pub(crate) format: Vec<Format>,
    /// The folder to write into, instead of `run-NUMBER-export`.
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
    /// Write over files that are there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Which of the retrained networks, counted from the best on validation.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) finalist: u32,
    /// Whose weights: those of the first, second, ... seed that it was retrained with.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u32,
}

/// A form of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// `network.json`: the network, its decisions and its recipe.
    Json,
    /// `model.py` and `weights.safetensors`: a module to run, edit and retrain.
    Pytorch,
    /// `model.onnx`: the network as it computes outside training.
    Onnx,
    /// `skeleton.svg` and `cell-NAME.svg`: drawings.
    Svg,
    /// The drawings as PNG.
    Png,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Say how much is remembered, and what that has saved.
    Stats,
    /// List remembered outcomes, the newest first.
    List {
        #[command(flatten)]
        filter: CacheFilter,
        /// List so many at most.
        #[arg(long, value_name = "NUMBER")]
        limit: Option<u64>,
    },
    /// Delete what is not needed, as far as the options say. What an unfinished run used and what a result names stays.
    Prune(PruneChoice),
    /// Write outcomes in full, a JSON object a line.
    Export {
        #[command(flatten)]
        filter: CacheFilter,
        /// Where to write them, instead of to standard output.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Read everything in the store; name what is damaged and what mends it.
    Check,
}

/// Which outcomes are meant: those that all of this is true of.
#[derive(Debug, Args)]
pub(crate) struct CacheFilter {
    /// Those on data whose digest starts so.
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    pub(crate) data: Option<String>,
    /// Those of networks whose fingerprint starts so.
    #[arg(long, value_name = "PREFIX", value_parser = hexadecimal_prefix)]
    pub(crate) fingerprint: Option<String>,
    /// Those that this run used: its number, or `latest`.
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Those that were neither recorded nor used for so long, e.g. `30d`.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) older_than: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct PruneChoice {
    /// Forget outcomes that were neither recorded nor used for so long, e.g. `30d`.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) older_than: Option<Duration>,
    /// Forget outcomes on the data whose digest starts so; with `--older-than`, only those that are both.
    #[arg(long, value_name = "DIGEST", value_parser = prefix)]
    pub(crate) data: Option<String>,
    /// Delete trained weights that no outcome names.
    #[arg(long)]
    pub(crate) unused_weights: bool,
    /// Delete trained weights that outcomes name. The outcomes stay; who wants the weights trains again.
    #[arg(long)]
    pub(crate) remembered_weights: bool,
    /// Delete the states of trainings whose outcome is there; with `--older-than`, also those not written for so long.
    #[arg(long)]
    pub(crate) checkpoints: bool,
    /// Delete plugins and space files that no run names.
    #[arg(long)]
    pub(crate) unused_parts: bool,
    /// Delete what is damaged, even where it is needed.
    #[arg(long)]
    pub(crate) damaged: bool,
    /// Delete nothing, and say what would go.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// A device that the bundled trainer may have.
fn device(text: &str) -> Result<String, String> {
    let gpu = text.strip_prefix("cuda:").is_some_and(|index| index.parse::<u16>().is_ok());
    if gpu || text == "cpu" {
        Ok(text.to_owned())
    } else {
        Err("a device is `cpu` or a GPU as `cuda:0`, `cuda:1`, ...".into())
    }
}

/// The start of a digest. A trainer of one's own may name its data as it likes.
fn prefix(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("it is empty, and would mean everything".into()) } else { Ok(text.to_owned()) }
}

/// The start of a digest in hexadecimal digits.
fn hexadecimal_prefix(text: &str) -> Result<String, String> {
    let lower = prefix(text)?.to_ascii_lowercase();
    if lower.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(lower)
    } else {
        Err("a fingerprint has the digits 0 to 9 and a to f".into())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Space {
    /// List the bundled search spaces.
    List,
    /// Show a space's decisions.
    Show(SpaceChoice),
    /// Draw random architectures.
    Sample {
        #[command(flatten)]
        choice: SpaceChoice,
        /// Number of architectures.
        #[arg(short = 'n', long, default_value_t = 1)]
        number: u32,
        /// Seed of the first; the next ones have the next seeds.
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// With `--json`: give the networks, too.
        #[arg(long)]
        networks: bool,
    },
    /// Count a space's points.
    Count(SpaceChoice),
    /// Show which point of a space an architecture is, and its size.
    Locate {
        #[command(flatten)]
        choice: SpaceChoice,
        /// Name of a published architecture, its genotype in the field's notation, or a JSON object of decisions.
        architecture: String,
    },
    /// Show an architecture's size and work, and measure how long it takes.
    Profile(Profile),
    /// List published architectures.
    Published,
}

#[derive(Debug, Args)]
pub(crate) struct Profile {
    #[command(flatten)]
    pub(crate) choice: SpaceChoice,
    /// Name of a published architecture, its genotype in the field's notation, or a JSON object of decisions. Default: a
    /// random one.
    pub(crate) architecture: Option<String>,
    /// Seed of a random architecture.
    #[arg(long, default_value_t = 0, conflicts_with = "architecture")]
    pub(crate) seed: u64,
    /// Measure the latency, too: the median time of a forward pass in evaluation mode, in seconds for a batch.
    #[arg(long)]
    pub(crate) latency: bool,
    /// Device to measure on: `cpu`, `cuda:0`, ...
    #[arg(long, default_value = "cpu", requires = "latency", value_parser = device)]
    pub(crate) device: String,
    /// Threads to compute with on the CPU.
    #[arg(long, default_value_t = 1, requires = "latency", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: u32,
    /// Inputs in a batch, of a text sequences of 35 tokens.
    #[arg(long, default_value_t = 1, requires = "latency", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) batch: u32,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct SpaceChoice {
    /// Name of a bundled space, or path of a `.toml` or `.wasm` file.
    pub(crate) space: String,
    /// Set an option of the space, e.g. `-o cells=2`.
    #[arg(short, long = "option", value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
    /// Shape of one input: channels, height, width; 1 for a text's tokens. Default: 3,32,32, or 1 where the space is for
    /// texts.
    #[arg(long, value_delimiter = ',')]
    pub(crate) input: Option<Vec<u32>>,
    /// Number of classes, or of a text's different tokens.
    #[arg(long, default_value_t = 10)]
    pub(crate) classes: u32,
}
