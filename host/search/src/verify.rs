//! Verifying a run: its journal is played back, and whatever differs is named.

use std::time::Duration;

use archwright_store::{JournalReader, RunRecord, RunStatus, Store};
use serde::Serialize;
use serde_json::json;

use crate::error::SearchError;
use crate::executor::{Executor, ExecutorEvent, Work};
use crate::experiment::ExperimentFile;
use crate::jobs::Watch;
use crate::journal::{Difference, Head, Journal};
use crate::parts::{Pinned, Prefer};
use crate::repeat::Repetition;
use crate::report::Observer;
use crate::search::{Environment, Search};
use crate::set::Set;
use crate::stop::Stop;

/// What came of a verification.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verified {
    /// Records of the journal that were compared, up to the first difference.
    pub records: u64,
    /// Whether the journal goes up to the run's end.
    pub complete: bool,
    /// Actions that were repeated.
    pub repeated: u64,
    /// What differs, the first thing first; empty where the run is reproduced bit for bit.
    pub differences: Vec<Difference>,
}

/// What a verification works on.
pub struct Verification<'a> {
    /// The store that holds the run.
    pub store: &'a Store,
    /// The run.
    pub record: &'a RunRecord,
    /// What there is on this machine.
    pub environment: &'a Environment,
    /// Compared with the run's settings, and used instead of them.
    pub experiment: Option<ExperimentFile>,
    /// Actions to repeat on the CPU: trainings, and whatever is done with shared weights.
    pub repeat: u64,
}

impl Verification<'_> {
    /// Plays the run's journal back with the components, the space and the settings at hand, and compares.
    ///
    /// # Errors
    /// Where nothing can be compared: there is no journal, or a part is gone. A damaged journal is a difference.
    pub fn verify(self, stop: &Stop, observer: &mut dyn Observer) -> Result<Verified, SearchError> {
        let Self { store, record, environment, experiment, repeat } = self;
        let path = store.journal_path(record.id);
        let mut verified = Verified { records: 0, complete: false, repeated: 0, differences: Vec::new() };
        let (head, journal) = match Journal::verify(&path) {
            Ok(begun) => begun,
            Err(error) => {
                verified.differences.push(damage(error)?);
                return Ok(verified);
            }
        };
        let file = match experiment {
            Some(file) => file,
            None => ExperimentFile::recorded(&head.experiment, &head.folder)?,
        };
        let pinned = |prefer| Some(Pinned { parts: &head.parts, store, prefer, plugins: true });
        let search = match Search::prepare_with(file.clone(), environment, pinned(Prefer::AtHand), None) {
            Ok(search) => search,
            // What is at hand does not even fit the settings: with what was recorded there is more to say.
            Err(error) => {
                let search = Search::prepare_with(file, environment, pinned(Prefer::Recorded), None);
                let Ok(search) = search else { return Err(error) };
                verified.differences.push(Difference {
                    record: None,
                    what: "what there is of the parts".into(),
                    recorded: "parts that fit the settings".into(),
                    here: format!("others: {error}"),
                });
                search
            }
        };
        let here = Head { folder: head.folder.clone(), ..search.head(&head.trainer) };
        verified.differences.extend(head.difference(&here));
        let noted = Head::of_run(record)?;
        verified.differences.extend(head.difference(&Head { folder: head.folder.clone(), ..noted }));

        let mut repetition = Repetition::new(repeat);
        let space = search.space(&head.trainer)?;
        let set = Set { search: &search, run: record.id, store, ready: &head.trainer, space: &space, stop };
        let watch: Watch<'_> = Box::new(|ticket, request, arrival| repetition.see(ticket, request, arrival));
        let played = set.conduct(journal, &mut Nobody, observer, Some(watch).filter(|_| repeat > 0));
        match played {
            Ok(report) => {
                verified.complete = true;
                let recorded = record.result.clone().unwrap_or_default();
                if record.status == RunStatus::Finished && recorded != json!(report) {
                    verified.differences.push(Difference::inside(
                        "the run's result in the store",
                        &recorded,
                        &json!(report),
                    ));
                }
            }
            Err(SearchError::Replayed { .. }) => {}
            Err(SearchError::Interrupted { .. } | SearchError::InterruptedFinale { .. }) => {
                return Err(SearchError::Stopped { before: VERIFIED });
            }
            // What ended the run ends it again.
            Err(error @ (SearchError::NothingFound { .. } | SearchError::NoFinalist(_) | SearchError::Plugin(_))) => {
                let (recorded, here) = (json!(record.problem), json!(error.to_string()));
                verified.complete = true;
                if recorded != here {
                    verified.differences.push(Difference::inside("what ended the run", &recorded, &here));
                }
            }
            Err(error) => verified.differences.push(damage(error)?),
        }
        let end = JournalReader::open(&path).and_then(JournalReader::last);
        let whole = match end {
            Ok(end) => end.records,
            Err(error) => {
                if verified.differences.is_empty() {
                    verified.differences.push(damage(error.into())?);
                }
                0
            }
        };
        verified.records = verified.differences.iter().find_map(|one| one.record).unwrap_or(whole);
        if repeat > 0 && verified.differences.is_empty() {
            verified.repeated = repetition.count();
            verified.differences.extend(repetition.differences(&set)?);
        }
        Ok(verified)
    }
}

/// A difference that an error is about; the error itself where it is about something else.
fn damage(error: SearchError) -> Result<Difference, SearchError> {
    match error {
        SearchError::Differs(difference) => Ok(*difference),
        SearchError::Journal(error) if error.record().is_some() => Ok(Difference {
            record: error.record(),
            what: "the journal".into(),
            recorded: "whole".into(),
            here: error.to_string(),
        }),
        SearchError::Record { record, problem } => Ok(Difference {
            record: Some(record),
            what: "the journal".into(),
            recorded: "readable".into(),
            here: problem,
        }),
        error => Err(error),
    }
}

/// What a verification that is stopped did not come to.
pub(crate) const VERIFIED: &str = "the run was verified";

/// Carries out nothing: what is played back has been carried out.
struct Nobody;

impl Executor for Nobody {
    fn submit(&mut self, _: u64, _: Work) {}

    fn next(&mut self, _: Duration) -> Option<ExecutorEvent> {
        None
    }
}
