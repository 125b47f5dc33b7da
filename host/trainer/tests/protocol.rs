//! The program as the host talks to it.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

const TRAINER: &str = env!("CARGO_BIN_EXE_archwright-trainer");

struct Conversation {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Conversation {
    fn start() -> Self {
        Self::with(Command::new(TRAINER), &std::env::temp_dir())
    }

    fn with(mut command: Command, weights: &Path) -> Self {
        let mut child = command
            .env("ARCHWRIGHT_WEIGHTS", weights)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The end of an action.
    fn end(&mut self) -> Value {
        std::iter::repeat_with(|| self.hear()).find(|reply| reply["type"] != "progress").unwrap()
    }

    fn set_up(&mut self, data: Value, device: &str) -> Value {
        let task = json!({ "data": data, "split": { "seed": 0, "validation": 0.2, "test": 0.2 } });
        self.say(&json!({ "type": "setup", "protocol": 1, "task": task, "device": device, "threads": 1 }));
        self.hear()
    }
}

fn action(epochs: u32) -> Value {
    let nodes = json!([
        { "name": "input", "op": "input", "shape": [1, 8, 8] },
        { "name": "flatten", "op": "flatten", "inputs": [0] },
        { "name": "scores", "op": "linear", "out-features": 10, "inputs": [1] },
    ]);
    json!({
        "kind": "train", "network": { "nodes": nodes }, "input": [1, 8, 8],
        "recipe": { "epochs": epochs }, "until_epoch": epochs, "seed": 1, "data_share": 1.0, "start": "fresh",
        "evaluate": "validation", "keep_weights": false,
    })
}

#[test]
fn sets_up_acts_and_stops() {
    let mut trainer = Conversation::start();
    let ready = trainer.set_up(json!({ "format": "digits" }), "cpu");
    assert_eq!(ready["type"], "ready");
    assert_eq!(ready["data"]["train"].as_u64().unwrap() + ready["data"]["validation"].as_u64().unwrap(), 1438);
    trainer.say(&json!({ "type": "act", "id": 7, "action": action(2) }));
    let done = trainer.end();
    assert_eq!((&done["type"], &done["id"]), (&json!("done"), &json!(7)));
    assert_eq!(done["outcome"]["curve"].as_array().unwrap().len(), 2);
    let mut wrong = action(1);
    wrong["network"]["nodes"][2]["inputs"] = json!([5]);
    trainer.say(&json!({ "type": "act", "id": 8, "action": wrong }));
    let failed = trainer.hear();
    assert_eq!((&failed["type"], &failed["failure"]["kind"]), (&json!("failed"), &json!("unsupported")));
    trainer.say(&json!({ "type": "stop" }));
    assert!(trainer.child.wait().unwrap().success());
}

#[test]
fn measures_networks_of_any_input() {
    let mut trainer = Conversation::start();
    let ready = trainer.set_up(json!({ "format": "digits" }), "cpu");
    assert!(ready["actions"].as_array().unwrap().contains(&json!("latency")), "{ready}");
    let mut nodes = action(1)["network"]["nodes"].clone();
    nodes[0]["shape"] = json!([3, 4, 4]);
    let mut measure = json!({ "network": { "nodes": nodes }, "batch_size": 2, "recipe": {} });
    trainer.say(&json!({ "type": "measure", "id": 3, "measure": measure }));
    let measured = trainer.end();
    assert_eq!((&measured["type"], &measured["id"]), (&json!("measured"), &json!(3)), "{measured}");
    assert!(measured["latency"].as_f64().unwrap() > 0.0);
    measure["batch_size"] = json!(0);
    trainer.say(&json!({ "type": "measure", "id": 4, "measure": measure }));
    assert_eq!(trainer.end()["failure"]["kind"], "unsupported");
}

#[test]
fn ends_with_its_input_even_in_mid_training() {
    let mut trainer = Conversation::start();
    trainer.set_up(json!({ "format": "digits" }), "cpu");
    trainer.say(&json!({ "type": "act", "id": 1, "action": action(1_000_000) }));
    assert_eq!(trainer.hear()["type"], "progress");
    trainer.input = None;
    assert!(trainer.child.wait().unwrap().success());
}

#[test]
fn refuses_what_it_cannot_work_on() {
    let refused = |data: Value, device: &str| {
        let reply = Conversation::start().set_up(data, device);
        assert_eq!(reply["type"], "refused", "{reply}");
        reply["message"].as_str().unwrap().to_owned()
    };
    assert!(refused(json!({ "format": "digits" }), "cuda:99").contains("cuda:99"));
    assert!(refused(json!({ "format": "idx" }), "cpu").contains("ARCHWRIGHT_DATA"));
}

#[test]
fn a_split_that_leaves_nothing_names_the_data_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let idx = |axes: &[u8], values: &[u8]| {
        let sizes = axes.iter().flat_map(|size| [0, 0, 0, *size]).collect::<Vec<u8>>();
        [&[0, 0, 8, axes.len() as u8], sizes.as_slice(), values].concat()
    };
    for part in ["train", "t10k"] {
        std::fs::write(folder.path().join(format!("{part}-images-idx3-ubyte")), idx(&[4, 1, 1], &[0; 4])).unwrap();
        std::fs::write(folder.path().join(format!("{part}-labels-idx1-ubyte")), idx(&[4], &[0, 1, 0, 1])).unwrap();
    }
    let mut command = Command::new(TRAINER);
    command.env("ARCHWRIGHT_DATA", folder.path());
    let reply = Conversation::with(command, &std::env::temp_dir()).set_up(json!({ "format": "idx" }), "cpu");
    let message = reply["message"].as_str().unwrap();
    for part in [&*folder.path().to_string_lossy(), "left for validation", "in 2 classes", "a larger share"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_line_that_is_no_request_ends_it() {
    let mut trainer = Conversation::start();
    trainer.say(&json!("hello"));
    assert_eq!(trainer.child.wait().unwrap().code(), Some(2));
}

/// A training that keeps its weights and, after every step, its state.
fn kept(id: u32) -> Value {
    let mut action = action(3);
    action["keep_weights"] = json!(true);
    action["recipe"] = json!({ "epochs": 3, "mixup": 0.2, "crop_padding": 1, "flip": true, "cutout": 2 });
    json!({ "type": "act", "id": id, "action": action, "checkpoint": { "name": "0af3", "seconds": 1e-9 } })
}

/// Names of the files in a folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_killed_training_goes_on() {
    let start = |weights: &Path| {
        let mut trainer = Conversation::with(Command::new(TRAINER), weights);
        trainer.set_up(json!({ "format": "digits" }), "cpu");
        trainer.say(&kept(1));
        trainer
    };
    let folder = tempfile::tempdir().unwrap();
    let mut whole = start(folder.path()).end();
    std::fs::remove_file(folder.path().join("checkpoints/0af3.safetensors")).unwrap();
    let mut last = 0.0;
    for at in [0.4, 1.0, 1.6, 2.3] {
        let mut trainer = start(folder.path());
        // A trainer that was done before it was killed has no more progress.
        let mut epochs = std::iter::repeat_with(|| trainer.hear()["epoch"].as_f64().unwrap_or(f64::INFINITY));
        let first = epochs.next().unwrap();
        assert!(first >= last, "went on at {first} after it was killed at {last}");
        last = epochs.find(|epoch| *epoch >= at).unwrap();
        // SIGKILL, within a step or while a checkpoint is written.
        trainer.child.kill().unwrap();
        trainer.child.wait().unwrap();
    }
    let mut done = start(folder.path()).end();
    for end in [&mut whole, &mut done] {
        assert!(end["outcome"]["weights"].is_string(), "{end}");
        end["outcome"]["seconds"] = Value::Null;
    }
    assert_eq!(done, whole);
    assert_eq!(files(&folder.path().join("checkpoints")), ["0af3.safetensors"]);
}

#[test]
fn a_full_disk_fails_no_training_but_the_keeping_of_its_weights() {
    let folder = tempfile::tempdir().unwrap();
    let mut full = Command::new("sh");
    // Writes fail behind the first 512 bytes of a file.
    full.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\"", TRAINER]);
    let mut trainer = Conversation::with(full, folder.path());
    trainer.set_up(json!({ "format": "digits" }), "cpu");
    let mut unkept = kept(1);
    unkept["action"]["keep_weights"] = json!(false);
    trainer.say(&unkept);
    assert_eq!(trainer.end()["type"], "done");
    trainer.say(&kept(2));
    let failed = trainer.end();
    assert_eq!((&failed["type"], &failed["failure"]["kind"]), (&json!("failed"), &json!("storage")), "{failed}");
    assert_eq!(files(folder.path()), ["checkpoints"]);
    assert!(files(&folder.path().join("checkpoints")).is_empty());
}

