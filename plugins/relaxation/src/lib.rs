//! What strategies share that learn a distribution over architectures while the weights of all of them are trained.
//!
//! No tensor is seen here. A strategy holds one row of logits for each categorical decision ([`Parameters`]), asks in turn
//! for a step of training and for the derivative of the loss by the coefficients it mixes the alternatives with
//! ([`Alternation`]), takes that derivative to the logits by the chain rule ([`Rows::to_logits`]), and at the end derives
//! one architecture ([`Derivation`]). Decisions on numbers have no row.

mod adam;
mod alternation;
mod concrete;
mod derivation;
mod noise;
mod parameters;
mod points;
mod rows;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use adam::Adam;
pub use alternation::{Alternation, FAILURES, Method, Schedule};
pub use concrete::{Concrete, Sample};
pub use derivation::{Derivation, choose};
pub use noise::{draw, gumbel, normal, pair};
pub use parameters::Parameters;
pub use points::Points;
pub use rows::{Row, Rows, gradient};
