//! What a run observed, from its journal.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use archwright_plugin::model::{EstimateOutcome, Query, Reply, Step, Subject};
use archwright_space::{Architecture, Space};
use archwright_store::{JournalReader, QueryRecord};

use super::following;
use super::record::Record;
use crate::error::SearchError;
use crate::report::Observed;

/// A query on its way to an observation.
struct Open {
    query: Query,
    outcome: Option<EstimateOutcome>,
    trained: u32,
    remembered: u32,
    cost: f64,
}

/// The observations in the journal at `path`, in the order in which they were told. A journal that is being written may
/// end in the middle. Where the space is at hand, architectures are described by it.
///
/// # Errors
/// Where the journal cannot be read or is damaged.
pub fn history(path: &Path, space: Option<&Space>) -> Result<Vec<QueryRecord<Observed>>, SearchError> {
    let mut reader = JournalReader::open(path)?;
    let mut open: BTreeMap<u64, Open> = BTreeMap::new();
    let mut arrived: HashMap<u64, (bool, Option<f64>)> = HashMap::new();
    let mut observed = Vec::new();
    let mut asked = 0;
    while let Some(record) = following(&mut reader)? {
        match record {
            Record::Asked { answer: Ok(reply), .. } => {
                if let Reply::Queries(queries) = reply.into_owned() {
                    for query in queries {
                        let begun = Open { query, outcome: None, trained: 0, remembered: 0, cost: 0.0 };
                        open.insert(asked, begun);
                        asked += 1;
                    }
                }
            }
            Record::Started { sequence, answer, .. } | Record::Advanced { sequence, answer, .. } => {
                let outcome = match answer.map(std::borrow::Cow::into_owned) {
                    Ok(Step::Act(_)) => None,
                    Ok(Step::Done(estimate)) => Some(EstimateOutcome::Estimated(estimate)),
                    Ok(Step::Failed(reason)) | Err(reason) => Some(EstimateOutcome::Failed(reason)),
                };
                if let Some(open) = open.get_mut(&sequence) {
                    open.outcome = outcome;
                }
            }
            Record::Arrived { ticket, remembered, result, .. } => {
                arrived.insert(ticket, (remembered, result.ok().map(|outcome| outcome.seconds)));
            }
            Record::Delivered { ticket, owner } => {
                if let (Some((remembered, Some(seconds))), Some(open)) = (arrived.remove(&ticket), open.get_mut(&owner))
                {
                    *(if remembered { &mut open.remembered } else { &mut open.trained }) += 1;
                    open.cost += seconds;
                }
            }
            Record::Told { sequences, .. } => {
                for sequence in sequences.iter().copied() {
                    if let Some(record) = open.remove(&sequence).and_then(|open| open.observed(space)) {
                        observed.push(QueryRecord { sequence, record });
                    }
                }
            }
            // What follows are no queries.
            Record::Searched { .. } => break,
            _ => {}
        }
    }
    Ok(observed)
}

impl Open {
    fn observed(self, space: Option<&Space>) -> Option<Observed> {
        let architecture: Option<Architecture> = match self.query.subject {
            Subject::Architecture(architecture) => Some(architecture),
            Subject::Relaxation(_) => None,
        };
        let known = architecture.as_ref().zip(space);
        Some(Observed {
            query: self.query.id,
            decisions: known.map(|(of, space)| space.label(of)).unwrap_or_default(),
            fingerprint: known.and_then(|(of, space)| space.fingerprint(of).ok()),
            footprint: known.and_then(|(of, space)| space.profile(of).ok()),
            architecture,
            fidelity: self.query.fidelity,
            outcome: self.outcome?,
            trained: self.trained,
            remembered: self.remembered,
            cost: self.cost,
        })
    }
}
