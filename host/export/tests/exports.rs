//! Exports of networks of the bundled spaces.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use archwright_export::{ExportError, Exported, Weights, draw, json, onnx, png, pytorch};
use archwright_protocol::{Normalisation, Recipe};
use archwright_space::{Architecture, Context, Definition, Network, Node, Op, Scalar, Space, bundled};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

fn space(name: &str, options: &[(&str, i64)]) -> Space {
    let options: BTreeMap<String, Scalar> =
        options.iter().map(|(key, value)| ((*key).to_owned(), Scalar::Integer(*value))).collect();
    let definition = Definition::parse_with(bundled::source(name).unwrap(), &options).unwrap();
    let input = if name == "rnn-cell" { vec![1] } else { vec![3, 32, 32] };
    Space::new(Arc::new(definition), Context::full(input, 10)).unwrap()
}

fn exported(space: &Space, seed: u64) -> Exported {
    let architecture = space.sample(seed);
    let Architecture::Point(values) = &architecture else { panic!("a point") };
    Exported {
        network: space.build(&architecture).unwrap(),
        origin: "run 1".into(),
        decisions: space.label(&architecture),
        recipe: Recipe::default(),
        cells: space.definition().cells(values).unwrap(),
        normalisation: Some(Normalisation { mean: vec![1.5, 2.0, 3.25], deviation: vec![0.5, 1.0, 2.0] }),
        class_names: Some(vec!["a \"b\"".into(); 10]),
    }
}

