//! From `plugin new` to a search on handwritten digits, as a plugin's author goes.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::process::{Command, Stdio};

use archwright_tests::{Bench, plugin_builds, signal, stderr};
use serde_json::Value;

/// `archwright` in a folder of the bench.
fn archwright<const N: usize>(bench: &Bench, folder: &str, arguments: [&str; N]) -> Command {
    let mut command = bench.command(arguments);
    command.current_dir(bench.path().join(folder)).env("CARGO_TARGET_DIR", plugin_builds());
    command
}

/// Runs a command, which has to succeed; gives what it printed.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn json(command: &mut Command) -> Value {
    serde_json::from_str(&printed(command.arg("--json"))).unwrap()
}

/// Goes the way that `plugin new` prints, with a small search at its end.
fn from_new_to_a_search(bench: &Bench, name: &str, kind: &str) {
    let made = json(&mut bench.command(["plugin", "new", name, "--kind", kind, "--lang", "rust"]));
    assert_eq!(made["folder"], name);
    let folder = bench.path().join(name);
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(readme.contains(&format!("archwright plugin check {name}.wasm")), "{readme}");

    let mut tests = Command::new("cargo");
    printed(tests.arg("test").current_dir(&folder).env("CARGO_TARGET_DIR", plugin_builds()));
    let built = json(&mut archwright(bench, name, ["plugin", "build"]));
    let component = format!("{name}.wasm");
    assert_eq!(built["component"], component);
    let report = json(&mut archwright(bench, name, ["plugin", "check", &component]));
    assert_eq!(report["passed"], true, "{name}: {report}");
    let inspected = json(&mut archwright(bench, name, ["plugin", "inspect", &component]));
    assert_eq!(inspected["description"]["name"], name);

    let file = folder.join("experiment.toml");
    let mut small = String::new();
    for line in fs::read_to_string(&file).unwrap().lines() {
        small += match line.split(' ').next() {
            Some("queries") => "queries = 4",
            Some("epochs") => "epochs = 2",
            _ => line,
        };
        small += "\n";
    }
    fs::write(&file, small).unwrap();
    let report = json(&mut archwright(bench, name, ["run", "experiment.toml"]));
    assert_eq!((&report["tried"]["queries"], &report["tried"]["failed"]), (&4.into(), &0.into()));
}

#[test]
fn a_strategy_goes_from_new_to_a_search() {
    let bench = Bench::new();
    from_new_to_a_search(&bench, "new-strategy", "strategy");

    // The manifest and the component have to agree, or nothing is written.
    let manifest = bench.path().join("new-strategy/plugin.toml");
    let right = fs::read_to_string(&manifest).unwrap();
    for (key, wrong) in [
        ("name", right.replace("\"new-strategy\"", "\"other-strategy\"")),
        ("version", right.replace("\"0.1.0\"", "\"0.2.0\"")),
        ("kind", right.replace("\"strategy\"", "\"estimator\"")),
    ] {
        fs::write(&manifest, wrong).unwrap();
        let output = archwright(&bench, "new-strategy", ["plugin", "build", "-o", "wrong.wasm"]).output().unwrap();
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(&format!("plugin's {key} is `")) && message.contains("plugin.toml"), "{message}");
    }
    assert!(!bench.path().join("new-strategy/wrong.wasm").exists());
}

#[test]
fn an_estimator_goes_from_new_to_a_search() {
    from_new_to_a_search(&Bench::new(), "new-estimator", "estimator");
}

#[test]
fn a_search_space_goes_from_new_to_a_search() {
    from_new_to_a_search(&Bench::new(), "new-search-space", "search-space");
}

