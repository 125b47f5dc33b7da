//! Plugins in Python and JavaScript: they build, keep the contract, and do what the same plugin in Rust does.
//!
//! Building fetches each language's tool once and takes some ten seconds a plugin, so that the examples alone are built always.
//! `ARCHWRIGHT_LANGUAGES=1` asks for the rest. Where a language, or the network for its tool, is missing, tests are skipped, and
//! say so.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::Command;

use archwright_tests::{Bench, made_up_cells, repository, say, stderr};
use serde_json::Value;

/// The environment variable that asks for plugins to be built.
const ASKED: &str = "ARCHWRIGHT_LANGUAGES";

/// A language with what building a plugin in it takes.
struct Language {
    name: &'static str,
    needs: &'static [&'static str],
    tests: &'static [&'static str],
}

const PYTHON: Language =
    Language { name: "python", needs: &["python3"], tests: &["python3", "-m", "unittest", "--quiet"] };
const JAVASCRIPT: Language = Language { name: "javascript", needs: &["node", "npm"], tests: &["node", "--test"] };

impl Language {
    /// Whether all of its tests were asked for; says so where not.
    fn is_asked_for(&self) -> bool {
        let asked = std::env::var_os(ASKED).is_some();
        if !asked {
            say(&format!("SKIPPED: of {} the example alone is built: {ASKED}=1 asks for more", self.name));
        }
        asked && self.is_here()
    }

    /// Whether this machine has what the language needs; says so where not.
    fn is_here(&self) -> bool {
        let missing = self.needs.iter().find(|program| Command::new(program).arg("--version").output().is_err());
        if let Some(missing) = missing {
            say(&format!("SKIPPED: no `{missing}` on this machine, so nothing in {} is tested", self.name));
        }
        missing.is_none()
    }

    /// Runs a project's own tests.
    fn test(&self, project: &Path) {
        let (program, arguments) = self.tests.split_first().unwrap();
        let output = Command::new(program).args(arguments).current_dir(project).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        assert!(output.status.success(), "{}: {said}", project.display());
    }
}

