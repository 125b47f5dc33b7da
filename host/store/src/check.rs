//! Whether everything in a store is what was put there.

use rusqlite::{Connection, Row};
use serde_json::Value;

use crate::damage::OTHER_CONTENT;
use crate::error::READ;
use crate::files::{self, Entry};
use crate::{Damage, RunId, Store, StoreError, outcome};

impl Store {
    /// Reads everything in the store; names what is damaged and what mends it. Changes nothing.
    ///
    /// Journals have checks of their own, in who reads them.
    ///
    /// # Errors
    /// Where the store cannot be read for another reason than damage.
    pub fn check(&self) -> Result<Vec<Damage>, StoreError> {
        let mut damages = Vec::new();
        for check in [Self::check_database, Self::check_outcomes, Self::check_runs] {
            match check(self, &mut damages) {
                // The rest of the table cannot be reached; the other tables and the files can.
                Err(StoreError::Corrupt { problem, .. }) => damages.push(Damage::database(problem)),
                Err(StoreError::Database { source, .. }) if source.sqlite_error_code().is_none() => {
                    damages.push(Damage::database(source));
                }
                checked => checked?,
            }
        }
        for entry in files::list(self.folder(), &self.weights())? {
            if let Some(digest) = entry.stem(".safetensors") {
                let problem = self.problem_of(&entry, digest)?;
                damages.extend(problem.map(|problem| Damage::weights(digest, problem)));
            }
        }
        for entry in files::list(self.folder(), &self.parts())? {
            if let Some(digest) = entry.stem("") {
                let problem = self.problem_of(&entry, digest)?;
                damages.extend(problem.map(|problem| Damage::part(digest, problem)));
            }
        }
        damages.dedup();
        Ok(damages)
    }

    fn check_database(&self, damages: &mut Vec<Damage>) -> Result<(), StoreError> {
        self.rows(&self.connection, "PRAGMA integrity_check", |row| {
            let problem: String = row.get(0).map_err(self.reading())?;
            if problem != "ok" {
                damages.push(Damage::database(problem));
            }
            Ok(())
        })?;
        self.rows(&self.connection, "PRAGMA foreign_key_check", |row| {
            let names = row.get(0).and_then(|table: String| Ok((table, row.get::<_, String>(2)?)));
            let (table, parent) = names.map_err(self.reading())?;
            damages.push(Damage::database(format!("a row of `{table}` names a {parent} that is not there")));
            Ok(())
        })
    }

    fn check_outcomes(&self, damages: &mut Vec<Damage>) -> Result<(), StoreError> {
        self.damaged_outcomes(&self.connection, |key, problem, _| damages.push(Damage::outcome(key, problem)))
    }

    /// Hands the key of every damaged outcome to `each`, with its problem and its size in bytes.
    pub(crate) fn damaged_outcomes(
        &self,
        connection: &Connection,
        mut each: impl FnMut(&str, String, u64),
    ) -> Result<(), StoreError> {
        let sql = "SELECT key, outcome, weights, checksum FROM outcome";
        self.rows(connection, sql, |row| {
            let key: String = row.get(0).map_err(self.reading())?;
            if let Err(problem) = outcome::read(row).map_err(self.reading())? {
                let content = row.get_ref(1).and_then(|value| Ok(value.as_bytes()?)).map_err(self.reading())?;
                each(&key, problem, content.len() as u64);
            }
            Ok(())
        })
    }

    fn check_runs(&self, damages: &mut Vec<Damage>) -> Result<(), StoreError> {
        self.each_run(&self.connection, |run, read| match read {
            Err(problem) => damages.push(Damage::run(run, problem)),
            Ok(result) => damages.extend(
                finalists(&result)
                    .filter(|digest| !self.has_weights(digest))
                    .map(|digest| Damage::missing_weights(digest, run)),
            ),
        })
    }

    /// The runs that cannot be read.
    pub(crate) fn damaged_runs(&self, connection: &Connection) -> Result<Vec<RunId>, StoreError> {
        let mut damaged = Vec::new();
        self.each_run(connection, |run, read| damaged.extend(read.err().map(|_| run)))?;
        Ok(damaged)
    }

    /// Hands every run's result to `each`, `null` where there is none, or what is wrong with the run.
    fn each_run(
        &self,
        connection: &Connection,
        mut each: impl FnMut(RunId, Result<Value, String>),
    ) -> Result<(), StoreError> {
        self.rows(connection, "SELECT id, settings, result FROM run", |row| {
            let run = RunId(row.get(0).map_err(self.reading())?);
            let parsed = |column: usize, what: &str| {
                let content = row.get_ref(column)?.as_bytes_or_null()?;
                let value = content.map_or(Ok(Value::Null), serde_json::from_slice);
                Ok::<_, rusqlite::Error>(value.map_err(|error| format!("{what}: {error}")))
            };
            let settings = parsed(1, "settings").map_err(self.reading())?;
            let result = parsed(2, "result").map_err(self.reading())?;
            each(run, settings.and(result));
            Ok(())
        })
    }

    fn rows(
        &self,
        connection: &Connection,
        sql: &str,
        mut each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = connection.prepare(sql).map_err(self.reading())?;
        let mut rows = statement.query([]).map_err(self.reading())?;
        while let Some(row) = rows.next().map_err(self.reading())? {
            each(row)?;
        }
        Ok(())
    }

    /// What is wrong with a file that is named by the digest of its content.
    pub(crate) fn problem_of(&self, entry: &Entry, digest: &str) -> Result<Option<String>, StoreError> {
        if !files::is_digest(digest) {
            return Ok(None);
        }
        match files::digest(&entry.path) {
            Ok(Some(content)) if content != digest => Ok(Some(OTHER_CONTENT.to_owned())),
            Ok(_) => Ok(None),
            // Whoever may not read files at all learns more from the error; a disk that fails fails for some files.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                Err(self.failing_at(READ, &entry.path)(error))
            }
            Err(error) => Ok(Some(error.to_string())),
        }
    }
}

/// The weights that a finished run's result names.
fn finalists(result: &Value) -> impl Iterator<Item = &str> {
    let finalists = result["finalists"].as_array().into_iter().flatten();
    finalists.flat_map(|finalist| finalist["weights"].as_array().into_iter().flatten()).filter_map(Value::as_str)
}
