//! Networks are measured, and constrained in size and latency.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use archwright_tests::{Bench, experiment, stderr};
use serde_json::Value;

const RANDOM: &str = "use = \"random\"";

fn timed() -> String {
    let objectives = "data = \"digits\"\nobjectives = [\"accuracy\", \"latency\"]\nlatency_batch = 4";
    experiment(RANDOM, "").replace("data = \"digits\"", objectives)
}

fn constrained(strategy: &str, constraints: &str) -> String {
    experiment(strategy, &format!("\n[constraints]\n{constraints}"))
}

fn observations(bench: &Bench) -> Vec<Value> {
    bench.json(["show", "latest", "--json"])["observations"].as_array().unwrap().clone()
}

#[test]
fn latency_is_an_objective_and_recorded() {
    let bench = Bench::new();
    bench.write("experiment.toml", timed());
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(report["latency_batch"], 4);
    assert!(report["found"]["latency"].as_f64().unwrap() > 0.0, "{report}");
    let observed = observations(&bench);
    assert_eq!(observed.len(), 6);
    for one in &observed {
        let objectives = one["outcome"]["estimated"]["objectives"].as_array().unwrap();
        assert!(objectives.len() == 2 && objectives[1].as_f64().unwrap() > 0.0, "{one}");
    }
    let shown = String::from_utf8(bench.output(["show"]).stdout).unwrap();
    assert!(shown.contains("latency ") && shown.contains("s for 4 images"), "{shown}");
    for arguments in [&["verify", "--json"][..], &["verify", "latest", "--deep", "2", "--json"]] {
        let mut command = bench.command([]);
        let output = command.args(arguments).output().unwrap();
        let verified: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(verified["differences"], serde_json::json!([]), "{arguments:?}");
    }
    // What was measured is remembered with the outcome.
    let again = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!((&again["tried"]["trained"], &again["found"]), (&0.into(), &report["found"]));
    // Where nothing asks for a latency, outcomes are others, and none is measured.
    bench.write("experiment.toml", experiment(RANDOM, ""));
    let plain = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(plain["tried"]["trained"], 6);
    assert!(plain.get("latency_batch").is_none() && plain["found"].get("latency").is_none(), "{plain}");
}