/// Builds a project, and has the component checked. `false` where the language's tool cannot be had, which is said.
fn build(bench: &Bench, project: &Path, component: &str) -> bool {
    let built = bench.output(["plugin", "build", project.to_str().unwrap(), "-o", component]);
    let message = stderr(&built);
    if message.contains("cannot fetch") {
        say(&format!("SKIPPED: {message}"));
        return false;
    }
    assert!(built.status.success(), "{}: {message}", project.display());
    let checked = bench.output(["plugin", "check", component]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{component}: {said}{}", stderr(&checked));
    true
}

/// The architectures that a strategy asks for on a table, in order.
fn proposals(bench: &Bench, strategy: &str, seed: u64) -> Vec<Value> {
    let text = format!(
        "[space]\nuse = \"nas-bench-201\"\n\n\
         [strategy]\nuse = \"{strategy}\"\npopulation_size = 10\nsample_size = 3\ncrossover_probability = 0.3\n\n\
         [estimator]\nuse = \"benchmark-table\"\n\n[task]\ndata = \"cells.table\"\n\n\
         [budget]\nqueries = 60\n\n[run]\nseed = {seed}\n"
    );
    bench.write("experiment.toml", text);
    bench.json(["run", "experiment.toml", "--json"]);
    let run = bench.json(["show", "latest", "--json"]);
    let observations = run["observations"].as_array().unwrap();
    observations.iter().map(|observation| observation["architecture"].clone()).collect()
}

/// The example of a language asks for what the bundled strategy asks for, and keeps the contract.
fn asks_for_what_rust_asks_for(language: &Language) {
    if !language.is_here() {
        return;
    }
    let example = repository().join(format!("examples/plugins/strategy-{}", language.name));
    language.test(&example);
    let bench = Bench::new();
    if !build(&bench, &example, "plugin.wasm") {
        return;
    }
    bench.write("cells.csv", made_up_cells(false));
    bench.json(["table", "import", "cells.csv", "--space", "nas-bench-201", "--json"]);
    for seed in [0, 7] {
        let rust = proposals(&bench, "regularized-evolution", seed);
        assert_eq!(rust.len(), 60);
        assert!(rust.iter().all(|architecture| !architecture.is_null()), "{rust:?}");
        assert_eq!(rust, proposals(&bench, "./plugin.wasm", seed), "{} with seed {seed}", language.name);
    }
}

#[test]
fn a_strategy_in_python_asks_for_what_the_same_in_rust_asks_for() {
    asks_for_what_rust_asks_for(&PYTHON);
}

#[test]
fn a_strategy_in_javascript_asks_for_what_the_same_in_rust_asks_for() {
    asks_for_what_rust_asks_for(&JAVASCRIPT);
}

/// A new project of each kind: its own tests pass, it builds, and what it builds keeps the contract.
fn new_projects_work(language: &Language) {
    if !language.is_asked_for() {
        return;
    }
    let bench = Bench::new();
    for kind in ["strategy", "estimator", "search-space"] {
        let name = format!("my-{kind}");
        bench.json(["plugin", "new", &name, "--kind", kind, "--lang", language.name, "--json"]);
        let project = bench.path().join(&name);
        language.test(&project);
        assert!(build(&bench, &project, &format!("{name}.wasm")));
        let described = bench.json(["plugin", "inspect", &format!("{name}.wasm"), "--json"]);
        assert_eq!(described["description"]["name"], name.as_str(), "{described}");
    }
}

#[test]
fn new_projects_in_python_work() {
    new_projects_work(&PYTHON);
}

#[test]
fn new_projects_in_javascript_work() {
    new_projects_work(&JAVASCRIPT);
}

/// A mistake in a plugin is told with its place, while it is built and while it runs.
fn mistakes_have_places(language: &Language, entry: &str, while_building: [&str; 2], while_running: [&str; 2]) {
    if !language.is_asked_for() {
        return;
    }
    let bench = Bench::new();
    bench.json(["plugin", "new", "mistaken", "--kind", "strategy", "--lang", language.name, "--json"]);
    let file = bench.path().join("mistaken").join(entry);
    let sound = std::fs::read_to_string(&file).unwrap();
    let mistake = |[line, by]: [&str; 2]| {
        assert!(sound.contains(line), "{line}");
        std::fs::write(&file, sound.replace(line, by)).unwrap();
        1 + sound.lines().position(|one| one.contains(line)).unwrap()
    };
    let line = mistake(while_building);
    let output = bench.output(["plugin", "build", "mistaken", "-o", "mistaken.wasm"]);
    let message = stderr(&output);
    assert!(!output.status.success() && message.contains(entry), "{message}");
    assert!(message.contains(&line.to_string()), "line {line}: {message}");
    let line = mistake(while_running);
    bench.json(["plugin", "build", "mistaken", "-o", "mistaken.wasm", "--json"]);
    bench.write("cells.csv", made_up_cells(false));
    bench.json(["table", "import", "cells.csv", "--space", "nas-bench-201", "--json"]);
    let experiment = "[space]\nuse = \"nas-bench-201\"\n[strategy]\nuse = \"./mistaken.wasm\"\n\
                      [estimator]\nuse = \"benchmark-table\"\n[task]\ndata = \"cells.table\"\n[budget]\nqueries = 5\n";
    bench.write("experiment.toml", experiment);
    let output = bench.output(["run", "experiment.toml"]);
    let message = stderr(&output);
    assert!(!output.status.success(), "{message}");
    assert!(message.contains(&format!("{entry}:{line}")), "line {line}: {message}");
}

#[test]
fn a_mistake_in_python_is_told_with_its_place() {
    mistakes_have_places(
        &PYTHON,
        "app.py",
        ["from archwright import Archive,", "from archwright import Archiv,"],
        ["seed = self.rng.next_u64()", "seed = self.rnd.next_u64()"],
    );
}

#[test]
fn a_mistake_in_javascript_is_told_with_its_place() {
    mistakes_have_places(
        &JAVASCRIPT,
        "plugin.js",
        ["static references = [", "static references = ) ["],
        ["const seed = this.rng.nextU64();", "const seed = this.rnd.nextU64();"],
    );
}
