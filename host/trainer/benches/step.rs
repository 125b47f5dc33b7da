//! One epoch of training on 32x32 colour images, in images a second. `step_torch.py` does the same in Python.

mod images;

use std::hint::black_box;

use archwright_protocol::{
    Action, DATA_DIR, DataFormat, DataSource, Recipe, Setup, Split, Start, Subset, Task, Train, VERSION,
};
use archwright_space::{Context, Definition, Scalar, SearchSpace, Value, bundled};
use archwright_trainer::Trainer;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// NAS-Bench-201's cell with a 3x3 convolution on every edge, one cell a stage, 16 channels.
fn action() -> Action {
    let text = bundled::source("nas-bench-201").unwrap_or_default();
    let options = [("cells".to_owned(), Scalar::Integer(1))].into();
    let space = Definition::parse_with(text, &options).unwrap_or_else(|error| panic!("{error}"));
    let input = vec![3, 32, 32];
    let network =
        space.build(&[Value::Index(3); 6], &Context::full(input.clone(), 10)).unwrap_or_else(|error| panic!("{error}"));
    Action::Train(Train {
        network,
        input,
        recipe: Recipe { epochs: 1, crop_padding: 4, flip: true, ..Recipe::default() },
        until_epoch: 1,
        seed: 0,
        data_share: 1.0,
        start: Start::Fresh,
        evaluate: Subset::Validation,
        keep_weights: false,
        latency: None,
    })
}

fn step(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    images::write(folder.path());
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var(DATA_DIR, folder.path()) };
    let task =
        Task { data: DataSource::of(DataFormat::Cifar10), split: Split { validation: 0.05, ..Split::default() } };
    let device = std::env::var("ARCHWRIGHT_BENCH_DEVICE").unwrap_or_else(|_| "cpu".into());
    let setup = Setup { protocol: VERSION, task, device, threads: 1 };
    let (ready, mut trainer) = Trainer::new(&setup).unwrap_or_else(|error| panic!("{error}"));
    let action = action();
    let mut group = criterion.benchmark_group("training");
    group.sample_size(10).throughput(Throughput::Elements(ready.data.train));
    group.bench_function("epoch of nas-bench-201, 1 cell a stage, batch 64", |bencher| {
        bencher
            .iter(|| black_box(trainer.act(&action, None, &mut |_, _| {})).unwrap_or_else(|error| panic!("{error}")));
    });
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
