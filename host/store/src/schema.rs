//! The database's schema, version by version. A released migration never changes.

use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{Error, M, MigrationDefinitionError, Migrations};

use crate::StoreError;

const VERSION_1: &str = "
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started INTEGER NOT NULL,
    ended INTEGER,
    status TEXT NOT NULL,
    settings TEXT NOT NULL,
    result TEXT,
    problem TEXT
) STRICT;

CREATE TABLE query (
    run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE outcome (
    key TEXT PRIMARY KEY,
    recorded INTEGER NOT NULL,
    outcome TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let migrations = Migrations::new(vec![M::up(VERSION_1)]);
    migrations.to_latest(connection).map_err(|source| match source {
        Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            StoreError::Newer { path: path.to_owned() }
        }
        source => StoreError::Migration { path: path.to_owned(), source },
    })
}