#[test]
fn a_folder_that_cannot_be_fails_no_training_but_the_keeping_of_its_weights() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut trainer = Conversation::with(Command::new(TRAINER), &file.path().join("weights"));
    trainer.set_up(json!({ "format": "digits" }), "cpu");
    let mut unkept = kept(1);
    unkept["action"]["keep_weights"] = json!(false);
    trainer.say(&unkept);
    assert_eq!(trainer.end()["type"], "done");
    trainer.say(&kept(2));
    assert_eq!(trainer.end()["failure"]["kind"], "storage");
}

#[test]
fn a_checkpoint_cannot_lead_elsewhere() {
    let mut trainer = Conversation::start();
    trainer.set_up(json!({ "format": "digits" }), "cpu");
    let mut hostile = kept(1);
    hostile["checkpoint"]["name"] = json!("../0af3");
    trainer.say(&hostile);
    assert_eq!(trainer.hear()["failure"]["kind"], "unsupported");
}

/// The most memory that a process has had so far, in bytes.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// Bytes that an action takes in a trainer of its own.
fn memory_of(action: &Value) -> u64 {
    let weights = tempfile::tempdir().unwrap();
    let mut trainer = Conversation::with(Command::new(TRAINER), weights.path());
    trainer.set_up(json!({ "format": "digits" }), "cpu");
    let before = peak(trainer.child.id());
    trainer.say(&json!({ "type": "act", "id": 1, "action": action }));
    let done = trainer.end();
    assert_eq!(done["type"], "done", "{done}");
    peak(trainer.child.id()) - before
}

