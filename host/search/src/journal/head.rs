//! What a journal starts with: everything that determines the run but for what reaches it from outside.

use std::path::PathBuf;

use archwright_protocol::Ready;
use archwright_store::{JournalError, JournalReader, RunRecord};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::record::{Record, VERSION};
use super::{Difference, read};
use crate::error::SearchError;
use crate::experiment::Experiment;
use crate::parts::Parts;

/// What a run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The folder that relative paths start at.
    pub(crate) folder: PathBuf,
    /// Every setting, defaults included.
    pub(crate) experiment: Experiment,
    /// Names, versions and digests of everything that is not in the settings.
    pub(crate) parts: Parts,
    /// What the first trainer said of itself and the data.
    pub(crate) trainer: Ready,
}

impl Head {
    pub(super) fn record(&self) -> Result<Record<'static>, SearchError> {
        let head = serde_json::to_string(self)
            .map_err(|error| SearchError::Record { record: 0, problem: error.to_string() })?;
        Ok(Record::Begun { version: VERSION, head: head.into() })
    }

    /// The head of a run whose journal did not begin, from what the store knows of it.
    pub(crate) fn of_run(record: &RunRecord) -> Result<Self, SearchError> {
        let mut settings = record.settings.clone();
        settings["folder"] = json!(record.folder);
        serde_json::from_value(settings)
            .map_err(|error| SearchError::Older { run: record.id, problem: error.to_string() })
    }

    /// What the store knows of the run.
    pub(crate) fn settings(&self) -> serde_json::Value {
        let Self { experiment, parts, trainer, folder: _ } = self;
        json!({ "experiment": experiment, "parts": parts, "trainer": trainer })
    }

    /// Reads the head of a journal.
    pub(crate) fn read(reader: &mut JournalReader) -> Result<Self, SearchError> {
        let problem = |problem: String| SearchError::Record { record: 0, problem };
        let unbegun = JournalError::Unbegun { path: reader.path().to_owned() };
        let first = match reader.next_record() {
            Ok(Some(first)) => read(0, first)?,
            Ok(None) | Err(JournalError::Torn { .. }) => return Err(unbegun.into()),
            Err(error) => return Err(error.into()),
        };
        match first {
            Record::Begun { version, head } if Record::is_readable(version) => {
                serde_json::from_str(&head).map_err(|error| problem(error.to_string()))
            }
            Record::Begun { version, .. } => Err(problem(format!(
                "the records have version {version}, this Archwright reads {VERSION}: use the one that made the run"
            ))),
            other => Err(problem(format!("it is {}", super::difference::call(&other)))),
        }
    }

    /// The first thing in which two runs differ; none where they are the same.
    pub(crate) fn difference(&self, here: &Self) -> Option<Difference> {
        if self == here {
            return None;
        }
        let [recorded, here] = [self, here].map(|head| json!(head));
        Some(Difference::inside("the run", &recorded, &here))
    }
}
