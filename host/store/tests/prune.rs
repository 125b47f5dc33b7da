//! Pruning gives disk space back and takes nothing that somebody needs.

#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod common;

use std::path::PathBuf;
use std::time::Duration;

use archwright_store::{About, Prune, Pruned, RunId, RunStatus, Store, StoreError};
use common::{begin, make_older, outcome, put_weights, sql, training, with_weights};
use serde_json::json;

const DAY: u64 = 24 * 3600;

/// What goes with everything that may.
fn everything() -> Prune {
    Prune {
        older_than: Some(Duration::ZERO),
        unused_weights: true,
        checkpoints: true,
        unused_parts: true,
        ..Prune::default()
    }
}

/// Weights that are a day old.
fn old_weights(store: &Store, content: &str) -> String {
    let digest = put_weights(store, content);
    make_older(&store.weights_path(&digest), DAY);
    digest
}

/// Prunes, after it was asked what that would do.
fn prune(store: &Store, what: &Prune) -> Pruned {
    let (rows, weights) = (store.outcomes().unwrap(), files(store, "weights").len());
    let planned = store.prune(what, true).unwrap();
    assert_eq!((store.outcomes().unwrap(), files(store, "weights").len()), (rows, weights), "a plan changes nothing");
    let pruned = store.prune(what, false).unwrap();
    assert_eq!(pruned, planned);
    assert_eq!(store.prune(what, false).unwrap(), Pruned::default(), "there is nothing left to do");
    pruned
}

fn files(store: &Store, folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(store.folder().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

fn finish(store: &Store, run: RunId, weights: &[&str]) {
    let result = json!({"finalists": [{"weights": weights}]});
    store.end_run(run, RunStatus::Finished, Some(&result), None).unwrap();
}

#[test]
fn takes_nothing_without_being_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let digest = old_weights(&store, "nobody's");
    store.record_outcome("a", &outcome(0.5), &training(None)).unwrap();
    assert_eq!(prune(&store, &Prune::default()), Pruned::default());
    assert!(store.has_weights(&digest));
}

#[test]
fn a_run_lets_go_of_weights_that_nobody_else_needs() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let [run, other] = [begin(&store), begin(&store)];
    let [own, shared, found, unnamed] = ["own", "shared", "found", "unnamed"].map(|one| put_weights(&store, one));
    for (key, digest) in [("a", &own), ("b", &shared), ("c", &found)] {
        store.record_outcome(key, &with_weights(digest), &training(Some(run))).unwrap();
    }
    store.note_used(other, &["b".to_owned()]).unwrap();
    let third = begin(&store);
    finish(&store, third, &[&found]);
    let all = [&own, &shared, &found, &unnamed, &"0".repeat(64), &"../own".to_owned()].map(String::clone);
    assert_eq!(store.let_go(run, &all).unwrap(), [shared.clone(), found.clone()]);
    assert_eq!([&own, &shared, &found, &unnamed].map(|one| store.has_weights(one)), [false, true, true, false]);
    // The outcomes stay, and nothing is wrong with them.
    assert_eq!(store.outcome("a").unwrap().unwrap().weights, Some(own.clone()));
    assert_eq!(store.check().unwrap(), []);
    finish(&store, other, &[]);
    assert_eq!(store.let_go(run, &all).unwrap(), [found]);
    assert!(!store.has_weights(&shared));
}

#[test]
fn keeps_what_unfinished_runs_used() {
    for status in [None, Some(RunStatus::Interrupted), Some(RunStatus::Failed)] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let run = begin(&store);
        let [made, found, other] = ["made", "found", "other"].map(|content| old_weights(&store, content));
        store.record_outcome("made", &with_weights(&made), &training(Some(run))).unwrap();
        store.record_outcome("found", &with_weights(&found), &training(None)).unwrap();
        store.record_outcome("other", &with_weights(&other), &training(None)).unwrap();
        store.note_used(run, &["found".to_owned()]).unwrap();
        if let Some(status) = status {
            store.end_run(run, status, None, None).unwrap();
        }
        let pruned = prune(&store, &Prune { remembered_weights: true, ..everything() });
        assert_eq!((pruned.outcomes.count, pruned.weights.count, pruned.weights.bytes), (1, 1, 5));
        assert!(store.has_weights(&made) && store.has_weights(&found) && !store.has_weights(&other));
        assert!(store.outcome("made").unwrap().is_some() && store.outcome("other").unwrap().is_none());
        assert_eq!(store.check().unwrap(), []);
    }
}

