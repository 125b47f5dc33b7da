//! What a store remembers, for those who look through it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use archwright_protocol::Outcome;
use rusqlite::{Row, named_params};
use serde::Serialize;

use crate::{Damage, RunId, Store, StoreError, files, now, outcome};

/// How much there is of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// How many there are.
    pub count: u64,
    /// Their size together.
    pub bytes: u64,
}

impl Amount {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CacheStats {
    /// Outcomes by action: `train`, `evaluate`, or `unknown` for those of earlier versions.
    pub outcomes: BTreeMap<String, u64>,
    /// Seconds that it took to make them.
    pub seconds: f64,
    /// Seconds that runs were spared because they found an outcome.
    pub seconds_saved: f64,
    /// Uses of outcomes by runs, one for each run and outcome.
    pub uses: u64,
    /// Distinct networks among the outcomes, by fingerprint.
    pub networks: u64,
    /// Distinct data among the outcomes.
    pub data_sets: u64,
    /// Trained weights.
    pub weights: Amount,
    /// States of trainings under way.
    pub checkpoints: Amount,
    /// Parts of runs.
    pub parts: Amount,
    /// Size of the database with its write-ahead log in bytes.
    pub database_bytes: u64,
}

/// Which outcomes are meant: those that everything given here is true of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// How the data's digest starts.
    pub data: Option<String>,
    /// How the network's fingerprint starts.
    pub fingerprint: Option<String>,
    /// The run that used it.
    pub run: Option<RunId>,
    /// For how long it was neither recorded nor used.
    pub older_than: Option<Duration>,
    /// How many at most, the newest first.
    pub limit: Option<u64>,
}

/// A remembered outcome, without its curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CacheEntry {
    /// Names it.
    pub key: String,
    /// Seconds since 1970.
    pub recorded: i64,
    /// When a run last used it, in seconds since 1970.
    pub used: Option<i64>,
    /// Runs that used it.
    pub runs: u64,
    /// What was done: `train` or `evaluate`. Absent, as are the next two, where an earlier version recorded it.
    pub action: Option<String>,
    /// The network's fingerprint.
    pub fingerprint: Option<String>,
    /// Digest of the data.
    pub data: Option<String>,
    /// Seconds that it took.
    pub seconds: Option<f64>,
    /// Accuracy at the end, in [0, 1].
    pub accuracy: Option<f64>,
    /// Digest of the kept weights, which may have been deleted since.
    pub weights: Option<String>,
}

/// When an outcome was last recorded or used. What lies in the future, because the clock went backwards, counts as now.
pub(crate) const TOUCHED: &str =
    "min(:now, max(recorded, coalesce((SELECT max(at) FROM used WHERE used.key = outcome.key), recorded)))";

impl Store {
    /// What the store holds.
    ///
    /// # Errors
    /// Where the database or a folder cannot be read.
    pub fn cache_stats(&self) -> Result<CacheStats, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT coalesce(action, 'unknown'), count(*) FROM outcome GROUP BY 1")
            .map_err(self.reading())?;
        let outcomes = statement
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))
            .and_then(Iterator::collect)
            .map_err(self.reading())?;
        let one = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, f64>(0)).map_err(self.reading());
        let count = |sql: &str| {
            let count = self.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(self.reading());
            count.map(i64::cast_unsigned)
        };
        let database = [self.place.file.clone(), self.place.file.with_extension("db-wal")];
        Ok(CacheStats {
            outcomes,
            seconds: one("SELECT total(max(seconds, 0)) FROM outcome")?,
            seconds_saved: one(
                "SELECT total(max(seconds, 0)) FROM used JOIN outcome ON outcome.key = used.key WHERE NOT made",
            )?,
            uses: count("SELECT count(*) FROM used JOIN outcome ON outcome.key = used.key")?,
            networks: count("SELECT count(DISTINCT fingerprint) FROM outcome")?,
            data_sets: count("SELECT count(DISTINCT data) FROM outcome")?,
            weights: self.sum(&self.weights())?,
            checkpoints: self.sum(&self.checkpoints())?,
            parts: self.sum(&self.parts())?,
            database_bytes: database.iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum(),
        })
    }

    fn sum(&self, path: &Path) -> Result<Amount, StoreError> {
        let mut sum = Amount::default();
        for entry in files::list(self.folder(), path)?.iter().filter(|entry| !entry.is_unfinished()) {
            sum.add(entry.bytes);
        }
        Ok(sum)
    }

    /// The outcomes that `filter` means, the newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn cache_list(&self, filter: &Filter) -> Result<Vec<CacheEntry>, StoreError> {
        let mut entries = Vec::new();
        self.each(filter, "", |row| {
            entries.push(entry(row).map_err(self.reading())?);
            Ok::<_, StoreError>(())
        })?;
        Ok(entries)
    }

    /// Hands the outcomes that `filter` means to `each`, the newest first, until one is refused.
    ///
    /// # Errors
    /// Where the database cannot be read, an outcome is damaged, or `each` fails.
    pub fn cache_export<E: From<StoreError>>(
        &self,
        filter: &Filter,
        each: &mut dyn FnMut(CacheEntry, Outcome) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each(filter, ", outcome, checksum", |row| {
            let entry = entry(row).map_err(self.reading())?;
            let damaged = |problem| StoreError::Damaged(Damage::outcome(&entry.key, problem));
            let outcome = outcome::read(row).map_err(self.reading())?.map_err(damaged)?;
            each(entry, outcome)
        })
    }

    fn each<E: From<StoreError>>(
        &self,
        filter: &Filter,
        more: &str,
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = format!(
            "SELECT key, recorded, (SELECT max(at) FROM used WHERE used.key = outcome.key),
                 (SELECT count(*) FROM used WHERE used.key = outcome.key),
                 action, fingerprint, data, seconds, accuracy, weights{more}
             FROM outcome
             WHERE (:data IS NULL OR substr(data, 1, length(:data)) = :data)
                 AND (:fingerprint IS NULL OR substr(fingerprint, 1, length(:fingerprint)) = :fingerprint)
                 AND (:run IS NULL OR EXISTS (SELECT 1 FROM used WHERE used.run = :run AND used.key = outcome.key))
                 AND (:age IS NULL OR :now - {TOUCHED} >= :age)
             ORDER BY recorded DESC, key LIMIT :limit"
        );
        let mut statement = self.connection.prepare(&sql).map_err(self.reading())?;
        let mut rows = statement
            .query(named_params! {
                ":data": filter.data,
                ":fingerprint": filter.fingerprint,
                ":run": filter.run.map(|run| run.0),
                ":age": filter.older_than.map(whole_seconds),
                ":now": now(),
                ":limit": filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX)),
            })
            .map_err(self.reading())?;
        while let Some(row) = rows.next().map_err(self.reading())? {
            each(row)?;
        }
        Ok(())
    }
}

/// A duration as the database counts time.
pub(crate) fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<CacheEntry> {
    Ok(CacheEntry {
        key: row.get(0)?,
        recorded: row.get(1)?,
        used: row.get(2)?,
        runs: row.get::<_, i64>(3)?.cast_unsigned(),
        action: row.get(4)?,
        fingerprint: row.get(5)?,
        data: row.get(6)?,
        seconds: row.get(7)?,
        accuracy: row.get(8)?,
        weights: row.get(9)?,
    })
}
