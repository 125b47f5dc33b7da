//! Exported networks against the trainer: PyTorch and onnxruntime compute the same scores, and the module retrains.
//!
//! Needs a Python with `torch`, `onnx`, `onnxruntime` and `safetensors`: `ARCHWRIGHT_PYTHON`, or else `python3`. Where
//! there is none the test says so and passes. `ARCHWRIGHT_EXPORTS` is the number of architectures of each space, 2 by default;
//! with `ARCHWRIGHT_EXPORTS_FULL` cells are as many and as wide as the spaces have them. `ARCHWRIGHT_EXPORTS_KEPT` names a
//! folder that keeps what was compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use archwright_export::{Exported, Weights, onnx, pytorch};
use archwright_protocol::Recipe;
use archwright_sdk::SearchSpace as _;
use archwright_space::{
    Context, Decision, Definition, Network, Node, Op, Scalar, SearchSpace, Space, SpaceError, Value, bundled,
};
use archwright_space_pyramid::{Options, Pyramid};
use tch::{Device, Kind, Reduction, Tensor};

use crate::model::{Mode, Model, Scores};
use crate::optimizer::Optimizer;
use crate::tensors;

/// Inputs that are compared.
const EXAMPLES: i64 = 256;
/// Steps of sequences that are compared.
const LENGTH: i64 = 12;
/// Largest difference of scores that counts as none.
const TOLERANCE: f64 = 1e-4;

fn python() -> Option<PathBuf> {
    let python = std::env::var_os("ARCHWRIGHT_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let script = "import onnx, onnxruntime, safetensors, torch";
    let found = Command::new(&python).args(["-c", script]).output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!(
            "NOT COMPARED: {} has no torch, onnx, onnxruntime and safetensors; ARCHWRIGHT_PYTHON names one that has",
            python.display()
        );
    }
    found.then_some(python)
}

/// Steps of the training before the comparison, and examples of each.
const STEPS: usize = 3;
const BATCH: i64 = 16;

/// Examples as a network takes them: images or vectors, or sequences of tokens (steps x sequences).
struct Examples {
    shape: Vec<i64>,
    /// Of tokens; nothing where the network is for no sequences.
    vocabulary: Option<i64>,
}

impl Examples {
    fn of(network: &Network) -> Self {
        let Op::Input { shape } = &network.nodes[0].op else { panic!("the first node is the input") };
        let vocabulary = network.vocabulary().map(i64::from);
        Self { shape: shape.iter().map(|side| i64::from(*side)).collect(), vocabulary }
    }

    fn draw(&self, count: i64) -> Tensor {
        if let Some(vocabulary) = self.vocabulary {
            return Tensor::randint(vocabulary, [LENGTH, count], (Kind::Int64, Device::Cpu));
        }
        let shape: Vec<i64> = [count].iter().chain(&self.shape).copied().collect();
        Tensor::randn(shape, (Kind::Float, Device::Cpu))
    }

    /// Scores, those of auxiliary heads, and the states after the last step.
    fn scores(&self, model: &Model, inputs: &Tensor, mode: Mode) -> (Scores, Vec<Tensor>) {
        if self.vocabulary.is_none() {
            return (model.forward(inputs, mode).unwrap(), Vec::new());
        }
        let mut states = model.first_states(inputs.size()[1]).unwrap();
        (model.unroll(inputs, &mut states, mode).unwrap(), states)
    }
}

/// Weights and running statistics after some steps of training, from a start that no weight or bias shares with others.
fn trained(network: &Network, examples: &Examples, seed: i64) -> (Model, Optimizer) {
    tch::manual_seed(seed);
    let mut model = Model::new(network, Device::Cpu, false).unwrap();
    tch::no_grad(|| {
        for parameter in model.parameters() {
            let mut parameter = parameter.shallow_clone();
            if parameter.dim() == 1 {
                let moved = parameter.rand_like() * 0.4 - 0.2;
                let _ = parameter.g_add_(&moved);
            }
        }
    });
    let recipe = Recipe { gradient_clip: 1.0, ..Recipe::default() };
    let mut optimizer = Optimizer::new(&recipe, &model.flat).unwrap();
    for _ in 0..STEPS {
        let (Scores { output, auxiliary }, _) =
            examples.scores(&model, &examples.draw(BATCH), Mode::Train { drop_path: 0.1 });
        let labels = Tensor::randint(output.size()[1], output.size()[0], (Kind::Int64, Device::Cpu));
        let loss = |scores: &Tensor| scores.cross_entropy_loss::<Tensor>(&labels, None, Reduction::Mean, -100, 0.0);
        let total = auxiliary.iter().fold(loss(&output), |sum, head| sum + loss(head) * 0.4);
        let gradients = Tensor::f_run_backward(&[total], model.parameters(), false, false).unwrap();
        let rows: Vec<Tensor> = gradients.iter().map(|gradient| gradient.reshape([-1])).collect();
        tch::no_grad(|| optimizer.step(&mut model.flat, Tensor::cat(&rows, 0), 0.02)).unwrap();
    }
    (model, optimizer)
}

