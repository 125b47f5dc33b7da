//! `archwright plugin`.

mod build;
mod check;
mod inspect;
mod list;
mod new;
mod run;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use archwright_plugin::{Component, Engine, Kind, Limits};
use serde_json::json;

use crate::args;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};

pub(crate) const KINDS: [Kind; 3] = [Kind::Strategy, Kind::Estimator, Kind::SearchSpace];

pub(crate) fn plugin(command: &args::Plugin, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    match command {
        args::Plugin::List => list::list(locations, output),
        args::Plugin::Inspect { plugin } => inspect::inspect(plugin, locations, output),
        args::Plugin::Check(options) => check::check(options, locations, output),
        args::Plugin::Transcript { plugin, options } => check::transcript(plugin, options, locations, output),
        args::Plugin::Run(options) => run::run(options, locations, output),
        args::Plugin::New(options) => new::new(options, output),
        args::Plugin::Build { folder, output: component } => {
            build::build(folder, component.as_deref(), locations, output)
        }
        args::Plugin::Watch { folder } => watch::watch(folder, locations, output),
    }
}

pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Strategy => "strategy",
        Kind::Estimator => "estimator",
        Kind::SearchSpace => "search space",
    }
}

fn summary(kind: Kind, name: &str, component: &Component) -> serde_json::Value {
    json!({
        "kind": kind_name(kind),
        "name": name,
        "digest": component.digest(),
        "description": component.description(),
    })
}

/// Loads a plugin by path or bundled name, whatever its kind.
fn load(engine: &Engine, plugin: &str, locations: &Locations) -> Result<Component, CliError> {
    Ok(engine.load(&find(plugin, locations)?, &Limits::default())?)
}

/// The file of a plugin by path or bundled name, whatever its kind.
fn find(plugin: &str, locations: &Locations) -> Result<PathBuf, CliError> {
    let catalogue = locations.catalogue();
    let bundled = KINDS.into_iter().flat_map(|kind| catalogue.plugins(kind)).find(|(name, _)| name == plugin);
    match bundled {
        Some((_, path)) => Ok(path),
        None if Path::new(plugin).is_file() => Ok(PathBuf::from(plugin)),
        None => Err(CliError::input(
            format!("there is no plugin `{plugin}`"),
            Some("`archwright plugin list` lists the bundled ones; others are named by the path of a file".into()),
        )),
    }
}