#[test]
fn what_is_too_slow_is_not_trained() {
    let bench = Bench::new();
    bench.write("experiment.toml", constrained(RANDOM, "latency = 1e-9"));
    let message = bench.fails(["run", "experiment.toml"], 1);
    for part in ["no architecture could be estimated", "the last of 6 failures", "1.000e-9 s", "was not trained"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    for one in observations(&bench) {
        let reason = one["outcome"]["failed"].as_str().unwrap();
        assert!(reason.contains("its latency may be 1.000e-9 s at most"), "{reason}");
        assert_eq!((&one["trained"], &one["cost"]), (&0.into(), &0.0.into()));
    }
    bench.write("experiment.toml", constrained(RANDOM, "latency = \"10m\""));
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(report["tried"]["failed"], 0);
    assert!(report["found"]["latency"].as_f64().unwrap() < 600.0, "{report}");
}

#[test]
fn what_is_tried_and_found_is_within_constraints_of_size() {
    let bench = Bench::new();
    let strategy = "use = \"regularized-evolution\"\npopulation_size = 3\nsample_size = 2";
    bench.write("experiment.toml", constrained(strategy, "parameters = 4000\nactivation_bytes = 40000"));
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!((&report["tried"]["queries"], &report["tried"]["failed"]), (&6.into(), &0.into()));
    let within = |footprint: &Value| {
        footprint["parameters"].as_u64().unwrap() <= 4000 && footprint["activation_bytes"].as_u64().unwrap() <= 40000
    };
    assert!(within(&report["found"]["footprint"]), "{report}");
    assert!(observations(&bench).iter().all(|one| within(&one["footprint"])));
    // They are part of what is recorded.
    let run = bench.json(["show", "latest", "--json"]);
    assert_eq!(run["settings"]["experiment"]["constraints"]["parameters"], 4000);
    assert_eq!(bench.json(["verify", "--json"])["differences"], serde_json::json!([]));
    let lock = String::from_utf8(bench.output(["lock"]).stdout).unwrap();
    assert!(lock.contains("constraints]\nparameters = 4000"), "{lock}");
}

#[test]
fn an_architecture_beyond_a_constraint_fails_at_no_cost() {
    let bench = Bench::new();
    let sampled = bench.json(["space", "sample", "chain", "--input", "1,8,8", "-n", "20", "--json"]);
    let size = |one: &&Value| one["profile"]["parameters"].as_u64().unwrap();
    let samples = sampled.as_array().unwrap();
    let (small, large) = (samples.iter().min_by_key(size).unwrap(), samples.iter().max_by_key(size).unwrap());
    let limit = size(&small).max(2000);
    assert!(size(&large) > limit);
    let table = |one: &Value| {
        let decisions = one["decisions"].as_object().unwrap();
        let pairs: Vec<String> = decisions.iter().map(|(name, value)| format!("\"{name}\" = {value}")).collect();
        format!("{{ {} }}", pairs.join(", "))
    };
    let strategy = format!("use = \"fixed\"\narchitectures = [{}, {}]", table(large), table(small));
    bench.write("experiment.toml", constrained(&strategy, &format!("parameters = {limit}")));
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!((&report["tried"]["queries"], &report["tried"]["failed"]), (&2.into(), &1.into()));
    assert_eq!(report["found"]["fingerprint"], small["fingerprint"]);
    let observed = observations(&bench);
    let reason = observed[0]["outcome"]["failed"].as_str().unwrap();
    assert_eq!(reason, format!("constraint `parameters`: {} exceeds the limit of {limit}", size(&large)));
    assert_eq!((&observed[0]["trained"], &observed[0]["cost"]), (&0.into(), &0.0.into()));
    // A strategy that recommends it untried does not get it retrained either.
    let untried = format!("use = \"fixed\"\nuntried = true\narchitectures = [{}, {}]", table(large), table(small));
    bench.write("experiment.toml", constrained(&untried, &format!("parameters = {limit}")));
    assert_eq!(bench.json(["run", "experiment.toml", "--json"])["found"]["fingerprint"], small["fingerprint"]);
}

#[test]
fn constraints_that_nothing_meets_are_told_before_the_search() {
    let bench = Bench::new();
    bench.write("experiment.toml", constrained(RANDOM, "multiply_adds = 1000000\nparameters = 5"));
    let message = bench.fails(["run", "experiment.toml"], 2);
    for part in
        ["none of 1000 random architectures", "`parameters` is at most 5", "the smallest seen is", "parameters = 5"]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(bench.json(["runs", "--json"]), serde_json::json!([]));
}

#[test]
fn an_architecture_is_profiled() {
    let bench = Bench::new();
    let profile = ["space", "profile", "chain", "--input", "1,8,8", "--seed", "3"];
    let text = String::from_utf8(bench.output(profile).stdout).unwrap();
    assert!(text.contains("parameters ") && text.contains("depth ") && !text.contains("latency"), "{text}");
    let measured = bench.json([
        "space",
        "profile",
        "nas-bench-201",
        "nas-bench-201-best",
        "-o",
        "cells=1",
        "--latency",
        "--batch",
        "2",
        "--json",
    ]);
    let located = bench.json(["space", "locate", "nas-bench-201", "nas-bench-201-best", "-o", "cells=1", "--json"]);
    assert_eq!(measured["profile"], located["profile"]);
    assert_eq!((&measured["latency"]["batch"], &measured["latency"]["device"]), (&2.into(), &"cpu".into()));
    assert!(measured["latency"]["seconds"].as_f64().unwrap() > 0.0);
    let tokens = bench.output(["space", "profile", "rnn-cell", "--latency"]);
    let text = String::from_utf8(tokens.stdout.clone()).unwrap();
    assert!(text.contains("for 1 sequence of 35 tokens (cpu, 1 thread)"), "{text}{}", stderr(&tokens));
    for (wrong, part) in [("--batch=0", "1..="), ("--device=gpu", "cuda:0"), ("--threads=0", "1..=")] {
        let message = bench.fails(["space", "profile", "chain", "--latency", wrong], 2);
        assert!(message.contains(part), "{message}");
    }
    assert!(bench.fails(["space", "profile", "chain", "--batch=2"], 2).contains("--latency"));
    assert!(bench.fails(["space", "profile", "chain", "--latency", "--device=cuda:99"], 1).contains("cuda:99"));
}
