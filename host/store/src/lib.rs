//! What Archwright keeps on disk: runs, the outcomes of actions, trained weights.
//!
//! A store is a folder with
//!
//! - `archwright.db`: an SQLite database (write-ahead log) of runs and outcomes,
//! - `weights/DIGEST.safetensors`: trained weights, named by their content,
//! - `weights/checkpoints/KEY.safetensors`: the state of trainings under way,
//! - `parts/DIGEST`: files that runs were made of, named by their content,
//! - `runs/ID.journal`: what happened in a run,
//! - `claims/KEY.lock`: which actions are being carried out.
//!
//! Several processes may use one store at a time: every write is one transaction, and a writer waits for another.

mod cache;
mod check;
mod claim;
mod comparison;
mod damage;
mod error;
mod files;
mod journal;
mod named;
mod open;
mod outcome;
mod parts;
mod prune;
mod run;
mod schema;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use cache::{Amount, CacheEntry, CacheStats, Filter};
pub use claim::Claim;
pub use comparison::{ComparisonId, ComparisonRecord, EndOfRun, StartOfRun};
pub use damage::{Damage, Item};
pub use error::StoreError;
use error::{Place, READ};
pub use journal::{JournalEnd, JournalError, JournalLock, JournalReader, JournalWriter, is_being_written};
pub use outcome::About;
pub use prune::{Prune, Pruned};
pub use run::{QueryRecord, RunId, RunRecord, RunStatus};

/// How long a writer waits for another process before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open store.
#[derive(Debug)]
pub struct Store {
    place: Place,
    connection: Connection,
    writable: bool,
}

impl Store {
    /// Opens the store in `folder`; makes it where there is none. One that cannot be written is opened for reading.
    ///
    /// # Errors
    /// Where the folder cannot be made or read, the database is damaged, or it was made by a newer Archwright.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_with_patience(folder, PATIENCE)
    }

    /// As [`Store::open`]; a write waits for other processes for `patience` and then fails, instead of for a minute.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with_patience(folder: &Path, patience: Duration) -> Result<Self, StoreError> {
        let place = Place { folder: folder.to_owned(), file: folder.join("archwright.db"), patience };
        match open::writable(&place) {
            Ok(connection) => Ok(Self { place, connection, writable: true }),
            Err(refused @ StoreError::ReadOnly { .. }) => match open::readable(&place)? {
                Some(connection) => Ok(Self { place, connection, writable: false }),
                None => Err(refused),
            },
            Err(error) => Err(error),
        }
    }

    /// The store's folder.
    pub fn folder(&self) -> &Path {
        &self.place.folder
    }

    /// Whether the store can be written, as far as was to be seen when it was opened.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// The folder that trained weights are kept in, named by their content.
    pub fn weights(&self) -> PathBuf {
        self.folder().join("weights")
    }

    /// Whether weights with this digest are there.
    pub fn has_weights(&self, digest: &str) -> bool {
        files::is_name(digest) && self.weights_path(digest).is_file()
    }

    /// The file of the weights with this digest.
    pub fn weights_path(&self, digest: &str) -> PathBuf {
        self.weights().join(format!("{digest}.safetensors"))
    }

    /// The file that holds the state of the training with this key while it goes on.
    pub fn checkpoint_path(&self, key: &str) -> PathBuf {
        self.checkpoints().join(format!("{key}.safetensors"))
    }

    /// Removes the checkpoint of the training with this key, where there is one.
    pub fn remove_checkpoint(&self, key: &str) {
        // One that stays costs space alone: it goes with the next prune.
        let _ = files::remove(&self.checkpoint_path(key));
    }

    /// The file of a run's journal.
    pub fn journal_path(&self, run: RunId) -> PathBuf {
        self.folder().join("runs").join(format!("{run}.journal"))
    }

    fn checkpoints(&self) -> PathBuf {
        self.weights().join("checkpoints")
    }

    fn claims(&self) -> PathBuf {
        self.folder().join("claims")
    }

    fn parts(&self) -> PathBuf {
        self.folder().join("parts")
    }

    /// Turns errors of SQLite into those of the store.
    fn failing(&self, doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
        move |source| StoreError::database(&self.place, Some(&self.connection), doing, source)
    }

    /// Turns errors of the system about the file `path` into those of the store.
    fn failing_at(&self, doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> StoreError {
        move |source| StoreError::file(self.folder(), doing, path, source)
    }

    fn reading(&self) -> impl Fn(rusqlite::Error) -> StoreError {
        self.failing(READ)
    }

    fn writing(&self) -> impl Fn(rusqlite::Error) -> StoreError {
        self.failing("write")
    }

    /// Refuses to make files where the store was opened for reading, and may lack folders.
    fn require_writable(&self) -> Result<(), StoreError> {
        if self.writable { Ok(()) } else { Err(StoreError::ReadOnly { path: self.folder().to_owned() }) }
    }

    /// Does several things at once or not at all. Nobody else writes meanwhile.
    fn at_once<T>(&self, write: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
        let transaction = transaction.map_err(self.writing())?;
        let done = write(&transaction)?;
        transaction.commit().map_err(self.writing())?;
        Ok(done)
    }
}

/// Seconds since 1970; 0 where the clock stands before.
fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}