#[test]
fn a_path_at_a_time_takes_the_memory_of_one_network() {
    let definition = archwright_space::bundled::source("nas-bench-201").unwrap();
    let recipe = json!({ "batch_size": 512, "learning_rate": 0.01 });
    let options = json!({ "channels": 64, "cells": 1 });
    let supergraph = json!({ "definition": definition, "options": options, "input": [1, 8, 8], "classes": 10 });
    let train = |paths: Value| {
        memory_of(&json!({
            "kind": "train-shared", "supergraph": supergraph, "recipe": recipe, "start": { "fresh": 3 }, "steps": 3,
            "paths": paths, "name": "state",
        }))
    };
    // All edges compute the costliest operation.
    let label = json!({ "index": 3 });
    let largest = train(json!({ "given": [{ "architecture": { "point": vec![label; 6] } }] }));
    assert!(largest > 100 << 20, "a network of {} MiB says little", largest >> 20);
    let several = train(json!({ "uniform": 8 }));
    assert!(several as f64 <= 1.3 * largest as f64, "{} and {} MiB", several >> 20, largest >> 20);
    let mixture = train(json!({ "mixture": 0.0 }));
    assert!(mixture as f64 > 1.3 * largest as f64, "{} and {} MiB", mixture >> 20, largest >> 20);
}
