//! Comparisons: runs that belong together.

use std::fmt;
use std::path::Path;

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::run::{SELECT_RUN, raw_run};
use crate::{RunId, RunRecord, RunStatus, Store, StoreError, now};

/// Names a comparison in its store: 1, 2, 3, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ComparisonId(pub i64);

impl fmt::Display for ComparisonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A comparison as stored.
#[derive(Clone, Debug, Serialize)]
pub struct ComparisonRecord {
    /// Its name in this store.
    pub id: ComparisonId,
    /// Seconds since 1970.
    pub started: i64,
    /// What its author calls it.
    pub name: String,
    /// Everything that determines it.
    pub settings: Value,
}

/// The start of a run that is part of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct StartOfRun<'a> {
    /// Its place in the comparison, from 0.
    pub place: u64,
    /// Every setting, defaults included.
    pub settings: &'a Value,
    /// The folder that relative paths of its settings start at.
    pub folder: &'a Path,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct EndOfRun {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub status: RunStatus,
    /// What it found, once it finished.
    pub result: Option<Value>,
    /// What ended it, where it did not finish.
    pub problem: Option<String>,
    /// Queries that were told.
    pub queries: u64,
}

impl Store {
    /// The comparison with these settings, by the digest of everything that determines it: a new one where there is none.
    ///
    /// # Errors
    /// Where the database cannot be read or written.
    pub fn comparison_of(&self, name: &str, digest: &str, settings: &Value) -> Result<ComparisonId, StoreError> {
        self.at_once(|transaction| {
            let known = transaction
                .query_row("SELECT id FROM comparison WHERE digest = ?1 ORDER BY id DESC LIMIT 1", [digest], |row| {
                    row.get(0)
                })
                .optional()
                .map_err(self.reading())?;
            if let Some(id) = known {
                // What it is called and how it is reported may be other than before.
                let sql = "UPDATE comparison SET name = ?2, settings = ?3 WHERE id = ?1";
                transaction.execute(sql, params![id, name, settings.to_string()]).map_err(self.writing())?;
                return Ok(ComparisonId(id));
            }
            let sql = "INSERT INTO comparison (started, name, digest, settings) VALUES (?1, ?2, ?3, ?4)";
            transaction.execute(sql, params![now(), name, digest, settings.to_string()]).map_err(self.writing())?;
            Ok(ComparisonId(transaction.last_insert_rowid()))
        })
    }

    /// The comparison that `name` names: a number, or `latest`.
    ///
    /// # Errors
    /// Where there is none, or the database cannot be read.
    pub fn comparison(&self, name: &str) -> Result<ComparisonRecord, StoreError> {
        let select = "SELECT id, started, name, settings FROM comparison";
        let found = match name.parse::<i64>() {
            Ok(id) => self.connection.query_row(&format!("{select} WHERE id = ?1"), [id], raw).optional(),
            Err(_) if name == "latest" => {
                self.connection.query_row(&format!("{select} ORDER BY id DESC LIMIT 1"), [], raw).optional()
            }
            Err(_) => return Err(StoreError::NoComparison(format!("`{name}` (one is a number, or `latest`)"))),
        };
        found.map_err(self.reading())?.ok_or_else(|| StoreError::NoComparison(format!("`{name}`")))
    }

    /// All comparisons, the newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn comparisons(&self) -> Result<Vec<ComparisonRecord>, StoreError> {
        let sql = "SELECT id, started, name, settings FROM comparison ORDER BY id DESC";
        let mut statement = self.connection.prepare(sql).map_err(self.reading())?;
        let rows = statement.query_map([], raw).map_err(self.reading())?;
        rows.map(|row| row.map_err(self.reading())).collect()
    }

    /// The runs of a comparison, in the order of their places.
    ///
    /// # Errors
    /// Where the database cannot be read or holds damaged values.
    pub fn runs_of(&self, comparison: ComparisonId) -> Result<Vec<RunRecord>, StoreError> {
        let sql = format!("{SELECT_RUN} WHERE comparison = ?1 ORDER BY place");
        let mut statement = self.connection.prepare(&sql).map_err(self.reading())?;
        let rows = statement.query_map([comparison.0], raw_run).map_err(self.reading())?;
        rows.map(|row| row.map_err(self.reading())?.parse()).collect()
    }

    /// Records the starts of runs of a comparison at once; gives their numbers in the same order. They are above those of
    /// every journal.
    ///
    /// # Errors
    /// Where the database cannot be written, or there is a run in such a place.
    pub fn begin_runs(&self, comparison: ComparisonId, starts: &[StartOfRun<'_>]) -> Result<Vec<RunId>, StoreError> {
        let last = self.last_journal()?;
        self.at_once(|transaction| {
            let highest = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'run'";
            let given: i64 = transaction.query_row(highest, [], |row| row.get(0)).map_err(self.reading())?;
            let first = given.max(last) + 1;
            let sql = "INSERT INTO run (id, started, status, settings, folder, comparison, place)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let mut insert = transaction.prepare(sql).map_err(self.writing())?;
            let mut runs = Vec::with_capacity(starts.len());
            for (id, StartOfRun { place, settings, folder }) in (first..).zip(starts) {
                let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
                let (status, settings, place) =
                    (RunStatus::Running.to_string(), settings.to_string(), place.cast_signed());
                insert
                    .execute(params![id, now(), status, settings, folder.to_str(), comparison.0, place])
                    .map_err(self.writing())?;
                runs.push(RunId(id));
            }
            Ok(runs)
        })
    }

    /// Records the ends of runs at once.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn end_runs(&self, ends: &[EndOfRun]) -> Result<(), StoreError> {
        self.at_once(|transaction| {
            let sql = "UPDATE run SET ended = max(started, ?2), status = ?3, result = ?4, problem = ?5, queries = ?6
                WHERE id = ?1";
            let mut update = transaction.prepare(sql).map_err(self.writing())?;
            for EndOfRun { run, status, result, problem, queries } in ends {
                let result = result.as_ref().map(Value::to_string);
                update
                    .execute(params![run.0, now(), status.to_string(), result, problem, queries.cast_signed()])
                    .map_err(self.writing())?;
            }
            Ok(())
        })
    }
}

fn raw(row: &Row<'_>) -> rusqlite::Result<ComparisonRecord> {
    let settings: String = row.get(3)?;
    Ok(ComparisonRecord {
        id: ComparisonId(row.get(0)?),
        started: row.get(1)?,
        name: row.get(2)?,
        settings: serde_json::from_str(&settings).unwrap_or_default(),
    })
}
