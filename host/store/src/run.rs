//! Runs and their queries.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::comparison::ComparisonId;
use crate::{Damage, Store, StoreError, files, is_being_written, now};

/// Names a run in its store: 1, 2, 3, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// Under way, or its host was killed.
    Running,
    /// Ended with a result.
    Finished,
    /// Stopped by its user, or by the end of its host.
    Interrupted,
    /// Ended by an error.
    Failed,
}

impl RunStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for RunStatus {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Running, Self::Finished, Self::Interrupted, Self::Failed]
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or(())
    }
}

/// A run as stored.
#[derive(Clone, Debug, Serialize)]
pub struct RunRecord {
    /// The run's name in this store.
    pub id: RunId,
    /// Seconds since 1970.
    pub started: i64,
    /// Seconds since 1970, once it ended.
    pub ended: Option<i64>,
    /// How it stands.
    pub status: RunStatus,
    /// Every setting, defaults included.
    pub settings: Value,
    /// What it found, once it finished.
    pub result: Option<Value>,
    /// What ended it, where it did not finish.
    pub problem: Option<String>,
    /// Queries answered so far.
    pub queries: u64,
    /// The folder that relative paths of its settings start at; absent for runs of earlier versions, and where the path
    /// is not UTF-8.
    pub folder: Option<PathBuf>,
    /// The comparison that it is part of, and its place there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<(ComparisonId, u64)>,
}

/// One query of a run and what was observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryRecord<T> {
    /// Place in the run's order of queries, from 0.
    pub sequence: u64,
    /// The query and its observation.
    #[serde(flatten)]
    pub record: T,
}

impl Store {
    /// Records the start of a run. Relative paths of its settings start at `folder`. Its number is above that of every
    /// journal: those of a database that was lost stay.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn begin_run(&self, settings: &Value, folder: &Path) -> Result<RunId, StoreError> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        // NULL: the number after the highest that this database ever gave.
        let sql = "INSERT INTO run (id, started, status, settings, folder)
            SELECT iif(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'run'), 0) < ?5, ?5 + 1, NULL),
                ?1, ?2, ?3, ?4";
        let last = self.last_journal()?;
        self.connection
            .execute(sql, params![now(), RunStatus::Running.name(), settings.to_string(), folder.to_str(), last])
            .map_err(self.writing())?;
        Ok(RunId(self.connection.last_insert_rowid()))
    }

    /// The highest number of a run with a journal; 0 where there is none.
    pub(crate) fn last_journal(&self) -> Result<i64, StoreError> {
        let entries = files::list(self.folder(), &self.journals())?;
        let numbers = entries.iter().filter_map(|entry| entry.stem(".journal")?.parse::<u32>().ok());
        Ok(numbers.max().map_or(0, i64::from))
    }

    /// The folder of runs' journals.
    pub(crate) fn journals(&self) -> PathBuf {
        self.folder().join("runs")
    }

    /// Whether `entry` was cut off the journal of a run that will not go on: it is finished, or not on record.
    pub(crate) fn is_spare_end(&self, entry: &files::Entry) -> Result<bool, StoreError> {
        let Some(run) = entry.stem(".torn").and_then(|run| run.parse::<i64>().ok()) else {
            return Ok(false);
        };
        let unfinished = "SELECT 1 FROM run WHERE id = ?1 AND status <> ?2";
        self.connection
            .prepare_cached(unfinished)
            .and_then(|mut statement| statement.exists(params![run, RunStatus::Finished.name()]))
            .map(|is| !is)
            .map_err(self.reading())
    }

    /// Records how many queries of a run are answered.
    ///
    /// # Errors
    /// Where the database cannot be written, or there is no such run.
    pub fn set_progress(&self, run: RunId, queries: u64) -> Result<(), StoreError> {
        let changed = self
            .connection
            .prepare_cached("UPDATE run SET queries = ?2 WHERE id = ?1")
            .and_then(|mut statement| statement.execute(params![run.0, queries.cast_signed()]));
        self.changed(run, changed)
    }

    /// Records that a run goes on.
    ///
    /// # Errors
    /// Where the database cannot be written, or there is no such run.
    pub fn reopen_run(&self, run: RunId) -> Result<(), StoreError> {
        let changed = self.connection.execute(
            "UPDATE run SET status = ?2, ended = NULL, problem = NULL WHERE id = ?1",
            params![run.0, RunStatus::Running.name()],
        );
        self.changed(run, changed)
    }

    /// Records the end of a run, which is never before its start, whatever the clock says.
    ///
    /// # Errors
    /// Where the database cannot be written, or there is no such run.
    pub fn end_run(
        &self,
        run: RunId,
        status: RunStatus,
        result: Option<&Value>,
        problem: Option<&str>,
    ) -> Result<(), StoreError> {
        let changed = self.connection.execute(
            "UPDATE run SET ended = max(started, ?2), status = ?3, result = ?4, problem = ?5 WHERE id = ?1",
            params![run.0, now(), status.name(), result.map(Value::to_string), problem],
        );
        self.changed(run, changed)
    }

    /// Removes a run from the record, with its journal. What it trained stays, until it is pruned.
    ///
    /// # Errors
    /// Where the database cannot be written, there is no such run, or the journal cannot be deleted.
    pub fn remove_run(&self, run: RunId) -> Result<(), StoreError> {
        let changed = self.connection.execute("DELETE FROM run WHERE id = ?1", [run.0]);
        self.changed(run, changed)?;
        let journal = self.journal_path(run);
        for path in [journal.with_extension("torn"), journal] {
            files::remove(&path).map_err(self.failing_at("delete", &path))?;
        }
        Ok(())
    }

    fn changed(&self, run: RunId, changed: rusqlite::Result<usize>) -> Result<(), StoreError> {
        match changed.map_err(self.writing())? {
            0 => Err(StoreError::NoRun(run.to_string())),
            _ => Ok(()),
        }
    }

    /// All runs, the newest first.
    ///
    /// # Errors
    /// Where the database cannot be read or holds damaged values.
    pub fn runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        let mut statement =
            self.connection.prepare(&format!("{SELECT_RUN} ORDER BY run.id DESC")).map_err(self.reading())?;
        let rows = statement.query_map([], raw_run).map_err(self.reading())?;
        rows.map(|row| row.map_err(self.reading()).and_then(RawRun::parse)).collect()
    }

    /// The run that `name` names: a number, or `latest`.
    ///
    /// # Errors
    /// Where there is none, or the database cannot be read.
    pub fn run(&self, name: &str) -> Result<RunRecord, StoreError> {
        let found = if name == "latest" {
            // Who compares hundreds of runs does not mean the last of them.
            let sql = format!("{SELECT_RUN} WHERE comparison IS NULL ORDER BY run.id DESC LIMIT 1");
            self.connection.query_row(&sql, [], raw_run).optional()
        } else {
            let Ok(id) = name.parse::<i64>() else {
                return Err(StoreError::NoRun(format!("`{name}` (a run is a number, or `latest`)")));
            };
            self.connection.query_row(&format!("{SELECT_RUN} WHERE run.id = ?1"), [id], raw_run).optional()
        };
        let missing = || match name {
            "latest" => StoreError::NoRunYet { path: self.folder().to_owned() },
            name => StoreError::NoRun(format!("`{name}`")),
        };
        found.map_err(self.reading())?.ok_or_else(missing)?.parse()
    }

    /// A run as it stands: one that is recorded as under way, while nobody writes its journal, has lost its host.
    pub fn standing(&self, record: RunRecord) -> RunRecord {
        if record.status != RunStatus::Running || is_being_written(&self.journal_path(record.id)).is_ok_and(|is| is) {
            return record;
        }
        let problem = Some("the end of its host, which was killed or lost its machine".into());
        RunRecord { status: RunStatus::Interrupted, problem, ..record }
    }

    /// The queries of a run that an earlier version recorded, in order; later ones are in the run's journal.
    ///
    /// # Errors
    /// Where the database cannot be read or holds damaged values.
    pub fn queries<T: for<'de> Deserialize<'de>>(&self, run: RunId) -> Result<Vec<QueryRecord<T>>, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT sequence, record FROM query WHERE run = ?1 ORDER BY sequence")
            .map_err(self.reading())?;
        let rows = statement
            .query_map([run.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
            .map_err(self.reading())?;
        rows.map(|row| {
            let (sequence, record) = row.map_err(self.reading())?;
            let record =
                serde_json::from_str(&record).map_err(|error| damaged(run, format!("query {sequence}: {error}")))?;
            Ok(QueryRecord { sequence: sequence.cast_unsigned(), record })
        })
        .collect()
    }
}

