//! DARTS's search step: a step of the shared weights along the mixture, and the derivative of the validation loss by its
//! probabilities. 8 cells, 16 channels, batches of 64 images of 3x32x32. `supergraph_torch.py` does the same by the authors' code.

mod images;

use std::hint::black_box;

use archwright_protocol::{
    Action, DATA_DIR, DataFormat, DataSource, DifferentiateShared, Paths, Recipe, Setup, SharedStart, SharedState,
    Split, Subject, Supergraph, Task, TrainShared, VERSION,
};
use archwright_space::{Context, Definition, Relaxation, SizeLimits, Space, bundled, rows};
use archwright_trainer::Trainer;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

const BATCH: u32 = 64;

/// The state of the weights goes from step to step.
struct Search {
    trainer: Trainer,
    supergraph: Supergraph,
    recipe: Recipe,
    relaxation: Relaxation,
    steps: u64,
}

impl Search {
    fn open(trainer: Trainer) -> Self {
        let text = bundled::source("darts-edges").unwrap_or_default();
        let definition = Definition::parse(text).unwrap_or_else(|error| panic!("{error}"));
        let (options, input) = (definition.options().clone(), vec![3, 32, 32]);
        let space = Space::new(std::sync::Arc::new(definition), Context::full(input.clone(), 10));
        let space = space.unwrap_or_else(|error| panic!("{error}"));
        let alike = rows(space.decisions()).iter().flat_map(|row| vec![1.0 / row.length as f32; row.length]).collect();
        Self {
            trainer,
            supergraph: Supergraph { definition: text.to_owned(), options, input, classes: 10 },
            recipe: Recipe { epochs: 50, batch_size: BATCH, learning_rate: 0.025, ..Recipe::default() },
            relaxation: Relaxation::new(alike),
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
            black_box(self.trainer.act(&action, None, &mut |_, _| {})).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

fn search_step(criterion: &mut Criterion) {
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
    let setup = Setup { protocol: VERSION, task, device, threads: 1 };
    let (_, trainer) = Trainer::new(&setup).unwrap_or_else(|error| panic!("{error}"));
    let mut search = Search::open(trainer);
    let mut group = criterion.benchmark_group("supergraph");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(2 * u64::from(BATCH)));
    group.bench_function("search step of DARTS, 8 cells, 16 channels, batch 64", |bencher| {
        bencher.iter(|| search.step());
    });
    group.finish();
}

criterion_group!(benches, search_step);
criterion_main!(benches);