#[test]
fn keeps_the_weights_that_a_run_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = begin(&store);
    let [best, second, rest] = ["best", "second", "the rest"].map(|content| old_weights(&store, content));
    for digest in [&best, &second, &rest] {
        store.record_outcome(digest, &with_weights(digest), &training(Some(run))).unwrap();
    }
    finish(&store, run, &[&best, &second]);
    let pruned = prune(&store, &everything());
    assert_eq!((pruned.outcomes.count, pruned.weights.count), (3, 1));
    assert!(store.has_weights(&best) && store.has_weights(&second) && !store.has_weights(&rest));
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn weights_go_while_outcomes_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let digest = put_weights(&store, "remembered");
    store.record_outcome("a", &with_weights(&digest), &training(None)).unwrap();
    assert_eq!(prune(&store, &Prune { unused_weights: true, ..Prune::default() }), Pruned::default());
    let pruned = prune(&store, &Prune { remembered_weights: true, ..Prune::default() });
    assert_eq!((pruned.weights.count, pruned.outcomes.count), (1, 0));
    assert!(store.outcome("a").unwrap().is_some());
}

#[test]
fn weights_that_were_just_made_have_time_to_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let digest = put_weights(&store, "just made");
    let what = Prune { unused_weights: true, ..Prune::default() };
    assert_eq!(prune(&store, &what), Pruned::default());
    let file = std::fs::File::options().append(true).open(store.weights_path(&digest)).unwrap();
    file.set_modified(std::time::SystemTime::now() + Duration::from_secs(DAY)).unwrap();
    assert_eq!(prune(&store, &what), Pruned::default(), "the future counts as now");
    make_older(&store.weights_path(&digest), DAY);
    assert_eq!(prune(&store, &what).weights.count, 1);
}

#[test]
fn outcomes_go_by_age_and_data() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = begin(&store);
    for (key, data) in [("new", "d1"), ("old", "d1"), ("old, used", "d1"), ("other data", "d2"), ("future", "d1")] {
        store.record_outcome(key, &outcome(0.5), &About { data, ..training(None) }).unwrap();
    }
    store.note_used(run, &["old, used".to_owned()]).unwrap();
    finish(&store, run, &[]);
    sql(&store, "UPDATE outcome SET recorded = recorded - 1000000 WHERE key <> 'new'");
    sql(&store, "UPDATE outcome SET recorded = recorded + 3000000 WHERE key = 'future'");
    let day = Some(Duration::from_secs(DAY));
    let what = Prune { older_than: day, outcomes_of_data: Some("d2".into()), ..Prune::default() };
    assert_eq!(prune(&store, &what).outcomes.count, 1, "both are asked for");
    assert!(store.outcome("other data").unwrap().is_none());
    let pruned = prune(&store, &Prune { older_than: day, ..Prune::default() });
    assert_eq!(pruned.outcomes.count, 1);
    assert!(pruned.outcomes.bytes > 50);
    assert!(store.outcome("old").unwrap().is_none());
    assert_eq!(prune(&store, &Prune { outcomes_of_data: Some("d1".into()), ..Prune::default() }).outcomes.count, 3);
}

#[test]
fn checkpoints_go_once_they_are_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let other = Store::open(folder.path()).unwrap();
    for key in ["done", "done-again", "stopped", "stopped-long-ago"] {
        std::fs::write(store.checkpoint_path(key), "state").unwrap();
    }
    make_older(&store.checkpoint_path("stopped-long-ago"), DAY);
    store.record_outcome("done", &outcome(0.5), &training(None)).unwrap();
    store.record_outcome("done-again", &outcome(0.5), &training(None)).unwrap();
    let claim = other.claim("done-again").unwrap().unwrap();
    assert_eq!(prune(&store, &Prune { checkpoints: true, ..Prune::default() }).checkpoints.count, 1);
    assert!(store.checkpoint_path("done-again").exists(), "somebody is at it");
    let old = Prune { checkpoints: true, older_than: Some(Duration::from_secs(3600)), ..Prune::default() };
    assert_eq!(prune(&store, &old).checkpoints.count, 1);
    drop(claim);
    assert_eq!(prune(&store, &old).checkpoints.count, 1);
    assert_eq!(files(&store, "weights/checkpoints"), [store.checkpoint_path("stopped")]);
}

