//! What the results on one problem come to.

use std::collections::BTreeMap;

use archwright_compare::{
    Better, Bootstrap, Finding, Interval, Quartiles, Ranking, TimeToTarget, critical_difference, deviation,
    first_reaching, friedman, groups, holm, kendall, mann_whitney, mean, mean_interval, nemenyi, quartiles,
    time_to_target, vargha_delaney, wilcoxon_holm,
};

use super::ALPHA;
use super::files::key;
use super::motifs::{Alike, Motif};
use crate::results::{Method, Problem};
use crate::suite::Reporting;

/// A problem's statistics.
pub(crate) struct Analysis<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) methods: Vec<Summary<'a>>,
    /// Seeds that every method was run from.
    pub(crate) blocks: usize,
    pub(crate) ranks: Option<Ranks>,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) target: f64,
    pub(crate) motifs: Vec<Motif>,
    /// Seconds of the task's clock that training and test of the found network take, where it was said.
    pub(crate) final_cost: Option<f64>,
    /// Whether all queries cost the same: then cost says nothing that their number does not.
    pub(crate) is_uniform: bool,
    /// Simulated or real workers at a time.
    pub(crate) workers: u32,
}

/// A method's results.
pub(crate) struct Summary<'a> {
    pub(crate) method: &'a Method,
    pub(crate) finals: Vec<f64>,
    pub(crate) mean: f64,
    pub(crate) interval: Option<Interval>,
    pub(crate) deviation: Option<f64>,
    pub(crate) quartiles: Option<Quartiles>,
    /// Mean over runs.
    pub(crate) queries: f64,
    pub(crate) failed: u64,
    /// Mean charged to a run, in seconds of the task's clock.
    pub(crate) cost: f64,
    pub(crate) made: u64,
    pub(crate) remembered: u64,
    pub(crate) reached: TimeToTarget,
    pub(crate) alike: Option<Alike>,
    /// Kendall's tau between what the search saw and what it comes to, and over how many architectures.
    pub(crate) estimator: Option<(f64, usize)>,
}

/// Ranks over the seeds.
pub(crate) struct Ranks {
    pub(crate) mean: Vec<f64>,
    pub(crate) borda: Vec<f64>,
    pub(crate) firsts: Vec<f64>,
    pub(crate) friedman: Option<Finding>,
    pub(crate) difference: Option<f64>,
    /// Groups of methods that cannot be told apart, by Nemenyi's test and by Wilcoxon's with Holm's correction.
    pub(crate) nemenyi: Vec<Vec<usize>>,
    pub(crate) wilcoxon: Vec<Vec<usize>>,
}

/// Two methods compared.
pub(crate) struct Pair {
    pub(crate) methods: [usize; 2],
    /// Mean of the first less that of the second.
    pub(crate) difference: f64,
    /// Mann-Whitney, after Holm's correction.
    pub(crate) p: f64,
    /// Wilcoxon's signed ranks over common seeds, after Holm's correction.
    pub(crate) paired_p: Option<f64>,
    /// Probability that a run of the first is better than one of the second.
    pub(crate) a12: f64,
}

impl<'a> Analysis<'a> {
    pub(crate) fn of(problem: &'a Problem, reporting: &Reporting) -> Self {
        let runs = || problem.methods.iter().flat_map(|method| &method.runs);
        let last: Vec<f64> =
            runs().filter_map(|run| run.trace.value.last().copied()).filter(|one| !one.is_nan()).collect();
        let target =
            reporting.target.unwrap_or_else(|| quartiles(&last).map_or(f64::NAN, |quartiles| quartiles.median));
        let methods: Vec<Summary<'_>> =
            problem.methods.iter().map(|method| Summary::of(problem, method, target)).collect();
        let (paired, blocks) = paired(problem);
        let pairwise = wilcoxon_holm(&paired).ok();
        let ranks = Ranking::of(&paired, problem.better)
            .ok()
            .filter(|ranking| ranking.methods() > 1 && ranking.blocks() > 1)
            .map(|ranking| {
                let mean = ranking.mean();
                Ranks {
                    nemenyi: groups(&mean, &nemenyi(&ranking), ALPHA),
                    wilcoxon: pairwise.as_ref().map_or_else(Vec::new, |p| groups(&mean, p, ALPHA)),
                    friedman: friedman(&ranking),
                    difference: critical_difference(ranking.methods(), ranking.blocks(), ALPHA),
                    borda: ranking.borda(),
                    firsts: ranking.firsts().into_iter().map(|firsts| firsts as f64).collect(),
                    mean,
                }
            });
        let pairs = pairs(&methods, problem.better, pairwise.as_deref());
        let costs = || {
            let runs = problem.methods.iter().flat_map(|method| &method.runs);
            runs.flat_map(|run| run.observations.iter().filter(|one| !one.objectives.is_empty()).map(|one| one.cost))
        };
        let first = costs().next().unwrap_or(0.0);
        Self {
            problem,
            methods,
            blocks,
            ranks,
            pairs,
            target,
            motifs: Motif::of(problem),
            final_cost: reporting.final_cost,
            is_uniform: costs().all(|cost| cost == first),
            workers: problem.methods.iter().map(|method| method.experiment.run.workers.unwrap_or(1)).max().unwrap_or(1),
        }
    }

