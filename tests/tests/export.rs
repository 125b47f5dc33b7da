//! The found network in other forms, and put to use.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use archwright_tests::{Bench, experiment, repository, signal, stderr};
use serde_json::Value;

const RANDOM: &str = "use = \"random\"";

/// A NumPy array of bytes.
fn npy(shape: &[usize]) -> Vec<u8> {
    let sides: String = shape.iter().map(|side| format!("{side},")).collect();
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({sides}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut content = b"\x93NUMPY\x01\x00".to_vec();
    content.extend((header.len() as u16).to_le_bytes());
    content.extend(header.bytes());
    content.extend((0..shape.iter().product::<usize>()).map(|value| (value % 17) as u8));
    content
}

/// A NumPy archive: a zip file that packs nothing.
fn npz(arrays: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut content, mut directory) = (Vec::new(), Vec::new());
    for (name, array) in arrays {
        let name = format!("{name}.npy");
        let mut header = Vec::new();
        // Version, flags, no compression, time and date.
        for field in [20u16, 0, 0, 0, 0x21] {
            header.extend(field.to_le_bytes());
        }
        for field in [crc32(array), array.len() as u32, array.len() as u32] {
            header.extend(field.to_le_bytes());
        }
        for field in [name.len() as u16, 0] {
            header.extend(field.to_le_bytes());
        }
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&header);
        directory.extend([0; 10]);
        directory.extend((content.len() as u32).to_le_bytes());
        directory.extend(name.bytes());
        content.extend(b"PK\x03\x04");
        content.extend(header);
        content.extend(name.bytes());
        content.extend(*array);
    }
    let (start, count) = (content.len() as u32, arrays.len() as u16);
    content.extend(&directory);
    content.extend(b"PK\x05\x06\0\0\0\0");
    content.extend(count.to_le_bytes().iter().chain(&count.to_le_bytes()));
    content.extend((directory.len() as u32).to_le_bytes().iter().chain(&start.to_le_bytes()));
    content.extend([0; 2]);
    content
}

