//! A run from the experiment file to the found network.

use std::fs;
use std::process::Stdio;

use archwright_tests::{Bench, experiment, observations, stderr};

const RANDOM: &str = "use = \"random\"";

#[test]
fn finds_a_network_and_records_everything() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment(RANDOM, ""));
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert!(report["test_accuracy"].as_f64().unwrap() > 0.2, "{report}");
    assert_eq!(report["tried"]["queries"], 6);

    let run = bench.json(["show", "latest", "--json"]);
    assert_eq!(run["status"], "finished");
    assert_eq!(run["test_accuracy"], report["test_accuracy"]);
    assert_eq!(run["observations"].as_array().unwrap().len(), 6);
    // Defaults are recorded, not only what the file said.
    let settings = &run["settings"]["experiment"];
    assert_eq!(settings["task"]["recipe"]["momentum"], 0.9);
    assert_eq!(settings["strategy"]["without_repeats"], false);
    assert_eq!(run["settings"]["parts"]["strategy"]["digest"].as_str().unwrap().len(), 64);

    let runs = bench.json(["runs", "--json"]);
    assert_eq!(runs.as_array().unwrap().len(), 1);
    for arguments in [["runs", "-v"], ["show", "1"]] {
        let output = bench.output(arguments);
        assert!(output.status.success() && !output.stdout.is_empty(), "{}", stderr(&output));
    }
}

#[test]
fn repeats_bit_for_bit_with_any_number_of_workers() {
    let runs: Vec<_> = [("workers = 1", 3), ("workers = 2", 3), ("workers = 2", 4)]
        .map(|(workers, seed)| {
            let bench = Bench::new();
            let strategy = "use = \"regularized-evolution\"\npopulation_size = 3\nsample_size = 2";
            bench.write("experiment.toml", experiment(strategy, &format!("{workers}\nseed = {seed}")));
            let report = bench.json(["run", "experiment.toml", "--json"]);
            let run = bench.json(["show", "latest", "--json"]);
            (observations(&run), report["test"].clone(), report["found"]["weights"].clone())
        })
        .into();
    assert_eq!(runs[0], runs[1], "1 and 2 workers");
    assert_ne!(runs[1].0, runs[2].0, "another seed");
}

#[test]
fn remembers_what_it_trained() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment(RANDOM, ""));
    let first = bench.json(["run", "experiment.toml", "--json"]);
    let second = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(first["tried"]["trained"], 6);
    assert_eq!(second["tried"]["trained"], 0);
    assert_eq!(second["tried"]["remembered"], 6);
    for equal in ["test_accuracy", "test", "found"] {
        assert_eq!(first[equal], second[equal], "{equal}");
    }
    assert_eq!(first["tried"]["cost"], second["tried"]["cost"], "a remembered outcome is charged what it cost");
}

#[test]
fn shows_full_settings_without_running() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment(RANDOM, ""));
    let output = bench.output(["run", "experiment.toml", "--dry-run"]);
    let settings = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{settings}");
    // The full settings are an experiment themselves, and say the same.
    bench.write("full.toml", &settings);
    let again = bench.output(["run", "full.toml", "--dry-run"]);
    assert_eq!(settings, String::from_utf8(again.stdout).unwrap(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(bench.json(["runs", "--json"]).as_array().unwrap().len(), 0);
}

#[test]
fn tells_how_far_it_is_where_there_is_no_terminal() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment(RANDOM, "").replace("final_seeds = 1", "final_seeds = 2"));
    let messages = stderr(&bench.output(["run", "experiment.toml"]));
    for part in ["  1 of 6 architectures", "  6 of 6 architectures, best accuracy 0.", "(2 trainings)"] {
        assert!(messages.contains(part), "{part}: {messages}");
    }
    for part in ["  retrained 1 of 2, ", "  retrained 2 of 2, "] {
        assert_eq!(messages.matches(part).count(), 1, "{part}: {messages}");
    }
    bench.write("experiment.toml", experiment(RANDOM, ""));
    assert!(stderr(&bench.output(["run", "experiment.toml"])).contains("(1 training)"));
}

#[test]
fn a_look_at_a_store_that_is_not_there_makes_none() {
    let bench = Bench::new();
    let store = bench.path().join("store");
    assert_eq!(bench.json(["runs", "--json"]), serde_json::json!([]));
    let runs = bench.output(["runs"]);
    assert!(runs.status.success());
    let text = String::from_utf8(runs.stdout).unwrap();
    assert!(text.contains("no store") && text.contains("archwright run FILE"), "{text}");
    for command in ["show", "journal", "lock", "verify", "resume"] {
        let message = bench.fails([command], 2);
        assert!(message.contains("there is no store") && message.contains("archwright run FILE"), "{message}");
    }
    for command in ["stats", "list", "export", "check"] {
        assert!(bench.fails(["cache", command], 2).contains("there is no store"));
    }
    assert!(!store.exists());

    fs::create_dir(&store).unwrap();
    for command in ["show", "journal", "lock", "verify", "resume"] {
        let message = bench.fails([command], 2);
        assert!(message.contains("there is no run yet") && message.contains("archwright run FILE"), "{message}");
    }
    assert!(bench.fails(["show", "7"], 2).contains("there is no run `7`"));
}

#[test]
fn a_damaged_database_is_told_once_and_can_be_moved_away() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment(RANDOM, ""));
    bench.json(["run", "experiment.toml", "--json"]);
    let database = bench.path().join("store/archwright.db");
    fs::write(&database, "no database at all, and longer than the header of one is ".repeat(4)).unwrap();
    for command in ["runs", "show", "resume"] {
        let message = bench.fails([command], 1);
        assert_eq!(message.matches("file is not a database").count(), 1, "{message}");
        assert!(message.contains("Put a copy"), "{message}");
    }
    let looked = bench.output(["doctor"]);
    let findings = String::from_utf8(looked.stdout).unwrap();
    assert_eq!(findings.matches("file is not a database").count(), 1, "{findings}");
    assert!(!findings.contains("name a folder that can be written"), "{findings}");

    fs::rename(&database, bench.path().join("damaged.db")).unwrap();
    let again = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!((&again["run"], &again["tried"]["trained"]), (&2.into(), &6.into()));
}

#[test]
fn completions_end_with_their_reader() {
    let bench = Bench::new();
    let script = String::from_utf8(bench.output(["completions", "bash"]).stdout).unwrap();
    assert!(script.contains("_archwright"), "{script}");
    let quoted = bench.json(["completions", "bash", "--json"]);
    assert_eq!(quoted.as_str().unwrap().trim_end(), script.trim_end());

    let mut command = bench.command(["completions", "bash"]);
    let mut closed = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(closed.stdout.take());
    let output = closed.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
}
