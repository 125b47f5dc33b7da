//! Building blocks of strategies, each one idea: what is known, who may reproduce, who dies, what is new.

mod archive;
mod distinct;
mod population;

pub use archive::{Archive, Member};
pub use distinct::Distinct;
pub use population::Population;
