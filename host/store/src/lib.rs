//! What Archwright keeps on disk: runs, the outcomes of actions, trained weights.
//!
//! A store is a folder with an SQLite database (`archwright.db`, write-ahead log) and a folder `weights`. Several
//! processes may use one store at a time: every write is one transaction, and a writer waits for another.

mod error;
mod outcome;
mod run;
mod schema;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

pub use error::StoreError;
pub use run::{QueryRecord, RunId, RunRecord, RunStatus};

/// How long a writer waits for another process before it gives up.
const BUSY: Duration = Duration::from_secs(60);

/// An open store.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    connection: Connection,
}

impl Store {
    /// Opens the store in `folder`; makes it where there is none.
    ///
    /// # Errors
    /// Where the folder cannot be made or written, the database is damaged, or it was made by a newer Archwright.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let weights = folder.join("weights");
        std::fs::create_dir_all(&weights).map_err(|source| StoreError::Folder { path: weights, source })?;
        // SQLite does not wait for a process that is changing the journal mode: one process at a time sets up.
        let _turn = take_turn(folder)?;
        let path = folder.join("archwright.db");
        let at = |source| StoreError::Open { path: path.clone(), source };
        let mut connection = Connection::open(&path).map_err(at)?;
        connection.busy_timeout(BUSY).map_err(at)?;
        // The mode is a property of the file: only the first process to open it changes anything.
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(at)?;
        if mode != "wal" {
            return Err(StoreError::Mode { path, mode });
        }
        connection.pragma_update(None, "synchronous", "FULL").map_err(at)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(at)?;
        schema::migrate(&mut connection, &path)?;
        Ok(Self { folder: folder.to_owned(), connection })
    }

    /// The store's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder that trained weights are kept in, named by their content.
    pub fn weights(&self) -> PathBuf {
        self.folder.join("weights")
    }

    /// Whether weights with this digest are there.
    pub fn has_weights(&self, digest: &str) -> bool {
        self.weights().join(format!("{digest}.safetensors")).is_file()
    }
}

/// Waits until no other process opens the store; the turn ends with the file.
fn take_turn(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("opening.lock");
    let turn = File::create(&path).and_then(|file| file.lock().map(|()| file));
    turn.map_err(|source| StoreError::Folder { path, source })
}

/// Seconds since 1970; 0 where the clock stands before.
fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}
