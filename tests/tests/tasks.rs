//! Other data, spaces and trainers by editing the experiment file alone.

use archwright_tests::{Bench, experiment, repository};

/// `images` of 28x28 whose class shows as the place of a bright bar, as IDX files.
fn idx(bench: &Bench, part: &str, images: u32) {
    let mut pixels = vec![0, 0, 8, 3];
    let mut labels = vec![0, 0, 8, 1];
    for size in [images, 28, 28] {
        pixels.extend(size.to_be_bytes());
    }
    labels.extend(images.to_be_bytes());
    for index in 0..images {
        let class = index % 10;
        labels.push(class as u8);
        for row in 0..28u32 {
            for column in 0..28u32 {
                let noise = (index * 31 + row * 7 + column * 13) % 50;
                let bar = if row / 2 == class { 200 } else { 0 };
                pixels.push((bar + noise) as u8);
            }
        }
    }
    bench.write(&format!("data/{part}-images-idx3-ubyte"), pixels);
    bench.write(&format!("data/{part}-labels-idx1-ubyte"), labels);
}

#[test]
fn another_data_set_space_and_strategy() {
    let bench = Bench::new();
    idx(&bench, "train", 200);
    idx(&bench, "t10k", 50);
    let text = experiment("use = \"local-search\"", "")
        .replace("\"chain\"", "\"nas-bench-201\"\ncells = 1\nchannels = 4")
        .replace("\"digits\"", "\"data\"")
        .replace("queries = 6", "queries = 3");
    bench.write("experiment.toml", text);
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(report["tried"]["queries"], 3);
    let run = bench.json(["show", "latest", "--json"]);
    assert_eq!(run["settings"]["trainer"]["data"]["input"], serde_json::json!([1, 28, 28]));
    assert_eq!(run["settings"]["trainer"]["data"]["test"], 50);
}

#[test]
fn a_search_space_component_stands_in_for_a_file() {
    let bench = Bench::new();
    let text = experiment("use = \"random\"", "").replace("\"chain\"", "\"pyramid\"");
    bench.write("experiment.toml", text.replace("queries = 6", "queries = 2"));
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(report["tried"]["failed"], 0);
}

#[test]
fn the_example_trainer_in_python_runs() {
    let bench = Bench::new();
    let trainer = repository().join("examples/trainer-python/trainer.py");
    let settings = format!("\n[trainer]\ncommand = [\"python3\", {trainer:?}]\n");
    idx(&bench, "train", 300);
    idx(&bench, "t10k", 50);
    let text = experiment("use = \"random\"", &settings)
        .replace("\"digits\"", "\"data\"")
        .replace("epochs = 2", "epochs = 10")
        .replace("queries = 6", "queries = 2");
    bench.write("experiment.toml", text);
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(report["tried"]["failed"], 0);
    assert!(report["test_accuracy"].as_f64().unwrap() > 0.3, "{report}");
}

#[test]
fn spaces_are_shown_sampled_and_counted() {
    let bench = Bench::new();
    assert_eq!(bench.json(["space", "count", "nas-bench-201", "--json"])["points"], "15625");
    assert_eq!(bench.json(["space", "count", "rnn-cell", "--json"])["points"], "2642411520");
    let spaces = bench.json(["space", "list", "--json"]);
    for space in spaces.as_array().unwrap() {
        let name = space["name"].as_str().unwrap();
        bench.json(["space", "show", name, "--json"]);
        let samples = bench.json(["space", "sample", name, "-n", "3", "--json", "--networks"]);
        assert_eq!(samples.as_array().unwrap().len(), 3);
        assert!(bench.output(["space", "sample", name]).status.success());
        assert!(bench.output(["space", "show", name]).status.success());
    }
    bench.fails(["space", "sample", "nas-bench-201", "-o", "chanels=4"], 2);
}

#[test]
fn doctor_finds_everything_in_place() {
    let bench = Bench::new();
    let findings = bench.json(["doctor", "--json"]);
    assert!(findings.as_array().unwrap().iter().all(|finding| finding["well"] == true), "{findings}");
    let broken = bench.command(["doctor"]).env("ARCHWRIGHT_PLUGINS", "nowhere").output().unwrap();
    assert_eq!(broken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&broken.stdout).contains("cargo xtask build"));
}

#[test]
fn schema_and_completions_are_printed() {
    let bench = Bench::new();
    assert_eq!(bench.json(["schema"])["type"], "object");
    for shell in ["bash", "zsh", "fish"] {
        let output = bench.output(["completions", shell]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("archwright"));
    }
}