/// Writes an export, inputs, and the trainer's scores for them.
fn write(folder: &Path, network: Network, seed: i64) {
    std::fs::create_dir_all(folder).unwrap();
    let examples = Examples::of(&network);
    let (model, optimizer) = trained(&network, &examples, seed);
    let content = tensors::serialize(tensors::of(&model, &optimizer).unwrap(), &()).unwrap();
    let weights = Weights::read(&content, &network).unwrap();
    let inputs = examples.draw(EXAMPLES);
    let (Scores { output, .. }, states) = tch::no_grad(|| examples.scores(&model, &inputs, Mode::Evaluate));
    let (inputs, scores) = match examples.vocabulary {
        // Exports have sequences first and then steps, rows of the trainer are steps x sequences.
        Some(_) => {
            let scores = output.view([LENGTH, EXAMPLES, -1]).transpose(0, 1).contiguous();
            (inputs.transpose(0, 1).contiguous(), scores)
        }
        None => (inputs, output),
    };
    let names: Vec<String> = (0..states.len()).map(|index| format!("state_{index}")).collect();
    let mut known = vec![("inputs", &inputs), ("scores", &scores)];
    known.extend(names.iter().map(String::as_str).zip(&states));
    Tensor::write_safetensors(&known, folder.join("trainer.safetensors")).unwrap();
    let exported = Exported::new(network, "a test");
    let module = pytorch(&exported, &weights).unwrap();
    std::fs::write(folder.join("model.py"), module.module).unwrap();
    std::fs::write(folder.join("weights.safetensors"), module.weights).unwrap();
    std::fs::write(folder.join("model.onnx"), onnx(&exported, &weights).unwrap()).unwrap();
}

/// Compares everything in a folder; gives the largest difference.
fn compare(python: &Path, folder: &Path) -> f64 {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/compare_exports.py");
    let output = Command::new(python).arg(script).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut largest: f64 = 0.0;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let found: serde_json::Value = serde_json::from_str(line).unwrap();
        for kind in ["torch", "onnx", "onnx_single"] {
            let difference = found[kind].as_f64().unwrap();
            assert!(difference < TOLERANCE, "{line}");
            largest = largest.max(difference);
        }
        for kind in ["fresh_losses", "trained_losses"] {
            let losses: Vec<f64> = serde_json::from_value(found[kind].clone()).unwrap();
            assert!(losses.last() < losses.first(), "{line}");
        }
    }
    largest
}

fn scratch(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    match std::env::var_os("ARCHWRIGHT_EXPORTS_KEPT") {
        Some(kept) => (folder, PathBuf::from(kept).join(name)),
        None => {
            let path = folder.path().join(name);
            (folder, path)
        }
    }
}

/// The bundled space that is a component, without WebAssembly.
struct Native {
    pyramid: Pyramid,
    decisions: Vec<Decision>,
}

impl SearchSpace for Native {
    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn build(&self, values: &[Value], context: &Context) -> Result<Network, SpaceError> {
        let network = self.pyramid.build(values, context).map_err(|error| SpaceError::Network(format!("{error:?}")))?;
        Ok(network.simplify())
    }

    fn recipe(&self, _: &[Value]) -> Result<BTreeMap<String, Scalar>, SpaceError> {
        Ok(BTreeMap::new())
    }
}

