//! Search spaces for neural architecture search.
//!
//! A search space is a list of [`Decision`]s and a way to turn values for them into a [`Network`]. This crate holds
//! both, and everything that can be asked of them without training: sampling and local changes, shapes and costs,
//! encodings, fingerprints. It is pure: no files, no WebAssembly, no tensors.

mod decision;
mod network;
mod op;
mod search_space;

pub use decision::{Architecture, Condition, Decision, Domain, Value};
pub use network::{Network, Node};
pub use op::Op;
pub use search_space::{CellGraph, Context, Scalar, SearchSpace, SpaceError};
