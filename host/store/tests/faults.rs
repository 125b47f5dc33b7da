//! Disks that are full or read-only, databases that are locked or damaged: real ones.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod common;

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use archwright_store::{RunStatus, Store, StoreError};
use common::{begin, outcome, put_weights, training};
use rusqlite::Connection;
use serde_json::json;

/// A small disk of its own. It goes with this.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// `None`, and a line that says so, where this process may not mount one.
    fn mount() -> Option<Self> {
        let disk = Self { folder: tempfile::tempdir().unwrap() };
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(disk.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(disk);
        }
        println!("SKIPPED: this process may not mount a file system, so that no disk can be filled or made read-only");
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn store(&self) -> PathBuf {
        self.path().join("store")
    }

    fn remount(&self, how: &str) {
        let option = format!("remount,{how}");
        assert!(Command::new("mount").args(["-o", &option]).arg(self.path()).status().unwrap().success());
    }

    /// Fills the disk to the last byte; gives the file that does.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filling");
        let mut file = std::fs::File::options().append(true).create(true).open(&path).unwrap();
        for size in [65_536, 4_096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).output();
    }
}

fn assert_full(error: &StoreError, store: &Path) {
    let text = error.to_string();
    assert!(matches!(error, StoreError::Full { path } if path == store), "{error:?}");
    assert!(text.contains(&store.display().to_string()) && text.contains("archwright resume"), "{text}");
}

#[test]
fn a_full_disk_loses_nothing_that_was_recorded() {
    let Some(disk) = Disk::mount() else { return };
    let store = Store::open(&disk.store()).unwrap();
    let run = begin(&store);
    store.record_outcome("before", &outcome(0.5), &training(Some(run))).unwrap();
    let filling = disk.fill();

    // Pages of the log that are there already may take some more; then it is over.
    let mut recorded = vec!["before".to_owned()];
    let error = loop {
        let key = format!("key {}", recorded.len());
        match store.record_outcome(&key, &outcome(0.25), &training(Some(run))) {
            Ok(()) => recorded.push(key),
            Err(error) => break error,
        }
    };
    assert_full(&error, &disk.store());
    assert_full(&store.keep_part(&[7; 100_000]).unwrap_err(), &disk.store());
    let keys: Vec<String> = (0..2_000).map(|index| format!("a long list of keys {index}")).collect();
    assert_full(&store.note_used(run, &keys).unwrap_err(), &disk.store());
    for key in &recorded {
        assert!(store.outcome(key).unwrap().is_some(), "what was recorded can be read while the disk is full");
    }
    assert_eq!(store.cache_stats().unwrap().parts.count, 0);
    let refused = Store::open(&disk.path().join("another store")).unwrap_err();
    assert_full(&refused, &disk.path().join("another store"));

    std::fs::remove_file(filling).unwrap();
    store.record_outcome("after", &outcome(0.75), &training(Some(run))).unwrap();
    store.end_run(run, RunStatus::Finished, None, None).unwrap();
    drop(store);
    let store = Store::open(&disk.store()).unwrap();
    recorded.push("after".to_owned());
    assert_eq!(store.outcomes().unwrap(), recorded.len() as u64);
    assert_eq!(store.check().unwrap(), []);
    Store::open(&disk.path().join("another store")).unwrap();
}

#[test]
fn a_full_disk_can_be_pruned() {
    let Some(disk) = Disk::mount() else { return };
    let store = Store::open(&disk.store()).unwrap();
    store.record_outcome("done", &outcome(0.5), &training(None)).unwrap();
    std::fs::write(store.checkpoint_path("done"), vec![0; 100_000]).unwrap();
    disk.fill();
    let what = archwright_store::Prune { checkpoints: true, ..Default::default() };
    assert_eq!(store.prune(&what, false).unwrap().checkpoints.bytes, 100_000);
    store.record_outcome("another", &outcome(0.5), &training(None)).unwrap();
}

