//! An action is carried out by one host at a time.

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use archwright_store::Store;

/// Set for the process that claims an action and keeps it: the store's folder.
const HOLDER: &str = "ARCHWRIGHT_TEST_CLAIM";

#[test]
fn one_handle_holds_a_claim_until_it_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Store::open(folder.path()).unwrap(), Store::open(folder.path()).unwrap());
    let claim = one.claim("key").unwrap().unwrap();
    assert!(other.claim("key").unwrap().is_none());
    assert!(one.claim("key").unwrap().is_none());
    assert!(other.claim("another key").unwrap().is_some());
    drop(claim);
    let claim = other.claim("key").unwrap();
    assert!(claim.is_some());
    drop(claim);
    assert_eq!(std::fs::read_dir(folder.path().join("claims")).unwrap().count(), 0, "no lock file is left behind");
}

#[test]
fn no_two_threads_hold_a_claim_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, claimed) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let store = Store::open(folder.path()).unwrap();
            let (inside, claimed) = (&inside, &claimed);
            scope.spawn(move || {
                for _ in 0..2_000 {
                    if let Some(claim) = store.claim("key").unwrap() {
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                        drop(claim);
                        claimed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(claimed.into_inner() > 0);
}

#[test]
fn a_claim_ends_with_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut holder = common::child("holds_a_claim", HOLDER, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("claimed")));
    assert!(store.claim("key").unwrap().is_none());
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(store.claim("key").unwrap().is_some());
}

/// What [`a_claim_ends_with_its_process`] starts and kills; otherwise nothing.
#[test]
fn holds_a_claim() {
    let Some(folder) = std::env::var_os(HOLDER) else { return };
    let store = Store::open(Path::new(&folder)).unwrap();
    let _claim = store.claim("key").unwrap().unwrap();
    println!("claimed");
    let _ = std::io::stdin().read_line(&mut String::new());
}
