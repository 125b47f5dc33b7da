//! What strategies share that look at many architectures cheaply, and at the best of them again at a higher fidelity.
//!
//! A [`Plan`] says how many architectures each rung of a bracket has, and at which fidelity. [`Brackets`] carries plans out,
//! one bracket after the other, or several at once where there are more workers than a rung has architectures. Where new
//! architectures come from is the strategy's business: at random they come from [`Fresh`].

mod bracket;
mod brackets;
mod fresh;
mod loss;
mod plan;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use brackets::{Brackets, Told};
pub use fresh::Fresh;
pub use loss::loss;
pub use plan::{Plan, Rung, Sizes, halvings, hyperband, steps};
