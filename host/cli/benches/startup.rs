//! How long the program takes to start: `--help`, and preparing a run whose plugins are compiled already.

use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{Criterion, criterion_group, criterion_main};

fn archwright(arguments: &[&str]) {
    let status = Command::new(env!("CARGO_BIN_EXE_archwright"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("cannot start archwright: {error}"));
    assert!(status.success(), "archwright {arguments:?}: {status}");
}

fn startup(criterion: &mut Criterion) {
    criterion.bench_function("start-up/help", |bencher| bencher.iter(|| archwright(&["--help"])));
    let experiment = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/digits.toml");
    let experiment = experiment.to_string_lossy();
    // The first start fills the cache of compiled plugins.
    archwright(&["run", "--dry-run", &experiment]);
    criterion.bench_function("start-up/run with cached components", |bencher| {
        bencher.iter(|| archwright(&["run", "--dry-run", &experiment]));
    });
}

criterion_group!(benches, startup);
criterion_main!(benches);
