use std::path::PathBuf;

use archwright_compare::figure::PlotError;
use archwright_search::{ExperimentError, SearchError};
use archwright_store::{ComparisonId, StoreError};

/// Why a comparison cannot be made or reported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// The file cannot be read.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was to be done, e.g. "read".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file says something that cannot be.
    #[error("{}: {problem}", path.display())]
    Form {
        /// The suite.
        path: PathBuf,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The suite says something that cannot be, at a place that is told.
    #[error(transparent)]
    Suite(ExperimentError),
    /// A combination of the suite is no experiment.
    #[error("{combination}: {source}")]
    Combination {
        /// The labels of its parts.
        combination: String,
        /// What is wrong with it.
        source: Box<SearchError>,
    },
    /// A run failed.
    #[error("{combination}, seed {seed}: {source}")]
    Run {
        /// The labels of its parts.
        combination: String,
        /// Its seed.
        seed: u64,
        /// How it ended.
        source: Box<SearchError>,
    },
    /// Another process is at work on the comparison.
    #[error("another process is at work on comparison {0}: wait until it is done, or end it")]
    UnderWay(ComparisonId),
    /// The comparison was stopped; run again, it goes on.
    #[error("stopped after {done} of {all} runs: the same command goes on")]
    Stopped {
        /// Runs that are done.
        done: usize,
        /// Runs in all.
        all: usize,
    },
    /// What is at hand is not what a lock says.
    #[error("this is not what the lock {} says:\n{}", path.display(), differences.join("\n"))]
    Changed {
        /// The lock.
        path: PathBuf,
        /// Each thing that differs.
        differences: Vec<String>,
    },
    /// There is nothing to report.
    #[error("{0}")]
    Empty(String),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A journal cannot be read.
    #[error(transparent)]
    Journal(Box<SearchError>),
    /// A figure cannot be drawn.
    #[error("a figure cannot be drawn: {0}")]
    Figure(#[from] PlotError),
    /// Parquet cannot be written.
    #[error("observations.parquet cannot be written: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}

impl From<ExperimentError> for SuiteError {
    fn from(error: ExperimentError) -> Self {
        Self::Journal(Box::new(error.into()))
    }
}

impl SuiteError {
    pub(crate) fn file(doing: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }
}