/// Bundled spaces by name: full, or of fewer and smaller cells.
fn spaces(full: bool) -> Vec<(&'static str, Space)> {
    let declared = bundled::names().iter().map(|name| {
        let known = Definition::parse(bundled::source(name).unwrap()).unwrap();
        // Smaller networks of the same structure: what differs is how often cells are repeated.
        let small = [
            ("channels", 8),
            ("cells", if name.starts_with("darts") { 5 } else { 1 }),
            ("layers", 2),
            ("hidden_size", 24),
            ("embedding_size", 24),
        ];
        let reduces = |(key, _): &&(&str, i64)| !full && known.options().contains_key(*key);
        let options =
            small.iter().filter(reduces).map(|(key, value)| ((*key).to_owned(), Scalar::Integer(*value))).collect();
        let definition = Definition::parse_with(bundled::source(name).unwrap(), &options).unwrap();
        (*name, Arc::new(definition) as Arc<dyn SearchSpace>)
    });
    let pyramid = Pyramid::open(Options::default()).unwrap();
    let native: Arc<dyn SearchSpace> = Arc::new(Native { decisions: pyramid.decisions(), pyramid });
    declared
        .chain([("pyramid", native)])
        .map(|(name, definition)| {
            let input = if name == "rnn-cell" { vec![1] } else { vec![3, 32, 32] };
            let full_size = Context::full(input, 10);
            // Some have no options for that.
            let context = match name {
                "chain" | "dense" | "proxylessnas" | "pyramid" | "residual" if !full => {
                    Context { width_share: 0.25, depth_share: 0.34, ..full_size }
                }
                _ => full_size,
            };
            (name, Space::new(definition, context).unwrap())
        })
        .collect()
}

#[test]
fn exports_of_random_architectures_agree_with_the_trainer() {
    let Some(python) = python() else { return };
    let count = std::env::var("ARCHWRIGHT_EXPORTS").map_or(2, |count| count.parse().unwrap());
    let (written, folders) = std::sync::mpsc::channel::<(&str, tempfile::TempDir, PathBuf)>();
    // Python compares one space while the trainer goes on to the next.
    let comparing = std::thread::spawn(move || {
        for (name, _kept, folder) in folders {
            let largest = compare(&python, &folder);
            println!("{name}: {count} architectures, {EXAMPLES} inputs each, largest difference {largest:.2e}");
        }
    });
    let only = std::env::var("ARCHWRIGHT_EXPORTS_SPACE").ok();
    let spaces = spaces(std::env::var_os("ARCHWRIGHT_EXPORTS_FULL").is_some());
    for (name, space) in spaces.into_iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name)) {
        let (kept, folder) = scratch(name);
        for seed in 0..count {
            let network = space.build(&space.sample(seed)).unwrap();
            write(&folder.join(format!("{name}-{seed:02}")), network, i64::try_from(seed).unwrap());
        }
        if written.send((name, kept, folder)).is_err() {
            break;
        }
    }
    drop(written);
    if let Err(panic) = comparing.join() {
        std::panic::resume_unwind(panic);
    }
}

