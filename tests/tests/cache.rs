//! What the store keeps: looked through, checked, exported, deleted.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use archwright_tests::{Bench, experiment, stderr};
use serde_json::Value;

const RANDOM: &str = "use = \"random\"";
const SECOND: Duration = Duration::from_secs(1);

/// A bench whose store holds a finished run.
fn searched() -> (Bench, Value) {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment(RANDOM, ""));
    let report = bench.json(["run", "experiment.toml", "--json"]);
    (bench, report)
}

fn list<const N: usize>(bench: &Bench, arguments: [&str; N]) -> Vec<Value> {
    bench.json(arguments).as_array().unwrap().clone()
}

/// The file of the weights that a run found.
fn found_weights(bench: &Bench, report: &Value) -> PathBuf {
    let digest = report["found"]["weights"][0].as_str().unwrap();
    bench.path().join(format!("store/weights/{digest}.safetensors"))
}

fn lines(text: &[u8]) -> Vec<Value> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[test]
fn tells_what_is_remembered_and_what_it_saved() {
    let (bench, _) = searched();
    let once = bench.json(["cache", "stats", "--json"]);
    assert_eq!(once["seconds_saved"], 0.0);
    // Six trainings of the search, one of the finalist, its test.
    assert_eq!(once["outcomes"]["train"], 7);
    assert_eq!(once["outcomes"]["evaluate"], 1);
    assert_eq!(once["weights"]["count"], 1);
    assert_eq!(once["checkpoints"]["count"], 0);
    assert_eq!(once["data_sets"], 1);

    let again = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(again["tried"]["trained"], 0);
    let twice = bench.json(["cache", "stats", "--json"]);
    assert_eq!(twice["outcomes"], once["outcomes"]);
    assert_eq!(twice["seconds"], once["seconds"]);
    assert_eq!(twice["uses"], 2 * once["uses"].as_u64().unwrap());
    assert!(twice["seconds_saved"].as_f64().unwrap() >= again["tried"]["cost"].as_f64().unwrap(), "{twice}");

    for arguments in [["cache", "stats"], ["cache", "list"], ["cache", "check"]] {
        let output = bench.output(arguments);
        assert!(output.status.success() && !output.stdout.is_empty(), "{}", stderr(&output));
    }
}

#[test]
fn lists_what_is_asked_for() {
    let (bench, report) = searched();
    let all = list(&bench, ["cache", "list", "--json"]);
    assert_eq!(all.len(), 8);
    let data = all[0]["data"].as_str().unwrap();
    assert_eq!(list(&bench, ["cache", "list", "--data", &data[..8], "--json"]), all);

    let fingerprint = report["found"]["fingerprint"].as_str().unwrap();
    let found = list(&bench, ["cache", "list", "--fingerprint", &fingerprint[..10], "--json"]);
    // Trained in the search, trained in full with its weights, tested.
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|entry| entry["fingerprint"] == fingerprint), "{found:?}");
    assert_eq!(found.iter().filter(|entry| entry["weights"] == report["found"]["weights"][0]).count(), 1);

    assert_eq!(list(&bench, ["cache", "list", "--limit", "2", "--json"]), all[..2]);
    assert_eq!(list(&bench, ["cache", "list", "--older-than", "1h", "--json"]).len(), 0);
    assert_eq!(list(&bench, ["cache", "list", "--older-than", "0s", "--json"]), all);

    // Another run, of which two queries are new.
    bench.write("other.toml", experiment(RANDOM, "").replace("queries = 6", "queries = 8"));
    bench.json(["run", "other.toml", "--json"]);
    assert_eq!(list(&bench, ["cache", "list", "--run", "1", "--json"]).len(), 8);
    let of_both = list(&bench, ["cache", "list", "--run", "latest", "--json"]);
    assert!(of_both.iter().filter(|entry| entry["runs"] == 2).count() >= 6, "{of_both:?}");
    assert!(of_both.iter().filter(|entry| entry["runs"] == 1).count() >= 2, "{of_both:?}");
}

