//! Runs are on record from their start to their end.

mod common;

use std::path::Path;

use archwright_store::{RunId, RunStatus, Store, StoreError};
use common::begin;
use serde_json::json;

#[test]
fn keeps_runs() {
    let folder = tempfile::tempdir().unwrap();
    let run = {
        let store = Store::open(folder.path()).unwrap();
        let run = store.begin_run(&json!({"run": {"seed": 7}}), Path::new("/experiments")).unwrap();
        store.set_progress(run, 2).unwrap();
        store.end_run(run, RunStatus::Finished, Some(&json!({"test": 0.1 + 0.2})), None).unwrap();
        run
    };
    let store = Store::open(folder.path()).unwrap();
    let record = store.run("latest").unwrap();
    assert_eq!((record.id, record.status, record.queries), (run, RunStatus::Finished, 2));
    assert_eq!(record.folder.as_deref(), Some(Path::new("/experiments")));
    assert_eq!(record.result, Some(json!({"test": 0.1 + 0.2})), "floats keep every bit");
    assert_eq!(store.journal_path(run), folder.path().join("runs/1.journal"));
}

#[test]
fn a_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = begin(&store);
    store.set_progress(run, 7).unwrap();
    store.end_run(run, RunStatus::Interrupted, None, Some("stopped")).unwrap();
    store.reopen_run(run).unwrap();
    let record = store.run("1").unwrap();
    assert_eq!((record.status, record.ended, record.problem, record.queries), (RunStatus::Running, None, None, 7));
}

#[test]
fn a_relative_folder_is_kept_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.begin_run(&json!({}), Path::new("experiments")).unwrap();
    let here = std::env::current_dir().unwrap();
    assert_eq!(store.run("latest").unwrap().folder, Some(here.join("experiments")));
}

#[test]
fn names_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let nothing = store.run("latest").unwrap_err();
    assert!(matches!(nothing, StoreError::NoRunYet { .. }));
    assert!(nothing.to_string().contains("`archwright run FILE`"), "{nothing}");
    assert!(matches!(store.run("1"), Err(StoreError::NoRun(_))));
    assert!(store.run("seven").unwrap_err().to_string().contains("a run is a number"));
    let missing = RunId(9);
    for result in [
        store.set_progress(missing, 1),
        store.reopen_run(missing),
        store.end_run(missing, RunStatus::Failed, None, None),
        store.note_used(missing, &["key".to_owned()]),
        store.record_outcome("key", &common::outcome(0.5), &common::training(Some(missing))),
    ] {
        assert!(matches!(result, Err(StoreError::NoRun(name)) if name == "9"));
    }
    assert_eq!(store.outcome("key").unwrap(), None, "an outcome is recorded with its use or not at all");
}

/// Whoever lost the database moves it away and goes on beside what is left.
#[test]
fn a_new_database_gives_no_number_that_a_journal_has() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..4 {
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(begin(&store), RunId(number));
        std::fs::write(store.journal_path(RunId(number)), "journal").unwrap();
        drop(store);
        for file in ["archwright.db", "archwright.db-wal", "archwright.db-shm"] {
            let _ = std::fs::remove_file(folder.path().join(file));
        }
    }
}

#[test]
fn many_hosts_write_to_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let stores: Vec<Store> = (0..4).map(|_| Store::open(folder.path()).unwrap()).collect();
    std::thread::scope(|scope| {
        for store in stores {
            scope.spawn(move || {
                let run = begin(&store);
                for queries in 1..=50 {
                    let key = format!("{run}-{queries}");
                    store.record_outcome(&key, &common::outcome(0.5), &common::training(Some(run))).unwrap();
                    store.note_used(run, &[key, "shared".to_owned()]).unwrap();
                    store.set_progress(run, queries).unwrap();
                }
            });
        }
    });
    let store = Store::open(folder.path()).unwrap();
    let runs = store.runs().unwrap();
    assert_eq!(runs.iter().map(|run| run.queries).collect::<Vec<_>>(), [50; 4]);
    assert_eq!(store.outcomes().unwrap(), 200);
}

#[test]
fn a_clock_that_goes_backwards_ends_no_run_before_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = begin(&store);
    let future = store.run("latest").unwrap().started + 1_000_000;
    let connection = rusqlite::Connection::open(folder.path().join("archwright.db")).unwrap();
    connection.execute("UPDATE run SET started = ?1", [future]).unwrap();
    store.end_run(run, RunStatus::Finished, None, None).unwrap();
    assert_eq!(store.run("latest").unwrap().ended, Some(future));
}
