//! How many questions a second a search space answers: what bounds strategies that look at many architectures.
#![expect(clippy::unwrap_used, reason = "benchmarks fail by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use archwright_space::{Architecture, Context, Definition, Encoding, Network, Space, bundled};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Architectures that each benchmark goes through.
const COUNT: u64 = 64;

fn space(name: &str) -> Space {
    let definition = Definition::parse(bundled::source(name).unwrap()).unwrap();
    Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).unwrap()
}

fn questions(criterion: &mut Criterion) {
    for name in ["nas-bench-201", "darts"] {
        let space = space(name);
        let architectures: Vec<Architecture> = (0..COUNT).map(|seed| space.sample(seed)).collect();
        let networks: Vec<Network> = architectures.iter().map(|one| space.build(one).unwrap()).collect();
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(COUNT));
        group.bench_function("build", |bencher| {
            bencher.iter(|| architectures.iter().for_each(|one| drop(black_box(space.build(one).unwrap()))));
        });
        group.bench_function("fingerprint of a network", |bencher| {
            bencher.iter(|| networks.iter().for_each(|one| drop(black_box(one.fingerprint()))));
        });
        group.bench_function("fingerprint", |bencher| {
            bencher.iter(|| architectures.iter().for_each(|one| drop(black_box(space.fingerprint(one).unwrap()))));
        });
        for encoding in [Encoding::OneHot, Encoding::Adjacency, Encoding::Path] {
            group.bench_function(format!("encode {encoding:?}"), |bencher| {
                let encode = |one| drop(black_box(space.encode(one, encoding).unwrap()));
                bencher.iter(|| architectures.iter().for_each(encode));
            });
        }
        group.bench_function("mutate", |bencher| {
            let mutate = |(seed, one)| drop(black_box(space.mutate(one, seed).unwrap()));
            bencher.iter(|| (0..).zip(&architectures).for_each(mutate));
        });
        group.finish();
    }
}

criterion_group!(benches, questions);
criterion_main!(benches);
