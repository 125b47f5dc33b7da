//! Statistics and plots that compare methods. Pure: numbers in, numbers and drawings out.

mod rank;
mod scatter;

pub use rank::{Agreement, Interval, TopOverlap, agreement};
pub use scatter::{PlotError, scatter};
