//! Damage is found, named, and comes with what mends it.

mod common;

use archwright_store::{Item, RunStatus, Store};
use common::{begin, outcome, put_weights, sql, training, with_weights};
use serde_json::json;

#[test]
fn a_sound_store_has_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = begin(&store);
    let digest = put_weights(&store, "weights");
    store.record_outcome("a", &with_weights(&digest), &training(Some(run))).unwrap();
    store.record_outcome("b", &outcome(1.0 / 3.0), &training(None)).unwrap();
    store.note_used(run, &["pruned long ago".to_owned()]).unwrap();
    store.keep_part(b"part").unwrap();
    let result = json!({"finalists": [{"weights": [digest]}]});
    store.end_run(run, RunStatus::Finished, Some(&result), None).unwrap();
    std::fs::write(folder.path().join("weights/.tmp1"), "half").unwrap();
    std::fs::write(folder.path().join("weights/notes.txt"), "a person's").unwrap();
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn names_everything_that_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = begin(&store);
    let weights = put_weights(&store, "weights");
    let missing = common::digest("missing");
    let part = store.keep_part(b"part").unwrap();
    for key in ["text", "number", "other weights", "other key", "whole"] {
        store.record_outcome(key, &with_weights(&weights), &training(Some(run))).unwrap();
    }
    let result = json!({"finalists": [{"weights": [weights, missing]}]});
    store.end_run(run, RunStatus::Finished, Some(&result), None).unwrap();
    let other = begin(&store);

    std::fs::write(store.weights_path(&weights), "weightt").unwrap();
    std::fs::write(folder.path().join("parts").join(&part), "").unwrap();
    sql(&store, "UPDATE outcome SET outcome = substr(outcome, 2) WHERE key = 'text'");
    sql(&store, "UPDATE outcome SET outcome = replace(outcome, '0.1', '0.7') WHERE key = 'number'");
    sql(&store, "UPDATE outcome SET key = 'some key' WHERE key = 'other key'");
    sql(&store, "UPDATE outcome SET weights = 'x' WHERE key = 'other weights'");
    sql(&store, &format!("UPDATE run SET settings = '{{' WHERE id = {other}"));
    sql(&store, "PRAGMA foreign_keys = OFF; INSERT INTO used VALUES (77, 'key', 0, 0)");

    let damages = store.check().unwrap();
    let mut items: Vec<Item> = damages.iter().map(|damage| damage.item.clone()).collect();
    let mut expected = vec![
        Item::Database,
        Item::Outcome("number".into()),
        Item::Outcome("other weights".into()),
        Item::Outcome("some key".into()),
        Item::Outcome("text".into()),
        Item::Run(other),
        Item::Weights(missing.clone()),
        Item::Weights(weights),
        Item::Part(part),
    ];
    items.sort();
    expected.sort();
    assert_eq!(items, expected, "{damages:#?}");
    assert!(damages.iter().all(|damage| !damage.problem.is_empty() && !damage.remedy.is_empty()));
    let text = damages.iter().find(|damage| damage.item == Item::Weights(missing.clone())).unwrap().to_string();
    assert!(text.starts_with(&format!("the weights {missing} are damaged: they are missing, though")), "{text}");
    assert!(store.outcome("number").is_err(), "a changed number is found where it is read, too");
}

#[test]
fn goes_on_behind_damaged_pages() {
    let folder = tempfile::tempdir().unwrap();
    let weights = {
        let store = Store::open(folder.path()).unwrap();
        for index in 0..200 {
            store.record_outcome(&index.to_string(), &outcome(0.5), &training(None)).unwrap();
        }
        let weights = put_weights(&store, "weights");
        std::fs::write(store.weights_path(&weights), "weightt").unwrap();
        weights
    };
    let path = folder.path().join("archwright.db");
    let mut content = std::fs::read(&path).unwrap();
    let middle = content.len() / 8192 * 4096;
    content[middle..middle + 4096].fill(0xa5);
    std::fs::write(&path, &content).unwrap();
    let store = Store::open(folder.path()).unwrap();
    let damages = store.check().unwrap();
    assert!(damages.iter().any(|damage| damage.item == Item::Database), "{damages:?}");
    assert!(damages.iter().any(|damage| damage.item == Item::Weights(weights.clone())), "{damages:?}");
    drop(store);
    assert_eq!(std::fs::read(&path).unwrap(), content, "a look changes nothing");
}
