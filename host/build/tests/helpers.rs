//! The helper modules of Python and JavaScript have the Rust SDK's random numbers.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::Command;

use archwright_sdk::Rng;
use serde_json::{Value, json};

const SEEDS: [u64; 4] = [0, 7, 1 << 53, u64::MAX];

/// What a generator of a seed gives: enough to cross from one block of the cipher to the next, bounds on both sides of
/// what JavaScript divides without BigInts, and everything made of them.
fn values(seed: u64) -> Value {
    let mut rng = Rng::new(seed);
    let bits: Vec<String> = (0..70).map(|_| rng.next_u64().to_string()).collect();
    let below: Vec<usize> = [1, 2, 10, 1_000, 1 << 21, (1 << 21) + 1, 1 << 40, (1 << 52) + 3]
        .into_iter()
        .map(|bound| rng.below(bound))
        .collect();
    let uniform: Vec<f64> = (0..5).map(|_| rng.uniform()).collect();
    let chosen = rng.choose(&["a", "b", "c"]).copied();
    let weighted = rng.choose_weighted(&[0.5, 0.0, 2.0, 1.5]);
    let sample = rng.sample(5, 12);
    let mut shuffled: Vec<u32> = (0..10).collect();
    rng.shuffle(&mut shuffled);
    json!([bits, below, uniform, chosen, weighted, sample, shuffled])
}

const PYTHON: &str = r#"
import json, sys
from archwright import Rng

def values(seed):
    rng = Rng(seed)
    bits = [str(rng.next_u64()) for _ in range(70)]
    below = [rng.below(bound) for bound in [1, 2, 10, 1000, 1 << 21, (1 << 21) + 1, 1 << 40, (1 << 52) + 3]]
    uniform = [rng.uniform() for _ in range(5)]
    chosen = rng.choose(["a", "b", "c"])
    weighted = rng.choose_weighted([0.5, 0.0, 2.0, 1.5])
    sample = rng.sample(5, 12)
    shuffled = list(range(10))
    rng.shuffle(shuffled)
    return [bits, below, uniform, chosen, weighted, sample, shuffled]

print(json.dumps([values(int(seed)) for seed in sys.argv[1:]]))
"#;

const JAVASCRIPT: &str = r#"
import { Rng } from "./archwright.js";

function values(seed) {
  const rng = new Rng(seed);
  const bits = Array.from({ length: 70 }, () => String(rng.nextU64()));
  const bounds = [1, 2, 10, 1000, 2 ** 21, 2 ** 21 + 1, 2 ** 40, 2 ** 52 + 3];
  const below = bounds.map((bound) => rng.below(bound));
  const uniform = Array.from({ length: 5 }, () => rng.uniform());
  const chosen = rng.choose(["a", "b", "c"]);
  const weighted = rng.chooseWeighted([0.5, 0, 2, 1.5]);
  const sample = rng.sample(5, 12);
  const shuffled = Array.from({ length: 10 }, (_, index) => index);
  rng.shuffle(shuffled);
  return [bits, below, uniform, chosen, weighted, sample, shuffled];
}

console.log(JSON.stringify(process.argv.slice(2).map((seed) => values(BigInt(seed)))));
"#;

/// What a program prints; nothing where this machine does not have it.
fn printed(command: &mut Command) -> Option<Value> {
    let Ok(output) = command.args(SEEDS.map(|seed| seed.to_string())).output() else {
        eprintln!("skipped: this machine has no {:?}", command.get_program());
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn helpers(language: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("helpers").join(language)
}

#[test]
fn random_numbers_in_python_are_those_of_the_sdk() {
    let mut python = Command::new("python3");
    python.current_dir(helpers("python")).args(["-B", "-c", PYTHON]);
    let Some(printed) = printed(&mut python) else { return };
    assert_eq!(printed, json!(SEEDS.map(values)));
}

#[test]
fn random_numbers_in_javascript_are_those_of_the_sdk() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(helpers("javascript").join("archwright.js"), folder.path().join("archwright.js")).unwrap();
    std::fs::write(folder.path().join("package.json"), r#"{ "type": "module" }"#).unwrap();
    std::fs::write(folder.path().join("values.js"), JAVASCRIPT).unwrap();
    let mut node = Command::new("node");
    node.current_dir(folder.path()).arg("values.js");
    let Some(printed) = printed(&mut node) else { return };
    assert_eq!(printed, json!(SEEDS.map(values)));
}