pub(crate) const SELECT_RUN: &str =
    "SELECT run.id, started, ended, status, settings, result, problem, queries, folder, comparison, place FROM run";

pub(crate) fn damaged(run: RunId, problem: impl fmt::Display) -> StoreError {
    StoreError::Damaged(Damage::run(run, problem))
}

pub(crate) struct RawRun {
    id: i64,
    started: i64,
    ended: Option<i64>,
    status: String,
    settings: String,
    result: Option<String>,
    problem: Option<String>,
    queries: i64,
    folder: Option<String>,
    comparison: Option<i64>,
    place: Option<i64>,
}

pub(crate) fn raw_run(row: &Row<'_>) -> rusqlite::Result<RawRun> {
    Ok(RawRun {
        id: row.get(0)?,
        started: row.get(1)?,
        ended: row.get(2)?,
        status: row.get(3)?,
        settings: row.get(4)?,
        result: row.get(5)?,
        problem: row.get(6)?,
        queries: row.get(7)?,
        folder: row.get(8)?,
        comparison: row.get(9)?,
        place: row.get(10)?,
    })
}

impl RawRun {
    pub(crate) fn parse(self) -> Result<RunRecord, StoreError> {
        let run = RunId(self.id);
        let json = |what: &'static str, text: &str| {
            serde_json::from_str(text).map_err(|error| damaged(run, format!("{what}: {error}")))
        };
        Ok(RunRecord {
            id: run,
            started: self.started,
            ended: self.ended,
            // A status this version does not know was written by a later one and is not a finished run of ours.
            status: self.status.parse().unwrap_or(RunStatus::Failed),
            settings: json("settings", &self.settings)?,
            result: self.result.as_deref().map(|text| json("result", text)).transpose()?,
            problem: self.problem,
            queries: self.queries.cast_unsigned(),
            folder: self.folder.map(PathBuf::from),
            comparison: self.comparison.zip(self.place).map(|(id, place)| (ComparisonId(id), place.cast_unsigned())),
        })
    }
}
