//! The results in short, for a terminal and for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::tables::p_is;
use super::{Section, missing};
use crate::Results;

pub(crate) fn text(results: &Results, sections: &[Section<'_>]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for line in missing(results) {
        let _ = writeln!(text, "{line}");
    }
    for Section { analysis, .. } in sections {
        let problem = analysis.problem;
        let _ = writeln!(text, "{} in {}: {}", problem.task, problem.space, problem.axis());
        let width = analysis.methods.iter().map(|one| one.method.name.chars().count()).max().unwrap_or(0);
        for (number, one) in analysis.methods.iter().enumerate() {
            let spread = one.deviation.map_or_else(String::new, |value| format!(" ± {:.3}", value * problem.scale()));
            let rank = analysis
                .ranks
                .as_ref()
                .map_or_else(String::new, |ranks| format!(", mean rank {:.2}", ranks.mean[number]));
            let _ = writeln!(
                text,
                "  {:<width$}  {}{spread} over {} runs of {:.0} queries{rank}",
                one.method.name,
                analysis.shown(one.mean),
                one.finals.len(),
                one.queries
            );
        }
        if let Some(found) = analysis.ranks.as_ref().and_then(|ranks| ranks.friedman) {
            let _ = writeln!(text, "  Friedman's test: {}", p_is(found.p));
        }
    }
    text
}

pub(crate) fn summary(sections: &[Section<'_>]) -> Value {
    let problem = |section: &Section<'_>| {
        let analysis = &section.analysis;
        let methods = analysis.methods.iter().enumerate().map(|(number, one)| {
            json!({
                "method": one.method.name,
                "labels": one.method.labels,
                "runs": one.finals.len(),
                "mean": one.mean,
                "deviation": one.deviation,
                "interval": one.interval.map(|interval| [interval.low, interval.high]),
                "median": one.quartiles.map(|found| found.median),
                "mean_rank": analysis.ranks.as_ref().map(|ranks| ranks.mean[number]),
                "queries": one.queries,
                "cost": one.cost,
                "failed": one.failed,
            })
        });
        let pairs = analysis.pairs.iter().map(|pair| {
            let [first, second] = pair.methods.map(|method| &analysis.methods[method].method.name);
            json!({ "first": first, "second": second, "difference": pair.difference, "p": pair.p, "paired_p": pair.paired_p, "a12": pair.a12 })
        });
        json!({
            "task": analysis.problem.task,
            "space": analysis.problem.space,
            "objective": analysis.problem.objective,
            "is_test": analysis.problem.is_test,
            "best": analysis.problem.best(),
            "methods": methods.collect::<Vec<_>>(),
            "pairs": pairs.collect::<Vec<_>>(),
            "friedman_p": analysis.ranks.as_ref().and_then(|ranks| ranks.friedman).map(|found| found.p),
        })
    };
    sections.iter().map(problem).collect()
}
