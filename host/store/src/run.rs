//! Runs and their queries.

use std::fmt;
use std::str::FromStr;

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Store, StoreError, now};

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
    /// Stopped by its user.
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
    /// What ended it, where it failed.
    pub problem: Option<String>,
    /// Number of queries recorded.
    pub queries: u64,
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
    /// Records the start of a run.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn begin_run(&self, settings: &Value) -> Result<RunId, StoreError> {
        self.connection
            .execute(
                "INSERT INTO run (started, status, settings) VALUES (?1, ?2, ?3)",
                params![now(), RunStatus::Running.name(), settings.to_string()],
            )
            .map_err(writing)?;
        Ok(RunId(self.connection.last_insert_rowid()))
    }

    /// Records a query and its observation, JSON objects in the caller's form.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn record_query(&self, run: RunId, sequence: u64, record: &Value) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO query (run, sequence, record) VALUES (?1, ?2, ?3)")
            .and_then(|mut statement| statement.execute(params![run.0, sequence.cast_signed(), record.to_string()]))
            .map_err(writing)?;
        Ok(())
    }

    /// Records the end of a run.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn end_run(
        &self,
        run: RunId,
        status: RunStatus,
        result: Option<&Value>,
        problem: Option<&str>,
    ) -> Result<(), StoreError> {
        self.connection
            .execute(
                "UPDATE run SET ended = ?2, status = ?3, result = ?4, problem = ?5 WHERE id = ?1",
                params![run.0, now(), status.name(), result.map(Value::to_string), problem],
            )
            .map_err(writing)?;
        Ok(())
    }

    /// All runs, the newest first.
    ///
    /// # Errors
    /// Where the database cannot be read or holds damaged values.
    pub fn runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        let mut statement = self.connection.prepare(&format!("{SELECT_RUN} ORDER BY run.id DESC")).map_err(reading)?;
        let rows = statement.query_map([], raw_run).map_err(reading)?;
        rows.map(|row| row.map_err(reading).and_then(RawRun::parse)).collect()
    }

    /// The run that `name` names: a number, or `latest`.
    ///
    /// # Errors
    /// Where there is none, or the database cannot be read.
    pub fn run(&self, name: &str) -> Result<RunRecord, StoreError> {
        let found = if name == "latest" {
            self.connection.query_row(&format!("{SELECT_RUN} ORDER BY run.id DESC LIMIT 1"), [], raw_run).optional()
        } else {
            let Ok(id) = name.parse::<i64>() else {
                return Err(StoreError::NoRun(format!("`{name}` (a run is a number, or `latest`)")));
            };
            self.connection.query_row(&format!("{SELECT_RUN} WHERE run.id = ?1"), [id], raw_run).optional()
        };
        found.map_err(reading)?.ok_or_else(|| StoreError::NoRun(format!("`{name}`")))?.parse()
    }

    /// A run's queries, in order.
    ///
    /// # Errors
    /// Where the database cannot be read or holds damaged values.
    pub fn queries<T: for<'de> Deserialize<'de>>(&self, run: RunId) -> Result<Vec<QueryRecord<T>>, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT sequence, record FROM query WHERE run = ?1 ORDER BY sequence")
            .map_err(reading)?;
        let rows = statement
            .query_map([run.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
            .map_err(reading)?;
        rows.map(|row| {
            let (sequence, record) = row.map_err(reading)?;
            let record =
                serde_json::from_str(&record).map_err(|source| StoreError::Damaged { what: "query", source })?;
            Ok(QueryRecord { sequence: sequence.cast_unsigned(), record })
        })
        .collect()
    }
}

const SELECT_RUN: &str = "SELECT run.id, started, ended, status, settings, result, problem,
    (SELECT count(*) FROM query WHERE query.run = run.id) FROM run";

struct RawRun {
    id: i64,
    started: i64,
    ended: Option<i64>,
    status: String,
    settings: String,
    result: Option<String>,
    problem: Option<String>,
    queries: i64,
}

fn raw_run(row: &Row<'_>) -> rusqlite::Result<RawRun> {
    Ok(RawRun {
        id: row.get(0)?,
        started: row.get(1)?,
        ended: row.get(2)?,
        status: row.get(3)?,
        settings: row.get(4)?,
        result: row.get(5)?,
        problem: row.get(6)?,
        queries: row.get(7)?,
    })
}

impl RawRun {
    fn parse(self) -> Result<RunRecord, StoreError> {
        let json = |what: &'static str, text: &str| {
            serde_json::from_str(text).map_err(|source| StoreError::Damaged { what, source })
        };
        Ok(RunRecord {
            id: RunId(self.id),
            started: self.started,
            ended: self.ended,
            // A status this version does not know was written by a later one and is not a finished run of ours.
            status: self.status.parse().unwrap_or(RunStatus::Failed),
            settings: json("run's settings", &self.settings)?,
            result: self.result.as_deref().map(|text| json("run's result", text)).transpose()?,
            problem: self.problem,
            queries: self.queries.cast_unsigned(),
        })
    }
}

pub(crate) fn writing(source: rusqlite::Error) -> StoreError {
    StoreError::Database { doing: "write", source }
}

pub(crate) fn reading(source: rusqlite::Error) -> StoreError {
    StoreError::Database { doing: "read", source }
}
