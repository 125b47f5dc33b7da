//! What strategies share that model where good architectures are, and where the others.
//!
//! An [`Axis`] turns values of a decision into coordinates and back. [`Parzen`] is a density over one decision (Bergstra et al.
//! 2011), [`Kernels`] one over all of them (Falkner et al. 2018).

mod kernels;
mod mixture;
mod normal;
mod parzen;

pub use archwright_sdk::encoding::Axis;
pub use kernels::Kernels;
pub use parzen::{PRIOR_WEIGHT, Parzen};
