//! Components that were built against released contracts keep running.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::PathBuf;

use archwright_tests::{Bench, experiment, repository, stderr, unwrapped};

const KINDS: [&str; 3] = ["strategy", "estimator", "search-space"];

/// Folders with the components of each released contract.
fn released() -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join("tests/contract")).unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    assert!(!folders.is_empty());
    folders
}

#[test]
fn every_released_contract_has_components() {
    for contract in fs::read_dir(repository().join("wit/released")).unwrap() {
        let contract = contract.unwrap().file_name();
        for kind in KINDS {
            let component = repository().join("tests/contract").join(&contract).join(format!("{kind}.wasm"));
            assert!(component.is_file(), "{}", component.display());
        }
    }
}

#[test]
fn components_of_released_contracts_conform() {
    for folder in released() {
        for kind in KINDS {
            let component = folder.join(format!("{kind}.wasm"));
            let output = Bench::new().output(["plugin", "check", component.to_str().unwrap()]);
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{}: {said}{}", component.display(), stderr(&output));
        }
    }
}

#[test]
fn components_of_released_contracts_search_together() {
    for folder in released() {
        let bench = Bench::new();
        let path = |kind: &str| format!("use = \"{}\"", folder.join(format!("{kind}.wasm")).display());
        let text = experiment(&path("strategy"), "")
            .replace("use = \"chain\"", &path("search-space"))
            .replace("use = \"full-training\"", &path("estimator"))
            .replace("queries = 6", "queries = 3");
        bench.write("experiment.toml", text);
        let report = bench.json(["run", "experiment.toml", "--json"]);
        assert_eq!(report["tried"]["queries"], 3);
        assert_eq!(report["tried"]["failed"], 0);
    }
}

#[test]
fn a_component_for_a_newer_contract_is_refused_in_words() {
    let bench = Bench::new();
    let newest = fs::read(repository().join("tests/contract/0.1.0/strategy.wasm")).unwrap();
    for (version, said) in [
        ("0.1.9", "use a newer archwright, or build the plugin for 0.1.1"),
        ("0.9.0", "has changed incompatibly by version 0.9.0: use a newer archwright"),
        ("0.0.9", "has changed incompatibly since version 0.0.9: build the plugin anew for 0.1.1"),
    ] {
        // The names in a component, of the same length under any of these versions.
        bench.write("other.wasm", replaced(&newest, b"@0.1.0", format!("@{version}").as_bytes()));
        let message = bench.fails(["plugin", "inspect", "other.wasm"], 2);
        let message = unwrapped(&message);
        for part in [said, "this host has version 0.1.1 of the contract", version] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    for start in 0..bytes.len() - from.len() {
        if bytes[start..].starts_with(from) {
            bytes[start..start + to.len()].copy_from_slice(to);
        }
    }
    bytes
}