#[test]
fn what_somebody_is_making_again_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let digest = old_weights(&store, "made again");
    store.record_outcome("a", &with_weights(&digest), &training(None)).unwrap();
    let claim = store.claim("a").unwrap().unwrap();
    let what = Prune { remembered_weights: true, ..everything() };
    assert_eq!(prune(&store, &what), Pruned::default());
    drop(claim);
    assert_eq!(prune(&store, &what).weights.count, 1);
}

#[test]
fn leftovers_of_killed_writers_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let left = ["weights/.tmpAbC", "weights/checkpoints/.key.safetensors.x", "parts/.tmp1", "runs/.tmp2"];
    for name in left {
        std::fs::write(folder.path().join(name), "half").unwrap();
    }
    std::fs::write(folder.path().join("claims/killed.lock"), "").unwrap();
    assert_eq!(store.prune(&everything(), false).unwrap(), Pruned::default(), "they may be being written");
    for name in left {
        make_older(&folder.path().join(name), DAY);
    }
    let pruned = prune(&store, &Prune::default());
    assert_eq!((pruned.leftovers.count, pruned.leftovers.bytes), (4, 16));
    assert_eq!(files(&store, "claims").len(), 0);
}

#[test]
fn what_was_cut_off_a_journal_goes_once_its_run_will_not_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let [finished, interrupted, removed] = [(); 3].map(|()| begin(&store));
    finish(&store, finished, &[]);
    store.end_run(interrupted, RunStatus::Interrupted, None, None).unwrap();
    let torn = |run: RunId| store.journal_path(run).with_extension("torn");
    for run in [finished, interrupted, removed, RunId(77)] {
        std::fs::write(torn(run), "cut").unwrap();
    }
    store.remove_run(removed).unwrap();
    assert!(!torn(removed).exists());
    assert_eq!(store.prune(&everything(), false).unwrap(), Pruned::default(), "somebody may want to look at it");
    for run in [finished, interrupted, RunId(77)] {
        make_older(&torn(run), DAY);
    }
    let pruned = prune(&store, &Prune::default());
    assert_eq!((pruned.leftovers.count, pruned.leftovers.bytes), (2, 6));
    assert_eq!(files(&store, "runs"), [torn(interrupted)]);
}

#[test]
fn parts_of_runs_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let [named, unnamed, kept_again] = [&b"named"[..], b"unnamed", b"kept again"].map(|part| {
        let digest = store.keep_part(part).unwrap();
        make_older(&folder.path().join("parts").join(&digest), DAY);
        digest
    });
    let settings = json!({"parts": [{"space": {"digest": named}}]});
    let run = store.begin_run(&settings, folder.path()).unwrap();
    finish(&store, run, &[]);
    store.keep_part(b"kept again").unwrap();
    assert_eq!(prune(&store, &everything()).parts.count, 1);
    assert!(store.part(&named).unwrap().is_some() && store.part(&kept_again).unwrap().is_some());
    assert!(store.part(&unnamed).unwrap().is_none());
}

#[test]
fn what_is_damaged_goes_even_if_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = begin(&store);
    let (whole, damaged) = (put_weights(&store, "whole"), put_weights(&store, "damaged"));
    store.record_outcome("whole", &with_weights(&whole), &training(Some(run))).unwrap();
    store.record_outcome("damaged", &with_weights(&damaged), &training(Some(run))).unwrap();
    let part = store.keep_part(b"part").unwrap();
    std::fs::write(store.weights_path(&damaged), "damagee").unwrap();
    std::fs::write(folder.path().join("parts").join(&part), "paru").unwrap();
    sql(&store, "UPDATE outcome SET outcome = substr(outcome, 1, 40) WHERE key = 'damaged'");
    assert_eq!(store.check().unwrap().len(), 3);
    let pruned = prune(&store, &Prune { damaged: true, ..Prune::default() });
    assert_eq!((pruned.outcomes.count, pruned.weights.count, pruned.parts.count), (1, 1, 1));
    assert!(store.has_weights(&whole) && store.outcome("whole").unwrap().is_some());
    assert!(store.outcome("damaged").unwrap().is_none());
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn nothing_goes_while_nobody_knows_what_a_run_needs() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = begin(&store);
    let digest = old_weights(&store, "found");
    finish(&store, run, &[&digest]);
    sql(&store, "UPDATE run SET result = substr(result, 1, 30)");
    let error = store.prune(&everything(), false).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert!(error.to_string().contains("`archwright cache prune --damaged`"), "{error}");
    assert!(store.has_weights(&digest) && store.runs().is_err());

    let other = begin(&store);
    assert_eq!(prune(&store, &Prune { damaged: true, ..Prune::default() }).runs, 1);
    assert_eq!(store.runs().unwrap().iter().map(|run| run.id).collect::<Vec<_>>(), [other]);
    assert_eq!(prune(&store, &everything()).weights.count, 1);
}