#[test]
fn watching_builds_and_checks_after_every_change() {
    let bench = Bench::new();
    json(&mut bench.command(["plugin", "new", "watched", "--kind", "search-space"]));
    let mut watch = archwright(&bench, "watched", ["plugin", "watch", "--json"]);
    let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut rounds = serde_json::Deserializer::from_reader(watch.stdout.take().unwrap()).into_iter::<Value>();
    let source = bench.path().join("watched/src/lib.rs");
    let right = fs::read_to_string(&source).unwrap();

    let round = rounds.next().unwrap().unwrap();
    assert_eq!(round["failed"], Value::Array(Vec::new()), "{round}");
    fs::write(&source, right.replace("type Options = Options;", "type Options = Opinions;")).unwrap();
    let round = rounds.next().unwrap().unwrap();
    assert!(round["error"]["message"].as_str().unwrap().contains("failed"), "{round}");
    fs::write(&source, right).unwrap();
    let round = rounds.next().unwrap().unwrap();
    assert_eq!(round["failed"], Value::Array(Vec::new()), "{round}");

    signal(watch.id(), "-INT");
    assert_eq!(watch.wait().unwrap().code(), Some(130));
}

#[test]
fn what_is_there_is_not_written_over() {
    let bench = Bench::new();
    bench.write("taken/notes.txt", "mine");
    for folder in ["taken", "taken/notes.txt"] {
        let message = bench.fails(["plugin", "new", "mine", "--kind", "strategy", "--folder", folder], 2);
        assert!(message.contains("there already") && message.contains("--folder"), "{message}");
    }
    assert_eq!(fs::read_dir(bench.path().join("taken")).unwrap().count(), 1);
    bench.json(["plugin", "new", "mine", "--kind", "estimator", "--folder", "deep/down", "--json"]);
    assert!(bench.path().join("deep/down/plugin.toml").is_file());
}

#[test]
fn what_cannot_be_made_or_built_is_said_with_what_would_be_right() {
    let bench = Bench::new();
    let message = bench.fails(["plugin", "new", "MyStrategy", "--kind", "strategy"], 2);
    assert!(message.contains("`my-strategy`"), "{message}");
    let message = bench.fails(["plugin", "new", "mine", "--kind", "strategy", "--sdk", "nowhere"], 2);
    assert!(message.contains("nowhere") && message.contains("--sdk"), "{message}");
    assert!(!bench.path().join("mine").exists());

    let message = bench.fails(["plugin", "build", "nowhere"], 2);
    assert!(message.contains("no such folder") && message.contains("plugin new"), "{message}");
    let message = bench.fails(["plugin", "watch"], 2);
    assert!(message.contains("plugin.toml"), "{message}");
    bench.write("crate/Cargo.toml", "[package]\nname = \"one\"\n");
    let message = bench.fails(["plugin", "build", "crate"], 2);
    assert!(message.contains("-o FILE"), "{message}");
    let manifest = "[package]\nname = \"one\"\n[lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\narchwright-sdk = { path = \"/gone\" }\n";
    bench.write("moved/Cargo.toml", manifest);
    bench.write("moved/src/lib.rs", "");
    let message = bench.fails(["plugin", "build", "moved", "-o", "moved.wasm"], 1);
    assert!(message.contains("`archwright-sdk` in /gone"), "{message}");
    bench.write(
        "wrong/plugin.toml",
        "[plugin]\nname = \"one\"\nversion = \"0.1.0\"\nkind = \"stategy\"\nlanguage = \"rust\"\n",
    );
    let message = bench.fails(["plugin", "build", "wrong"], 2);
    assert!(message.contains("wrong/plugin.toml:4: ") && message.contains("`strategy`"), "{message}");
    bench.write(
        "empty/plugin.toml",
        "[plugin]\nname = \"one\"\nversion = \"0.1.0\"\nkind = \"strategy\"\nlanguage = \"rust\"\n",
    );
    let message = bench.fails(["plugin", "build", "empty"], 1);
    assert!(message.contains("Cargo.toml"), "{message}");
}

#[test]
fn the_schema_of_manifests_is_printed() {
    let schema = Bench::new().json(["schema", "plugin"]);
    assert!(schema["properties"]["limits"].is_object(), "{schema}");
}
