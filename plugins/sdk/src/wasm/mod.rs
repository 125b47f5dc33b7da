//! The plugin's side of the contract. Each kind of plugin has its own bindings, since a component belongs to one world;
//! the crate's feature says which.

#[macro_use]
#[cfg_attr(not(any(feature = "strategy", feature = "estimator")), expect(unused_macros, reason = "spaces need fewer"))]
mod convert;

#[cfg(feature = "estimator")]
pub mod estimator;
#[cfg(feature = "search-space")]
pub mod search_space;
#[cfg(feature = "strategy")]
pub mod strategy;

use schemars::JsonSchema;

#[cfg(feature = "estimator")]
use estimator as active;
#[cfg(all(feature = "search-space", not(any(feature = "strategy", feature = "estimator"))))]
use search_space as active;
#[cfg(all(feature = "strategy", not(feature = "estimator")))]
use strategy as active;

/// A line for the run's log.
#[cfg(any(feature = "strategy", feature = "estimator", feature = "search-space"))]
pub fn log(level: crate::LogLevel, message: &str) {
    active::log(level, message);
}

/// A line for the run's log.
#[cfg(not(any(feature = "strategy", feature = "estimator", feature = "search-space")))]
pub fn log(_: crate::LogLevel, _: &str) {}

/// The JSON schema of a plugin's options.
fn schema<T: JsonSchema>() -> String {
    schemars::schema_for!(T).to_value().to_string()
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

/// Lets the message of a panic, with its place, reach the log before the component ends.
fn log_panics() {
    // On one line: a line break would be shown escaped.
    let line = |text: String| text.replacen(":\n", ": ", 1);
    std::panic::set_hook(Box::new(move |panic| log(crate::LogLevel::Error, &line(panic.to_string()))));
}
