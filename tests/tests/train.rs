//! Single architectures: published ones, genotypes, and points by their decisions.

use archwright_tests::Bench;
use serde_json::Value;

/// One decision between two names for the same operation.
const SYNONYMS: &str = r#"
name = "synonyms"
network = "network"

[module.network]
kind = "chain"
layers = [
    { op = "conv2d", kernel = 3, channels = 4 },
    { choose = { one = ["batch-norm", "relu"], other = ["batch-norm", "relu"] }, name = "name" },
    "global-avg-pool",
    { op = "linear", features = "classes" },
]
"#;

#[test]
fn published_architectures_are_located() {
    let bench = Bench::new();
    let located = bench.json(["space", "locate", "darts", "darts-v2", "--json"]);
    assert_eq!(located["profile"]["parameters"], 3_349_342);
    assert_eq!(located["decisions"]["normal/node-5/op-2"], "dil_conv_3x3");
    // What is printed can be put in again, in each form.
    let genotype = located["genotype"].as_str().unwrap();
    let again = bench.json(["space", "locate", "darts", genotype, "--json"]);
    assert_eq!(again["architecture"], located["architecture"]);
    assert_eq!(again["genotype"], located["genotype"]);
    let decisions = located["decisions"].to_string();
    let again = bench.json(["space", "locate", "darts", &decisions, "--json"]);
    assert_eq!(again["fingerprint"], located["fingerprint"]);
    let listed = bench.json(["space", "published", "--json"]);
    let names: Vec<&str> = listed.as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    for name in ["resnet-20", "densenet-40-12", "nasnet-a", "amoebanet-a", "darts-v1", "darts-v2", "pnas", "enas"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let message = bench.fails(["space", "locate", "darts", "resnet-20"], 2);
    assert!(message.contains("it is a point of `residual`"), "{message}");
    let message = bench.fails(["space", "locate", "darts", "resnet-21"], 2);
    assert!(message.contains("no architecture is published here as `resnet-21`"), "{message}");
}

#[test]
fn one_architecture_is_trained_tested_and_verified() {
    let bench = Bench::new();
    let cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_1x1~2|";
    let train = |arguments: [&str; 2]| {
        let [task, seeds] = arguments;
        let common = ["--space", "nas-bench-201", "-o", "channels=4", "-o", "cells=1", "--epochs", "1", "--json"];
        let [a, b, c, d, e, f, g, h, i] = common;
        bench.json(["train", cell, "--task", task, "--seeds", seeds, a, b, c, d, e, f, g, h, i])
    };
    let report = train(["digits", "2"]);
    assert_eq!(report["test"].as_array().unwrap().len(), 2);
    assert_eq!(report["tried"]["queries"], 0);
    assert_eq!(report["tried"]["best"], Value::Null);
    assert_eq!(report["found"]["decisions"][0], serde_json::json!(["cell/edge-0-1", "nor_conv_3x3"]));
    bench.json(["verify", "latest", "--json"]);
    // A space's path starts here, whatever folder the task's paths start at.
    bench.write("synonyms.toml", SYNONYMS);
    bench.write("tasks/task.toml", archwright_tests::experiment("use = \"random\"", ""));
    let point = r#"{"name": "one"}"#;
    for space in ["synonyms.toml", "./synonyms.toml"] {
        bench.json(["train", point, "--space", space, "--task", "tasks/task.toml", "--epochs", "1", "--json"]);
    }
    // An experiment file says how, too.
    bench.write("task.toml", archwright_tests::experiment("use = \"random\"", ""));
    let report = train(["task.toml", "1"]);
    assert_eq!(report["finalists"].as_array().unwrap().len(), 1);
    let message = bench.fails(["train", cell, "--task", "digits"], 2);
    assert!(message.contains("--space darts"), "{message}");
}

#[test]
fn isomorphic_networks_with_other_names_are_both_tested_and_exported() {
    let bench = Bench::new();
    bench.write("synonyms.toml", SYNONYMS);
    for name in ["one", "other"] {
        let point = format!(r#"{{"name": "{name}"}}"#);
        let report =
            bench.json(["train", &point, "--space", "./synonyms.toml", "--task", "digits", "--epochs", "1", "--json"]);
        assert!(report["test_accuracy"].as_f64().unwrap() > 0.0);
        bench.json(["export", "--json", "--format=pytorch", "--output", name]);
    }
}
