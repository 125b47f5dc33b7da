//! `archwright plugin`.

mod add;
mod build;
mod check;
mod fetch;
mod inspect;
mod list;
mod new;
mod publish;
mod remove;
mod run;
mod update;
mod watch;

use std::process::ExitCode;

use archwright_plugin::{Component, Engine, Kind, Limits};
use archwright_registry::{PLUGINS, Project};
use archwright_search::FoundPlugin;
use serde_json::json;

use crate::args;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};

/// The current folder.
const HERE: &str = "";

pub(crate) const KINDS: [Kind; 3] = [Kind::Strategy, Kind::Estimator, Kind::SearchSpace];

pub(crate) fn plugin(command: &args::Plugin, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    match command {
        args::Plugin::List => list::list(locations, output),
        args::Plugin::Add { source, name, digest, trust, insecure } => {
            let given = add::Given { source, name: name.as_deref(), digest: *digest, trust: *trust };
            add::add(given, *insecure, locations, output)
        }
        args::Plugin::Remove { name } => remove::remove(name, output),
        args::Plugin::Update { name, insecure } => update::update(name.as_deref(), *insecure, locations, output),
        args::Plugin::Fetch { insecure } => fetch::fetch(*insecure, locations, output),
        args::Plugin::Publish { from, reference, insecure } => {
            publish::publish(from, reference, *insecure, locations, output)
        }
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

/// Loads a plugin by path or name, whatever its kind.
fn load(engine: &Engine, plugin: &str, locations: &Locations) -> Result<Component, CliError> {
    load_found(engine, &find(plugin, locations)?)
}

/// The file of a plugin by path or name, whatever its kind.
fn find(plugin: &str, locations: &Locations) -> Result<FoundPlugin, CliError> {
    Ok(locations.catalogue().find_any(plugin, HERE.as_ref())?)
}

/// Loads a plugin that was found, where it is what it has to be.
pub(crate) fn load_found(engine: &Engine, found: &FoundPlugin) -> Result<Component, CliError> {
    let bytes = Engine::read(&found.path, &Limits::default())?;
    found.check(&bytes)?;
    Ok(engine.load_bytes(&found.path.display().to_string(), &bytes, &Limits::default())?)
}

/// The project in the current folder.
fn project() -> Result<Project, CliError> {
    Project::open(HERE.as_ref())?.ok_or_else(|| {
        CliError::input(
            format!("there is no {PLUGINS} in this folder"),
            Some("`archwright plugin add SOURCE` makes it".into()),
        )
    })
}
