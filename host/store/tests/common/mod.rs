//! What the tests share.
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::path::Path;

use archwright_protocol::{Epoch, Metrics, Outcome};
use archwright_store::{About, RunId, Store};
use serde_json::json;

/// An outcome of a training without weights.
pub(crate) fn outcome(accuracy: f64) -> Outcome {
    Outcome {
        curve: vec![Epoch { epoch: 1, train_loss: 0.3, metrics: Metrics { accuracy, loss: 0.1 } }],
        ..Outcome::of(Metrics { accuracy, loss: 0.1 }, 1.5)
    }
}

/// A training of `run`.
pub(crate) fn training(run: Option<RunId>) -> About<'static> {
    About { run, action: "train", fingerprint: Some("f1"), data: "d1" }
}

/// Starts a run.
pub(crate) fn begin(store: &Store) -> RunId {
    store.begin_run(&json!({"run": {"seed": 7}}), Path::new("/experiments")).unwrap()
}

/// Puts weights into the store, as a trainer does; gives their digest.
pub(crate) fn put_weights(store: &Store, content: &str) -> String {
    let digest = digest(content);
    std::fs::write(store.weights_path(&digest), content).unwrap();
    digest
}

/// An outcome of a training that kept weights.
pub(crate) fn with_weights(digest: &str) -> Outcome {
    Outcome { weights: Some(digest.to_owned()), ..outcome(0.5) }
}

/// Changes a store behind its back.
pub(crate) fn sql(store: &Store, sql: &str) {
    let connection = rusqlite::Connection::open(store.folder().join("archwright.db")).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Makes a file look as if it was written so many seconds ago.
pub(crate) fn make_older(path: &Path, seconds: u64) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(seconds)).unwrap();
}

/// The digest of a content.
pub(crate) fn digest(content: &str) -> String {
    blake3::hash(content.as_bytes()).to_hex().to_string()
}

/// Runs a test of this test program in a process of its own, with `variable` set.
pub(crate) fn child(test: &str, variable: &str, value: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(variable, value);
    command
}
