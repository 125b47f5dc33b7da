//! A store opens whoever was there before, or says why not and leaves it alone.

mod common;

use archwright_store::{Store, StoreError};

#[test]
fn refuses_what_is_no_database_and_leaves_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archwright.db");
    std::fs::write(&path, b"this is not a database at all, and longer than a header of SQLite ".repeat(2)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{text}");
    assert!(text.contains("archwright.db") && text.contains("not a database"), "{text}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn refuses_a_store_of_a_newer_version() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let connection = rusqlite::Connection::open(folder.path().join("archwright.db")).unwrap();
    connection.pragma_update(None, "user_version", 1000).unwrap();
    drop(connection);
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Newer { .. })));
}

#[test]
fn many_open_a_new_store_at_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Store::open(folder.path()).unwrap());
            }
        });
    }
}
