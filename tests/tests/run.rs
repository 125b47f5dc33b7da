//! A run from the experiment file to the found network.

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
    assert_eq!(settings["strategy"]["without_repeats"], true);
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
