//! A run is its journal: whatever ends its host or its trainers, it goes on to the same end.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use archwright_tests::{Bench, children, signal, stderr};
use serde_json::Value;

/// Times that each fault is done; more with `ARCHWRIGHT_FAULTS`.
fn faults() -> u64 {
    std::env::var("ARCHWRIGHT_FAULTS").ok().and_then(|number| number.parse().ok()).unwrap_or(4)
}

/// A search whose strategy depends on every observation, with weights kept at its end.
fn experiment() -> String {
    "[space]\nuse = \"chain\"\n\n[strategy]\nuse = \"regularized-evolution\"\npopulation_size = 4\nsample_size = 2\n\n\
     [estimator]\nuse = \"low-fidelity\"\nepochs_share = 0.5\n\n[task]\ndata = \"digits\"\n\n\
     [task.recipe]\nepochs = 4\n\n[budget]\nqueries = 12\n\n\
     [run]\nfinalists = 2\nfinal_seeds = 1\n\n[trainer]\ncheckpoint = 0.05\n"
        .to_owned()
}

/// The same, judged by shared weights that go from state to state in the trainer's memory.
fn shared_experiment() -> String {
    let estimator = "\"one-shot\"\ntraining = \"strategy\"\nsteps_per_query = 25\nepochs = 40";
    experiment()
        .replace("\"low-fidelity\"\nepochs_share = 0.5", estimator)
        .replace("\"chain\"", "\"nas-bench-201\"\nchannels = 8\ncells = 1")
}

/// What a run did and found, without what depends on the clock.
struct Course {
    journal: Vec<String>,
    found: Value,
    test: Value,
}

fn course(bench: &Bench) -> Course {
    let journal = bench.output(["journal", "latest", "--timeless"]);
    assert!(journal.status.success(), "{}", stderr(&journal));
    let run = bench.json(["show", "latest", "--json"]);
    assert_eq!(run["status"], "finished", "{run}");
    Course {
        journal: String::from_utf8(journal.stdout).unwrap().lines().map(str::to_owned).collect(),
        found: run["result"]["found"].clone(),
        test: run["result"]["test"].clone(),
    }
}

impl Course {
    /// That this is the course of an undisturbed run.
    fn equals(&self, undisturbed: &Self) {
        for (number, (here, there)) in self.journal.iter().zip(&undisturbed.journal).enumerate() {
            assert_eq!(here, there, "record {number}");
        }
        assert_eq!(self.journal.len(), undisturbed.journal.len());
        assert_eq!((&self.found, &self.test), (&undisturbed.found, &undisturbed.test));
    }
}

fn undisturbed(experiment: &str) -> Course {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment);
    let output = bench.output(["run", "experiment.toml"]);
    assert!(output.status.success(), "{}", stderr(&output));
    course(&bench)
}

fn start(bench: &Bench, arguments: [&str; 2]) -> Child {
    let mut command = bench.command(arguments);
    command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Moments that look random and are the same each time, in milliseconds.
fn moments(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 700
    })
}

