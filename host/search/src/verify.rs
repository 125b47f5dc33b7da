//! Verifying a run: its journal is played back, and whatever differs is named.

use std::collections::BTreeMap;
use std::time::Duration;

use archwright_protocol::Outcome;
use archwright_space::seed;
use archwright_store::{JournalReader, RunRecord, RunStatus, Store};
use serde::Serialize;
use serde_json::json;

use crate::action::{ActionMaker, Request};
use crate::error::SearchError;
use crate::executor::{Executor, ExecutorEvent, Work};
use crate::experiment::ExperimentFile;
use crate::journal::{Difference, Head, Journal, trainings};
use crate::lock::differences;
use crate::parts::{Pinned, Prefer};
use crate::report::Observer;
use crate::search::{Environment, Search, Set};
use crate::stop::Stop;

/// What came of a verification.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verified {
    /// Records of the journal that were compared, up to the first difference.
    pub records: u64,
    /// Whether the journal goes up to the run's end.
    pub complete: bool,
    /// Trainings that were repeated.
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
    /// Trainings to repeat on the CPU.
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

        let chosen = if repeat > 0 { sample(&trainings(&path)?, repeat) } else { Vec::new() };
        let mut requests: BTreeMap<u64, (Request, Outcome)> = BTreeMap::new();
        let space = search.space(&head.trainer)?;
        let set = Set { search: &search, run: record.id, store, ready: &head.trainer, space: &space, stop };
        let watch = |ticket: u64, request: &Request, arrival: &crate::journal::Arrival| {
            if let (true, Ok(outcome)) = (chosen.contains(&ticket), &arrival.result) {
                requests.insert(ticket, (request.clone(), outcome.clone()));
            }
        };
        let played = set.conduct(journal, &mut Nobody, observer, Some(Box::new(watch)));
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
            self::repeat(&set, &requests, &mut verified)?;
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

/// `count` of `tickets`, drawn always the same.
fn sample(tickets: &[u64], count: u64) -> Vec<u64> {
    let mut drawn = tickets.to_vec();
    drawn.sort_by_key(|ticket| seed::derive(*ticket, "repeat", 0));
    drawn.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    drawn
}

/// Carries actions out again and compares what comes of them.
fn repeat(
    set: &Set<'_>,
    requests: &BTreeMap<u64, (Request, Outcome)>,
    verified: &mut Verified,
) -> Result<(), SearchError> {
    let Set { search, store, ready, stop, .. } = *set;
    let mut pool = search.pool(store, &["cpu".to_owned()], stop, VERIFIED)?;
    let changed = differences(ready, pool.ready());
    if !changed.is_empty() {
        return Err(SearchError::Changed(changed));
    }
    // A measurement does not repeat, and a limit that it decides by may fall out otherwise.
    let maker = ActionMaker { keep_weights: false, share_isomorphic: true, latency: None, ..set.maker() };
    for (ticket, (request, recorded)) in requests {
        let Ok(keyed) = maker.make(request) else { continue };
        pool.submit(*ticket, Work::new(keyed.action));
        let result = loop {
            if stop.requested() {
                return Err(SearchError::Stopped { before: VERIFIED });
            }
            if let Some(ExecutorEvent::Ended { result, .. }) = pool.next(Duration::from_millis(100)) {
                break result;
            }
        };
        verified.repeated += 1;
        let what = format!("the outcome of action {} when it is carried out again", ticket + 1);
        let [recorded, here] = match result {
            Ok(outcome) => [recorded, &outcome].map(|outcome| json!([outcome.curve, outcome.metrics])),
            Err(failure) => [json!("an outcome"), json!(failure)],
        };
        if recorded != here {
            verified.differences.push(Difference::inside(&what, &recorded, &here));
        }
    }
    Ok(())
}

/// What a verification that is stopped did not come to.
const VERIFIED: &str = "the run was verified";

/// Carries out nothing: what is played back has been carried out.
struct Nobody;

impl Executor for Nobody {
    fn submit(&mut self, _: u64, _: Work) {}

    fn next(&mut self, _: Duration) -> Option<ExecutorEvent> {
        None
    }
}
