//! Whether a plugin keeps the contract: checks that any component of its kind can be put through.
//!
//! They back `archwright plugin check` and the tests of the bundled plugins. A plugin that passes can still be a bad
//! method; one that fails will sooner or later end somebody's run or make it impossible to repeat.

mod estimator;
mod search_space;
mod spaces;
mod strategy;

use serde_json::{Map, Value, json};

use crate::model::{Goal, Objective};
use crate::{Component, GuestError, Kind, Limits, LogSink, PluginError};

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// What was checked, as a statement that holds where the check passed.
    pub name: String,
    /// Whether it holds.
    pub passed: bool,
    /// What was seen; where the check failed, what should have been.
    pub detail: String,
}

/// Checks a component with its default options.
pub fn check(component: &Component, limits: &Limits) -> Vec<CheckResult> {
    check_with(component, limits, &Map::new())
}

/// Checks a component with the given options: for plugins that cannot do without some.
pub fn check_with(component: &Component, limits: &Limits, options: &Map<String, Value>) -> Vec<CheckResult> {
    let mut checks = Checks { results: Vec::new() };
    checks.add("describes itself the same way every time", describes_itself(component, limits));
    checks.add("refuses options that it does not have", refuses_unknown(component, options));
    let options = component.options(options);
    let complete = options.as_ref().map(|options| format!("{options}")).map_err(ToString::to_string);
    checks.add("accepts the options it is checked with", complete);
    if let Ok(options) = options {
        let subject = Subject { component, limits, options };
        match component.kind() {
            Kind::Strategy => strategy::check(&subject, &mut checks),
            Kind::Estimator => estimator::check(&subject, &mut checks),
            Kind::SearchSpace => search_space::check(&subject, &mut checks),
        }
    }
    checks.results
}

/// What is being checked.
struct Subject<'a> {
    component: &'a Component,
    limits: &'a Limits,
    options: Value,
}

struct Checks {
    results: Vec<CheckResult>,
}

impl Checks {
    fn add(&mut self, name: impl Into<String>, outcome: Result<String, String>) {
        let passed = outcome.is_ok();
        let (Ok(detail) | Err(detail)) = outcome;
        self.results.push(CheckResult { name: name.into(), passed, detail });
    }
}

fn describes_itself(component: &Component, limits: &Limits) -> Result<String, String> {
    let again = component.describe_again(limits).map_err(|error| error.to_string())?;
    if again != *component.description() {
        return Err(format!("first {:?}, then {again:?}", component.description()));
    }
    Ok(format!("{} {}: {}", again.name, again.version, again.summary))
}

fn refuses_unknown(component: &Component, options: &Map<String, Value>) -> Result<String, String> {
    let mut options = options.clone();
    options.insert("no such option".into(), json!(1));
    match component.options(&options) {
        Err(PluginError::Options { .. }) => Ok("an unknown option was refused".into()),
        Err(error) => Err(error.to_string()),
        Ok(_) => {
            Err("an unknown option was accepted: leave `additionalProperties` out of the schema, or make it false"
                .into())
        }
    }
}

/// Log lines of a plugin that is being checked are for its author, who runs it with tracing on.
fn log(name: &str) -> LogSink {
    let plugin = name.to_owned();
    std::sync::Arc::new(move |level, line| tracing::debug!(plugin, ?level, "{line}"))
}

fn objectives() -> Vec<Objective> {
    vec![Objective { name: "accuracy".into(), goal: Goal::Maximize }]
}

/// Whether a plugin said in due form, when it was opened, that a space is not for it.
fn declined(error: &PluginError) -> bool {
    matches!(error, PluginError::Guest { call, error: GuestError::Unsupported(_), .. } if call == "open")
}

/// Where two transcripts part, in words.
fn same<T: PartialEq + std::fmt::Debug>(first: &[T], second: &[T], what: &str) -> Result<String, String> {
    match (0..first.len().max(second.len())).find(|index| first.get(*index) != second.get(*index)) {
        None => Ok(format!("the same {what} {} times", first.len())),
        Some(index) => {
            let shown = |one: Option<&T>| one.map_or("nothing".into(), |one| format!("{one:?}"));
            Err(format!("{what} {index} differs: {} and {}", shown(first.get(index)), shown(second.get(index))))
        }
    }
}