fn sleep(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Whether there is a run that could be resumed.
fn has_begun(bench: &Bench) -> bool {
    bench.json(["runs", "--json"]).as_array().is_some_and(|runs| !runs.is_empty())
}

/// Goes on with the run, or starts it where the host did not live long enough for that.
fn go_on(bench: &Bench) -> Child {
    let arguments = if has_begun(bench) { ["resume", "latest"] } else { ["run", "experiment.toml"] };
    start(bench, arguments)
}

fn finish(bench: &Bench) {
    let output = go_on(bench).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_host_that_is_killed_again_and_again_ends_the_same() {
    for (experiment, whole_group) in [(experiment(), false), (experiment(), true), (shared_experiment(), false)] {
        let undisturbed = undisturbed(&experiment);
        let bench = Bench::new();
        bench.write("experiment.toml", experiment);
        for moment in moments(u64::from(whole_group)).take(faults() as usize) {
            let mut host = go_on(&bench);
            sleep(200 + moment);
            if whole_group {
                // It may have ended by itself.
                let _ = Command::new("kill").args(["-9", "--", &format!("-{}", host.id())]).status();
            } else {
                host.kill().unwrap();
            }
            host.wait().unwrap();
        }
        finish(&bench);
        course(&bench).equals(&undisturbed);
        let verified = bench.output(["verify", "latest"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
}

/// The files of shared weights in a store.
fn shared_weights(bench: &Bench) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(bench.path().join("store/weights")).unwrap().map(|entry| entry.unwrap().path());
    let is_shared = |path: &std::path::PathBuf| {
        let content = fs::read(path).unwrap();
        content.windows(5).take(1 << 16).any(|bytes| bytes == b"taken")
    };
    files.filter(|path| path.is_file()).filter(is_shared).collect()
}

#[test]
fn of_shared_weights_the_last_two_states_stay() {
    let bench = Bench::new();
    bench.write("experiment.toml", shared_experiment());
    for _ in 0..2 {
        assert!(bench.output(["run", "experiment.toml"]).status.success());
        assert_eq!(shared_weights(&bench).len(), 2);
    }
    let checked = bench.output(["cache", "check"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    // Two hosts that take turns on the way keep each other's until both are done.
    let more = shared_experiment().replace("queries = 12", "queries = 16").replace("epochs = 40", "epochs = 41");
    bench.write("experiment.toml", more);
    let hosts: Vec<Child> = (0..2).map(|_| start(&bench, ["run", "experiment.toml"])).collect();
    for host in hosts {
        let output = host.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert_eq!(shared_weights(&bench).len(), 4);
}

#[test]
fn remembered_outcomes_whose_shared_weights_are_gone_change_nothing() {
    let longer = shared_experiment().replace("queries = 12", "queries = 20");
    let undisturbed = undisturbed(&longer);
    let bench = Bench::new();
    bench.write("experiment.toml", shared_experiment());
    assert!(bench.output(["run", "experiment.toml"]).status.success());
    shared_weights(&bench).iter().for_each(|path| fs::remove_file(path).unwrap());
    bench.write("experiment.toml", &longer);
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert!(report["tried"]["remembered"].as_u64().unwrap() >= 12, "what is known is not done again: {report}");
    let [here, there] = [&course(&bench), &undisturbed];
    assert_eq!((&here.found, &here.test), (&there.found, &there.test));
    // What was come to again on the way does not stay either.
    assert_eq!(shared_weights(&bench).len(), 2);
    // They go while a run is under way.
    let bench = Bench::new();
    bench.write("experiment.toml", longer);
    for moment in moments(11).take(faults() as usize) {
        let mut host = go_on(&bench);
        sleep(200 + moment);
        host.kill().unwrap();
        host.wait().unwrap();
        if bench.path().join("store/weights").is_dir() {
            shared_weights(&bench).iter().for_each(|path| fs::remove_file(path).unwrap());
        }
    }
    finish(&bench);
    course(&bench).equals(&undisturbed);
}

/// Searches over shared weights by every strategy that has some for itself, and by those that train networks alone.
const STRATEGIES: [(&str, &str); 8] = [
    ("darts", ""),
    ("gdas", ""),
    ("snas", ""),
    ("proxylessnas", "update_every = 1"),
    ("enas", "rounds = 3\ncontroller_steps = 3"),
    ("single-path-one-shot", "population_size = 8\niterations = 2\nparents = 3\ncrossovers = 4\nmutations = 4"),
    ("reinforce", "batch_size = 3"),
    ("ppo", "batch_size = 3"),
];

#[test]
fn every_strategy_goes_on_to_the_same_end() {
    for (strategy, options) in STRATEGIES {
        let evolution = "\"regularized-evolution\"\npopulation_size = 4\nsample_size = 2";
        let text = shared_experiment().replace(evolution, &format!("\"{strategy}\"\n{options}"));
        let text = text.replace("training = \"strategy\"\nsteps_per_query = 25\nepochs = 40", "epochs = 3");
        let queries = if ["reinforce", "ppo"].contains(&strategy) { "9" } else { "100_000" };
        let text = text.replace("queries = 12", &format!("queries = {queries}"));
        let undisturbed = undisturbed(&text);
        let bench = Bench::new();
        bench.write("experiment.toml", text);
        for moment in moments(3).take(faults() as usize / 2) {
            let mut host = go_on(&bench);
            sleep(100 + 2 * moment);
            host.kill().unwrap();
            host.wait().unwrap();
        }
        finish(&bench);
        course(&bench).equals(&undisturbed);
        let verified = bench.output(["verify", "latest"]);
        assert!(verified.status.success(), "{strategy}: {}", String::from_utf8_lossy(&verified.stdout));
    }
}

#[test]
fn trainers_that_are_killed_again_and_again_change_nothing() {
    for experiment in [experiment(), shared_experiment()] {
        let undisturbed = undisturbed(&experiment);
        let bench = Bench::new();
        bench.write("experiment.toml", experiment);
        let host = start(&bench, ["run", "experiment.toml"]);
        for moment in moments(7).take(faults() as usize) {
            sleep(100 + moment);
            for trainer in children(host.id()).into_iter().take(1) {
                signal(trainer, "-9");
            }
        }
        let output = host.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        course(&bench).equals(&undisturbed);
    }
}

#[test]
fn a_torn_journal_is_mended_and_goes_on() {
    let undisturbed = undisturbed(&experiment());
    for cut in [1, 5, 100] {
        let bench = Bench::new();
        bench.write("experiment.toml", experiment());
        let mut host = start(&bench, ["run", "experiment.toml"]);
        let path = bench.path().join("store/runs/1.journal");
        while fs::metadata(&path).map_or(0, |file| file.len()) < 6000 {
            sleep(5);
        }
        host.kill().unwrap();
        host.wait().unwrap();
        let length = fs::metadata(&path).unwrap().len();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.set_len(length - cut).unwrap();
        if cut == 5 {
            // What a machine that lost its power may leave.
            file.write_all(&[0; 64]).unwrap();
        }
        assert_eq!(bench.json(["show", "1", "--json"])["status"], "interrupted");
        finish(&bench);
        course(&bench).equals(&undisturbed);
    }
}

#[test]
fn a_full_disk_stops_a_run_that_then_goes_on() {
    let undisturbed = undisturbed(&experiment());
    let bench = Bench::new();
    bench.write("experiment.toml", experiment());
    let store = bench.path().join("store");
    let Some(disk) = Disk::mount(&store, "6m") else { return };
    let host = start(&bench, ["run", "experiment.toml"]);
    let journal = bench.path().join("store/runs/1.journal");
    while fs::metadata(&journal).map_or(0, |file| file.len()) < 6000 {
        sleep(5);
    }
    let filler = disk.fill();
    let output = host.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let message = stderr(&output);
    assert!(message.contains("full") || message.contains("No space left"), "{message}");
    assert!(message.contains("resume"), "{message}");
    // Nothing can be done while it is full, and nothing is lost by trying.
    let again = bench.output(["resume", "1"]);
    assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
    fs::remove_file(filler).unwrap();
    finish(&bench);
    course(&bench).equals(&undisturbed);
}

/// A small file system of its own.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// Mounts one; none where that is not permitted.
    fn mount(at: &'a Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(at));
        }
        println!("SKIPPED: mounting a small file system is not permitted here");
        None
    }

    /// Fills it to the last byte.
    fn fill(&self) -> std::path::PathBuf {
        let path = self.0.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn verifying_names_the_first_difference() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment());
    assert!(bench.output(["run", "experiment.toml"]).status.success());
    let identical = bench.json(["verify", "1", "--json", "--deep"]);
    assert_eq!(identical["differences"], Value::Array(Vec::new()));
    assert_eq!((&identical["complete"], &identical["repeated"]), (&true.into(), &3.into()));

    // Another option.
    bench.write("other.toml", experiment().replace("sample_size = 2", "sample_size = 3"));
    let output = bench.output(["verify", "1", "--experiment", "other.toml", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let verified: Value = serde_json::from_slice(&output.stdout).unwrap();
    let what = verified["differences"][0]["what"].as_str().unwrap();
    assert!(what.contains("/experiment/strategy/sample_size"), "{verified}");
    assert!(verified["differences"].as_array().unwrap().len() > 1, "its answers differ as well: {verified}");

    // Another build of the strategy that does the same, and another strategy.
    let plugins = archwright_tests::program().parent().unwrap().join("plugins/strategies");
    let path = bench.write("strategy.wasm", fs::read(plugins.join("regularized-evolution.wasm")).unwrap());
    bench.write("path.toml", experiment().replace("\"regularized-evolution\"", "\"./strategy.wasm\""));
    assert!(bench.output(["run", "path.toml"]).status.success());
    let mut other_build = fs::read(&path).unwrap();
    // A custom section of no consequence.
    other_build.extend([0, 3, 1, b'x', 0]);
    fs::write(&path, other_build).unwrap();
    let output = bench.output(["verify", "2"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("/parts/strategy/digest") && text.contains("played back alike"), "{text}");
    fs::copy(plugins.join("random.wasm"), &path).unwrap();
    let output = bench.output(["verify", "2"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}{}", stderr(&output));
    assert!(text.contains("random"), "{text}");
    // A run goes on with what it was begun with, whatever lies there now.
    assert!(bench.output(["run", "--locked", "2"]).status.success());

    // Any byte of the journal.
    let path = bench.path().join("store/runs/1.journal");
    let whole = fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(whole.len() / 12).chain([whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let output = bench.output(["verify", "1"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "byte {place}: {text}{}", stderr(&output));
        assert!(text.contains("differs") || stderr(&output).contains("journal"), "byte {place}: {text}");
    }
    fs::write(&path, whole).unwrap();
    assert!(bench.output(["verify", "1"]).status.success());
}

#[test]
fn a_lock_runs_exactly_the_same_again() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment());
    let first = bench.json(["run", "experiment.toml", "--json"]);
    assert!(bench.output(["lock", "1", "-o", "run.lock"]).status.success());
    for locked in ["1", "run.lock"] {
        let again = bench.json(["run", "--locked", locked, "--json"]);
        for equal in ["found", "test", "finalists"] {
            assert_eq!(again[equal], first[equal], "{locked}");
        }
        assert_eq!(again["tried"]["trained"], 0);
        assert_eq!(again["tried"]["cost"], first["tried"]["cost"]);
    }
    // What is locked and not at hand is named.
    let lock = fs::read_to_string(bench.path().join("run.lock")).unwrap();
    let digest = bench.json(["show", "1", "--json"])["settings"]["parts"]["strategy"]["digest"].clone();
    let digest = digest.as_str().unwrap();
    bench.write("other.lock", lock.replace(digest, &"0".repeat(64)));
    let message = bench.fails(["run", "--locked", "other.lock"], 1);
    assert!(message.contains("strategy") && message.contains(&"0".repeat(64)), "{message}");
    bench.write("data.lock", lock.replace("avx", "xva").replace("numerics = \"", "numerics = \"other "));
    let message = bench.fails(["run", "--locked", "data.lock"], 1);
    assert!(message.contains("numerics"), "{message}");
}

#[test]
fn two_hosts_on_one_store_never_train_the_same_twice() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment());
    let hosts: Vec<Child> = (0..3).map(|_| start(&bench, ["run", "experiment.toml"])).collect();
    for host in hosts {
        let output = host.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let runs: Vec<Value> = ["1", "2", "3"].iter().map(|run| bench.json(["show", run, "--json"])).collect();
    let sum = |what: &str| runs.iter().map(|run| run["result"]["tried"][what].as_u64().unwrap()).sum::<u64>();
    let mut fingerprints: Vec<&str> =
        runs[0]["observations"].as_array().unwrap().iter().map(|one| one["fingerprint"].as_str().unwrap()).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(sum("trained"), fingerprints.len() as u64, "each network once, whoever came first");
    assert_eq!(sum("trained") + sum("remembered"), 36);
    assert_eq!(runs[0]["result"]["test"], runs[2]["result"]["test"]);
}
