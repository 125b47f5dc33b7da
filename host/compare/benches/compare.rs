//! How long statistics and figures take that a report on four methods, a hundred runs each, is made of.
#![expect(clippy::unwrap_used, reason = "benchmarks fail by panicking")]

use std::hint::black_box;

use archwright_compare::figure::{Axis, Curve, Sample, anytime, distribution};
use archwright_compare::{
    Band, Better, Bootstrap, Ranking, critical_difference, mean_curve, mean_ranks_over_budget, nemenyi, wilcoxon_holm,
};
use chacha20::ChaCha8Rng;
use criterion::{Criterion, criterion_group, criterion_main};
use rand_core::{Rng as _, SeedableRng as _};

const METHODS: usize = 4;
const RUNS: usize = 100;
const POINTS: usize = 500;

/// Best value so far by method, run and point.
fn made_up() -> Vec<Vec<Vec<f64>>> {
    let mut generator = ChaCha8Rng::seed_from_u64(0);
    let mut run = || {
        let mut best = 1.0f64;
        let mut point = || {
            best = best.min((generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64);
            best
        };
        (0..POINTS).map(|_| point()).collect()
    };
    (0..METHODS).map(|_| (0..RUNS).map(|_| run()).collect()).collect()
}

fn statistics(criterion: &mut Criterion) {
    let runs = made_up();
    let early: Vec<Vec<f64>> = runs.iter().map(|runs| runs.iter().map(|run| run[20]).collect()).collect();
    let bands = || runs.iter().map(|runs| mean_curve(runs, &Bootstrap::default()).unwrap()).collect::<Vec<Band>>();
    criterion.bench_function("intervals of four curves", |bencher| bencher.iter(|| black_box(bands())));
    criterion.bench_function("mean ranks over the budget", |bencher| {
        bencher.iter(|| black_box(mean_ranks_over_budget(&runs, Better::Lower).unwrap()));
    });
    criterion.bench_function("tests of four methods", |bencher| {
        bencher.iter(|| {
            let ranking = Ranking::of(&early, Better::Lower).unwrap();
            black_box((nemenyi(&ranking), critical_difference(METHODS, RUNS, 0.05), wilcoxon_holm(&early).unwrap()))
        });
    });

    let bands = bands();
    let positions: Vec<f64> = (1..=POINTS).map(|point| point as f64).collect();
    let curve = |band| Curve { name: "method", positions: &positions, band };
    let curves: Vec<Curve> = bands.iter().map(curve).collect();
    criterion.bench_function("figure of four curves", |bencher| {
        let axes = [Axis::linear("queries"), Axis::log("regret")];
        bencher.iter(|| black_box(anytime("regret", &axes[0], &axes[1], &curves).unwrap()));
    });
    let samples: Vec<Sample> = early.iter().map(|values| Sample { name: "method", values }).collect();
    criterion.bench_function("figure of four distributions", |bencher| {
        bencher.iter(|| black_box(distribution("regret", &Axis::linear("regret"), &samples).unwrap()));
    });
}

criterion_group!(benches, statistics);
criterion_main!(benches);
