//! What came of actions, by what the actions say.

use archwright_protocol::Outcome;
use rusqlite::{OptionalExtension, params};

use crate::run::{reading, writing};
use crate::{Store, StoreError, now};

impl Store {
    /// The outcome recorded under `key`, where there is one.
    ///
    /// # Errors
    /// Where the database cannot be read or holds a damaged outcome.
    pub fn outcome(&self, key: &str) -> Result<Option<Outcome>, StoreError> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT outcome FROM outcome WHERE key = ?1")
            .and_then(|mut statement| statement.query_row([key], |row| row.get(0)).optional())
            .map_err(reading)?;
        text.map(|text| serde_json::from_str(&text).map_err(|source| StoreError::Damaged { what: "outcome", source }))
            .transpose()
    }

    /// Records an outcome under `key`. A later one replaces an earlier one.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn record_outcome(&self, key: &str, outcome: &Outcome) -> Result<(), StoreError> {
        let text = serde_json::to_string(outcome).map_err(|source| StoreError::Damaged { what: "outcome", source })?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO outcome (key, recorded, outcome) VALUES (?1, ?2, ?3)")
            .and_then(|mut statement| statement.execute(params![key, now(), text]))
            .map_err(writing)?;
        Ok(())
    }

    /// Number of outcomes recorded.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn outcomes(&self) -> Result<u64, StoreError> {
        let count: i64 =
            self.connection.query_row("SELECT count(*) FROM outcome", [], |row| row.get(0)).map_err(reading)?;
        Ok(count.cast_unsigned())
    }
}
