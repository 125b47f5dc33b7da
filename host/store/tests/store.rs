//! A store keeps what was recorded, across processes and in the face of damage.

use archwright_protocol::{Metrics, Outcome};
use archwright_store::{RunStatus, Store, StoreError};
use serde_json::{Value, json};

fn outcome(accuracy: f64) -> Outcome {
    Outcome {
        curve: Vec::new(),
        metrics: Metrics { accuracy, loss: 0.1 },
        weights: None,
        seconds: 1.5,
        peak_memory: None,
    }
}

#[test]
fn keeps_runs_queries_and_outcomes() {
    let folder = tempfile::tempdir().unwrap();
    let run = {
        let store = Store::open(folder.path()).unwrap();
        let run = store.begin_run(&json!({"run": {"seed": 7}})).unwrap();
        store.record_query(run, 0, &json!({"accuracy": 0.5})).unwrap();
        store.record_query(run, 1, &json!({"accuracy": 0.1 + 0.2})).unwrap();
        store.record_outcome("key", &outcome(0.1 + 0.2)).unwrap();
        store.end_run(run, RunStatus::Finished, Some(&json!({"test": 0.9})), None).unwrap();
        run
    };
    let store = Store::open(folder.path()).unwrap();
    let record = store.run("latest").unwrap();
    assert_eq!((record.id, record.status, record.queries), (run, RunStatus::Finished, 2));
    assert_eq!(record.result, Some(json!({"test": 0.9})));
    let queries = store.queries::<Value>(run).unwrap();
    assert_eq!(queries[1].record["accuracy"], json!(0.1 + 0.2), "floats keep every bit");
    assert_eq!(store.outcome("key").unwrap(), Some(outcome(0.1 + 0.2)));
    assert_eq!(store.outcome("other").unwrap(), None);
}

#[test]
fn names_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert!(matches!(store.run("latest"), Err(StoreError::NoRun(_))));
    assert!(store.run("seven").unwrap_err().to_string().contains("a run is a number"));
}

#[test]
fn refuses_a_damaged_database_and_leaves_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archwright.db");
    std::fs::write(
        &path,
        b"this is not a database at all, and longer than a header of SQLite ........................",
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("archwright.db") && error.contains("not a database"), "{error}");
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
fn two_processes_write_to_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let stores: Vec<Store> = (0..4).map(|_| Store::open(folder.path()).unwrap()).collect();
    std::thread::scope(|scope| {
        for (index, store) in stores.into_iter().enumerate() {
            scope.spawn(move || {
                let run = store.begin_run(&json!({"index": index})).unwrap();
                for sequence in 0..50 {
                    store.record_query(run, sequence, &json!({"index": index})).unwrap();
                }
            });
        }
    });
    let store = Store::open(folder.path()).unwrap();
    let runs = store.runs().unwrap();
    assert_eq!(runs.iter().map(|run| run.queries).collect::<Vec<_>>(), [50; 4]);
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
