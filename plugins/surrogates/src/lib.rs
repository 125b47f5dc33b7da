//! What strategies that predict how good architectures are have in common: what was observed ([`History`]), which architectures
//! to choose among ([`Draws`]), and what to expect of them ([`expected_improvement`]).
//!
//! All arithmetic is in `f64` and in a fixed order, so that in a component the same calls give the same bits on every machine.

mod draws;
mod history;
mod improvement;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use draws::{Draws, PATIENCE};
pub use history::{History, Observed, Standardized};
pub use improvement::expected_improvement;
