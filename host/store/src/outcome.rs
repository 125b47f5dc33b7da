//! What came of actions, by what the actions say.

use archwright_protocol::Outcome;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::{Damage, RunId, Store, StoreError, now};

/// What an outcome is about, for those who look through the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About<'a> {
    /// The run that made it.
    pub run: Option<RunId>,
    /// What was done: `train` or `evaluate`.
    pub action: &'a str,
    /// The network's fingerprint.
    pub fingerprint: Option<&'a str>,
    /// Digest of the data.
    pub data: &'a str,
}

impl Store {
    /// The outcome recorded under `key`, where there is one.
    ///
    /// # Errors
    /// Where the database cannot be read, or the outcome is damaged.
    pub fn outcome(&self, key: &str) -> Result<Option<Outcome>, StoreError> {
        let found = self
            .connection
            .prepare_cached("SELECT key, outcome, weights, checksum FROM outcome WHERE key = ?1")
            .and_then(|mut statement| statement.query_row([key], read).optional())
            .map_err(self.reading())?;
        found.transpose().map_err(|problem| StoreError::Damaged(Damage::outcome(key, problem)))
    }

    /// Records an outcome under `key`, and that the run of `about` used it. A later outcome replaces an earlier one.
    ///
    /// # Errors
    /// Where the database cannot be written, or there is no such run.
    pub fn record_outcome(&self, key: &str, outcome: &Outcome, about: &About<'_>) -> Result<(), StoreError> {
        let text = serde_json::to_string(outcome).map_err(|error| StoreError::Damaged(Damage::outcome(key, error)))?;
        let now = now();
        self.at_once(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO outcome
                         (key, recorded, outcome, action, fingerprint, data, seconds, accuracy, weights, checksum)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                )
                .and_then(|mut statement| {
                    statement.execute(params![
                        key,
                        now,
                        text,
                        about.action,
                        about.fingerprint,
                        about.data,
                        outcome.seconds,
                        outcome.metrics.accuracy,
                        outcome.weights,
                        checksum(key.as_bytes(), text.as_bytes())
                    ])
                })
                .map_err(self.writing())?;
            about.run.map_or(Ok(()), |run| self.note(transaction, run, key, now, true))
        })
    }

    /// Takes the outcome under `key` from memory for a run and records that it used it; `None` where there is none, or
    /// where `weights` are asked for and are not there.
    ///
    /// What it gives stays as long as the run is not finished, with its weights.
    ///
    /// # Errors
    /// Where the database cannot be read or written, the outcome is damaged, or there is no such run.
    pub fn recall(&self, run: RunId, key: &str, weights: bool) -> Result<Option<Outcome>, StoreError> {
        let usable =
            |outcome: &Outcome| !weights || outcome.weights.as_deref().is_some_and(|digest| self.has_weights(digest));
        if self.outcome(key)?.filter(usable).is_none() {
            // Most of the time: and then nobody has to wait for anybody.
            return Ok(None);
        }
        self.at_once(|transaction| {
            let outcome = self.outcome(key)?.filter(usable);
            if outcome.is_some() {
                self.note(transaction, run, key, now(), false)?;
            }
            Ok(outcome)
        })
    }

    /// Whether the outcome under `key` was made by a run.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn has_made(&self, run: RunId, key: &str) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM used WHERE run = ?1 AND key = ?2 AND made)")
            .and_then(|mut statement| statement.query_row(params![run.0, key], |row| row.get(0)))
            .map_err(self.reading())
    }

    /// Records that a run used these outcomes, which it took from memory.
    ///
    /// What a run that is not finished uses is kept by [`Store::prune`], with its weights. Between the look at an outcome
    /// and this note another process may prune it. Whoever needs its weights looks again *after* the note: where
    /// [`Store::outcome`] and [`Store::has_weights`] then say that both are there, they stay. [`Store::recall`] does that.
    ///
    /// # Errors
    /// Where the database cannot be written, or there is no such run.
    pub fn note_used(&self, run: RunId, keys: &[String]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let now = now();
        self.at_once(|transaction| keys.iter().try_for_each(|key| self.note(transaction, run, key, now, false)))
    }

    fn note(
        &self,
        transaction: &Transaction<'_>,
        run: RunId,
        key: &str,
        now: i64,
        made: bool,
    ) -> Result<(), StoreError> {
        let noted = transaction
            .prepare_cached(
                "INSERT INTO used (run, key, at, made) SELECT id, ?2, ?3, ?4 FROM run WHERE id = ?1
                 ON CONFLICT DO UPDATE SET at = max(at, excluded.at), made = max(made, excluded.made)",
            )
            .and_then(|mut statement| statement.execute(params![run.0, key, now, made]))
            .map_err(self.writing())?;
        if noted == 0 { Err(StoreError::NoRun(run.to_string())) } else { Ok(()) }
    }

    /// Number of outcomes recorded.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn outcomes(&self) -> Result<u64, StoreError> {
        let count: i64 =
            self.connection.query_row("SELECT count(*) FROM outcome", [], |row| row.get(0)).map_err(self.reading())?;
        Ok(count.cast_unsigned())
    }
}

/// The outcome of a row with the columns `key`, `outcome`, `weights` and `checksum`, or what is wrong with it.
pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Result<Outcome, String>> {
    // As bytes: damaged text need not be UTF-8.
    let (key, text) = (row.get_ref("key")?.as_bytes()?, row.get_ref("outcome")?.as_bytes()?);
    let outcome: Outcome = match serde_json::from_slice(text) {
        Ok(outcome) => outcome,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let recorded: Option<i64> = row.get("checksum")?;
    if recorded.is_some_and(|recorded| recorded != checksum(key, text)) {
        return Ok(Err("it does not have the checksum that was recorded with it".to_owned()));
    }
    let weights = row.get_ref("weights")?.as_bytes_or_null()?;
    if weights.is_some() && weights != outcome.weights.as_deref().map(str::as_bytes) {
        return Ok(Err("it names other weights in one place than in another".to_owned()));
    }
    Ok(Ok(outcome))
}

fn checksum(key: &[u8], text: &[u8]) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key).update(&[0]).update(text);
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    i64::from_le_bytes(first)
}
