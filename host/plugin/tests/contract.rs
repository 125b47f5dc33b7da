//! The contract in `wit/` against the ones that were released.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use archwright_plugin::CONTRACT;
use wit_component::semver_check;
use wit_parser::{Resolve, WorldId};

/// Every contract that was released, with the digest of its files: what is published never changes.
const RELEASED: [(&str, &str); 1] = [("0.1.0", "544cae663fba26d03332f83e1a756181bbcde26996694831046a8c3a5e4e33fe")];

const WORLDS: [&str; 3] = ["strategy-plugin", "estimator-plugin", "search-space-plugin"];

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

/// The files of a contract by name.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "wit"));
    files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
        .collect()
}

fn released(version: &str) -> BTreeMap<String, String> {
    files(&wit().join("released").join(version))
}

fn last_released() -> BTreeMap<String, String> {
    released(RELEASED[RELEASED.len() - 1].0)
}

/// Reads a contract, under a version that tells it from another one.
fn push(resolve: &mut Resolve, files: &BTreeMap<String, String>, version: &str) -> Vec<WorldId> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let (package, rest) = text.split_once(';').unwrap();
        let (package, _) = package.split_once('@').unwrap();
        fs::write(folder.path().join(name), format!("{package}@{version};{rest}")).unwrap();
    }
    let (package, _) = resolve.push_dir(folder.path()).unwrap();
    WORLDS.iter().map(|world| resolve.select_world(&[package], Some(world)).unwrap()).collect()
}

/// Whether components of one contract keep working where another one is in force.
fn keeps_working(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let before = push(&mut resolve, before, "9.9.1");
    let now = push(&mut resolve, now, "9.9.2");
    for ((before, now), world) in before.into_iter().zip(now).zip(WORLDS) {
        semver_check(resolve.clone(), before, now).map_err(|error| format!("{world}: {error:#}"))?;
    }
    Ok(())
}

#[test]
fn what_was_released_stays_as_it_was() {
    for (version, digest) in RELEASED {
        let mut hasher = blake3::Hasher::new();
        for (name, text) in released(version) {
            hasher.update(name.as_bytes()).update(&[0]).update(text.as_bytes()).update(&[0]);
        }
        assert_eq!(hasher.finalize().to_hex().as_str(), digest, "the contract {version} is published");
    }
}

#[test]
fn components_of_the_last_release_keep_working() {
    let (last, now) = (last_released(), files(&wit()));
    keeps_working(&last, &now).unwrap();
    let version = semver::Version::parse(RELEASED[RELEASED.len() - 1].0).unwrap();
    assert!(CONTRACT >= version, "the version of the contract never falls");
    if keeps_working(&now, &last).is_err() {
        assert!(CONTRACT > version, "wit/ holds more than {version}: it needs a version of its own");
    }
}

#[test]
fn the_host_has_the_version_that_the_contract_has() {
    for (name, text) in files(&wit()) {
        assert!(text.starts_with(&format!("package archwright:nas@{CONTRACT};")), "{name}");
    }
}

#[test]
fn what_breaks_components_is_noticed() {
    let last = last_released();
    let changed = |file: &str, from: &str, to: &str| {
        let mut now = last.clone();
        let text = now.get_mut(file).unwrap();
        assert!(text.contains(from), "{from}");
        *text = text.replacen(from, to, 1);
        keeps_working(&last, &now)
    };
    let added = "  /// How many.\n  count: func() -> u64;\n  sample: func(seed: u64) -> architecture;";
    changed("types.wit", "  sample: func(seed: u64) -> architecture;", added).unwrap();
    for (file, from, to) in [
        ("types.wit", "  fingerprint: func(of: architecture) -> result<string, error>;", ""),
        ("types.wit", "sample: func(seed: u64)", "sample: func(seed: u32)"),
        ("types.wit", "record objective { name: string, goal: goal }", "record objective { goal: goal, name: string }"),
        ("types.wit", "enum goal { minimize, maximize }", "enum goal { minimize, maximize, neither }"),
        ("strategy.wit", "    seed: u64,", "    seed: u64,\n    in-flight: u32,"),
        ("strategy.wit", "ask: func(capacity: u32)", "ask: func(capacity: u32, hint: bool)"),
        ("estimator.wit", "    cost: func() -> f64;", "    cost: func() -> f32;"),
        (
            "search-space.wit",
            "  describe: func() -> description;",
            "  describe: func() -> description;\n  more: func();",
        ),
    ] {
        assert!(changed(file, from, to).is_err(), "{to:?} for {from:?}");
    }
}
