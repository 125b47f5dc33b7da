//! Outcomes are remembered as they were made.

mod common;

use archwright_store::{Item, Store, StoreError};
use common::{begin, outcome, training};

#[test]
fn keeps_outcomes() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = Store::open(folder.path()).unwrap();
        let run = begin(&store);
        store.record_outcome("key", &outcome(0.3), &training(Some(run))).unwrap();
        store.record_outcome("key", &outcome(0.1 + 0.2), &training(None)).unwrap();
    }
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.outcome("key").unwrap(), Some(outcome(0.1 + 0.2)), "the later one, with every bit");
    assert_eq!(store.outcome("other").unwrap(), None);
}

#[test]
fn names_a_damaged_outcome_and_what_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.record_outcome("key", &outcome(0.5), &training(None)).unwrap();
    store.record_outcome("whole", &outcome(0.5), &training(None)).unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("archwright.db")).unwrap();
    for content in ["'{\"curve\": [], \"metr'", "CAST(x'7bff7d' AS TEXT)"] {
        connection.execute(&format!("UPDATE outcome SET outcome = {content} WHERE key = 'key'"), []).unwrap();
        let error = store.outcome("key").unwrap_err();
        assert!(matches!(&error, StoreError::Damaged(damage) if damage.item == Item::Outcome("key".into())));
        let text = error.to_string();
        assert!(text.starts_with("the outcome key is damaged: "), "{text}");
        assert!(text.contains("`archwright cache prune --damaged`"), "{text}");
    }
    assert!(store.outcome("whole").unwrap().is_some());
}
