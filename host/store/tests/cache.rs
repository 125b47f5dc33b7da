//! People can look through what is remembered.

#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod common;

use std::time::Duration;

use archwright_store::{About, CacheEntry, Filter, Store, StoreError};
use common::{begin, outcome, put_weights, sql, training, with_weights};

/// Three outcomes, recorded 300, 200 and 100 seconds ago; two runs, of which the second used what the first made.
fn store(folder: &tempfile::TempDir) -> Store {
    let store = Store::open(folder.path()).unwrap();
    let (one, two) = (begin(&store), begin(&store));
    let digest = put_weights(&store, "weights");
    store.record_outcome("a", &with_weights(&digest), &training(Some(one))).unwrap();
    store.record_outcome("b", &outcome(0.75), &About { fingerprint: Some("f2"), ..training(Some(one)) }).unwrap();
    let test = About { action: "evaluate", fingerprint: None, data: "d2", run: Some(two) };
    store.record_outcome("c", &outcome(0.25), &test).unwrap();
    store.note_used(two, &["a".to_owned(), "b".to_owned()]).unwrap();
    store.note_used(two, &["a".to_owned(), "gone".to_owned()]).unwrap();
    store.note_used(one, &["a".to_owned()]).unwrap();
    for (key, age) in [("a", 300), ("b", 200), ("c", 100)] {
        sql(&store, &format!("UPDATE outcome SET recorded = recorded - {age} WHERE key = '{key}'"));
    }
    store
}

fn keys(entries: &[CacheEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

#[test]
fn sums_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    std::fs::write(store.checkpoint_path("d"), "state").unwrap();
    store.keep_part(b"plugin").unwrap();
    let stats = store.cache_stats().unwrap();
    assert_eq!(stats.outcomes, [("evaluate".to_owned(), 1), ("train".to_owned(), 2)].into());
    assert_eq!((stats.seconds, stats.seconds_saved, stats.uses), (4.5, 3.0, 5));
    assert_eq!((stats.networks, stats.data_sets), (2, 2));
    assert_eq!((stats.weights.count, stats.weights.bytes), (1, 7));
    assert_eq!((stats.checkpoints.count, stats.checkpoints.bytes), (1, 5));
    assert_eq!((stats.parts.count, stats.parts.bytes), (1, 6));
    assert!(stats.database_bytes > 4096);
    store.remove_checkpoint("d");
    store.remove_checkpoint("d");
    assert_eq!(store.cache_stats().unwrap().checkpoints.count, 0);
}

#[test]
fn an_empty_store_has_sums() {
    let folder = tempfile::tempdir().unwrap();
    let stats = Store::open(folder.path()).unwrap().cache_stats().unwrap();
    assert_eq!((stats.outcomes.len(), stats.seconds, stats.seconds_saved, stats.uses), (0, 0.0, 0.0, 0));
}

#[test]
fn lists_what_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let list = |filter: Filter| store.cache_list(&filter).unwrap();
    let all = list(Filter::default());
    assert_eq!(keys(&all), ["c", "b", "a"], "the newest first");
    assert_eq!((all[2].runs, all[2].accuracy, all[2].action.as_deref()), (2, Some(0.5), Some("train")));
    assert!(all[2].used > Some(all[2].recorded));
    assert_eq!(keys(&list(Filter { limit: Some(2), ..Filter::default() })), ["c", "b"]);
    assert_eq!(keys(&list(Filter { data: Some("d1".into()), ..Filter::default() })), ["b", "a"]);
    assert_eq!(keys(&list(Filter { data: Some("d".into()), ..Filter::default() })), ["c", "b", "a"]);
    assert_eq!(keys(&list(Filter { data: Some("%".into()), ..Filter::default() })), [""; 0]);
    assert_eq!(keys(&list(Filter { fingerprint: Some("f1".into()), ..Filter::default() })), ["a"]);
    let first = store.runs().unwrap()[1].id;
    assert_eq!(keys(&list(Filter { run: Some(first), ..Filter::default() })), ["b", "a"]);
    // All were used just now, though two were recorded long ago.
    let old = Filter { older_than: Some(Duration::from_secs(90)), ..Filter::default() };
    assert_eq!(keys(&list(old.clone())), [""; 0]);
    sql(&store, "UPDATE used SET at = at - 150");
    assert_eq!(keys(&list(old)), ["c", "b", "a"]);
}

#[test]
fn hands_out_whole_outcomes_until_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let mut seen = Vec::new();
    store
        .cache_export(&Filter::default(), &mut |entry, outcome| {
            seen.push((entry.key, outcome.metrics.accuracy, outcome.curve.len()));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(seen, [("c".to_owned(), 0.25, 1), ("b".to_owned(), 0.75, 1), ("a".to_owned(), 0.5, 1)]);
    let mut count = 0;
    let refused = store.cache_export(&Filter::default(), &mut |_, _| {
        count += 1;
        Err(StoreError::NoRun("none".into()))
    });
    assert!(matches!(refused, Err(StoreError::NoRun(_))));
    assert_eq!(count, 1);
}

#[test]
fn the_future_counts_as_now() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    sql(&store, "UPDATE outcome SET recorded = recorded + 1000000; UPDATE used SET at = at + 2000000");
    let entries = store.cache_list(&Filter { older_than: Some(Duration::ZERO), ..Filter::default() }).unwrap();
    assert_eq!(entries.len(), 3);
    let entries = store.cache_list(&Filter { older_than: Some(Duration::from_secs(1)), ..Filter::default() }).unwrap();
    assert_eq!(entries.len(), 0);
}
