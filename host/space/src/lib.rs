//! Search spaces for neural architecture search.
//!
//! A search space is a list of [`Decision`]s and a way to turn values for them into a [`Network`]. This crate holds
//! both, and everything that can be asked of them without training: sampling and local changes, shapes and costs,
//! encodings, fingerprints. It is pure: no files, no WebAssembly, no tensors.
//!
//! [`Definition`] reads a space from a file in the declarative format, [`bundled`] holds the files that come with
//! Archwright, and [`Space`] puts a space and a task together and answers every question about them.

mod attribute;
pub mod bundled;
mod canonical;
mod decision;
mod domain;
mod draws;
mod encode;
mod footprint;
mod format;
pub mod genotype;
mod known;
mod limits;
mod network;
mod op;
mod open;
mod points;
pub mod published;
mod relaxation;
mod search_space;
pub mod seed;
mod shape;
mod simplify;
mod size;
mod space;
mod steps;

pub use attribute::{Attribute, OPERATIONS};
pub use decision::{Architecture, Condition, Decision, Domain, Value};
pub use domain::{MAX_DECISIONS, is_active};
pub use encode::Encoding;
pub use footprint::{Footprint, WholeWork};
pub use format::{Definition, Diagnostic};
pub use known::{Facts, Known};
pub use limits::{SizeLimits, Unmet};
pub use network::{Network, Node};
pub use op::Op;
pub use open::{Choice, OpenNetwork, Row, rows};
pub use points::Points;
pub use relaxation::Relaxation;
pub use search_space::{CellGraph, Context, Scalar, SearchSpace, SpaceError};
pub use shape::{MAX_INPUTS, MAX_NODES, MAX_OPEN_NODES, MAX_PARAMETERS, MAX_VALUES, Shape};
pub use size::Size;
pub use space::Space;
pub use steps::RecurrentState;

/// The candidate most like `given`, where one is alike enough to be a slip.
fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}
