//! Looking into a search space: its points, drawn and profiled.

use std::fmt::Write as _;
use std::path::Path;

use archwright_compare::figure::{Axis, Sample, distribution};
use archwright_compare::quantile;
use archwright_plugin::Component;
use archwright_space::{Footprint, Space, seed};
use indicatif::HumanCount;
use serde_json::json;

use super::write_plot;
use crate::args::{RunPlugin, SpaceChoice};
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::space::open;

pub(super) fn run(
    options: &RunPlugin,
    component: &Component,
    path: &Path,
    locations: &Locations,
    output: Output,
) -> Result<(), CliError> {
    let choice =
        SpaceChoice { space: path.display().to_string(), options: options.options.clone(), input: None, classes: 10 };
    let space = open(&choice, locations)?;
    let mut sizes = Vec::new();
    let mut failures = Vec::new();
    for index in 0..u64::from(options.queries) {
        match space.profile(&space.sample(seed::derive(options.seed, "drawn", index))) {
            Ok(footprint) => sizes.push(footprint),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if output.json {
        output.value(&json!({
            "plugin": component.name(),
            "kind": component.kind(),
            "digest": component.digest(),
            "input": space.context().input,
            "decisions": space.decisions(),
            "size": space.size().to_string(),
            "seed": options.seed,
            "profiles": sizes,
            "failures": failures,
        }))?;
    } else {
        output.text(&told(component, &space, &sizes, &failures))?;
    }
    if let Some(path) = &options.plot {
        let parameters: Vec<f64> = sizes.iter().map(|one| one.parameters as f64).collect();
        let samples = [Sample { name: component.name(), values: &parameters }];
        let title = format!("Random points of {}", component.name());
        write_plot(path, distribution(&title, &Axis::linear("parameters"), &samples))?;
    }
    Ok(())
}

fn told(component: &Component, space: &Space, sizes: &[Footprint], failures: &[String]) -> String {
    let mut text = format!(
        "{}: {} decisions, {}; {} drawn, for inputs of shape {:?}\n\n",
        component.name(),
        space.decisions().len(),
        space.size(),
        sizes.len() + failures.len(),
        space.context().input
    );
    let mut table = crate::runs::table(["", "smallest", "median", "largest"]);
    for what in ["parameters", "multiply-adds", "depth", "activation bytes"] {
        let number = |one: &Footprint| match what {
            "parameters" => one.parameters,
            "multiply-adds" => one.multiply_adds,
            "depth" => one.depth.into(),
            _ => one.activation_bytes,
        };
        let values: Vec<f64> = sizes.iter().map(|one| number(one) as f64).collect();
        let at = |share| quantile(&values, share).map(|value| HumanCount(value as u64).to_string());
        if let (Some(smallest), Some(median), Some(largest)) = (at(0.0), at(0.5), at(1.0)) {
            table.add_row([what.to_owned(), smallest, median, largest]);
        }
    }
    let _ = writeln!(text, "{table}");
    if let Some(reason) = failures.first() {
        let _ = writeln!(text, "\n{} could not be built, the first: {reason}", failures.len());
    }
    text
}