#[test]
fn exports_outcomes_in_full() {
    let (bench, _) = searched();
    let printed = lines(&bench.output(["cache", "export"]).stdout);
    assert_eq!(printed.len(), 8);
    for line in &printed {
        assert_eq!(line["accuracy"], line["outcome"]["metrics"]["accuracy"]);
        let epochs = if line["action"] == "train" { 2 } else { 0 };
        assert_eq!(line["outcome"]["curve"].as_array().unwrap().len(), epochs);
    }
    let told = bench.json(["cache", "export", "--run", "1", "-o", "outcomes.jsonl", "--json"]);
    assert_eq!(told["outcomes"], 8);
    assert_eq!(lines(&fs::read(bench.path().join("outcomes.jsonl")).unwrap()), printed);
    assert_eq!(bench.output(["cache", "export", "--older-than", "1h"]).stdout, b"");
}

#[test]
fn prunes_what_it_said_and_no_more() {
    let (bench, report) = searched();
    // As long ago as nothing was used, and everything there is.
    let everything = [
        "cache",
        "prune",
        "--older-than",
        "0s",
        "--unused-weights",
        "--remembered-weights",
        "--checkpoints",
        "--unused-parts",
        "--json",
        "--dry-run",
    ];
    let before = bench.json(["cache", "stats", "--json"]);
    let foretold = bench.json(everything);
    assert_eq!(foretold["outcomes"]["count"], 8);
    // The run's result needs them.
    assert_eq!(foretold["weights"]["count"], 0);
    assert_eq!(foretold["parts"]["count"], 0);
    assert_eq!(bench.json(["cache", "stats", "--json"]), before);

    let [real @ .., _] = everything;
    assert_eq!(bench.json(real), foretold);
    let after = bench.json(["cache", "stats", "--json"]);
    assert_eq!(after["outcomes"], serde_json::json!({}));
    assert_eq!(after["weights"], before["weights"]);
    assert!(found_weights(&bench, &report).is_file());
    assert_eq!(bench.json(["cache", "check", "--json"]).as_array().unwrap().len(), 0);
    assert_eq!(bench.json(["verify", "1", "--json"])["differences"].as_array().unwrap().len(), 0);

    let again = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(again["tried"]["trained"], 6);
    for equal in ["test_accuracy", "test"] {
        assert_eq!(again[equal], report[equal], "{equal}");
    }
}

#[test]
fn keeps_weights_that_results_need_until_their_runs_are_removed() {
    let (bench, report) = searched();
    let prune = ["cache", "prune", "--remembered-weights", "--json"];
    assert_eq!(bench.json(prune)["weights"]["count"], 0);
    let again = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!((&again["tried"]["trained"], &again["found"]), (&0.into(), &report["found"]));

    let removed = bench.json(["remove", "1", "latest", "--json"]);
    assert_eq!(removed["removed"], serde_json::json!([1, 2]));
    assert_eq!(list(&bench, ["runs", "--json"]).len(), 0);
    assert_eq!(fs::read_dir(bench.path().join("store/runs")).unwrap().count(), 0);
    assert!(bench.fails(["show", "1"], 2).contains("there is no run"));
    assert_eq!(bench.json(prune)["weights"]["count"], 1);
    assert!(!found_weights(&bench, &report).exists());

    // What was trained is still remembered, but for the weights.
    let anew = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!((&anew["tried"]["trained"], &anew["test"]), (&0.into(), &report["test"]));
    assert!(found_weights(&bench, &anew).is_file());
}

#[test]
fn finds_damage_and_mends_it() {
    let (bench, report) = searched();
    let weights = found_weights(&bench, &report);
    let mut bytes = fs::read(&weights).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&weights, bytes).unwrap();
    let digest = report["found"]["weights"][0].as_str().unwrap();
    for command in [["cache", "check"].as_slice(), &["doctor"], &["cache", "check", "--json"], &["doctor", "--json"]] {
        let output = bench.command([]).args(command).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(digest) && said.contains("archwright cache prune --damaged"), "{said}");
    }
    assert_eq!(bench.json(["cache", "prune", "--damaged", "--json"])["weights"]["count"], 1);
    assert!(!weights.exists());
    // They are trained again, and then nothing is missing.
    let again = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(again["found"], report["found"]);
    assert!(bench.output(["cache", "check"]).status.success());
    assert!(bench.output(["doctor"]).status.success());
}