#[test]
fn a_read_only_store_can_be_looked_at() {
    let Some(disk) = Disk::mount() else { return };
    let (weights, part) = {
        let store = Store::open(&disk.store()).unwrap();
        begin(&store);
        store.record_outcome("key", &outcome(0.5), &training(None)).unwrap();
        (put_weights(&store, "weights"), store.keep_part(b"part").unwrap())
    };
    disk.remount("ro");
    let store = Store::open(&disk.store()).unwrap();
    assert!(!store.is_writable());
    assert_eq!(store.outcome("key").unwrap(), Some(outcome(0.5)));
    assert!(store.has_weights(&weights) && store.part(&part).unwrap().is_some());
    assert_eq!(store.cache_stats().unwrap().outcomes["train"], 1);
    assert_eq!(store.check().unwrap(), []);
    let run = store.run("latest").unwrap().id;
    let what = archwright_store::Prune { older_than: Some(Duration::ZERO), ..Default::default() };
    for refused in [
        store.record_outcome("other", &outcome(0.5), &training(None)),
        store.note_used(run, &["key".to_owned()]),
        store.set_progress(run, 1),
        store.reopen_run(run),
        store.begin_run(&json!({}), Path::new("/")).map(drop),
        store.end_run(run, RunStatus::Finished, None, None),
        store.claim("key").map(drop),
        store.keep_part(b"another part").map(drop),
        store.prune(&what, false).map(drop),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(&error, StoreError::ReadOnly { path } if *path == disk.store()), "{error:?}");
        assert!(error.to_string().contains("is read-only"), "{error}");
    }
    let error = Store::open(&disk.path().join("another store")).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    drop(store);
    disk.remount("rw");
    assert!(Store::open(&disk.store()).unwrap().is_writable());
}

/// A store whose host was killed has a log that is not yet in the database.
#[test]
fn a_read_only_store_shows_what_its_killed_host_recorded() {
    let Some(disk) = Disk::mount() else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let store = Store::open(elsewhere.path()).unwrap();
    store.record_outcome("key", &outcome(0.5), &training(None)).unwrap();
    std::fs::create_dir(disk.store()).unwrap();
    for name in ["archwright.db", "archwright.db-wal", "archwright.db-shm"] {
        std::fs::copy(elsewhere.path().join(name), disk.store().join(name)).unwrap();
    }
    disk.remount("ro");
    let store = Store::open(&disk.store()).unwrap();
    assert!(!store.is_writable());
    assert_eq!(store.outcome("key").unwrap(), Some(outcome(0.5)));
    assert!(matches!(store.claim("key"), Err(StoreError::ReadOnly { .. })));
}

#[test]
fn a_read_only_store_of_an_older_version_says_so() {
    let Some(disk) = Disk::mount() else { return };
    std::fs::create_dir(disk.store()).unwrap();
    let connection = Connection::open(disk.store().join("archwright.db")).unwrap();
    connection.execute_batch("CREATE TABLE run (id INTEGER); PRAGMA user_version = 1").unwrap();
    drop(connection);
    disk.remount("ro");
    assert!(matches!(Store::open(&disk.store()), Err(StoreError::Older { .. })));
}

/// Set for the process of another user: the folder of a store.
const FOREIGN: &str = "ARCHWRIGHT_TEST_FOREIGN_STORE";

#[test]
fn the_store_of_another_user_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.record_outcome("key", &outcome(0.5), &training(None)).unwrap();
    let look = || common::child("looks_at_a_foreign_store", FOREIGN, folder.path()).uid(65_534).gid(65_534).output();
    let at_work = match look() {
        Ok(output) if !String::from_utf8_lossy(&output.stderr).contains("cannot open shared object") => output,
        _ => {
            println!("SKIPPED: this process may not start one of another user");
            return;
        }
    };
    assert!(at_work.status.success(), "while its owner is at work: {}", String::from_utf8_lossy(&at_work.stdout));
    drop(store);
    let closed = look().unwrap();
    assert!(closed.status.success(), "after its owner: {}", String::from_utf8_lossy(&closed.stdout));
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    assert!(!look().unwrap().status.success());
}

