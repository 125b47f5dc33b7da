//! `archwright plugin run`: what a plugin does on a problem that needs neither trainer nor store.

mod estimator;
mod plot;
mod search_space;
mod strategy;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use archwright_plugin::Kind;

use super::{find, load};
use crate::args::{RunPlugin, SpaceChoice};
use crate::locations::Locations;
use crate::outcome::{CliError, Output};

pub(super) fn run(options: &RunPlugin, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let component = load(&locations.engine()?, &options.plugin, locations)?;
    match component.kind() {
        Kind::Strategy => strategy::run(options, &component, locations, output)?,
        Kind::Estimator => estimator::run(options, &component, locations, output)?,
        Kind::SearchSpace => {
            let path = find(&options.plugin, locations)?.path;
            search_space::run(options, &component, &path, locations, output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The space that a strategy or estimator is tried in.
fn choice(options: &RunPlugin) -> SpaceChoice {
    SpaceChoice { space: options.space.clone(), options: Vec::new(), input: None, classes: 10 }
}

fn write_plot(path: &Path, drawn: Result<String, archwright_compare::PlotError>) -> Result<(), CliError> {
    let drawn = drawn.context("the plot")?;
    Ok(std::fs::write(path, drawn).with_context(|| format!("cannot write {}", path.display()))?)
}
