//! Why the store cannot do something, and what a person can do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, ffi};

use crate::Damage;
use crate::damage::DATABASE_REMEDY;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk has no room left.
    #[error(
        "the disk with the store {} is full: free some space; nothing recorded is lost, `archwright resume` goes on",
        path.display()
    )]
    Full {
        /// The store's folder.
        path: PathBuf,
    },
    /// The store can be read but not written.
    #[error(
        "the store {} is read-only: nothing can be recorded in it; make it writable for you, or use another one with \
         `--store` or ARCHWRIGHT_STORE",
        path.display()
    )]
    ReadOnly {
        /// The store's folder.
        path: PathBuf,
    },
    /// Another process did not let go of the database.
    #[error(
        "another process has kept the store {} locked for {} s: wait until it is done, or end it",
        path.display(),
        waited.as_secs_f64()
    )]
    Locked {
        /// The store's folder.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// The database's structure is damaged.
    #[error("the database {} is damaged: {problem}. It was left as it is. {DATABASE_REMEDY}", path.display())]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Something in the store is not what was put there.
    #[error("{0}")]
    Damaged(Damage),
    /// A file of the store cannot be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The database cannot be opened.
    #[error("cannot open the store {}: {source}", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// The file system does not support what the store needs.
    #[error(
        "the store {} cannot use a write-ahead log (SQLite chose `{mode}`): put the store on a local file system \
         with `--store` or ARCHWRIGHT_STORE",
        path.display()
    )]
    Mode {
        /// The database file.
        path: PathBuf,
        /// The journal mode that SQLite chose.
        mode: String,
    },
    /// The database was made by a newer version.
    #[error("the store {} was made by a newer Archwright: update this one, or use another store", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
    },
    /// The database was made by an older version and cannot be written, so that it cannot be brought up to date.
    #[error(
        "the store {} was made by an older Archwright and is read-only: make it writable once, to bring it up to date",
        path.display()
    )]
    Older {
        /// The database file.
        path: PathBuf,
    },
    /// The database could not be brought to the present schema.
    #[error("cannot bring the store {} to the present version: {source}. {DATABASE_REMEDY}", path.display())]
    Migration {
        /// The database file.
        path: PathBuf,
        /// The reason.
        source: rusqlite_migration::Error,
    },
    /// A read or a write failed.
    #[error("the store {} failed to {doing}: {source}", path.display())]
    Database {
        /// What was being done.
        doing: &'static str,
        /// The database file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// There is no run at all.
    #[error("there is no run yet in the store {}: `archwright run FILE` makes one", path.display())]
    NoRunYet {
        /// The store's folder.
        path: PathBuf,
    },
    /// There is no such run.
    #[error("there is no run {0} in this store: `archwright runs` lists them")]
    NoRun(String),
    /// There is no such comparison.
    #[error(
        "there is no comparison {0} in this store: `archwright compare` makes one, `archwright comparisons` lists them"
    )]
    NoComparison(String),
}

impl StoreError {
    /// What an error of the system about the file `path` means for the store in `folder`.
    pub fn file(folder: &Path, doing: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { path: folder.to_owned() },
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path: folder.to_owned() },
            // What may not even be read is not merely read-only.
            ErrorKind::PermissionDenied if doing != READ => Self::ReadOnly { path: folder.to_owned() },
            _ => Self::File { doing, path: path.to_owned(), source },
        }
    }

    /// What an error of SQLite means for the store. `connection` is where it came up.
    pub(crate) fn database(
        place: &Place,
        connection: Option<&Connection>,
        doing: &'static str,
        source: rusqlite::Error,
    ) -> Self {
        let Place { folder, file, patience } = place;
        let Some(code) = source.sqlite_error_code() else {
            return Self::Database { doing, path: file.clone(), source };
        };
        match code {
            ErrorCode::DiskFull => Self::Full { path: folder.clone() },
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::ReadOnly { path: folder.clone() },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                Self::Locked { path: folder.clone(), waited: *patience }
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                Self::Corrupt { path: file.clone(), problem: source.to_string() }
            }
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => {
                match connection.and_then(system_error).map(|error| Self::file(folder, doing, file, error)) {
                    Some(error @ (Self::Full { .. } | Self::ReadOnly { .. })) => error,
                    _ => Self::Database { doing, path: file.clone(), source },
                }
            }
            _ => Self::Database { doing, path: file.clone(), source },
        }
    }
}

/// What is being done where nothing is written.
pub(crate) const READ: &str = "read";

/// Where a store is, for errors.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The store's folder.
    pub(crate) folder: PathBuf,
    /// The database file.
    pub(crate) file: PathBuf,
    /// How long a writer waits for another process.
    pub(crate) patience: Duration,
}

/// The system's error behind SQLite's last one.
fn system_error(connection: &Connection) -> Option<io::Error> {
    // SAFETY: the handle is that of an open connection, and the call does nothing but read a number in it.
    let number = unsafe { ffi::sqlite3_system_errno(connection.handle()) };
    (number != 0).then(|| io::Error::from_raw_os_error(number))
}
