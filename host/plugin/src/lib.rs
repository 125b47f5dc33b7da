//! Loads search strategies, estimators and search spaces as sandboxed WebAssembly components.
//!
//! An [`Engine`] compiles a file to a [`Component`], which describes itself and checks options. Opened with a space and a
//! setup, it becomes a [`Strategy`], an [`Estimator`] or a [`SpaceComponent`]: one live instance, in a store of its own.
//! Each call has a budget ([`Limits`]) and no way to the outside but the contract's imports, and whatever it answers is
//! checked before it becomes one of the plain types of [`model`]. Every error names the plugin, the call and, for a limit,
//! the setting that changes it.
//!
//! ```no_run
//! use archwright_plugin::{Engine, EngineOptions, Limits};
//!
//! # fn main() -> Result<(), archwright_plugin::PluginError> {
//! let engine = Engine::new(&EngineOptions::default())?;
//! let component = engine.load("random.wasm".as_ref(), &Limits::default())?;
//! println!("{}: {}", component.name(), component.description().summary);
//! # Ok(())
//! # }
//! ```
//!
//! Invariant: no type of the contract's bindings and no type of wasmtime leaves this crate.

mod actions;
mod bindings;
mod cache;
mod checked;
mod component;
pub mod conformance;
mod contract;
mod engine;
mod error;
mod estimator;
mod guest;
mod ids;
mod imports;
mod inspect;
mod interface;
#[doc(hidden)]
pub mod internals;
mod limiter;
mod limits;
mod log;
mod lower;
pub mod model;
#[cfg(test)]
mod next_contract_tests;
mod operation;
mod options;
mod space;
mod strategy;
mod text;
mod weight;
mod wishes;

pub use component::Component;
pub use contract::CONTRACT;
pub use engine::{Engine, EngineOptions, NanProfile};
pub use error::{GuestError, PluginError};
pub use estimator::{Estimator, EstimatorSetup};
pub use interface::Interface;
pub use limits::{Limits, Setting};
pub use log::{LogLevel, LogSink};
pub use model::Kind;
pub use space::SpaceComponent;
pub use strategy::{Strategy, StrategySetup};
