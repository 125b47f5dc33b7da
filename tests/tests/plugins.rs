//! Plugins work together, and so do those that are built outside the repository.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;

use archwright_tests::{Bench, experiment, plugin_builds, repository, stderr};

#[test]
fn bundled_plugins_are_listed_and_shown() {
    let bench = Bench::new();
    let plugins = bench.json(["plugin", "list", "--json"]);
    let plugins = plugins.as_array().unwrap();
    assert!(plugins.len() >= 6, "{plugins:?}");
    for plugin in plugins {
        let name = plugin["name"].as_str().unwrap();
        assert_eq!(plugin["description"]["name"], name);
        let inspected = bench.output(["plugin", "inspect", name]);
        assert!(inspected.status.success(), "{}", stderr(&inspected));
    }
}

#[test]
fn inspecting_a_plugin_shows_what_its_options_may_be() {
    let bench = Bench::new();
    let output = bench.output(["plugin", "inspect", "low-fidelity"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["number, above 0, up to 1; default 1.0", "integer, 1 to ", "\"last\" or \"best\"; default \"last\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_folder_without_a_crate_is_no_plugin() {
    let bench = Bench::new();
    bench.write("folder/lib.rs", "");
    let message = bench.fails(["plugin", "build", "folder", "-o", "plugin.wasm"], 2);
    assert!(message.contains("there is no plugin's project in folder"), "{message}");
}

#[test]
fn every_strategy_runs_with_every_estimator() {
    for strategy in ["random", "regularized-evolution", "local-search"] {
        for estimator in ["full-training", "low-fidelity", "one-shot"] {
            let bench = Bench::new();
            let text = experiment(&format!("use = \"{strategy}\""), "")
                .replace("full-training", estimator)
                .replace("queries = 6", "queries = 3");
            bench.write("experiment.toml", text);
            let report = bench.json(["run", "experiment.toml", "--json"]);
            assert_eq!(report["tried"]["queries"], 3, "{strategy} with {estimator}");
        }
    }
}

#[test]
fn lower_fidelities_are_cheaper_networks_of_the_same_architecture() {
    let bench = Bench::new();
    let estimator = "\"low-fidelity\"\nepochs_share = 0.5\ndata_share = 0.5\nresolution_share = 0.5\nwidth_share = 0.5\ndepth_share = 0.5";
    let text = experiment("use = \"random\"", "").replace("\"full-training\"", estimator);
    bench.write("experiment.toml", text.replace("queries = 6", "queries = 2"));
    let report = bench.json(["run", "experiment.toml", "--json"]);
    let run = bench.json(["show", "latest", "--json"]);
    let fidelity = run["observations"][0]["outcome"]["estimated"]["fidelity"].as_f64().unwrap();
    assert!(fidelity < 1.0, "{fidelity}");
    assert_eq!(report["tried"]["failed"], 0);
}

/// Copies a crate, pointing its dependency on the SDK at the repository.
fn copy_crate(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() {
            if name != "target" {
                copy_crate(&entry.path(), &to.join(name));
            }
        } else if name == "Cargo.toml" {
            let sdk = repository().join("plugins/sdk");
            let text = fs::read_to_string(entry.path()).unwrap();
            fs::write(to.join(name), text.replace("../../../plugins/sdk", sdk.to_str().unwrap())).unwrap();
        } else {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

/// Builds a project, and says what came of it.
fn build(bench: &Bench, project: &str) -> serde_json::Value {
    let mut build = bench.command(["plugin", "build", project, "--json"]);
    let output = build.env("CARGO_TARGET_DIR", plugin_builds()).output().unwrap();
    assert!(output.status.success(), "{project}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn plugins_built_outside_the_repository_run_by_path() {
    let bench = Bench::new();
    for name in ["strategy-rust", "estimator-rust", "search-space-rust"] {
        copy_crate(&repository().join("examples/plugins").join(name), &bench.path().join(name));
        let built = build(&bench, name);
        let component = built["component"].as_str().unwrap();
        let report = bench.json(["plugin", "check", component, "--json"]);
        assert_eq!(report["passed"], true, "{name}: {report}");
    }
    let text = experiment("use = \"./strategy-rust/simulated-annealing.wasm\"", "")
        .replace("\"full-training\"", "\"./estimator-rust/two-stage.wasm\"")
        .replace("\"chain\"", "\"./search-space-rust/fractal.wasm\"\ncolumns = 2");
    bench.write("experiment.toml", text);
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(report["tried"]["queries"], 6);
}

#[test]
fn a_strategy_that_needs_what_the_estimator_does_not_give_is_refused() {
    let bench = Bench::new();
    let folder = bench.path().join("strategy");
    copy_crate(&repository().join("examples/plugins/strategy-rust"), &folder);
    for file in ["Cargo.toml", "plugin.toml", "src/lib.rs"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let line = "const NAME: &'static str = \"needy\";";
        let needy = format!("{line}\n    const NEEDS: &'static [&'static str] = &[\"gradients\"];");
        let text = text.replace("\"simulated-annealing\"", "\"needy\"").replace(line, &needy);
        assert!(text.contains("\"needy\""), "{file}: {text}");
        fs::write(folder.join(file), text).unwrap();
    }
    build(&bench, "strategy");
    bench.write("experiment.toml", experiment("use = \"./strategy/needy.wasm\"", ""));
    let message = bench.fails(["run", "experiment.toml"], 2);
    for part in ["needs `gradients`", "full-training", "experiment.toml:8"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(bench.json(["runs", "--json"]).as_array().unwrap().is_empty());
}
