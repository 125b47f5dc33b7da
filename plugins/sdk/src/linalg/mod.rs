//! Small dense linear algebra in `f64`, for models of what was observed. Sums run in a fixed order, so that the same numbers give
//! the same bits on every machine.

mod cholesky;
mod matrix;
mod solve;

pub use cholesky::Cholesky;
pub use matrix::Matrix;
pub use solve::{least_squares, ridge, solve};

/// The inner product of two vectors of one length; what one is longer than the other does not count.
pub fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}
