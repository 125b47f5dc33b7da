//! What is fuzzed: functions that take any bytes and panic where something is wrong.
//!
//! Each [`Target`] has inputs to start from, so that an ordinary test goes through every body as well. `fuzz/` feeds the same
//! bodies to a fuzzer.

#![expect(clippy::unwrap_used, reason = "a body fails by panicking")]

mod answers;
mod documents;
mod files;
#[path = "../../../host/plugin/tests/guests/mod.rs"]
mod guests;
mod loader;

/// Something to fuzz.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is that of the fuzzer's program.
    pub name: &'static str,
    /// Takes any bytes; panics where what should hold does not.
    pub body: fn(&[u8]),
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Everything that is fuzzed.
pub const TARGETS: &[Target] = &[
    Target { name: "space_file", body: documents::space_file, seeds: documents::space_files },
    Target { name: "experiment", body: documents::experiment, seeds: documents::experiments },
    Target { name: "genotype", body: documents::genotype, seeds: documents::genotypes },
    Target { name: "manifest", body: documents::manifest, seeds: documents::manifests },
    Target { name: "options", body: documents::options, seeds: documents::schemas },
    Target { name: "description", body: documents::description, seeds: documents::descriptions },
    Target { name: "wishes", body: documents::wishes, seeds: documents::sections },
    Target { name: "suite", body: files::suite, seeds: files::suites },
    Target { name: "table_rows", body: files::table_rows, seeds: files::tables },
    Target { name: "journal", body: files::journal, seeds: files::journals },
    Target { name: "project", body: files::project, seeds: files::projects },
    Target { name: "loader", body: loader::load, seeds: loader::files },
    Target { name: "module", body: loader::module, seeds: loader::modules },
    Target { name: "strategy_answers", body: answers::strategy, seeds: answers::strategies },
    Target { name: "estimator_answers", body: answers::estimator, seeds: answers::estimators },
    Target { name: "space_answers", body: answers::space, seeds: answers::spaces },
];

/// Runs the body of the target of this name.
///
/// # Panics
/// Where the body does, or there is no such target.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("there is no target `{name}`")).body)(data);
}
