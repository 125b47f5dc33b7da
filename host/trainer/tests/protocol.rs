//! The program as the host talks to it.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

struct Conversation {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Conversation {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_archwright-trainer"))
            .env("ARCHWRIGHT_WEIGHTS", std::env::temp_dir())
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
    let done = std::iter::repeat_with(|| trainer.hear()).find(|reply| reply["type"] != "progress").unwrap();
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
fn a_line_that_is_no_request_ends_it() {
    let mut trainer = Conversation::start();
    trainer.say(&json!("hello"));
    assert_eq!(trainer.child.wait().unwrap().code(), Some(2));
}
