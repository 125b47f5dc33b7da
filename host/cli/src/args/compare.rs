//! What can be said of comparisons, and of the tables that they are made on.

use std::path::PathBuf;
use std::str::FromStr as _;

use archwright_table::{Measure, Role, assignment};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The suite (TOML).
    pub(crate) suite: PathBuf,
    /// Run only what the suite's lock says, and compare what comes of it: `SUITE.lock` beside the suite, which the first run
    /// writes.
    #[arg(long)]
    pub(crate) locked: bool,
    /// Folder of the report. Default: beside the suite, with `-report` behind its name.
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
    /// Load and check everything, say what would run, and stop.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The comparison's number, or `latest`.
    #[arg(default_value = "latest")]
    pub(crate) comparison: String,
    /// Folder of the report.
    #[arg(short, long, value_name = "FOLDER", default_value = "report")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Table {
    /// Make a table of a CSV, JSON or Parquet file.
    Import(TableImport),
    /// Say what is in a table.
    Info {
        /// The table.
        table: PathBuf,
    },
    /// List the best architectures of a table.
    Best {
        /// The table.
        table: PathBuf,
        /// By what: e.g. `test-accuracy`, or `seconds`, of which little is good. Default: the validation accuracy, or the test
        /// accuracy of a table that has no other.
        #[arg(long, value_parser = Measure::from_str)]
        measure: Option<Measure>,
        /// On which data set; default: each.
        #[arg(long, value_name = "NAME")]
        data_set: Option<String>,
        /// List so many.
        #[arg(short = 'n', long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
        number: u32,
    },
}

/// What to make a table of.
///
/// Headers that people use say by themselves what a column holds: `arch_str`, `epoch`, `seed`, `cifar10_test_accuracy`,
/// `cifar10_val_loss`, `training_time`, `params`, or the name of a decision. `--column` says it of others. Accuracies above 1
/// are percent.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct TableImport {
    /// The file: `.csv`, `.tsv`, `.json`, `.jsonl` or `.parquet`.
    pub(crate) file: PathBuf,
    /// Space that its architectures are points of: a bundled one, or path of a file.
    #[arg(long)]
    pub(crate) space: String,
    /// Set an option of the space, e.g. `-o cells=2`.
    #[arg(short = 'o', long = "option", value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
    /// Shape of one input of the networks. Default: 3,32,32, or 1 where the space is for texts.
    #[arg(long, value_delimiter = ',')]
    pub(crate) input: Option<Vec<u32>>,
    /// Number of classes of the networks.
    #[arg(long, default_value_t = 10)]
    pub(crate) classes: u32,
    /// What a column holds: `architecture`, `decision:NAME`, `data-set`, `epoch`, `seed`, `ignore`, or something measured, as
    /// `[DATA-SET/]MEASURE[*FACTOR]`: `validation-accuracy`, `validation-loss`, `test-accuracy`, `test-loss`, `training-loss`,
    /// `seconds` (of training up to the epoch), `latency` (in seconds), `parameters`, `multiply-adds`.
    #[arg(long = "column", value_name = "COLUMN=ROLE", value_parser = assignment)]
    pub(crate) columns: Vec<(String, Role)>,
    /// Epochs of a training, for a file that does not say it.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) epochs: u32,
    /// The table to write; `-o` sets options of the space. Default: beside the file, with the ending `.table`.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