#[test]
fn finds_a_damaged_journal() {
    let (bench, _) = searched();
    let journal = bench.path().join("store/runs/1.journal");
    let mut bytes = fs::read(&journal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&journal, bytes).unwrap();
    let output = bench.output(["cache", "check"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("run 1") && said.contains("archwright remove 1"), "{said}");
    assert!(bench.output(["remove", "1"]).status.success());
    assert!(bench.output(["cache", "check"]).status.success());
}

#[test]
fn a_run_under_way_stays() {
    let (bench, _) = searched();
    bench.write("long.toml", experiment(RANDOM, "").replace("epochs = 2", "epochs = 1000"));
    let mut host = bench.command(["run", "long.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let journal = bench.path().join("store/runs/2.journal");
    while !journal.exists() {
        assert!(start.elapsed() < 60 * SECOND, "the run starts");
        std::thread::sleep(SECOND / 100);
    }
    let message = bench.fails(["remove", "2"], 2);
    assert!(message.contains("run 2 is under way"), "{message}");
    // All or none.
    bench.fails(["remove", "1", "2"], 2);
    assert_eq!(list(&bench, ["runs", "--json"]).len(), 2);
    host.kill().unwrap();
    host.wait().unwrap();
    assert!(bench.output(["cache", "check"]).status.success());
    assert!(bench.output(["remove", "2"]).status.success());
    assert_eq!(list(&bench, ["runs", "--json"]).len(), 1);
    assert!(!journal.exists());
}

#[test]
fn refuses_what_it_cannot_do() {
    let (bench, _) = searched();
    let before = bench.json(["cache", "stats", "--json"]);
    for (arguments, said) in [
        (["cache", "list", "--older-than", "30"], "time unit needed"),
        (["cache", "prune", "--older-than", "a month"], "invalid value"),
        (["cache", "list", "--fingerprint", "chain"], "0 to 9 and a to f"),
        (["cache", "list", "--data", "digits"], "no outcome is about data whose digest starts with `digits`"),
        (["cache", "export", "--data", "digits"], "no outcome is about data"),
        (["cache", "prune", "--data", "digits"], "no outcome is about data"),
        (["cache", "prune", "--data", ""], "it is empty"),
        (["cache", "list", "--run", "7"], "there is no run `7`"),
        (["cache", "list", "--limit", "some"], "invalid value"),
        (["remove", "1", "7", "--json"], "there is no run `7`"),
        (["remove", "1", "first", "--json"], "a run is a number, or `latest`"),
    ] {
        let message = bench.fails(arguments, 2);
        assert!(message.contains(said), "{arguments:?}: {message}");
    }
    let message = bench.fails(["cache", "prune"], 2);
    assert!(message.contains("--unused-weights") && message.contains("--damaged"), "{message}");
    bench.fails(["cache", "prune", "--dry-run"], 2);
    bench.fails(["remove"], 2);
    assert_eq!(bench.json(["cache", "stats", "--json"]), before);
    assert_eq!(list(&bench, ["runs", "--json"]).len(), 1);
}

#[test]
fn an_ambiguous_data_set_is_not_pruned() {
    let (bench, _) = searched();
    let first = list(&bench, ["cache", "list", "--json"])[0]["data"].as_str().unwrap().to_owned();
    // Another trainer may name its data as it likes.
    let trainer = format!(
        r#"
import json, sys

def say(**message):
    print(json.dumps(message), flush=True)

metrics = dict(accuracy=0.5, loss=1.0)
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "setup":
        say(type="ready", protocol=1, name="test", version="0", numerics="none", actions=["train", "evaluate"],
            device=dict(name="none"),
            data=dict(digest="{}0", input=[1, 8, 8], classes=10, train=8, validation=1, test=1))
    elif message["type"] == "act":
        say(type="done", id=message["id"],
            outcome=dict(curve=[dict(epoch=1, train_loss=1.0, metrics=metrics)], metrics=metrics, weights="00", seconds=1.0))
    else:
        break
"#,
        &first[..8]
    );
    bench.write("trainer.py", trainer);
    let settings = "\n[trainer]\ncommand = [\"python3\", \"trainer.py\"]\n";
    bench.write("other.toml", experiment(RANDOM, settings));
    let output = bench.output(["run", "other.toml"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let message = bench.fails(["cache", "prune", "--data", &first[..8]], 2);
    assert!(message.contains("2 data sets"), "{message}");
    let pruned = bench.json(["cache", "prune", "--data", &first[..12], "--json"]);
    assert_eq!(pruned["outcomes"]["count"], 8);
    let left = list(&bench, ["cache", "list", "--json"]);
    assert!(!left.is_empty() && left.iter().all(|entry| entry["data"] != first), "{left:?}");
}
