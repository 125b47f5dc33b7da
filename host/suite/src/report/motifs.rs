//! What the architectures that runs found have in common.

use std::collections::{BTreeMap, BTreeSet};

use archwright_space::{Architecture, Value};

use crate::results::{Method, Problem, Run};

/// Motifs that are told.
const TOLD: usize = 12;

/// A decision that falls out one way more often than by chance.
pub(crate) struct Motif {
    pub(crate) decision: String,
    pub(crate) label: String,
    /// Share of all runs whose network has it.
    pub(crate) share: f64,
    /// Share that chance would give: one of the labels that were tried. Of a decision that is not always active it would be
    /// less.
    pub(crate) by_chance: f64,
}

/// How alike the networks of a method's runs are.
pub(crate) struct Alike {
    /// Networks that differ, up to isomorphism.
    pub(crate) distinct: usize,
    /// Mean share of decisions that fall out alike in two runs; nothing for a single run.
    pub(crate) decisions: Option<f64>,
}

impl Motif {
    /// What is most above chance in the networks that the runs on a problem found.
    pub(crate) fn of(problem: &Problem) -> Vec<Self> {
        let runs: Vec<&Run> = problem.methods.iter().flat_map(|method| &method.runs).collect();
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for run in &runs {
            for (decision, label) in &run.report.found.decisions {
                *counts.entry((decision, label)).or_default() += 1;
            }
        }
        let tried = tried(&runs);
        let mut motifs: Vec<Self> = counts
            .into_iter()
            // What a single network has, networks do not share.
            .filter(|(_, count)| *count > 1)
            .filter_map(|((decision, label), count)| {
                Some(Self {
                    share: count as f64 / runs.len() as f64,
                    by_chance: 1.0 / (*tried.get(decision)?).max(1) as f64,
                    decision: decision.to_owned(),
                    label: label.to_owned(),
                })
            })
            .filter(|motif| motif.share > motif.by_chance)
            .collect();
        motifs.sort_by(|left, right| (right.share - right.by_chance).total_cmp(&(left.share - left.by_chance)));
        motifs.truncate(TOLD);
        motifs
    }
}

/// How many values of each decision were tried, by the decision's name. Where it was inactive it had none.
fn tried<'a>(runs: &[&'a Run]) -> BTreeMap<&'a str, usize> {
    let points = runs.iter().flat_map(|run| &run.observations).filter_map(|one| match &one.architecture {
        Some(Architecture::Point(values)) => Some(values),
        _ => None,
    });
    let mut values: Vec<BTreeSet<String>> = Vec::new();
    // Some thousand queries show all values that there are many of.
    for point in points.take(5_000) {
        values.resize(values.len().max(point.len()), BTreeSet::new());
        for (seen, value) in values.iter_mut().zip(point) {
            if *value != Value::Inactive {
                seen.insert(format!("{value:?}"));
            }
        }
    }
    let mut tried = BTreeMap::new();
    for run in runs {
        let Architecture::Point(point) = &run.report.found.architecture else { continue };
        // Names are those of the active decisions, in the order of all.
        let active = point.iter().zip(&values).filter(|(value, _)| **value != Value::Inactive);
        for ((name, _), (_, seen)) in run.report.found.decisions.iter().zip(active) {
            tried.insert(name.as_str(), seen.len());
        }
    }
    tried
}

impl Alike {
    pub(crate) fn of(method: &Method) -> Option<Self> {
        let found: Vec<&archwright_search::Finalist> = method.runs.iter().map(|run| &run.report.found).collect();
        let distinct: BTreeSet<&str> = found.iter().map(|one| one.fingerprint.as_str()).collect();
        let mut alike = 0.0;
        let mut pairs = 0usize;
        for (number, one) in found.iter().enumerate() {
            for other in &found[number + 1..] {
                let equal = one.decisions.iter().filter(|decision| other.decisions.contains(decision)).count();
                alike += equal as f64 / one.decisions.len().max(other.decisions.len()).max(1) as f64;
                pairs += 1;
            }
        }
        if found.is_empty() {
            return None;
        }
        Some(Self { distinct: distinct.len(), decisions: (pairs > 0).then(|| alike / pairs as f64) })
    }
}
