//! Draws one figure of each kind, of made-up runs, into the folder that is named: `figures FOLDER`.
#![expect(clippy::unwrap_used, reason = "an example fails by panicking")]

use std::path::PathBuf;

use archwright_compare::figure::{
    Axis, Curve, Differences, RankCurve, Sample, anytime, average_rank, critical_difference_diagram, distribution,
    scatter,
};
use archwright_compare::{
    Band, Better, Bootstrap, Ranking, critical_difference, groups, mean_curve, mean_ranks_over_budget, median_curve,
    nemenyi,
};
use chacha20::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Short names stand beside their lines, long ones below.
const SHORT: [&str; 4] = ["random", "local", "evolution", "reinforce"];
const LONG: [&str; 9] = [
    "random search",
    "local search with restarts",
    "regularized-evolution",
    "reinforce",
    "gdas",
    "darts (first order)",
    "snas",
    "predictor-guided evolution",
    "bayesian-optimization",
];
const RUNS: usize = 30;
const QUERIES: usize = 500;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap());
    for (kind, names) in [("short", SHORT.as_slice()), ("long", LONG.as_slice())] {
        for (name, figure) in figures(names) {
            std::fs::write(folder.join(format!("{kind}-{name}.svg")), figure).unwrap();
        }
    }
}

/// Best regret so far by method, run and query.
fn made_up(methods: usize, unit: &mut impl FnMut() -> f64) -> Vec<Vec<Vec<f64>>> {
    let mut run = |method: usize| {
        let mut best = 60.0f64;
        let mut query = || {
            best = best.min(100.0 * unit().powf(1.0 + 0.3 * method as f64) * unit() - 0.001).max(0.0);
            best
        };
        (0..QUERIES).map(|_| query()).collect()
    };
    (0..methods).map(|method| (0..RUNS).map(|_| run(method)).collect()).collect()
}

fn figures(names: &[&str]) -> Vec<(&'static str, String)> {
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let mut unit = || (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let runs = made_up(names.len(), &mut unit);
    let positions: Vec<f64> = (1..=QUERIES).map(|query| query as f64).collect();
    let means: Vec<Band> = runs.iter().map(|runs| mean_curve(runs, &Bootstrap::default()).unwrap()).collect();
    let medians: Vec<Band> = runs.iter().map(|runs| median_curve(runs).unwrap()).collect();
    let curves = |bands: &[Band], across: Axis, up: Axis| {
        let curve = |(name, band)| Curve { name, positions: &positions, band };
        let curves: Vec<Curve> = names.iter().copied().zip(bands).map(curve).collect();
        anytime("Regret of search methods on NAS-Bench-201, CIFAR-10", &across, &up, &curves).unwrap()
    };
    let regret = "regret (percentage points)";
    let early: Vec<Vec<f64>> = runs.iter().map(|runs| runs.iter().map(|run| run[40]).collect()).collect();
    let samples: Vec<Sample> = names.iter().zip(&early).map(|(name, values)| Sample { name, values }).collect();
    let ranks = mean_ranks_over_budget(&runs, Better::Lower).unwrap();
    let ranks: Vec<RankCurve> = names.iter().zip(&ranks).map(|(name, ranks)| RankCurve { name, ranks }).collect();
    let ranking = Ranking::of(&early, Better::Lower).unwrap();
    let differences = Differences {
        names,
        mean_ranks: &ranking.mean(),
        groups: &groups(&ranking.mean(), &nemenyi(&ranking), 0.05),
        difference: critical_difference(ranking.methods(), ranking.blocks(), 0.05),
        test: "Nemenyi, \u{3b1} = 0.05",
        blocks: ranking.blocks(),
    };
    let truth = |_| {
        let truth = unit();
        (60.0 + 35.0 * truth, 0.7 * truth + 0.2 * unit())
    };
    let pairs: Vec<(f64, f64)> = (0..150).map(truth).collect();
    vec![
        ("mean", curves(&means, Axis::linear("queries"), Axis::log(regret))),
        ("median", curves(&medians, Axis::linear("queries"), Axis::log(regret))),
        ("linear", curves(&means, Axis::log("cost (GPU hours)"), Axis::linear(regret))),
        ("boxes", distribution("Regret after 40 queries", &Axis::linear(regret), &samples).unwrap()),
        ("ranks", average_rank("Rank over the budget", &Axis::linear("queries"), &positions, &ranks, RUNS).unwrap()),
        ("critical", critical_difference_diagram("Which methods differ after 40 queries", &differences).unwrap()),
        ("scatter", scatter("synflow against the truth", ["test accuracy (%)", "synflow (score)"], &pairs).unwrap()),
    ]
}
