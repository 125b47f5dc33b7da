//! What tests of this crate see besides its interface. No part of the interface: it changes without notice.

use serde_json::{Map, Value};
use wasmtime::OptLevel;

use crate::bindings::types;
use crate::engine::Variation;
use crate::options::Schema;
use crate::wishes::Wishes;
use crate::{Engine, EngineOptions, PluginError, checked};

/// How much the compiler improves code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimization {
    /// Not at all.
    None,
    /// To be fast, as in production.
    Speed,
    /// To be fast and small.
    SpeedAndSize,
}

/// How an engine differs from the one in production. No difference may change what a plugin answers.
#[derive(Clone, Copy, Debug)]
pub struct Differences {
    /// Whether calls take fuel, as in production.
    pub counts_fuel: bool,
    /// How code is compiled.
    pub optimization: Optimization,
    /// Whether memories start as images that are copied when they are written to, as in production.
    pub copies_on_write: bool,
    /// Whether functions are compiled into their callers, as in production.
    pub inlines: bool,
}

impl Default for Differences {
    fn default() -> Self {
        Self { counts_fuel: true, optimization: Optimization::Speed, copies_on_write: true, inlines: false }
    }
}

/// Starts an engine that differs from the one in production.
///
/// # Errors
/// As [`Engine::new`].
pub fn engine(options: &EngineOptions, differences: Differences) -> Result<Engine, PluginError> {
    let Differences { counts_fuel, optimization, copies_on_write, inlines } = differences;
    let optimization = match optimization {
        Optimization::None => OptLevel::None,
        Optimization::Speed => OptLevel::Speed,
        Optimization::SpeedAndSize => OptLevel::SpeedAndSize,
    };
    Engine::varied(options, Variation { counts_fuel, optimization, copies_on_write, inlines })
}

/// Compiles a schema of options and completes `given` with it.
///
/// # Errors
/// What is wrong, in words.
pub fn complete(schema: &Value, given: &Map<String, Value>) -> Result<Value, String> {
    Schema::compile(schema).and_then(|schema| schema.complete(given)).map_err(|problem| problem.to_string())
}

/// Checks a description: name, version, summary, schema of the options, and the entries of its three lists.
///
/// # Errors
/// What is wrong, in words.
pub fn describe([name, version, summary, options_schema]: [String; 4], entries: Vec<String>) -> Result<(), String> {
    let given = types::Description {
        name,
        version,
        summary,
        options_schema,
        references: entries.clone(),
        needs: entries.clone(),
        gives: entries,
    };
    checked::description(given).map(drop).map_err(|wrong| format!("{}: {}", wrong.field, wrong.problem))
}

/// Reads the content of a section `archwright:limits`.
///
/// # Errors
/// What is wrong, in words.
pub fn wishes(section: &[u8]) -> Result<(), String> {
    Wishes::parse(section).map(drop)
}