#[test]
fn a_run_that_is_removed_needs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = begin(&store);
    std::fs::write(store.journal_path(run), "journal").unwrap();
    store.record_outcome("a", &outcome(0.5), &training(Some(run))).unwrap();
    store.end_run(run, RunStatus::Interrupted, None, None).unwrap();
    assert_eq!(prune(&store, &everything()), Pruned::default());
    store.remove_run(run).unwrap();
    assert!(matches!(store.remove_run(run), Err(StoreError::NoRun(_))));
    assert!(!store.journal_path(run).exists() && store.outcome("a").unwrap().is_some());
    assert_eq!(prune(&store, &everything()).outcomes.count, 1);
    assert_ne!(begin(&store), run, "a name is never given again");
}

/// What a host has of an outcome after its note, it keeps, whatever is pruned meanwhile.
#[test]
fn a_run_keeps_what_it_sees_after_its_note() {
    let recall = |user: &Store, run: RunId, key: &String| user.recall(run, key, true).unwrap().is_some();
    let look_again = |user: &Store, run: RunId, key: &String| {
        user.outcome(key).unwrap().is_some() && {
            user.note_used(run, std::slice::from_ref(key)).unwrap();
            user.outcome(key).unwrap().is_some() && user.has_weights(key)
        }
    };
    for take in [&recall as &(dyn Fn(&Store, RunId, &String) -> bool + Sync), &look_again] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let digests: Vec<String> = (0..60).map(|index| old_weights(&store, &index.to_string())).collect();
        for digest in &digests {
            store.record_outcome(digest, &with_weights(digest), &training(None)).unwrap();
        }
        let run = begin(&store);
        let seen: Vec<String> = std::thread::scope(|scope| {
            let pruner = Store::open(folder.path()).unwrap();
            let user = Store::open(folder.path()).unwrap();
            scope.spawn(move || {
                for data in ["d2", "d1"] {
                    let outcomes_of_data = Some(data.into());
                    let what = Prune { outcomes_of_data, unused_weights: true, ..Prune::default() };
                    pruner.prune(&what, false).unwrap();
                }
            });
            scope.spawn(move || digests.into_iter().filter(|key| take(&user, run, key)).collect()).join().unwrap()
        });
        for digest in seen {
            assert!(store.has_weights(&digest) && store.outcome(&digest).unwrap().is_some());
        }
    }
}

#[test]
fn recalls_what_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = begin(&store);
    let digest = put_weights(&store, "weights");
    store.record_outcome("a", &with_weights(&digest), &training(None)).unwrap();
    store.record_outcome("b", &outcome(0.5), &training(None)).unwrap();
    assert_eq!(store.recall(run, "a", true).unwrap(), Some(with_weights(&digest)));
    assert_eq!(store.recall(run, "b", true).unwrap(), None, "it has no weights");
    assert_eq!(store.recall(run, "b", false).unwrap(), Some(outcome(0.5)));
    assert_eq!(store.recall(run, "c", false).unwrap(), None);
    std::fs::remove_file(store.weights_path(&digest)).unwrap();
    assert_eq!(store.recall(run, "a", true).unwrap(), None);
    assert_eq!(store.cache_stats().unwrap().uses, 2);
    assert!(matches!(store.recall(RunId(9), "b", false), Err(StoreError::NoRun(_))));
}
