//! Real faults: trainers that are killed, hang or talk nonsense; a user who stops the run.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use archwright_tests::{Bench, children, experiment, observations, signal, stderr};

const RANDOM: &str = "use = \"random\"";

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_killed_trainer_costs_one_retry() {
    let undisturbed = Bench::new();
    let text = experiment(RANDOM, "workers = 1").replace("epochs = 2", "epochs = 8");
    undisturbed.write("experiment.toml", &text);
    undisturbed.json(["run", "experiment.toml", "--json"]);

    let bench = Bench::new();
    bench.write("experiment.toml", &text);
    let mut host = bench
        .command(["run", "experiment.toml", "--json"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The run is recorded once the first trainer is set up; what it does then is an action.
    wait_until("the run starts", || {
        let runs = bench.output(["runs", "--json"]);
        String::from_utf8_lossy(&runs.stdout).contains("\"running\"")
    });
    std::thread::sleep(Duration::from_millis(200));
    for trainer in children(host.id()) {
        signal(trainer, "-9");
    }
    let mut messages = String::new();
    host.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
    assert!(host.wait().unwrap().success(), "{messages}");
    assert!(messages.contains("signal 9"), "{messages}");
    let [disturbed, undisturbed] = [&bench, &undisturbed].map(|bench| bench.json(["show", "latest", "--json"]));
    assert_eq!(disturbed["result"]["tried"]["failed"], 0);
    assert_eq!(observations(&disturbed), observations(&undisturbed));
}

#[test]
fn a_stopped_run_goes_on_where_it_was() {
    for name in ["-INT", "-TERM"] {
        let bench = Bench::new();
        let text = experiment(RANDOM, "workers = 1").replace("epochs = 2", "epochs = 8");
        bench.write("experiment.toml", &text);
        let mut host =
            bench.command(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("an architecture is tried", || {
            let show = bench.output(["show", "latest", "--json"]);
            serde_json::from_slice::<serde_json::Value>(&show.stdout)
                .is_ok_and(|run| run["observations"].as_array().is_some_and(|list| !list.is_empty()))
        });
        let trainers = children(host.id());
        signal(host.id(), name);
        let mut messages = String::new();
        host.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
        assert_eq!(host.wait().unwrap().code(), Some(130), "{messages}");
        assert!(messages.contains("archwright resume 1"), "{messages}");
        for trainer in trainers {
            assert!(!Path::new(&format!("/proc/{trainer}")).exists(), "a trainer was left behind");
        }
        assert_eq!(bench.json(["show", "latest", "--json"])["status"], "interrupted");
        let report = bench.json(["resume", "latest", "--json"]);
        assert_eq!(report["tried"]["queries"], 6);
        assert_eq!(bench.json(["show", "1", "--json"])["status"], "finished");
        assert_eq!(bench.json(["resume", "1", "--json"]), report, "there is nothing left to do");
    }
}

#[test]
fn a_killed_host_leaves_no_trainer_behind() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment(RANDOM, "").replace("epochs = 2", "epochs = 1000"));
    let mut host =
        bench.command(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("a trainer starts", || !children(host.id()).is_empty());
    let trainers = children(host.id());
    host.kill().unwrap();
    host.wait().unwrap();
    wait_until("the trainers end", || {
        trainers.iter().all(|trainer| {
            let state = fs::read_to_string(format!("/proc/{trainer}/stat")).unwrap_or_default();
            // Where nobody reaps orphans, a dead one stays as a zombie.
            state.is_empty() || state.contains(") Z ")
        })
    });
}

/// A trainer in Python that answers the set-up, then does `act` with each action's `id`.
fn trainer(act: &str) -> String {
    trainer_with("pass", act)
}

/// As [`trainer`]; it does `set_up` before it answers the set-up.
fn trainer_with(set_up: &str, act: &str) -> String {
    format!(
        r#"
import json, os, sys, time

def say(**message):
    print(json.dumps(message), flush=True)

for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "setup":
        {set_up}
        say(type="ready", protocol=1, name="test", version="0", numerics="none", actions=["train", "evaluate"],
            device={{"name": "none"}},
            data={{"digest": "0", "input": [1, 8, 8], "classes": 10, "train": 8, "validation": 1, "test": 1}})
    elif message["type"] == "act":
        id = message["id"]
        {act}
    else:
        break
"#
    )
}

/// What a training without weights may come to, in Python.
const OUTCOME: &str = "{'curve': [{'epoch': e, 'train_loss': 1.0, 'metrics': {'accuracy': 0.5, 'loss': 1.0}} for e in (1, 2)], \
     'metrics': {'accuracy': 0.5, 'loss': 1.0}, 'weights': None, 'seconds': 1.0}";

/// A bench whose trainer hangs in its set-up, from its start number `from` on, with a default patience of minutes.
fn hanging(from: u32, act: &str) -> Bench {
    let bench = Bench::new();
    let hang = format!(
        "open('starts', 'a').write('x')\n        time.sleep(1000 if os.path.getsize('starts') >= {from} else 0)"
    );
    bench.write("trainer.py", trainer_with(&hang, act));
    let settings = "workers = 1\n\n[trainer]\ncommand = [\"python3\", \"trainer.py\"]\n";
    bench.write("experiment.toml", experiment(RANDOM, settings));
    bench
}

/// How often the trainer of a [`hanging`] bench was started.
fn starts(bench: &Bench) -> u64 {
    fs::metadata(bench.path().join("starts")).map_or(0, |file| file.len())
}

/// Starts a host, stops it once its trainer was started for the `start`th time, and gives what it wrote. It has to end soon,
/// with exit code 130, and without its trainer.
fn stops_at_start<const N: usize>(bench: &Bench, arguments: [&str; N], start: u64, name: &str) -> String {
    let mut host = bench.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the trainer sets up", || starts(bench) >= start);
    let trainers = children(host.id());
    assert_eq!(trainers.len(), 1, "{trainers:?}");
    let asked = Instant::now();
    signal(host.id(), name);
    let mut messages = String::new();
    host.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
    assert_eq!(host.wait().unwrap().code(), Some(130), "{messages}");
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert!(!Path::new(&format!("/proc/{}", trainers[0])).exists(), "the trainer was left behind");
    messages
}

#[test]
fn a_host_stops_while_its_first_trainer_sets_up() {
    for name in ["-INT", "-TERM"] {
        let bench = hanging(1, "pass");
        let messages = stops_at_start(&bench, ["run", "experiment.toml"], 1, name);
        assert!(messages.contains("stopped before the run began"), "{messages}");
        assert_eq!(bench.json(["runs", "--json"]), serde_json::json!([]));
    }
}

#[test]
fn a_host_stops_while_the_trainer_of_a_recorded_run_sets_up() {
    let bench = hanging(2, &format!("say(type='done', id=id, outcome={OUTCOME})"));
    // It keeps no weights, so that there is nothing to test.
    bench.fails(["run", "experiment.toml"], 1);
    let messages = stops_at_start(&bench, ["verify", "--deep"], 2, "-INT");
    assert!(messages.contains("stopped before the run was verified"), "{messages}");
    let messages = stops_at_start(&bench, ["resume"], 3, "-TERM");
    assert!(messages.contains("stopped before the run went on"), "{messages}");
    assert_eq!(bench.json(["show", "--json"])["status"], "failed", "it is as it was");
}

#[test]
fn a_host_stops_while_a_trainer_that_replaces_another_sets_up() {
    let bench = hanging(2, "sys.exit(1)");
    let messages = stops_at_start(&bench, ["run", "experiment.toml"], 2, "-INT");
    assert!(messages.contains("run 1 was stopped after 0 queries"), "{messages}");
    assert_eq!(messages.matches("lost").count(), 1, "a lost trainer is told once: {messages}");
    assert!(!messages.contains('\u{1b}'), "colours are for terminals: {messages:?}");
    assert_eq!(bench.json(["show", "--json"])["status"], "interrupted");
}

#[test]
fn a_run_that_is_stopped_in_its_finale_says_so() {
    let bench = Bench::new();
    let act = format!(
        "if message['action']['keep_weights']: open('final', 'w').close(); time.sleep(1000)\n        \
         say(type='done', id=id, outcome={OUTCOME})"
    );
    bench.write("trainer.py", trainer(&act));
    let settings = "workers = 1\n\n[trainer]\ncommand = [\"python3\", \"trainer.py\"]\n";
    bench.write("experiment.toml", experiment(RANDOM, settings));
    let mut host =
        bench.command(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("a finalist is retrained", || bench.path().join("final").exists());
    signal(host.id(), "-INT");
    let mut messages = String::new();
    host.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
    assert_eq!(host.wait().unwrap().code(), Some(130), "{messages}");
    for part in ["while retraining its finalists", "search of 6 queries", "archwright resume 1"] {
        assert!(messages.contains(part), "{part}: {messages}");
    }
    let run = bench.json(["show", "--json"]);
    assert_eq!(run["status"], "interrupted");
    assert!(run["problem"].as_str().unwrap().contains("finalists"), "{run}");
}

fn fails_every_action(act: &str) -> String {
    let bench = Bench::new();
    bench.write("trainer.py", trainer(act));
    let settings = "\n[trainer]\ncommand = [\"python3\", \"trainer.py\"]\npatience = 0.5\n";
    bench.write("experiment.toml", experiment(RANDOM, settings).replace("queries = 6", "queries = 2"));
    let message = bench.fails(["run", "experiment.toml"], 1);
    assert_eq!(bench.json(["show", "latest", "--json"])["status"], "failed");
    message
}

#[test]
fn hanging_dying_and_confused_trainers_fail_their_actions_alone() {
    let hanging = fails_every_action("time.sleep(1000)");
    assert!(hanging.contains("the trainer said nothing for 0.5 s"), "{hanging}");
    let dying = fails_every_action("sys.exit('no more memory')");
    assert!(dying.contains("exit code 1") && dying.contains("no more memory"), "{dying}");
    let confused = fails_every_action("print('Epoch 1: 0.93', flush=True)");
    assert!(confused.contains("no message") && confused.contains("Epoch 1: 0.93"), "{confused}");
    let failing = fails_every_action(
        "say(type='failed', id=id, failure={'kind': 'out-of-memory', 'message': 'CUDA ran out of memory'})",
    );
    assert!(failing.contains("CUDA ran out of memory"), "{failing}");
}

#[test]
fn a_trainer_that_is_not_there_is_named() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment(RANDOM, "\n[trainer]\ncommand = [\"no-such-trainer\"]\n"));
    let message = bench.fails(["run", "experiment.toml"], 1);
    for part in ["no-such-trainer", "archwright doctor", "cargo xtask build"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn a_diverging_training_fails_its_query_alone() {
    let bench = Bench::new();
    let text = experiment(RANDOM, "").replace("epochs = 2", "epochs = 2\nlearning_rate = 1e30\ngradient_clip = 0.0");
    bench.write("experiment.toml", text);
    let output = bench.output(["run", "experiment.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let run = bench.json(["show", "latest", "--json"]);
    assert_eq!(run["observations"].as_array().unwrap().len(), 6, "{}", stderr(&output));
    assert!(stderr(&output).contains("no architecture could be estimated"), "{}", stderr(&output));
}
