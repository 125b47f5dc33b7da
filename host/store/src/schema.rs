//! The database's schema, version by version. A released migration never changes.

use rusqlite::Connection;
use rusqlite_migration::{Error, M, MigrationDefinitionError, Migrations};

use crate::StoreError;
use crate::error::Place;

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

/// `outcome.checksum` is of the key and the text; those of version 1 have none.
///
/// `used.made` tells whoever made an outcome from those who were spared the work.
///
/// The index `outcome_about` holds everything but the outcomes themselves, which are long: questions about all of them
/// need not read them.
const VERSION_2: &str = "
ALTER TABLE run ADD COLUMN queries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN folder TEXT;
UPDATE run SET queries = (SELECT count(*) FROM query WHERE query.run = run.id);

ALTER TABLE outcome ADD COLUMN action TEXT;
ALTER TABLE outcome ADD COLUMN fingerprint TEXT;
ALTER TABLE outcome ADD COLUMN data TEXT;
ALTER TABLE outcome ADD COLUMN seconds REAL;
ALTER TABLE outcome ADD COLUMN accuracy REAL;
ALTER TABLE outcome ADD COLUMN weights TEXT;
ALTER TABLE outcome ADD COLUMN checksum INTEGER;
UPDATE outcome SET
    seconds = CASE WHEN json_type(outcome, '$.seconds') IN ('real', 'integer')
        THEN json_extract(outcome, '$.seconds') END,
    accuracy = CASE WHEN json_type(outcome, '$.metrics.accuracy') IN ('real', 'integer')
        THEN json_extract(outcome, '$.metrics.accuracy') END,
    weights = CASE WHEN json_type(outcome, '$.weights') = 'text' THEN json_extract(outcome, '$.weights') END
WHERE json_valid(outcome);
CREATE INDEX outcome_about ON outcome (recorded, action, fingerprint, data, seconds, accuracy, weights);

CREATE TABLE used (
    run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    made INTEGER NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX used_key ON used (key, at, made);
";

/// `run.place` is the run's place in its comparison, from 0.
const VERSION_3: &str = "
CREATE TABLE comparison (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    settings TEXT NOT NULL
) STRICT;

ALTER TABLE run ADD COLUMN comparison INTEGER REFERENCES comparison (id) ON DELETE SET NULL;
ALTER TABLE run ADD COLUMN place INTEGER;
CREATE UNIQUE INDEX run_place ON run (comparison, place) WHERE comparison IS NOT NULL;
";

fn migrations() -> Migrations<'static> {
    Migrations::new(vec![M::up(VERSION_1), M::up(VERSION_2), M::up(VERSION_3)])
}

/// Brings the database to the present schema.
pub(crate) fn migrate(connection: &mut Connection, place: &Place) -> Result<(), StoreError> {
    let migrated = migrations().to_latest(connection);
    migrated.map_err(|source| explained(source, connection, place, "bring the database up to date"))
}

/// Makes sure that a database that cannot be written has the present schema.
pub(crate) fn require_latest(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    let pending = migrations().pending_migrations(connection);
    match pending.map_err(|source| explained(source, connection, place, "read the version"))? {
        0 => Ok(()),
        pending if pending > 0 => Err(StoreError::Older { path: place.file.clone() }),
        _ => Err(StoreError::Newer { path: place.file.clone() }),
    }
}

fn explained(source: Error, connection: &Connection, place: &Place, doing: &'static str) -> StoreError {
    match source {
        Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            StoreError::Newer { path: place.file.clone() }
        }
        Error::RusqliteError { err, .. } => StoreError::database(place, Some(connection), doing, err),
        source => StoreError::Migration { path: place.file.clone(), source },
    }
}
