//! DARTS's search step: a step of the shared weights along the mixture, and the derivative of the validation loss by its
//! probabilities. 8 cells, 16 channels, batches of 64 images of 3x32x32. `supergraph_torch.py` does the same by the authors' code.
//!
//! Prints a line of JSON for each step, one step to warm up first. As `cargo xtask bench` starts it, with `--by-line`, each step
//! waits for a line on the standard input, so that steps of both programs can take turns: the machine is then as busy for one as
//! for the other.

mod images;

use std::io::BufRead as _;
use std::time::Instant;

use archwright_protocol::{
    Action, DATA_DIR, DataFormat, DataSource, DifferentiateShared, Paths, Recipe, Setup, SharedStart, SharedState,
    Split, Subject, Supergraph, Task, TrainShared, VERSION,
};
use archwright_space::{Context, Definition, Relaxation, SizeLimits, Space, bundled, rows};
use archwright_trainer::Trainer;
use serde_json::json;
use tch::{Device, Kind, Tensor};

const BATCH: u32 = 64;
/// Steps after the one to warm up, where nobody asks for each.
const STEPS: usize = 3;
/// Multiply-adds of a search step by those of a forward pass. The step of the weights goes forward once, and back once by results
/// and once by weights; the derivative goes forward, and back by results alone.
const PASSES: u64 = 3 + 2;
/// Rows and columns of the matrices whose product measures what the machine can do.
const MATRIX: i64 = 2048;

/// The state of the weights goes from step to step.
struct Search {
    trainer: Trainer,
    supergraph: Supergraph,
    recipe: Recipe,
    relaxation: Relaxation,
    /// Of a forward pass of one image.
    multiply_adds: u64,
    steps: u64,
}

impl Search {
    fn open(trainer: Trainer) -> Self {
        let text = bundled::source("darts-edges").unwrap_or_default();
        let definition = Definition::parse(text).unwrap_or_else(|error| panic!("{error}"));
        let (options, input) = (definition.options().clone(), vec![3, 32, 32]);
        let space = Space::new(std::sync::Arc::new(definition), Context::full(input.clone(), 10));
        let space = space.unwrap_or_else(|error| panic!("{error}"));
        let footprint =
            space.open().and_then(|open| open.network.footprint()).unwrap_or_else(|error| panic!("{error}"));
        let alike = rows(space.decisions()).iter().flat_map(|row| vec![1.0 / row.length as f32; row.length]).collect();
        Self {
            trainer,
            supergraph: Supergraph { definition: text.to_owned(), options, input, classes: 10 },
            recipe: Recipe { epochs: 50, batch_size: BATCH, learning_rate: 0.025, ..Recipe::default() },
            relaxation: Relaxation::new(alike),
            multiply_adds: footprint.multiply_adds,
            steps: 0,
        }
    }

    fn state(&self) -> SharedState {
        SharedState { name: self.steps.to_string(), kept: None }
    }

    fn step(&mut self) {
        let start = if self.steps == 0 { SharedStart::Fresh(0) } else { SharedStart::State(self.state()) };
        self.steps += 1;
        let train = TrainShared {
            supergraph: self.supergraph.clone(),
            recipe: self.recipe.clone(),
            start,
            steps: 1,
            paths: Paths::Given(vec![Subject::Relaxation(self.relaxation.clone())]),
            limits: SizeLimits::default(),
            name: self.steps.to_string(),
        };
        let differentiate = DifferentiateShared {
            supergraph: self.supergraph.clone(),
            recipe: self.recipe.clone(),
            state: self.state(),
            relaxation: self.relaxation.clone(),
            batch: self.steps,
            unrolled: false,
        };
        for action in [Action::TrainShared(Box::new(train)), Action::DifferentiateShared(Box::new(differentiate))] {
            self.trainer.act(&action, None, &mut |_, _| {}).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// Multiply-adds a second of a large product of matrices, in the precision that convolutions are computed in: the best of some.
fn peak(device: Device) -> f64 {
    let kind = if device.is_cuda() && Recipe::default().bf16 { Kind::BFloat16 } else { Kind::Float };
    let [left, right] = [(); 2].map(|()| Tensor::randn([MATRIX, MATRIX], (Kind::Float, device)).to_kind(kind));
    let seconds = |_| {
        let begun = Instant::now();
        // Reading a value waits for the product.
        let _ = left.matmul(&right).double_value(&[0, 0]);
        begun.elapsed().as_secs_f64()
    };
    (MATRIX as f64).powi(3) / (0..5).map(seconds).fold(f64::INFINITY, f64::min)
}

fn main() {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    images::write(folder.path());
    // SAFETY: no other thread runs yet.
    unsafe {
        std::env::set_var(DATA_DIR, folder.path());
        std::env::set_var(archwright_protocol::WEIGHTS_DIR, folder.path());
    }
    let split = Split { validation: 0.5, ..Split::default() };
    let task = Task { data: DataSource::of(DataFormat::Cifar10), split };
    let device = std::env::var("ARCHWRIGHT_BENCH_DEVICE").unwrap_or_else(|_| "cpu".into());
    let on = if device == "cpu" { Device::Cpu } else { Device::cuda_if_available() };
    let setup = Setup { protocol: VERSION, task, device, threads: 1 };
    let (_, trainer) = Trainer::new(&setup).unwrap_or_else(|error| panic!("{error}"));
    let mut search = Search::open(trainer);
    search.step();
    let multiply_adds = PASSES * u64::from(BATCH) * search.multiply_adds;
    let step = |search: &mut Search| {
        let begun = Instant::now();
        search.step();
        let seconds = begun.elapsed().as_secs_f64();
        let floor = multiply_adds as f64 / peak(on);
        println!("{}", json!({ "seconds": seconds, "floor": floor, "process": std::process::id() }));
    };
    if std::env::args().any(|argument| argument == "--by-line") {
        std::io::stdin().lock().lines().map_while(Result::ok).for_each(|_| step(&mut search));
    } else {
        (0..STEPS).for_each(|_| step(&mut search));
    }
}
