//! What differs between a journal and what happens when it is played back.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::record::Record;

/// Longest text of a value in a message, in bytes.
const SHOWN: usize = 400;

/// The first difference between a journal and a run that plays it back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Number of the record in the journal, from 0; absent where it is no record that differs.
    pub record: Option<u64>,
    /// What differs, e.g. `the strategy's answer to ask`.
    pub what: String,
    /// What the journal holds.
    pub recorded: String,
    /// What there is now.
    pub here: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { record, what, recorded, here } = self;
        if let Some(record) = record {
            write!(formatter, "record {record}: ")?;
        }
        write!(formatter, "{what} differs: recorded {recorded}, here {here}")
    }
}

impl Difference {
    /// The first difference between two values that are not equal.
    pub(crate) fn inside(what: &str, recorded: &Value, here: &Value) -> Self {
        let (place, recorded, here) = narrowed(recorded, here);
        let what = if place.is_empty() { what.to_owned() } else { format!("{what}, at {place},") };
        Self { record: None, what, recorded: shown(recorded), here: shown(here) }
    }

    /// What differs between a record and what took its place.
    pub(super) fn between(number: u64, recorded: &Record<'_>, here: &Record<'_>) -> Self {
        let [recorded_call, here_call] = [call(recorded), call(here)];
        let record = Some(number);
        if recorded_call != here_call {
            return Self { record, what: "what comes next".into(), recorded: recorded_call, here: here_call };
        }
        let (Value::Object(mut left), Value::Object(mut right)) = (fields(recorded), fields(here)) else {
            return Self { record, what: here_call, recorded: "something".into(), here: "something else".into() };
        };
        // The argument before the answer, the answer before what it took.
        let mut names: Vec<String> = left.keys().chain(right.keys()).cloned().collect();
        names.sort_by_key(|name| (matches!(name.as_str(), "answer" | "result"), name == "fuel"));
        for name in names {
            let [left, right] = [&mut left, &mut right].map(|fields| fields.remove(&name).unwrap_or(Value::Null));
            if left != right {
                let what = match name.as_str() {
                    "answer" => format!("the answer of {here_call}"),
                    "argument" => format!("the argument (its checksum) of {here_call}"),
                    "fuel" => format!("the fuel taken by {here_call}"),
                    other => format!("the {other} of {here_call}"),
                };
                return Self { record, ..Self::inside(&what, &left, &right) };
            }
        }
        // Numbers that JSON cannot tell apart.
        Self { record, what: format!("a number in {here_call}"), recorded: "other bits".into(), here: "these".into() }
    }
}

/// What a record is about, as a person would say it.
pub(super) fn call(record: &Record<'_>) -> String {
    match record {
        Record::Begun { .. } => "the run's head".into(),
        Record::StrategyOpened { .. } => "the strategy's `open`".into(),
        Record::EstimatorOpened { .. } => "the estimator's `open`".into(),
        Record::Asked { .. } => "the strategy's `ask`".into(),
        Record::Started { sequence, .. } => format!("the estimator's `begin` on query {}", sequence + 1),
        Record::Arrived { ticket, .. } => format!("the outcome of action {}", ticket + 1),
        Record::Delivered { ticket, .. } => format!("the delivery of action {}", ticket + 1),
        Record::Advanced { sequence, .. } => format!("the estimator's `advance` on query {}", sequence + 1),
        Record::Told { sequences, .. } => {
            let queries: Vec<String> = sequences.iter().map(|sequence| (sequence + 1).to_string()).collect();
            let plural = if queries.len() == 1 { "query" } else { "queries" };
            format!("the strategy's `tell` of {plural} {}", queries.join(", "))
        }
        Record::TimeOver => "the end of the budget's time".into(),
        Record::Searched { .. } => "the end of the search".into(),
        Record::Recommended { .. } => "the strategy's `recommend`".into(),
        Record::Ended { .. } => "the run's end".into(),
    }
}

fn fields(record: &Record<'_>) -> Value {
    match json!(record) {
        Value::Object(variant) => variant.into_iter().next().map_or(Value::Null, |(_, fields)| fields),
        other => other,
    }
}

/// The first place at which two different values differ, and what stands there.
fn narrowed<'a>(mut left: &'a Value, mut right: &'a Value) -> (String, &'a Value, &'a Value) {
    let mut place = String::new();
    while let Some((step, one, other)) = first_difference(left, right) {
        place.push('/');
        place.push_str(&step);
        (left, right) = (one, other);
    }
    (place, left, right)
}

/// The first members that differ of two values that have members.
fn first_difference<'a>(left: &'a Value, right: &'a Value) -> Option<(String, &'a Value, &'a Value)> {
    match (left, right) {
        (Value::Object(one), Value::Object(other)) => {
            let mut keys: Vec<&String> = one.keys().chain(other.keys()).collect();
            keys.sort();
            let member = |of: &'a serde_json::Map<String, Value>, key: &str| of.get(key).unwrap_or(&Value::Null);
            let mut pairs = keys.into_iter().map(|key| (key.clone(), member(one, key), member(other, key)));
            pairs.find(|(_, one, other)| one != other)
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs.find(|(_, (one, other))| one != other).map(|(index, (one, other))| (index.to_string(), one, other))
        }
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}
