//! Statistics and plots that compare methods. Pure: numbers in, numbers and drawings out.

mod agreement;
mod anytime;
mod data;
pub mod figure;
mod interval;
mod omnibus;
mod pairwise;
mod range;
mod ranks;
mod summary;

pub use agreement::{Agreement, TopOverlap, agreement, kendall};
pub use anytime::{TimeToTarget, common_grid, first_reaching, time_to_target, values_at};
pub use data::DataError;
pub use figure::{PlotError, scatter};
pub use interval::{Band, Bootstrap, Interval, Shown, mean_curve, mean_interval, median_curve};
pub use omnibus::{Finding, critical_difference, friedman, groups, nemenyi};
pub use pairwise::{holm, mann_whitney, vargha_delaney, wilcoxon, wilcoxon_holm};
pub use ranks::{Better, Ranking, mean_ranks_over_budget};
pub use summary::{Quartiles, deviation, mean, quantile, quartiles};