fn crc32(content: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
    !content.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

#[test]
fn every_finalist_and_seed_is_exported() {
    let bench = Bench::new();
    let text = experiment(RANDOM, "").replace("finalists = 1\nfinal_seeds = 1", "finalists = 2\nfinal_seeds = 2");
    bench.write("experiment.toml", text);
    let report = bench.json(["run", "experiment.toml", "--json"]);
    let weights = |folder: &str| fs::read(bench.path().join(folder).join("weights.safetensors")).unwrap();
    let first = bench.json(["export", "--json", "--format", "pytorch,json"]);
    assert_eq!((&first["finalist"], &first["seed"]), (&1.into(), &1.into()));
    let named = bench.json(["export", "1", "--seed", "1", "--json", "--format", "pytorch", "--output", "named"]);
    assert_eq!(named["folder"], "named");
    assert_eq!(weights("run-1-export"), weights("named"));
    bench.json(["export", "1", "--seed", "2", "--json", "--format", "pytorch"]);
    assert_ne!(weights("run-1-export"), weights("run-1-finalist-1-seed-2-export"));
    bench.json(["export", "1", "--finalist", "2", "--seed", "2", "--json", "--format", "pytorch,json"]);
    let document = fs::read(bench.path().join("run-1-finalist-2-seed-2-export/network.json")).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(document["footprint"], report["finalists"][1]["footprint"]);
    let origin = document["origin"].as_str().unwrap();
    assert!(origin.contains("finalist 2, validation accuracy") && origin.contains("weights of seed 2"), "{origin}");
    for (option, told) in [("--seed", "2 seeds: 1 and 2"), ("--finalist", "2 (validation accuracy")] {
        for number in ["0", "3"] {
            let message = bench.fails(["export", option, number], 2);
            assert!(message.contains(&format!("{} {number}", &option[2..])) && message.contains(told), "{message}");
        }
    }
}

#[test]
fn a_found_network_is_exported_and_classifies() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment(RANDOM, ""));
    let report = bench.json(["run", "experiment.toml", "--json"]);

    let written = bench.json(["export", "--json"]);
    let folder = bench.path().join("run-1-export");
    let files: Vec<&str> = written["files"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for name in ["network.json", "model.py", "weights.safetensors", "model.onnx", "skeleton.svg", "skeleton.png"] {
        assert!(files.contains(&name), "{files:?}");
        assert!(fs::metadata(folder.join(name)).unwrap().len() > 0);
    }
    let document: Value = serde_json::from_slice(&fs::read(folder.join("network.json")).unwrap()).unwrap();
    assert_eq!(document["footprint"], report["found"]["footprint"]);
    assert_eq!(document["normalisation"]["mean"].as_array().unwrap().len(), 1);
    let message = bench.fails(["export"], 2);
    assert!(message.contains("network.json is there already") && message.contains("--force"), "{message}");
    bench.json(["export", "1", "--json", "--force", "--format", "json,svg"]);
    assert!(bench.fails(["export", "7"], 2).contains("no run `7`"));

    bench.write("digits.npy", npy(&[2, 8, 8]));
    bench.write("odd.npy", npy(&[9, 9]));
    let predicted = bench.json(["predict", "latest", "digits.npy", "--json"]);
    let examples = predicted[0]["examples"].as_array().unwrap();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let sum: f64 = example["probabilities"].as_array().unwrap().iter().filter_map(Value::as_f64).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{example}");
    }
    let (images, others) = (npy(&[3, 8, 8]), npy(&[2, 9, 9]));
    bench.write("digits.npz", npz(&[("x_train", &images), ("y_train", &npy(&[3])), ("x_test", &images)]));
    bench.write("odd.npz", npz(&[("x", &others)]));
    bench.write("empty.npz", npz(&[("z", &images)]));
    let output = bench.output(["predict", "digits.npz", "odd.npz", "empty.npz"]);
    assert_eq!(output.status.code(), Some(2));
    let (told, problems) = (String::from_utf8_lossy(&output.stdout), stderr(&output));
    assert!(told.contains("digits.npz[5]") && !told.contains("digits.npz[6]"), "{told}");
    assert!(problems.contains("odd.npz: its images have the shape [1, 9, 9]"), "{problems}");
    assert!(problems.contains("empty.npz: it holds z, not `x`"), "{problems}");
    // What cannot be used is named, and the rest is classified.
    let output = bench.output(["predict", "odd.npy", "digits.npy", "experiment.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let (told, problems) = (String::from_utf8_lossy(&output.stdout), stderr(&output));
    assert!(told.contains("digits.npy[1]"), "{told}");
    assert!(problems.contains("odd.npy: the array has the shape [9, 9]"), "{problems}");
    assert!(problems.contains("experiment.toml: "), "{problems}");
    assert!(bench.fails(["predict", "nothing.png"], 2).contains("does not exist"));

    for weights in fs::read_dir(bench.path().join("store/weights")).unwrap().flatten() {
        if weights.path().is_file() {
            fs::remove_file(weights.path()).unwrap();
        }
    }
    for arguments in [["export", "--format=onnx"], ["predict", "digits.npy"]] {
        let message = bench.fails(arguments, 1);
        assert!(message.contains("are gone") && message.contains("run --locked 1"), "{message}");
    }
    bench.json(["export", "--json", "--format=json,png", "--output=drawn"]);
}

#[test]
fn an_unfinished_run_has_nothing_to_export() {
    let bench = Bench::new();
    let text = experiment(RANDOM, "").replace("epochs = 2", "epochs = 5000");
    bench.write("experiment.toml", text);
    let mut command = bench.command(["run", "experiment.toml"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while bench.json(["runs", "--json"]).as_array().is_none_or(Vec::is_empty) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    signal(child.id(), "-INT");
    child.wait().unwrap();
    let message = bench.fails(["export"], 2);
    assert!(message.contains("only a finished run"), "{message}");
    assert!(message.contains("resume 1"), "{message}");
}

#[test]
fn a_trainer_that_cannot_predict_is_told() {
    let bench = Bench::new();
    let trainer = std::env::var_os("ARCHWRIGHT_TRAINER")
        .map_or_else(|| repository().join("target/release/archwright-trainer"), Into::into);
    let script = format!("'{}' | sed -u 's/,\"predict\"//'", trainer.display());
    let command = serde_json::json!(["sh", "-c", script]);
    bench.write("experiment.toml", experiment(RANDOM, "") + &format!("\n[trainer]\ncommand = {command}\n"));
    bench.json(["run", "experiment.toml", "--json"]);
    bench.write("digits.npy", npy(&[8, 8]));
    let message = bench.fails(["predict", "digits.npy"], 1);
    assert!(message.contains("cannot predict"), "{message}");
}
