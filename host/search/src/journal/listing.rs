//! A journal for readers.

use std::collections::HashMap;
use std::path::Path;

use archwright_store::JournalReader;
use serde_json::{Value, json};

use super::following;
use super::record::Record;
use crate::error::SearchError;

/// Hands every record of the journal at `path` to `each` as JSON, in order.
///
/// `timeless` leaves out what depends on the clock: arrivals (each delivery then holds its outcome), measured seconds, costs
/// and latencies, checksums of what holds them, free memory, and the run's number and folder. Two runs that did the same
/// give the same, line by line, however often they were interrupted; not so where latency is an objective, since estimates
/// then hold it.
///
/// # Errors
/// Where the journal cannot be read or is damaged, or `each` fails.
pub fn list<E: From<SearchError>>(
    path: &Path,
    timeless: bool,
    each: &mut dyn FnMut(Value) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = JournalReader::open(path).map_err(SearchError::from)?;
    let mut arrived = HashMap::new();
    while let Some(record) = following(&mut reader)? {
        let value = match record {
            Record::Arrived { ticket, result, .. } if timeless => {
                arrived.insert(ticket, json!(result.map_err(|failure| failure.into_owned())));
                continue;
            }
            Record::Delivered { ticket, owner } if timeless => {
                json!({ "delivered": { "ticket": ticket, "owner": owner, "result": arrived.remove(&ticket) } })
            }
            Record::Begun { head, .. } => json!({ "begun": parsed(&head) }),
            Record::Ended { report } => json!({ "ended": parsed(&report) }),
            other => json!(other),
        };
        each(if timeless { without_times(value) } else { value })?;
    }
    Ok(())
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A value without members that depend on the clock, at any depth.
fn without_times(value: Value) -> Value {
    const TIMES: [&str; 9] = ["latency", "at", "seconds", "cost", "argument", "memory", "peak_memory", "run", "folder"];
    match value {
        Value::Object(members) => members
            .into_iter()
            // Of the head, `run` is a table of settings.
            .filter(|(name, member)| !TIMES.contains(&name.as_str()) || (name == "run" && member.is_object()))
            .map(|(name, member)| if name == "constraints" { (name, member) } else { (name, without_times(member)) })
            .collect(),
        Value::Array(items) => items.into_iter().map(without_times).collect(),
        other => other,
    }
}
