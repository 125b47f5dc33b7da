//! Stores of earlier versions go on.

mod common;

use archwright_store::{CacheEntry, Filter, RunStatus, Store};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The tables as version 1 made them.
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

PRAGMA user_version = 1;
";

#[test]
fn a_store_of_version_1_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join("archwright.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    connection
        .execute_batch(
            r#"
            INSERT INTO run (started, ended, status, settings, result) VALUES (100, 200, 'finished', '{"a": 1}', '{"b": 2}');
            INSERT INTO run (started, status, settings) VALUES (300, 'running', '{}');
            INSERT INTO query VALUES (1, 0, '{"accuracy": 0.5}'), (1, 1, '{"accuracy": 0.30000000000000004}');
            INSERT INTO outcome VALUES
                ('weights', 150, '{"curve":[],"metrics":{"accuracy":0.875,"loss":0.5},"weights":"w1","seconds":12.5}'),
                ('whole', 160, '{"curve":[],"metrics":{"accuracy":1,"loss":0},"weights":null,"seconds":3}'),
                ('odd', 170, '{"seconds":"long"}'),
                ('damaged', 180, '{"curve":');
            "#,
        )
        .unwrap();
    drop(connection);

    let store = Store::open(folder.path()).unwrap();
    let runs = store.runs().unwrap();
    assert_eq!(runs.iter().map(|run| (run.id.0, run.queries)).collect::<Vec<_>>(), [(2, 0), (1, 2)]);
    let old = &runs[1];
    assert_eq!((old.started, old.ended, old.status), (100, Some(200), RunStatus::Finished));
    assert_eq!((&old.settings, &old.result, &old.folder), (&json!({"a": 1}), &Some(json!({"b": 2})), &None));
    let queries = store.queries::<Value>(old.id).unwrap();
    assert_eq!(queries.iter().map(|query| query.sequence).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(queries[1].record["accuracy"], json!(0.1 + 0.2));

    let entries = store.cache_list(&Filter::default()).unwrap();
    let about = |entry: &CacheEntry| (entry.key.clone(), entry.seconds, entry.accuracy, entry.weights.clone());
    assert_eq!(
        entries.iter().map(about).collect::<Vec<_>>(),
        [
            ("damaged".into(), None, None, None),
            ("odd".into(), None, None, None),
            ("whole".into(), Some(3.0), Some(1.0), None),
            ("weights".into(), Some(12.5), Some(0.875), Some("w1".into())),
        ]
    );
    assert_eq!(store.outcome("weights").unwrap().unwrap().weights.as_deref(), Some("w1"));
    assert!(store.outcome("damaged").is_err());

    let run = common::begin(&store);
    store.note_used(run, &["whole".to_owned()]).unwrap();
    assert_eq!(store.cache_stats().unwrap().seconds_saved, 3.0);
}
