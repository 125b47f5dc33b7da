use archwright_plugin::PluginError;
use archwright_protocol::Failure;
use archwright_space::SpaceError;
use archwright_store::{RunId, StoreError};

use crate::experiment::ExperimentError;

/// Why a search could not be prepared or did not finish.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum SearchError {
    /// The experiment is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Experiment(#[from] ExperimentError),
    /// A plugin failed.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The search space cannot be used for this task.
    #[error("the search space does not fit the task: {0}")]
    Space(#[from] SpaceError),
    /// No trainer can work on the task.
    #[error("the trainer cannot start: {}", .0.message)]
    Trainer(Failure),
    /// The user stopped the run.
    #[error("run {run} was stopped after {queries} queries; what it trained is remembered")]
    #[diagnostic(help("run the same experiment again: it goes on where this one was stopped"))]
    Interrupted {
        /// The run.
        run: RunId,
        /// Queries whose observations were recorded.
        queries: u64,
    },
    /// Nothing was estimated.
    #[error("no architecture could be estimated: the last of {failed} failures was: {last}")]
    NothingFound {
        /// Number of failed queries.
        failed: u64,
        /// Reason of the last one.
        last: String,
    },
    /// No finalist could be retrained.
    #[error("no finalist could be retrained: {0}")]
    NoFinalist(String),
}
