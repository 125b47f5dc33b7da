//! The search loop: asks a strategy for architectures, has an estimator find out how good they are, carries out what
//! the estimator asks for on trainers, and hands over the best network.
//!
//! An [`Experiment`] says what to do, a [`Catalogue`] finds the plugins it names, [`Search::prepare`] checks that the
//! parts fit each other, [`Search::run`] runs it.

mod action;
mod catalogue;
mod correlate;
mod driver;
mod error;
mod executor;
pub mod experiment;
mod finale;
mod found;
mod jobs;
pub mod journal;
mod lock;
mod measure;
mod parts;
mod predict;
mod repeat;
mod report;
mod resumption;
mod search;
mod set;
mod shared;
mod simulated;
mod stop;
mod tabular;
pub mod toy;
mod trainers;
mod verify;

pub use catalogue::{Catalogue, FoundPlugin, SpaceSource, Unknown};
pub use correlate::{Correlated, Correlation, Judged};
pub use error::SearchError;
pub use executor::{ActionResult, Executor, ExecutorEvent, Work};
pub use experiment::{Experiment, ExperimentError};
pub use found::{Choice, Found};
pub use lock::Lock;
pub use measure::measure;
pub use parts::{Part, Parts};
pub use predict::Predicted;
pub use report::{Event, Finalist, Observed, Observer, Report, Summary, Tried};
pub use resumption::Resumption;
pub use search::{Environment, Search};
pub use stop::Stop;
pub use tabular::Optimum;
pub use trainers::{TrainerCommand, TrainerPool};
pub use verify::{Verification, Verified};
