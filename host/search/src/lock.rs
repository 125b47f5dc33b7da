//! Locks: exactly what a run was made of, to run it again.

use std::path::Path;

use archwright_protocol::Ready;
use archwright_space::{Context, Space};
use archwright_store::{JournalReader, RunRecord, Store};
use serde::Serialize;
use serde_json::json;

use crate::error::SearchError;
use crate::experiment::{Experiment, ExperimentFile, Source};
use crate::journal::Head;
use crate::parts::{Pinned, Prefer, load_space};
use crate::search::Environment;

/// Exactly what a run was made of: settings, digests of components, space and data, the trainer. Its text is a TOML file.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Lock {
    pub(crate) head: Head,
}

impl Lock {
    /// The lock of a run.
    ///
    /// # Errors
    /// Where the run was recorded by a version that knew no locks, or its journal is damaged.
    pub fn of_run(store: &Store, record: &RunRecord) -> Result<Self, SearchError> {
        let path = store.journal_path(record.id);
        let head = if path.exists() { Head::read(&mut JournalReader::open(&path)?)? } else { Head::of_run(record)? };
        Ok(Self { head })
    }

    /// The experiment of what is locked.
    pub fn experiment_mut(&mut self) -> &mut Experiment {
        &mut self.head.experiment
    }

    /// The search space of what is locked, for its task.
    ///
    /// # Errors
    /// Where the space is gone.
    pub fn space(&self, store: &Store, environment: &Environment) -> Result<Space, SearchError> {
        let Head { experiment, folder, parts, trainer } = &self.head;
        let pinned = Pinned { parts, store, prefer: Prefer::Recorded, plugins: true };
        let definition = load_space(&ExperimentFile::recorded(experiment, folder)?, environment, Some(pinned))?;
        Ok(Space::new(definition, Context::full(trainer.data.input.clone(), trainer.data.classes))?)
    }

    /// Reads a lock file. Relative paths in it start at its own folder.
    ///
    /// # Errors
    /// Where the file cannot be read or is no lock.
    pub fn read(path: &Path) -> Result<Self, SearchError> {
        let mut head: Head = Source::read(path, "lock")?.deserialize()?;
        head.folder =
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        Ok(Self { head })
    }

    /// The lock as a TOML file.
    ///
    /// # Errors
    /// Where a setting cannot be written in TOML.
    pub fn to_text(&self) -> Result<String, SearchError> {
        let text = toml::to_string(&self.head);
        let text = text.map_err(|error| SearchError::Record { record: 0, problem: error.to_string() })?;
        Ok(format!(
            "# What a run was made of. `archwright run --locked` with this file runs exactly that again.\n\n{text}"
        ))
    }
}

/// In what a trainer and its data are not the recorded ones.
pub(crate) fn differences(recorded: &Ready, here: &Ready) -> Vec<String> {
    let facts = |ready: &Ready| {
        [
            ("the data's digest", json!(ready.data.digest)),
            ("the data's split", json!([ready.data.train, ready.data.validation, ready.data.test])),
            ("the trainer", json!(ready.name)),
            ("the trainer's version", json!(ready.version)),
            ("the trainer's numerics", json!(ready.numerics)),
        ]
    };
    let pairs = facts(recorded).into_iter().zip(facts(here));
    pairs
        .filter(|((_, recorded), (_, here))| recorded != here)
        .map(|((what, recorded), (_, here))| format!("{what}: recorded {recorded}, here {here}"))
        .collect()
}