/// What [`the_store_of_another_user_can_be_looked_at`] starts; otherwise nothing.
#[test]
fn looks_at_a_foreign_store() {
    let Some(folder) = std::env::var_os(FOREIGN) else { return };
    let store = Store::open(Path::new(&folder)).unwrap();
    assert!(!store.is_writable());
    assert_eq!(store.outcome("key").unwrap(), Some(outcome(0.5)));
    let refused = store.record_outcome("other", &outcome(0.5), &training(None));
    assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    assert!(matches!(store.claim("key"), Err(StoreError::ReadOnly { .. })));
}

#[test]
fn says_that_another_process_keeps_the_store_locked() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_with_patience(folder.path(), Duration::from_millis(50)).unwrap();
    let other = Connection::open(folder.path().join("archwright.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = store.record_outcome("key", &outcome(0.5), &training(None)).unwrap_err();
    assert!(matches!(&error, StoreError::Locked { path, .. } if path == folder.path()), "{error:?}");
    assert!(error.to_string().contains("locked for 0.05 s"), "{error}");
    assert_eq!(store.outcome("key").unwrap(), None, "it can be read meanwhile");
    other.execute_batch("ROLLBACK").unwrap();
    store.record_outcome("key", &outcome(0.5), &training(None)).unwrap();
}

/// A store with some content; its folder and database file.
fn closed_store() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for index in 0..200 {
        store.record_outcome(&index.to_string(), &outcome(0.5), &training(None)).unwrap();
    }
    put_weights(&store, "weights");
    let path = folder.path().join("archwright.db");
    (folder, path)
}

#[test]
fn a_database_that_was_cut_off_is_left_alone() {
    for length in [0, 50, 4096, 4096 * 5 + 17] {
        let (folder, path) = closed_store();
        let content = std::fs::read(&path).unwrap();
        std::fs::write(&path, &content[..length]).unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert!(matches!(&error, StoreError::Corrupt { path: named, .. } if *named == path), "{length}: {error:?}");
        let text = error.to_string();
        assert!(text.contains("Put a copy") && text.contains("It was left as it is"), "{text}");
        assert_eq!(std::fs::read(&path).unwrap(), content[..length], "{length}");
    }
}

/// Whatever bytes of the database change: a read gives what was recorded or an error, never a panic or another value.
#[test]
fn flipped_bytes_are_an_error_or_do_not_matter() {
    let (folder, path) = closed_store();
    let content = std::fs::read(&path).unwrap();
    let mut found = 0;
    for start in (0..content.len()).step_by(1777) {
        let mut changed = content.clone();
        changed[start..].iter_mut().take(16).for_each(|byte| *byte ^= 0x15);
        std::fs::write(&path, &changed).unwrap();
        let store = match Store::open(folder.path()) {
            Ok(store) => store,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                found += 1;
                continue;
            }
        };
        let mut unreadable = 0;
        for index in 0..200 {
            match store.outcome(&index.to_string()) {
                Ok(Some(found)) => assert_eq!(found, outcome(0.5)),
                Ok(None) => {}
                Err(_) => unreadable += 1,
            }
        }
        let checked = store.check();
        found += usize::from(unreadable > 0 || checked.is_err() || checked.is_ok_and(|damages| !damages.is_empty()));
    }
    assert!(found > 10, "{found}");
}

#[test]
fn a_damaged_page_is_an_error_where_it_is_read() {
    let (folder, path) = closed_store();
    let mut content = std::fs::read(&path).unwrap();
    content[4096..].fill(0xa5);
    std::fs::write(&path, &content).unwrap();
    let store = Store::open(folder.path());
    let error = store.and_then(|store| store.outcome("7")).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), content);
}
