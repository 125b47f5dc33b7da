//! A recurrent controller that samples architectures and learns by policy gradients (Zoph & Le 2017, arXiv:1611.01578;
//! Zoph et al. 2018, arXiv:1707.07012; Pham et al. 2018, arXiv:1802.03268).
//!
//! An LSTM decides one decision a step, in decision order. Decisions whose conditions do not hold, and those with a single
//! value, take no step. A step's input is the embedding of the value chosen before, a learned one at the start; its output
//! is a softmax over the decision's values. Each decision has an output layer of its own, as in the first two papers: with
//! an output layer for all alike, as for the operations of ENAS, the state alone would tell them apart. Decisions with the
//! same values share their embeddings, as in ENAS.
//!
//! [`Controller`] is the network: sampling, probabilities, exact gradients, Adam. [`Agent`] is what strategies around it have
//! in common: queries in flight and rewards. All arithmetic is in `f64` and in a fixed order, so that in a component the same
//! calls give the same bits on every machine.

mod adam;
mod agent;
mod choices;
mod controller;
mod network;
mod reward;
#[cfg(test)]
mod tests;

pub use adam::Adam;
pub use agent::{Agent, Told};
pub use controller::{Controller, Sample, Score, Settings};
pub use reward::{Baseline, Rewards};
