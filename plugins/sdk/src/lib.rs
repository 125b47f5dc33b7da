//! What a plugin written in Rust depends on: one trait and one macro.
//!
//! A search strategy implements [`Strategy`] and ends with [`export_strategy!`]; an estimator [`Estimator`] and
//! [`export_estimator!`]; a search space [`SearchSpace`] and [`export_search_space!`]. The crate is a `cdylib`, turns on
//! the feature of its kind, and is built with `archwright plugin build`.
//!
//! What methods are made of is here, too: what is known ([`Archive`]), who lives ([`Population`]), who becomes a parent
//! ([`selection`]), how children come about ([`Space::mutate`], [`Space::crossover`], [`variation`]), who is better by several
//! objectives ([`pareto`]), points as numbers ([`encoding`]), random numbers ([`Rng`], [`distributions`]), models ([`linalg`]).
//!
//! Compiled natively, the same crate is an ordinary library: its logic is tested with [`testing`], without a host.

pub mod distributions;
pub mod encoding;
mod error;
mod estimator;
pub mod linalg;
mod operators;
pub mod pareto;
mod random;
#[cfg(any(not(target_arch = "wasm32"), feature = "strategy", feature = "estimator"))]
mod repeats;
mod search_space;
pub mod selection;
mod space;
mod strategy;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod types;
#[cfg(any(not(target_arch = "wasm32"), feature = "strategy", feature = "estimator"))]
pub mod variation;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wasm;

pub use archwright_space::{
    Architecture, Attribute, Condition, Context, Decision, Domain, Encoding, Footprint, Network, Node, Op, Relaxation,
    Scalar, Shape, Value,
};
pub use error::Error;
pub use estimator::{
    Epoch, Estimator, EstimatorSetup, Measurement, Outcome, Paths, SharedDerivative, SharedEvaluation, SharedTraining,
    Start, Step, Training,
};
pub use operators::{Archive, Distinct, Member, Population};
pub use random::Rng;
#[cfg(any(not(target_arch = "wasm32"), feature = "strategy", feature = "estimator"))]
pub use repeats::{Repeats, Report};
pub use schemars;
pub use search_space::SearchSpace;
pub use serde;
pub use serde_json;
pub use space::{Space, log};
pub use strategy::{Reply, Setup, Strategy};
pub use types::{
    CurvePoint, Estimate, EstimateOutcome, Goal, LogLevel, Objective, Observation, Purpose, Query, Subject,
};

/// Everything that a plugin uses.
pub mod prelude {
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};

    pub use crate::{
        Architecture, Archive, Context, Decision, Distinct, Domain, Error, Estimate, EstimateOutcome, Estimator,
        EstimatorSetup, Goal, LogLevel, Member, Network, Node, Objective, Observation, Op, Outcome, Population,
        Purpose, Query, Relaxation, Reply, Rng, Scalar, SearchSpace, Setup, Space, Start, Step, Strategy, Subject,
        Training, Value, log,
    };
}

/// Says which version of a plugin a crate is. The export macros implement it.
#[doc(hidden)]
pub trait Versioned {
    /// The crate's version.
    const VERSION: &'static str;
}

/// Makes a component of a [`Strategy`].
#[macro_export]
macro_rules! export_strategy {
    ($plugin:ty) => {
        impl $crate::Versioned for $plugin {
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");
        }
        #[cfg(target_arch = "wasm32")]
        type ExportedStrategy = $crate::wasm::strategy::Export<$plugin>;
        #[cfg(target_arch = "wasm32")]
        $crate::wasm::strategy::bindings::export!(ExportedStrategy with_types_in $crate::wasm::strategy::bindings);
    };
}

/// Makes a component of an [`Estimator`].
#[macro_export]
macro_rules! export_estimator {
    ($plugin:ty) => {
        impl $crate::Versioned for $plugin {
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");
        }
        #[cfg(target_arch = "wasm32")]
        type ExportedEstimator = $crate::wasm::estimator::Export<$plugin>;
        #[cfg(target_arch = "wasm32")]
        $crate::wasm::estimator::bindings::export!(ExportedEstimator with_types_in $crate::wasm::estimator::bindings);
    };
}

/// Makes a component of a [`SearchSpace`].
#[macro_export]
macro_rules! export_search_space {
    ($plugin:ty) => {
        impl $crate::Versioned for $plugin {
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");
        }
        #[cfg(target_arch = "wasm32")]
        type ExportedSearchSpace = $crate::wasm::search_space::Export<$plugin>;
        #[cfg(target_arch = "wasm32")]
        $crate::wasm::search_space::bindings::export!(
            ExportedSearchSpace with_types_in $crate::wasm::search_space::bindings
        );
    };
}
