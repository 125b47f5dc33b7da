//! Trying an estimator on a simulated trainer.

use std::fmt::Write as _;
use std::sync::Arc;

use archwright_compare::{Agreement, agreement, mean, scatter};
use archwright_plugin::{Component, Limits};
use archwright_search::toy::{Judged, Judging, Landscape};
use serde_json::json;

use super::{choice, write_plot};
use crate::args::RunPlugin;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::space::{key_values, open};

/// Shares of a full training that estimates are asked for at.
const FIDELITIES: [f64; 3] = [1.0, 1.0 / 3.0, 1.0 / 9.0];

/// What came of the estimates at one fidelity.
struct Tried {
    asked: f64,
    judged: Vec<Judged>,
    found: Agreement,
}

pub(super) fn run(
    options: &RunPlugin,
    component: &Component,
    locations: &Locations,
    output: Output,
) -> Result<(), CliError> {
    if options.table.is_some() {
        let help = Some("an estimator is tried on a simulated trainer: name a problem with --toy".into());
        return Err(CliError::input("a table of measurements is for strategies", help));
    }
    let space = Arc::new(open(&choice(options), locations)?);
    let landscape = Landscape::new(options.toy, options.seed, &space);
    let complete = component.options(&key_values(&options.options)?)?;
    let limits = Limits::default();
    let judging = Judging {
        component,
        options: &complete,
        limits: &limits,
        space: &space,
        landscape: &landscape,
        seed: options.seed,
    };
    let mut tried = Vec::new();
    for asked in FIDELITIES {
        let judged = judging.judge(options.queries as usize, asked, options.workers as usize)?;
        let (estimates, truths): (Vec<f64>, Vec<f64>) = pairs(&judged).into_iter().unzip();
        tried.push(Tried { asked, judged, found: agreement(&estimates, &truths) });
    }
    if output.json {
        let fidelities: Vec<_> = tried
            .iter()
            .map(|one| json!({ "asked": one.asked, "agreement": one.found, "estimates": one.judged }))
            .collect();
        output.value(&json!({
            "plugin": component.name(),
            "kind": component.kind(),
            "digest": component.digest(),
            "space": options.space,
            "problem": { "toy": options.toy },
            "seed": options.seed,
            "workers": options.workers,
            "fidelities": fidelities,
        }))?;
    } else {
        output.text(&told(options, component, &tried))?;
    }
    if let (Some(path), Some(full)) = (&options.plot, tried.first()) {
        let title = format!("{} on {}, {}", component.name(), options.space, options.toy.name());
        write_plot(path, scatter(&title, ["estimate", "truth"], &pairs(&full.judged)))?;
    }
    Ok(())
}

/// Estimates and truths of what was estimated.
fn pairs(judged: &[Judged]) -> Vec<(f64, f64)> {
    judged.iter().filter_map(|one| Some((one.estimate?, one.truth))).collect()
}

fn told(options: &RunPlugin, component: &Component, tried: &[Tried]) -> String {
    let mut text = format!(
        "{} on {}, {}: {} random architectures, estimated and in truth\n\n",
        component.name(),
        options.space,
        options.toy.name(),
        options.queries
    );
    let mut table =
        crate::runs::table(["asked for", "spent", "cost", "estimated", "failed", "Kendall tau", "Spearman"]);
    for Tried { asked, judged, found } in tried {
        let number = |value: Option<f64>| value.map_or("none".into(), |value| format!("{value:.3}"));
        let fidelities: Vec<f64> = judged.iter().filter_map(|one| one.fidelity).collect();
        let costs: Vec<f64> = judged.iter().filter(|one| one.estimate.is_some()).map(|one| one.cost).collect();
        let average = |values: &[f64]| number(mean(values));
        table.add_row([
            format!("{asked:.3}"),
            average(&fidelities),
            average(&costs),
            found.count.to_string(),
            (judged.len() - found.count).to_string(),
            number(found.kendall),
            number(found.spearman),
        ]);
    }
    let _ =
        writeln!(text, "{table}\n\nFidelity and cost are shares of a full training, the mean over the architectures.");
    if let Some(reason) = tried.iter().flat_map(|one| &one.judged).find_map(|one| one.failure.as_ref()) {
        let _ = writeln!(text, "The first failure: {reason}");
    }
    text
}