    /// A value for a reader.
    pub(crate) fn shown(&self, value: f64) -> String {
        match self.problem.scale() {
            100.0 => format!("{:.3}", value * 100.0),
            _ => format!("{value:.4}"),
        }
    }
}

/// Final values from the seeds that every method was run from.
fn paired(problem: &Problem) -> (Vec<Vec<f64>>, usize) {
    let has = |method: &Method, seed: u64| method.runs.iter().any(|run| run.seed == seed);
    let seeds: Vec<u64> = problem.methods.first().map_or_else(Vec::new, |first| {
        let seeds = first.runs.iter().map(|run| run.seed);
        seeds.filter(|seed| problem.methods.iter().all(|method| has(method, *seed))).collect()
    });
    let rows = problem.methods.iter().map(|method| {
        let value = |seed: &u64| method.runs.iter().find(|run| run.seed == *seed).map_or(f64::NAN, |run| run.value);
        seeds.iter().map(value).collect()
    });
    (rows.collect(), seeds.len())
}

fn pairs(methods: &[Summary<'_>], better: Better, paired: Option<&[Vec<f64>]>) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut p = Vec::new();
    for (one, first) in methods.iter().enumerate() {
        for (other, second) in methods.iter().enumerate().skip(one + 1) {
            p.push(mann_whitney(&first.finals, &second.finals).map_or(1.0, |found| found.p));
            let larger = vargha_delaney(&first.finals, &second.finals).unwrap_or(0.5);
            pairs.push(Pair {
                methods: [one, other],
                difference: first.mean - second.mean,
                p: 1.0,
                paired_p: paired.map(|p| p[one][other]),
                a12: if better == Better::Higher { larger } else { 1.0 - larger },
            });
        }
    }
    for (pair, corrected) in pairs.iter_mut().zip(holm(&p)) {
        pair.p = corrected;
    }
    pairs
}

impl<'a> Summary<'a> {
    fn of(problem: &Problem, method: &'a Method, target: f64) -> Self {
        let runs = &method.runs;
        let finals: Vec<f64> = runs.iter().map(|run| run.value).collect();
        let per_run = |total: f64| total / runs.len().max(1) as f64;
        let reached: Vec<Option<f64>> = runs
            .iter()
            .map(|run| {
                let positions: Vec<f64> = (1..=run.trace.value.len()).map(|query| query as f64).collect();
                first_reaching(&positions, &run.trace.value, target, problem.better)
            })
            .collect();
        Self {
            mean: mean(&finals).unwrap_or(f64::NAN),
            interval: mean_interval(&finals, &Bootstrap::default()).ok().filter(|_| finals.len() > 1),
            deviation: deviation(&finals),
            quartiles: quartiles(&finals),
            queries: per_run(runs.iter().map(|run| run.observations.len() as f64).sum()),
            failed: runs.iter().map(|run| run.report.tried.failed).sum(),
            cost: per_run(runs.iter().map(|run| run.trace.cost.last().copied().unwrap_or(0.0)).sum()),
            made: runs.iter().map(|run| run.report.tried.trained).sum(),
            remembered: runs.iter().map(|run| run.report.tried.remembered).sum(),
            reached: time_to_target(&reached),
            alike: Alike::of(method),
            estimator: estimator(problem, method),
            finals,
            method,
        }
    }
}

/// How the values that the search saw rank architectures, against what they come to, and how many there are; nothing where both
/// are the same. Of each architecture counts what was seen at its highest fidelity, the mean of it.
fn estimator(problem: &Problem, method: &Method) -> Option<(f64, usize)> {
    if !problem.is_test || problem.scale() != 100.0 {
        return None;
    }
    let mut known: BTreeMap<Vec<u8>, Known> = BTreeMap::new();
    for one in method.runs.iter().flat_map(|run| &run.observations) {
        let (Some(architecture), Some(seen), Some(test)) = (&one.architecture, one.objectives.first(), one.test) else {
            continue;
        };
        if !seen.is_finite() || !test.accuracy.is_finite() {
            continue;
        }
        let fresh = Known { fidelity: one.fidelity, seen: 0.0, count: 0, test: test.accuracy };
        let entry = known.entry(key(architecture)).or_insert(fresh);
        if one.fidelity > entry.fidelity {
            *entry = fresh;
        }
        if one.fidelity == entry.fidelity {
            entry.seen += seen;
            entry.count += 1;
        }
    }
    let pairs: Vec<(f64, f64)> = known.values().map(|one| (one.seen / f64::from(one.count), one.test)).collect();
    let differ = pairs.iter().any(|(seen, test)| seen != test);
    Some((kendall(&pairs).filter(|_| differ)?, pairs.len()))
}

/// What is known of an architecture.
#[derive(Clone, Copy)]
struct Known {
    fidelity: f64,
    /// The sum of what was seen.
    seen: f64,
    count: u32,
    test: f64,
}
