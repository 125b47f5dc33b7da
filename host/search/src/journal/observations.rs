//! What a run observed, as comparisons need it: little of each query, and quickly.

use std::collections::HashMap;
use std::path::Path;

use archwright_plugin::model::{Reply, Step, Subject};
use archwright_protocol::{Metrics, Ready};
use archwright_space::Architecture;
use archwright_store::JournalReader;

use super::Head;
use super::following;
use super::record::Record;
use crate::error::SearchError;
use crate::experiment::Experiment;
use crate::parts::Parts;
use crate::report::Report;

/// A query, and what was told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Place of the query in the run, from 0.
    pub sequence: u64,
    /// The architecture; nothing for a mixture.
    pub architecture: Option<Architecture>,
    /// Share of the full budget that was in fact spent, in (0, 1]; what was asked for where the query failed.
    pub fidelity: f64,
    /// One value per objective; empty where the query failed.
    pub objectives: Vec<f64>,
    /// What a table has of the test set.
    pub test: Option<Metrics>,
    /// Seconds charged to the budget.
    pub cost: f64,
    /// Seconds since the run began, by its clock, when the last outcome that the query needed was there; 0 where it needed
    /// none.
    pub at: f64,
}

/// What a run was made of and observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Observations {
    /// Its settings.
    pub experiment: Experiment,
    /// Its parts.
    pub parts: Parts,
    /// What it worked on.
    pub trainer: Ready,
    /// In the order in which they were told.
    pub observations: Vec<Observation>,
    /// What it found; nothing where the journal ends before.
    pub report: Option<Report>,
}

/// Reads the journal at `path`, which may end before the run does.
///
/// # Errors
/// Where the journal cannot be read or is damaged.
pub fn observations(path: &Path) -> Result<Observations, SearchError> {
    let mut reader = JournalReader::open(path)?;
    let Head { experiment, parts, trainer, .. } = Head::read(&mut reader)?;
    let mut open: HashMap<u64, Observation> = HashMap::new();
    let mut arrived: HashMap<u64, (f64, f64, Option<Metrics>)> = HashMap::new();
    let mut told = Vec::new();
    let mut report = None;
    let mut asked = 0;
    let mut is_over = false;
    while let Some(record) = following(&mut reader)? {
        match record {
            Record::Asked { answer: Ok(reply), .. } => {
                let Reply::Queries(queries) = reply.into_owned() else { continue };
                for query in queries {
                    let architecture = match query.subject {
                        Subject::Architecture(architecture) => Some(architecture),
                        Subject::Relaxation(_) => None,
                    };
                    let (fidelity, objectives) = (query.fidelity, Vec::new());
                    let (test, cost, at) = (None, 0.0, 0.0);
                    open.insert(
                        asked,
                        Observation { sequence: asked, architecture, fidelity, objectives, test, cost, at },
                    );
                    asked += 1;
                }
            }
            Record::Started { sequence, answer: Ok(step), .. }
            | Record::Advanced { sequence, answer: Ok(step), .. } => {
                if let (Step::Done(estimate), Some(open)) = (step.into_owned(), open.get_mut(&sequence)) {
                    (open.fidelity, open.objectives) = (estimate.fidelity, estimate.objectives);
                }
            }
            Record::Arrived { ticket, at, result: Ok(outcome), .. } if !is_over => {
                arrived.insert(ticket, (at, outcome.seconds, outcome.test));
            }
            Record::Delivered { ticket, owner } if !is_over => {
                if let (Some((at, seconds, test)), Some(open)) = (arrived.remove(&ticket), open.get_mut(&owner)) {
                    open.at = at;
                    open.cost += seconds;
                    open.test = test;
                }
            }
            Record::Told { sequences, .. } => {
                told.extend(sequences.iter().filter_map(|sequence| open.remove(sequence)))
            }
            // What is asked for after it is for finalists.
            Record::Searched { .. } => is_over = true,
            Record::Ended { report: text } => report = serde_json::from_str(&text).ok(),
            _ => {}
        }
    }
    Ok(Observations { experiment, parts, trainer, observations: told, report })
}
