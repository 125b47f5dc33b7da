//! NAS-Bench-201's cells, counted by the paper's definition in PyTorch.
//!
//! Needs a Python with `torch`, which `ARCHWRIGHT_PYTHON` names. Where it names none the test says so and passes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use archwright_space::genotype::Genotype;
use archwright_space::{Context, Definition, Space, bundled};
use serde_json::Value;

const CELLS: u64 = 200;
/// Multiply-adds of the last layer alone.
const LAST: u64 = 640;

#[test]
fn random_cells_have_the_size_and_work_of_the_papers_networks() {
    let Some(python) = std::env::var_os("ARCHWRIGHT_PYTHON") else {
        eprintln!("NOT COUNTED: ARCHWRIGHT_PYTHON names no Python with torch");
        return;
    };
    let definition = Definition::parse(bundled::source("nas-bench-201").unwrap()).unwrap();
    let space = Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).unwrap();
    let architectures: Vec<_> = (0..CELLS).map(|seed| space.sample(seed)).collect();
    let cells: Vec<String> = architectures.iter().map(|one| Genotype::of(&space, one).unwrap().to_string()).collect();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/count_nas_bench_201.py");
    let mut child = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut given = child.stdin.take().unwrap();
    let lines = cells.join("\n");
    let writer = std::thread::spawn(move || given.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let counted: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(counted.len(), cells.len());

    let (mut equal, mut constant) = (0, 0);
    for ((architecture, cell), counted) in architectures.iter().zip(&cells).zip(&counted) {
        let footprint = space.profile(architecture).unwrap();
        let whole = space.whole_work(architecture).unwrap();
        let numbers =
            |kind: &str| ["parameters", "multiply_adds"].map(|what| counted[format!("{kind}{what}")].as_u64());
        let [found, all, used] =
            [[footprint.parameters, footprint.multiply_adds].map(Some), numbers(""), numbers("used_")];
        assert_eq!([whole.parameters, whole.multiply_adds].map(Some), all, "{cell}");
        if used[1] == Some(LAST) {
            // No image comes through: of such a network more is kept than what its constant scores depend on.
            assert!(used <= found && found <= all, "{cell}: {footprint:?} {counted}");
            constant += 1;
            continue;
        }
        // What leads nowhere, or works on zeros, is left out of the networks that are trained.
        assert_eq!(found, used, "{cell}");
        equal += 1;
    }
    println!("{CELLS} whole networks agree, {equal} with what their scores depend on; {constant} let no image through");
    assert!(equal > CELLS * 9 / 10);
}
