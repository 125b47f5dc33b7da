use archwright_plugin::PluginError;
use archwright_protocol::Failure;
use archwright_space::SpaceError;
use archwright_store::{JournalError, RunId, RunStatus, StoreError};

use crate::experiment::ExperimentError;
use crate::journal::Difference;

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
    /// The run's journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record of a journal is not what it should be.
    #[error("record {record} of the journal cannot be used: {problem}")]
    Record {
        /// Number of the record, from 0.
        record: u64,
        /// What is wrong.
        problem: String,
    },
    /// Playing a journal back gave something else.
    #[error("the run does not repeat: {0}")]
    #[diagnostic(help("`archwright verify` says more; `archwright run` starts anew and trains nothing twice"))]
    Differs(Box<Difference>),
    /// A journal that is only compared was played back to its end, which is not the run's.
    #[error("the journal ends after {records} records, before the run does")]
    Replayed {
        /// Records of the journal.
        records: u64,
    },
    /// A part of a recorded run is gone.
    #[error("{what} is not to be found: {instead}")]
    Missing {
        /// The part.
        what: String,
        /// What there is instead.
        instead: String,
    },
    /// The trainer or the data are not what they were.
    #[error("this would not be the recorded run: {}", .0.join("; "))]
    Changed(Vec<String>),
    /// The run has not found anything yet.
    #[error("run {run} is {status}: only a finished run has found a network, and its estimator at the search's end")]
    #[diagnostic(help("`archwright resume {run}` goes on with it"))]
    Unfinished {
        /// The run.
        run: RunId,
        /// How it stands.
        status: RunStatus,
    },
    /// The run has no such finalist, or no such seed of it.
    #[error("run {run} has no {problem}")]
    NotThere {
        /// The run.
        run: RunId,
        /// What it does not have, and what it has instead.
        problem: String,
    },
    /// The found network's weights are not in the store.
    #[error("the weights of the network that run {run} found are gone: {problem}")]
    #[diagnostic(help("`archwright run --locked {run}` trains them again, as a run of its own"))]
    WeightsGone {
        /// The run.
        run: RunId,
        /// What there is instead.
        problem: String,
    },
    /// The found network is for texts, of which there are no examples to classify.
    #[error(
        "the network that run {0} found scores the tokens of a text that may come next: there are no files to classify"
    )]
    #[diagnostic(help(
        "`archwright export {0}` writes it as a PyTorch module and an ONNX model that give these scores"
    ))]
    ScoresTokens(RunId),
    /// The run's trainer does not classify examples.
    #[error("the trainer `{0}` cannot predict: it does not name `predict` among its actions")]
    CannotPredict(String),
    /// The trainer does not measure latencies.
    #[error(
        "latency is asked for, and the trainer `{0}` cannot measure it: it does not name `latency` among its actions"
    )]
    CannotMeasure(String),
    /// The trainer failed to measure a network's latency.
    #[error("the trainer cannot measure the latency: {}", .0.message)]
    Measurement(Failure),
    /// The trainer failed to classify examples.
    #[error("the trainer cannot classify: {}", .0.message)]
    Prediction(Failure),
    /// An estimator that a comparison was told to use does not do.
    #[error("`{option} {name}`: {problem}")]
    #[diagnostic(help("{help}"))]
    Compared {
        /// The option of the command that names it.
        option: &'static str,
        /// The name.
        name: String,
        /// What is wrong.
        problem: String,
        /// What there is.
        help: String,
    },
    /// There is nothing left to do.
    #[error("run {0} is finished")]
    #[diagnostic(help("`archwright show {0}` shows what it found"))]
    Finished(RunId),
    /// Another process is at work on the run.
    #[error("run {0} is under way in another process")]
    UnderWay(RunId),
    /// The run was recorded by a version that could not go on with runs.
    #[error("run {run} was recorded by an earlier version, which kept too little of it: {problem}")]
    Older {
        /// The run.
        run: RunId,
        /// What is missing.
        problem: String,
    },
    /// There is no room for what is needed for the time being.
    #[error("cannot make a temporary folder: {0}")]
    Scratch(std::io::Error),
    /// A trainer could not write.
    #[error("run {run} cannot go on: {problem}")]
    #[diagnostic(help("free some space or make it writable; `archwright resume {run}` then goes on"))]
    Storage {
        /// The run.
        run: RunId,
        /// What the trainer says.
        problem: String,
    },
    /// The user stopped before there was anything to lose.
    #[error("stopped before {before}")]
    Stopped {
        /// What did not happen any more.
        before: &'static str,
    },
    /// The user stopped the run.
    #[error("run {run} was stopped after {queries} queries; what it trained is remembered")]
    #[diagnostic(help("`archwright resume {run}` goes on where it was stopped"))]
    Interrupted {
        /// The run.
        run: RunId,
        /// Queries whose observations were recorded.
        queries: u64,
    },
    /// The user stopped the run after its search.
    #[error(
        "run {run} was stopped while retraining its finalists, after its search of {queries} queries; what it trained is \
         remembered"
    )]
    #[diagnostic(help("`archwright resume {run}` goes on where it was stopped"))]
    InterruptedFinale {
        /// The run.
        run: RunId,
        /// Queries of its search.
        queries: u64,
    },
    /// Nothing was estimated.
    #[error("no architecture could be {problem}")]
    NothingFound {
        /// What could not be done, and why.
        problem: String,
    },
    /// No finalist could be retrained.
    #[error("no finalist could be retrained: {0}")]
    NoFinalist(String),
}
