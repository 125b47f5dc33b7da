//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

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
  1    the run, a plugin, a trainer or the store failed
  2    wrong usage, or a mistake in a file that was given
  130  stopped by Ctrl-C or SIGTERM; running the same again goes on";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Search a network as an experiment file says.
    Run(Run),
    /// List the runs of the store.
    Runs,
    /// Show a run: what it searched, tried and found.
    Show {
        /// The run's number, or `latest`.
        run: String,
        /// List every architecture tried, too.
        #[arg(long)]
        queries: bool,
    },
    /// List and inspect plugins, check one of your own, build one.
    #[command(subcommand)]
    Plugin(Plugin),
    /// List search spaces and look into one.
    #[command(subcommand)]
    Space(Space),
    /// Check that everything is in place, and say how to mend what is not.
    Doctor,
    /// Print the JSON schema of experiment files.
    Schema,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The experiment file (TOML).
    pub(crate) experiment: PathBuf,
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

#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// List the bundled plugins.
    List,
    /// Show what a plugin says of itself, with its options.
    Inspect {
        /// Name of a bundled plugin, or path of a component.
        plugin: String,
    },
    /// Run the conformance suite on a plugin.
    Check {
        /// Name of a bundled plugin, or path of a component.
        plugin: String,
    },
    /// Build a plugin crate written in Rust and make a component of it.
    Build {
        /// Folder of the crate.
        folder: PathBuf,
        /// Where to write the component.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
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
}

#[derive(Debug, Args)]
pub(crate) struct SpaceChoice {
    /// Name of a bundled space, or path of a `.toml` or `.wasm` file.
    pub(crate) space: String,
    /// Set an option of the space, e.g. `-o cells=2`.
    #[arg(short, long = "option", value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
    /// Shape of one input: channels, height, width.
    #[arg(long, default_value = "3,32,32", value_delimiter = ',')]
    pub(crate) input: Vec<u32>,
    /// Number of classes.
    #[arg(long, default_value_t = 10)]
    pub(crate) classes: u32,
}