/// A network with every operation, and names that are no identifiers or need each other's groups.
fn everything() -> Network {
    let mut nodes: Vec<Node> = Vec::new();
    let mut add = |name: &str, op: Op, inputs: &[usize]| {
        nodes.push(Node { name: name.into(), op, inputs: inputs.to_vec() });
        nodes.len() - 1
    };
    let conv = |out_channels: u32, kernel: [u32; 2], stride: [u32; 2], groups: u32, bias: bool| Op::Conv2d {
        out_channels,
        kernel,
        stride,
        padding: [kernel[0] / 2, kernel[1] / 2],
        dilation: [1, 1],
        groups,
        bias,
    };
    let image = add("input", Op::Input { shape: vec![3, 9, 10] }, &[]);
    let stem = add("class/import/conv2d", conv(8, [3, 1], [1, 1], 1, true), &[image]);
    let stem = add("class/import/batch-norm", Op::BatchNorm { affine: false }, &[stem]);
    let activations =
        [Op::Relu, Op::Relu6, Op::Gelu, Op::Silu, Op::HardSwish, Op::Tanh, Op::Sigmoid].map(|op| (op.name(), op));
    let active: Vec<usize> =
        activations.into_iter().map(|(name, op)| add(&format!("f.1/{name}"), op, &[stem])).collect();
    let product = add("f.1/multiply", Op::Multiply, &[active[0], active[1], active[2]]);
    let sum = add("sum", Op::Add, &[product, active[3], active[4], active[5], active[6], active[6]]);
    let max = add("pool/1/max-pool", Op::MaxPool { kernel: [3, 2], stride: [1, 1], padding: [1, 1] }, &[sum]);
    let max = add(
        "pool/1/trim",
        Op::AvgPool { kernel: [1, 2], stride: [1, 1], padding: [0, 0], count_include_pad: true },
        &[max],
    );
    let counted = Op::AvgPool { kernel: [3, 3], stride: [1, 1], padding: [1, 1], count_include_pad: true };
    let counted = add("pool/2/avg-pool", counted, &[sum]);
    let inside = Op::AvgPool { kernel: [3, 3], stride: [1, 1], padding: [1, 1], count_include_pad: false };
    let inside = add("pool/3/avg-pool", inside, &[sum]);
    let shifted = add("shift", Op::Shift { rows: 1, columns: 2 }, &[sum]);
    let gone = add("gone", Op::Shift { rows: 9, columns: 0 }, &[sum]);
    let zero = add("nothing/zero", Op::Zero { stride: [1, 1] }, &[sum]);
    let joined = add("joined", Op::Concat, &[max, counted, inside, shifted, gone, zero]);
    // Two groups that need each other.
    let one = add("left/1/conv2d", conv(12, [1, 1], [2, 2], 4, false), &[joined]);
    let other = add("right/1/conv2d", conv(12, [3, 3], [1, 1], 1, false), &[one]);
    let one = add("left/2/conv2d", conv(12, [3, 3], [1, 1], 12, false), &[other]);
    let other = add("right/2/batch-norm", Op::BatchNorm { affine: true }, &[one]);
    let thinned = add("nothing/thinned", Op::Zero { stride: [2, 2] }, &[joined]);
    let thinned = add("nothing/conv2d", conv(12, [1, 1], [1, 1], 1, true), &[thinned]);
    let kept = add("kept", Op::Identity, &[other]);
    let dropped = add("drop/drop-path", Op::DropPath, &[kept]);
    let dropped = add("drop/dropout", Op::Dropout { rate: 0.25 }, &[dropped]);
    let total = add("total", Op::Add, &[dropped, thinned]);
    let head = add("left/head/global-avg-pool", Op::GlobalAvgPool, &[one]);
    let head = add("left/head/linear", Op::Linear { out_features: 5, bias: false }, &[head]);
    add("left/head", Op::Auxiliary, &[head]);
    let features = add("flatten", Op::Flatten, &[total]);
    let hidden = add("1/linear", Op::Linear { out_features: 16, bias: true }, &[features]);
    let hidden = add("2/batch-norm", Op::BatchNorm { affine: true }, &[hidden]);
    let hidden = add("3/relu", Op::Relu, &[hidden]);
    add("4/linear", Op::Linear { out_features: 5, bias: true }, &[hidden]);
    Network { nodes }
}

#[test]
fn exports_of_every_operation_agree_with_the_trainer() {
    let Some(python) = python() else { return };
    let (_kept, folder) = scratch("everything");
    write(&folder.join("everything"), everything(), 0);
    let node = |name: &str, op: Op, inputs: &[usize]| Node { name: name.into(), op, inputs: inputs.to_vec() };
    let nodes = vec![
        node("input", Op::Input { shape: vec![7] }, &[]),
        node("linear", Op::Linear { out_features: 3, bias: true }, &[0]),
    ];
    write(&folder.join("vector"), Network { nodes }, 0);
    // Two states, one of which is an earlier token, and tied weights inside of a part.
    let nodes = vec![
        node("input", Op::Input { shape: vec![1] }, &[]),
        node("a/embedding", Op::Embedding { vocabulary: 9, features: 6 }, &[0]),
        node("a/b/before", Op::State { slot: 4, features: 6 }, &[]),
        node("a/b/state", Op::State { slot: 2, features: 5 }, &[]),
        node("a/b/keep", Op::SetState { slot: 4 }, &[1]),
        node("a/b/all", Op::Concat, &[1, 2, 3]),
        node("a/b/gate/linear", Op::Linear { out_features: 5, bias: true }, &[5]),
        node("a/b/gate/sigmoid", Op::Sigmoid, &[6]),
        node("a/b/rest", Op::Complement, &[7]),
        node("a/b/new/linear", Op::Linear { out_features: 5, bias: false }, &[5]),
        node("a/b/new/locked", Op::LockedDropout { rate: 0.2 }, &[9]),
        node("a/b/kept", Op::Multiply, &[7, 3]),
        node("a/b/added", Op::Multiply, &[8, 10]),
        node("a/b/total", Op::Add, &[11, 12]),
        node("a/b/set", Op::SetState { slot: 2 }, &[13]),
        node("a/c/linear", Op::Linear { out_features: 6, bias: true }, &[13]),
        node("a/c/mean", Op::Mean, &[15, 1, 1]),
        node("a/c/tied-linear", Op::TiedLinear { out_features: 9, bias: false }, &[16]),
    ];
    write(&folder.join("states"), Network { nodes }, 0);
    let largest = compare(&python, &folder);
    println!("every operation: largest difference {largest:.2e}");
}
