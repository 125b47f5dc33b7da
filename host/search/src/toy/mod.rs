//! Made-up problems on any search space: what a plugin does there shows in seconds, without a trainer.
//!
//! They are no benchmark. A method that does well on them has shown that it works, and not that it is good.

mod executor;
mod judge;
mod landscape;

pub use executor::{Looked, ToyExecutor};
pub use judge::{Judged, Judging};
pub use landscape::{Landscape, Toy};

/// Epochs of a full training.
pub const EPOCHS: u32 = 81;
