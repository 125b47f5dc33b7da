use std::path::PathBuf;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store's folder, or a file in it, cannot be made.
    #[error("cannot make {} for the store: {source}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
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
    /// The database could not be brought to the present schema.
    #[error("cannot bring the store {} to the present version: {source}", path.display())]
    Migration {
        /// The database file.
        path: PathBuf,
        /// The reason.
        source: rusqlite_migration::Error,
    },
    /// A read or a write failed.
    #[error("the store failed to {doing}: {source}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// A stored value is not what it should be.
    #[error("the store holds a damaged {what}: {source}")]
    Damaged {
        /// What is damaged.
        what: &'static str,
        /// The parser's reason.
        source: serde_json::Error,
    },
    /// There is no such run.
    #[error("there is no run {0} in this store: `archwright runs` lists them")]
    NoRun(String),
}
