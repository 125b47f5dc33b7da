//! What tests of this crate see besides its interface. No part of the interface: it changes without notice.

use serde_json::{Map, Value};

use crate::bindings::types;
use crate::options::Schema;
use crate::wishes::Wishes;
use crate::{Engine, EngineOptions, PluginError, checked};

pub use crate::engine::Variation;
pub use wasmtime::OptLevel;

/// Starts an engine that differs from the one in production. No difference may change what a plugin answers.
///
/// # Errors
/// As [`Engine::new`].
pub fn engine(options: &EngineOptions, variation: Variation) -> Result<Engine, PluginError> {
    Engine::varied(options, variation)
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
