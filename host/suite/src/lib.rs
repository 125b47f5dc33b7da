//! Comparisons of search methods that can be believed.
//!
//! A [`Suite`] file names spaces, strategies, estimators, tasks and seeds; [`Suite::run`] runs the product of them, each run
//! with a journal like any other; [`Results`] reads those journals, and [`report`] writes what they come to.

mod conduct;
mod difference;
mod error;
mod lock;
mod part;
pub mod report;
mod results;
mod suite;

pub use conduct::{Conducted, Event};
pub use error::SuiteError;
pub use results::{Method, Missing, Problem, Results, Run, Trace};
pub use suite::{Combination, Labels, Reporting, Suite};
