//! `archwright plugin check`, `inspect` and `run`, as the author of a plugin uses them.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;

use archwright_tests::{Bench, made_up_cells, stderr};
use serde_json::Value;

/// A component that wants the clock.
const CLOCK: &str = r#"(component
    (import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func (result u64)))))
    (instance $strategy)
    (export "archwright:nas/strategy@0.1.0" (instance $strategy)))"#;

fn checks<'a>(report: &'a Value, outcome: &str) -> Vec<&'a Value> {
    report["checks"].as_array().unwrap().iter().filter(|check| check["outcome"] == outcome).collect()
}

fn stdout(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn every_bundled_plugin_passes_all_checks() {
    let bench = Bench::new();
    let plugins = bench.json(["plugin", "list", "--json"]);
    let plugins = plugins.as_array().unwrap();
    // Each check has one thread.
    std::thread::scope(|scope| {
        for some in [0, 1].map(|first| plugins.iter().skip(first).step_by(2)) {
            scope.spawn(|| some.for_each(|plugin| passes_all_checks(&bench, plugin)));
        }
    });
}

fn passes_all_checks(bench: &Bench, plugin: &Value) {
    let name = plugin["name"].as_str().unwrap();
    // With all searches those that fit models take minutes.
    let output = bench.output(["plugin", "check", name, "--quick", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{name}: {:#?}", checks(&report, "failed"));
    assert_eq!(report["schema"], 1);
    assert_eq!(report["passed"], true);
    assert_eq!(report["plugin"]["name"], name);
    assert_eq!(report["plugin"]["digest"], plugin["digest"]);
    let elsewhere = report["checks"].as_array().unwrap().iter().find(|one| one["id"] == "repeats-in-another-process");
    assert_eq!(elsewhere.unwrap()["outcome"], "passed", "{name}");
}

#[test]
fn a_report_for_a_person_starts_with_what_failed() {
    let bench = Bench::new();
    bench.write("clock.wasm", wat::parse_str(CLOCK).unwrap());
    let output = bench.output(["plugin", "check", "clock.wasm"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    let failed = text.find("FAILED\n  imports: ").unwrap();
    assert!(failed < text.find("\nfile\n").unwrap(), "{text}");
    for part in ["seen clock.wasm: it imports wasi:clocks/wall-clock@0.2.0", "--stub-wasi", "1 FAILED"] {
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(part), "{part}: {text}");
    }
    let output = bench.output(["plugin", "check", "clock.wasm", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failed = checks(&report, "failed");
    assert_eq!((failed.len(), &failed[0]["id"], &failed[0]["group"]), (1, &"imports".into(), &"file".into()));
    assert!(!checks(&report, "skipped").is_empty());
    let message = bench.fails(["plugin", "check", "nowhere.wasm"], 2);
    assert!(message.contains("the plugin nowhere.wasm is not a file"), "{message}");
}

#[test]
fn a_group_of_checks_can_be_made_alone() {
    let bench = Bench::new();
    let report = bench.json(["plugin", "check", "random", "--quick", "--only", "claims", "--only", "file", "--json"]);
    let groups: Vec<_> = report["checks"].as_array().unwrap().iter().map(|check| &check["group"]).collect();
    assert!(groups.iter().all(|group| *group == "claims" || *group == "file"), "{groups:?}");
    assert!(groups.len() > 8, "{groups:?}");
    let message = bench.fails(["plugin", "check", "random", "--only", "everything"], 2);
    assert!(message.contains("search-space"), "{message}");
    let report = bench.output(["plugin", "check", "random", "--only", "file", "-o", "no_such_option=1"]);
    assert_eq!(report.status.code(), Some(0), "{}", stderr(&report));
    let report = bench.output(["plugin", "check", "random", "--only", "describe", "-o", "no_such_option=1"]);
    assert_eq!(report.status.code(), Some(1));
    assert!(stdout(&report).contains("no_such_option"));
}

#[test]
fn a_file_that_does_not_load_is_inspected_all_the_same() {
    let bench = Bench::new();
    bench.write("clock.wasm", wat::parse_str(CLOCK).unwrap());
    let output = bench.output(["plugin", "inspect", "clock.wasm"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stdout(&output);
    for part in ["clock.wasm (a component)", "imports     wasi:clocks/wall-clock@0.2.0", "contract    0.1.0"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(stderr(&output).contains("plugins have no clock"), "{}", stderr(&output));
    let output = bench.output(["plugin", "inspect", "clock.wasm", "--json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["interface"]["imports"][0], "wasi:clocks/wall-clock@0.2.0");
    assert!(value["problem"].as_str().unwrap().contains("wasi:clocks"));
    bench.write("module.wasm", wat::parse_str("(module)").unwrap());
    let output = bench.output(["plugin", "inspect", "module.wasm"]);
    assert!(stdout(&output).contains("a core module, not a component"), "{}", stdout(&output));
    let value = bench.json(["plugin", "inspect", "random", "--json"]);
    assert_eq!(value["interface"]["kinds"][0], "strategy");
    assert!(value["bytes"].as_u64().unwrap() > 1000);
}

#[test]
fn strategies_are_tried_on_made_up_problems() {
    let bench = Bench::new();
    for (name, toy) in [("regularized-evolution", "interactions"), ("hyperband", "noisy"), ("darts", "additive")] {
        let run = || bench.json(["plugin", "run", name, "--toy", toy, "--queries", "40", "--workers", "2", "--json"]);
        let first = run();
        assert_eq!(first["best"].as_array().unwrap().len(), 40, "{name}");
        let truth = first["found"]["truth"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&truth), "{name}: {truth}");
        let without_clock = |mut value: Value| {
            value["tried"].as_object_mut().unwrap().remove("seconds");
            value
        };
        assert_eq!(without_clock(first), without_clock(run()), "{name}");
    }
    assert!(!bench.path().join("store").exists());
}

#[test]
fn evolution_beats_random_search_where_decisions_count_for_themselves() {
    let bench = Bench::new();
    let found = bench.json([
        "plugin",
        "run",
        "regularized-evolution",
        "--toy",
        "additive",
        "--space",
        "darts",
        "--queries",
        "400",
        "-o",
        "population_size=20",
        "-o",
        "sample_size=5",
        "--json",
    ]);
    let best = found["best"].as_array().unwrap().last().unwrap().as_f64().unwrap();
    let random = found["random"]["middle"].as_array().unwrap().last().unwrap().as_f64().unwrap();
    assert!(best > random, "{best} and {random}");
}

#[test]
fn a_trial_is_drawn_as_text_and_as_a_file() {
    let bench = Bench::new();
    let output = bench.output(["plugin", "run", "random", "--queries", "30", "--plot", "trial.svg"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    for part in [
        "random on nas-bench-201, interactions",
        "30 queries",
        "* random: the best so far",
        "best seen",
        "architecture",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colour where no terminal is");
    let drawn = fs::read_to_string(bench.path().join("trial.svg")).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("random search"), "{}", &drawn[..200]);
}

#[test]
fn a_trial_on_a_table_looks_its_measurements_up() {
    let bench = Bench::new();
    bench.write("cells.csv", made_up_cells(true));
    bench.json(["table", "import", "cells.csv", "--space", "nas-bench-201", "--json"]);
    let found = bench.json(["plugin", "run", "random", "--table", "cells.table", "--queries", "25", "--json"]);
    assert_eq!(found["tried"]["queries"], 25);
    assert_eq!(found["problem"]["table"], "cells.table");
    assert!(found["found"]["truth"].is_null());
}

#[test]
fn estimators_are_tried_on_a_simulated_trainer() {
    let bench = Bench::new();
    let found = bench.json(["plugin", "run", "low-fidelity", "--queries", "30", "--json"]);
    let fidelities = found["fidelities"].as_array().unwrap();
    assert_eq!(fidelities.len(), 3);
    assert_eq!(fidelities[0]["estimates"].as_array().unwrap().len(), 30);
    assert!(fidelities[0]["agreement"]["spearman"].as_f64().unwrap() > 0.3, "{}", fidelities[0]["agreement"]);
    let output = bench.output(["plugin", "run", "full-training", "--queries", "12", "--plot", "truth.svg"]);
    assert!(stdout(&output).contains("Kendall tau"), "{}", stdout(&output));
    assert!(bench.path().join("truth.svg").is_file());
}

#[test]
fn search_spaces_are_sampled_and_profiled() {
    let bench = Bench::new();
    let found = bench.json(["plugin", "run", "pyramid", "--queries", "10", "--json"]);
    assert_eq!(found["profiles"].as_array().unwrap().len(), 10);
    let output = bench.output(["plugin", "run", "pyramid", "--queries", "10"]);
    assert!(stdout(&output).contains("multiply-adds"), "{}", stdout(&output));
}
