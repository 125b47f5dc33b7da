//! Distributions that methods draw from and reckon with.

mod categorical;
mod log_uniform;
mod normal;

pub use categorical::{Categorical, softmax};
pub use log_uniform::LogUniform;
pub use normal::Normal;

/// The logarithm of the sum of numbers whose logarithms these are.
pub fn log_sum(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
}