/// Weights of the right shapes, as the trainer writes them.
fn weights(network: &Network) -> Weights {
    let shapes = network.shapes().unwrap();
    let mut tensors: Vec<(String, Vec<usize>)> = Vec::new();
    for node in &network.nodes {
        let channels = node.inputs.first().map_or(0, |input| shapes[*input].channels() as usize);
        let mut add = |name: &str, shape: Vec<usize>| tensors.push((format!("{}/{name}", node.name), shape));
        match &node.op {
            Op::Conv2d { out_channels, kernel, groups, bias, .. } => {
                let [rows, columns] = kernel.map(|side| side as usize);
                add("weight", vec![*out_channels as usize, channels / *groups as usize, rows, columns]);
                if *bias {
                    add("bias", vec![*out_channels as usize]);
                }
            }
            Op::Linear { out_features, bias } => {
                add("weight", vec![*out_features as usize, channels]);
                if *bias {
                    add("bias", vec![*out_features as usize]);
                }
            }
            Op::Embedding { vocabulary, features } => add("weight", vec![*vocabulary as usize, *features as usize]),
            Op::TiedLinear { out_features, .. } => add("bias", vec![*out_features as usize]),
            Op::BatchNorm { .. } => {
                for name in ["weight", "bias", "running_mean", "running_var"] {
                    add(name, vec![channels]);
                }
            }
            _ => {}
        }
    }
    let zeros = vec![0u8; 4 * tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).max().unwrap_or(0)];
    let views = tensors.iter().map(|(name, shape)| {
        let bytes = &zeros[..4 * shape.iter().product::<usize>()];
        (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    Weights::read(&safetensors::serialize(views, None).unwrap(), network).unwrap()
}

#[test]
fn the_module_of_a_small_network() {
    let exported = exported(&space("nas-bench-201", &[("channels", 4), ("cells", 2)]), 3);
    let module = pytorch(&exported, &weights(&exported.network)).unwrap().module;
    insta::assert_snapshot!("module", module);
}

#[test]
fn the_module_of_a_deep_network_is_short() {
    let exported = exported(&space("darts", &[]), 0);
    assert!(exported.network.nodes.len() > 1000);
    let module = pytorch(&exported, &weights(&exported.network)).unwrap().module;
    assert!(module.lines().count() < 400, "{module}");
    assert!(module.lines().all(|line| line.chars().count() <= 140), "{module}");
    assert!(module.contains("for cell in self.normal_cells"), "{module}");
}

#[test]
fn every_weight_is_exported_once() {
    for name in bundled::names() {
        for seed in 0..10 {
            let exported = exported(&space(name, &[]), seed);
            let weights = weights(&exported.network);
            let file = pytorch(&exported, &weights).unwrap().weights;
            let file = SafeTensors::deserialize(&file).unwrap();
            let norms = exported.network.nodes.iter().filter(|node| matches!(node.op, Op::BatchNorm { .. })).count();
            let count = |wanted: fn(&Op) -> bool| exported.network.nodes.iter().filter(|node| wanted(&node.op)).count();
            let layers = count(|op| matches!(op, Op::Conv2d { .. } | Op::Linear { .. } | Op::Embedding { .. }));
            let biases = count(|op| matches!(op, Op::Linear { bias: true, .. } | Op::TiedLinear { bias: true, .. }));
            assert_eq!(file.len(), 5 * norms + layers + biases);
            let names: BTreeSet<&str> = file.names().into_iter().collect();
            assert_eq!(names.len(), file.len());
        }
    }
}

#[test]
fn documents_and_drawings_are_well_formed() {
    let kept = std::env::var_os("ARCHWRIGHT_EXPORTS_KEPT").map(std::path::PathBuf::from);
    for name in bundled::names() {
        for seed in 0..4 {
            let exported = exported(&space(name, &[]), seed);
            let document: serde_json::Value = serde_json::from_str(&json(&exported).unwrap()).unwrap();
            let network: Network = serde_json::from_value(document["network"].clone()).unwrap();
            assert_eq!(network, exported.network);
            let drawings = draw(&exported).unwrap();
            assert_eq!(drawings, draw(&exported).unwrap());
            assert_eq!(drawings.len(), 1 + exported.cells.len());
            for drawing in drawings {
                let pixels = png(&drawing).unwrap();
                assert!(pixels.starts_with(b"\x89PNG"));
                if let Some(kept) = &kept {
                    let path = kept.join(format!("{name}-{seed}-{}", drawing.name));
                    std::fs::create_dir_all(kept).unwrap();
                    std::fs::write(path.with_extension("svg"), &drawing.svg).unwrap();
                    std::fs::write(path.with_extension("png"), pixels).unwrap();
                }
            }
        }
    }
}

#[test]
fn names_of_any_sort_become_identifiers() {
    let node = |name: &str, op: Op, inputs: &[usize]| Node { name: name.into(), op, inputs: inputs.to_vec() };
    let network = Network {
        nodes: vec![
            node("in", Op::Input { shape: vec![4] }, &[]),
            node("class", Op::Linear { out_features: 4, bias: true }, &[0]),
            node("7 \u{e9}/\"x\"\n", Op::Linear { out_features: 4, bias: true }, &[1]),
            node("Class", Op::Linear { out_features: 4, bias: true }, &[2]),
            node("", Op::Linear { out_features: 4, bias: true }, &[3]),
            node("/", Op::Linear { out_features: 4, bias: true }, &[4]),
        ],
    };
    let exported = Exported {
        network,
        origin: "a \"\"\" \\ run".into(),
        decisions: Vec::new(),
        recipe: Recipe::default(),
        cells: Vec::new(),
        normalisation: None,
        class_names: None,
    };
    let module = pytorch(&exported, &weights(&exported.network)).unwrap();
    assert!(module.module.is_ascii(), "{}", module.module);
    assert_eq!(SafeTensors::deserialize(&module.weights).unwrap().len(), 10);
    draw(&exported).unwrap().iter().for_each(|drawing| assert!(png(drawing).is_ok()));
}

#[test]
fn weights_of_another_network_are_refused() {
    let small = exported(&space("nas-bench-201", &[("channels", 4)]), 0);
    let large = exported(&space("nas-bench-201", &[("channels", 8)]), 0);
    let error = onnx(&large, &weights(&exported(&space("chain", &[]), 0).network)).unwrap_err();
    assert!(matches!(error, ExportError::Weights(_)), "{error}");
    assert!(Weights::read(b"nothing", &small.network).is_err());
}

#[test]
fn the_module_of_a_recurrent_network() {
    let exported = exported(&space("rnn-cell", &[("hidden_size", 8), ("embedding_size", 8)]), 0);
    let exported = Exported { normalisation: None, ..exported };
    let weights = weights(&exported.network);
    let module = pytorch(&exported, &weights).unwrap().module;
    insta::assert_snapshot!("recurrent_module", module);
    assert!(!onnx(&exported, &weights).unwrap().is_empty());
}
