//! Opening the database, for writing where that is possible and else for reading.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{Connection, MAIN_DB, OpenFlags, TransactionBehavior};

use crate::error::{Place, READ};
use crate::{StoreError, files, schema};

/// Folders of a store.
const FOLDERS: [&str; 5] = ["weights", "weights/checkpoints", "parts", "runs", "claims"];

/// Opens the database for reading and writing; makes the store where there is none.
pub(crate) fn writable(place: &Place) -> Result<Connection, StoreError> {
    for name in FOLDERS {
        let path = place.folder.join(name);
        std::fs::create_dir_all(&path).map_err(|source| StoreError::file(&place.folder, "make", &path, source))?;
    }
    // SQLite does not wait for a process that is changing the journal mode: one process at a time sets up.
    let _turn = take_turn(&place.folder)?;
    refuse_emptied(place)?;
    let mut connection = Connection::open(&place.file).map_err(|source| unopened(place, source))?;
    let read_only = connection.is_readonly(MAIN_DB);
    if read_only.map_err(|source| StoreError::Open { path: place.file.clone(), source })? {
        return Err(StoreError::ReadOnly { path: place.folder.clone() });
    }
    set_up(&connection, place)?;
    // Whoever reads before it writes must not find that another has written in between.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    schema::migrate(&mut connection, place)?;
    Ok(connection)
}

fn set_up(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    let failed = |source| StoreError::database(place, Some(connection), "open", source);
    connection.busy_timeout(place.patience).map_err(failed)?;
    // The mode is a property of the file: only the first process to open it changes anything.
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        return Err(StoreError::Mode { path: place.file.clone(), mode });
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)
}

/// Opens the database of a store that cannot be written; `None` where there is none.
///
/// SQLite needs the index of the write-ahead log beside the database. Where the last process ended as it should, neither
/// is there, and on a read-only file system neither can be made: the file is then all there is, and nobody is changing
/// it.
pub(crate) fn readable(place: &Place) -> Result<Option<Connection>, StoreError> {
    match std::fs::metadata(&place.file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found.map_err(|source| StoreError::file(&place.folder, READ, &place.file, source))?,
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let log = place.file.with_extension("db-wal");
    let alone = if log.is_file() { "" } else { "&immutable=1" };
    let uri = format!("file:{}?mode=ro{alone}", files::percent_encoded(&place.file));
    let connection = Connection::open_with_flags(uri, flags).map_err(|source| unopened(place, source))?;
    let failed = |source| StoreError::database(place, Some(&connection), READ, source);
    connection.busy_timeout(place.patience).map_err(failed)?;
    schema::require_latest(&connection, place)?;
    Ok(Some(connection))
}

/// Waits until no other process opens the store; the turn ends with the file.
fn take_turn(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("opening.lock");
    let turn = File::create(&path).and_then(|file| file.lock().map(|()| file));
    turn.map_err(|source| StoreError::file(folder, "lock", &path, source))
}

/// SQLite takes an empty file for a new database. One beside weights was cut off.
fn refuse_emptied(place: &Place) -> Result<(), StoreError> {
    let empty = std::fs::metadata(&place.file).is_ok_and(|file| file.len() == 0);
    let log = place.file.with_extension("db-wal");
    let unlogged = std::fs::metadata(log).map_or(true, |file| file.len() == 0);
    if empty && unlogged && !files::list(&place.folder, &place.folder.join("weights"))?.is_empty() {
        let problem = "it is empty, though there are weights beside it".to_owned();
        return Err(StoreError::Corrupt { path: place.file.clone(), problem });
    }
    Ok(())
}

fn unopened(place: &Place, source: rusqlite::Error) -> StoreError {
    // SQLite does not say why the system refused; the system does.
    match File::open(&place.file) {
        Err(refused) if refused.kind() != ErrorKind::NotFound => {
            StoreError::file(&place.folder, READ, &place.file, refused)
        }
        _ => StoreError::Open { path: place.file.clone(), source },
    }
}
