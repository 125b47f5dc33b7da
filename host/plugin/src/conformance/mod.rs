//! Whether a plugin keeps the contract: checks that any component of its kind can be put through.
//!
//! They back `archwright plugin check` and the tests of the bundled plugins. A plugin that passes can still be a bad
//! method; one that fails will sooner or later end somebody's run or make it impossible to repeat.
//!
//! `docs/conformance.md` says of each check what it means, and how to mend what it finds.

mod advice;
mod catalogue;
mod claims;
mod describe;
mod deterministic;
mod estimator;
mod file;
mod points;
mod report;
mod resources;
mod search_space;
mod spaces;
mod strategy;
mod trial;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};

pub use catalogue::{CATALOGUE, Entry};
pub use report::{Check, Checked, Group, Outcome, Report};

use crate::limits::InForce;
use crate::{Component, Engine, Kind, Limits, LogSink};
use report::Checks;

/// How a plugin is checked.
#[derive(Default)]
pub struct Settings<'a> {
    /// Options of the plugin, instead of its defaults.
    pub options: Map<String, Value>,
    /// The groups of checks that are made; without it all.
    pub only: Option<Vec<Group>>,
    /// Whether to be content with fewer queries and fewer spaces.
    pub quick: bool,
    /// Makes the plugin's [`transcript`] in another process, with the same options; why not, where that cannot be.
    pub elsewhere: Option<Elsewhere<'a>>,
}

/// What makes a plugin's transcript in another process.
pub type Elsewhere<'a> = &'a dyn Fn() -> Result<String, String>;

impl std::fmt::Debug for Settings<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("options", &self.options)
            .field("only", &self.only)
            .field("quick", &self.quick)
            .finish_non_exhaustive()
    }
}

/// Checks a file, whatever it is; `name` stands for it in messages.
pub fn check_file(engine: &Engine, name: &str, bytes: &[u8], limits: &Limits, settings: &Settings<'_>) -> Report {
    let mut checks = Checks::new(settings.only.as_deref());
    let mut plugin = Checked {
        file: name.into(),
        digest: blake3::hash(bytes).to_hex().to_string(),
        bytes: bytes.len() as u64,
        ..Checked::default()
    };
    match file::check(engine, name, bytes, limits, &mut checks) {
        Ok(component) => {
            identify(&mut plugin, &component);
            check_loaded(&component, limits, settings, &mut checks);
        }
        Err(kind) => checks.skip_rest(kind, "the file cannot be loaded"),
    }
    checks.report(plugin)
}

/// Checks a component that is loaded, but for its file.
pub fn check(component: &Component, limits: &Limits, settings: &Settings<'_>) -> Report {
    let mut checks = Checks::new(settings.only.as_deref());
    let mut plugin = Checked { file: component.name().into(), digest: component.digest().into(), ..Checked::default() };
    identify(&mut plugin, component);
    check_loaded(component, limits, settings, &mut checks);
    checks.report(plugin)
}

/// A digest of everything that a plugin answers, in a few setups that are always the same. Two processes in which it differs
/// would run it differently.
pub fn transcript(component: &Component, limits: &Limits, options: &Map<String, Value>) -> String {
    match component.options(options) {
        Ok(options) => deterministic::transcript(&Subject::new(component, limits, options, false)),
        Err(error) => deterministic::digest(&error.to_string()),
    }
}

fn identify(plugin: &mut Checked, component: &Component) {
    plugin.name = Some(component.name().to_owned());
    plugin.version = Some(component.description().version.clone());
    plugin.kind = Some(component.kind());
}

fn check_loaded(component: &Component, limits: &Limits, settings: &Settings<'_>, checks: &mut Checks) {
    let Some(options) = describe::check(component, limits, &settings.options, checks) else {
        return checks.skip_rest(Some(component.kind()), "there are no options to open the plugin with");
    };
    let subject = Subject::new(component, limits, options, settings.quick);
    describe::bounds(&subject, &settings.options, checks);
    match component.kind() {
        Kind::Strategy => strategy::check(&subject, settings.elsewhere, checks),
        Kind::Estimator => estimator::check(&subject, settings.elsewhere, checks),
        Kind::SearchSpace => search_space::check(&subject, settings.elsewhere, checks),
    }
}

/// What is being checked.
struct Subject<'a> {
    component: &'a Component,
    /// The host's limits, with which the plugin is opened.
    limits: &'a Limits,
    /// The plugin's own where they are lower.
    in_force: InForce,
    options: Value,
    quick: bool,
    /// Lines logged, over all instances; and how often lines were dropped.
    lines: Arc<AtomicU64>,
}

impl<'a> Subject<'a> {
    fn new(component: &'a Component, limits: &'a Limits, options: Value, quick: bool) -> Self {
        let in_force = component.in_force(limits);
        Self { component, limits, in_force, options, quick, lines: Arc::default() }
    }

    /// The same plugin with other options.
    fn with(&self, options: Value) -> Self {
        Self { options, in_force: self.in_force.clone(), lines: Arc::clone(&self.lines), ..*self }
    }

    /// Log lines of a plugin that is being checked are for its author, who runs it with tracing on.
    fn log(&self) -> LogSink {
        let plugin = self.component.name().to_owned();
        let lines = Arc::clone(&self.lines);
        Arc::new(move |level, line| {
            lines.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(plugin, ?level, "{line}");
        })
    }
}
