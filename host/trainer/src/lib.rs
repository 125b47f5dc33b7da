//! Trains networks through libtorch.
//!
//! The program `archwright-trainer` speaks [`archwright_protocol`] over its standard streams. This library is its inside:
//! [`data`] reads data sets, [`Trainer`] carries out actions on them, [`serve`] is the conversation.

mod augment;
mod checkpoint;
mod condense;
mod convolution;
pub mod data;
mod derivative;
#[cfg(test)]
mod derivative_tests;
pub mod device;
#[cfg(test)]
mod export_tests;
mod failure;
mod latency;
mod material;
mod memory;
mod mixture;
#[cfg(test)]
mod mixture_tests;
mod model;
#[cfg(test)]
mod model_tests;
mod opened;
mod optimizer;
mod predict;
mod route;
mod run;
mod schedule;
pub mod serve;
mod shared;
#[cfg(test)]
mod shared_tests;
mod storage;
mod supergraph;
mod tensors;
mod train;
mod unroll;
#[cfg(test)]
mod unroll_tests;
mod weights;

pub use failure::Problem;
pub use train::{Progress, Trainer};

/// The version of libtorch that the bindings fit.
pub const LIBTORCH: &str = "2.11.0";
