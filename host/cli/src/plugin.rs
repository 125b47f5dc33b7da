//! `archwright plugin`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use archwright_plugin::{Component, Engine, Kind, Limits, conformance};
use serde_json::json;

use crate::args;
use crate::locations::Locations;
use crate::options;
use crate::outcome::{CliError, Output};
use crate::runs::table;

pub(crate) const KINDS: [Kind; 3] = [Kind::Strategy, Kind::Estimator, Kind::SearchSpace];

pub(crate) fn plugin(command: &args::Plugin, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    match command {
        args::Plugin::List => list(locations, output),
        args::Plugin::Inspect { plugin } => inspect(plugin, locations, output),
        args::Plugin::Check { plugin } => check(plugin, locations, output),
        args::Plugin::Build { folder, output: component } => build(folder, component, output),
    }
}

pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Strategy => "strategy",
        Kind::Estimator => "estimator",
        Kind::SearchSpace => "search space",
    }
}

fn list(locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let engine = locations.engine()?;
    let catalogue = locations.catalogue();
    let mut components = Vec::new();
    for kind in KINDS {
        for (name, path) in catalogue.plugins(kind) {
            components.push((kind, name, engine.load(&path, &Limits::default())?));
        }
    }
    if output.json {
        let list: Vec<_> = components.iter().map(|(kind, name, component)| summary(*kind, name, component)).collect();
        output.value(&list)?;
    } else {
        let mut table = table(["kind", "name", "version", "summary"]);
        for (kind, name, component) in &components {
            let description = component.description();
            table.add_row([kind_name(*kind), name, &description.version, &description.summary]);
        }
        output.text(&table.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
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
    let catalogue = locations.catalogue();
    let bundled = KINDS.into_iter().flat_map(|kind| catalogue.plugins(kind)).find(|(name, _)| name == plugin);
    let path = match bundled {
        Some((_, path)) => path,
        None if Path::new(plugin).is_file() => PathBuf::from(plugin),
        None => {
            return Err(CliError::input(
                format!("there is no plugin `{plugin}`"),
                Some("`archwright plugin list` lists the bundled ones; others are named by the path of a file".into()),
            ));
        }
    };
    Ok(engine.load(&path, &Limits::default())?)
}

fn inspect(plugin: &str, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let engine = locations.engine()?;
    let component = load(&engine, plugin, locations)?;
    if output.json {
        output.value(&summary(component.kind(), component.name(), &component))?;
        return Ok(ExitCode::SUCCESS);
    }
    let description = component.description();
    let or_nothing = |list: &[String]| if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
    let mut text = format!(
        "{} {} ({})\n{}\n\nreferences  {}\nneeds       {}\ngives       {}\ndigest      {}\n\n",
        description.name,
        description.version,
        kind_name(component.kind()),
        description.summary,
        or_nothing(&description.references),
        or_nothing(&description.needs),
        or_nothing(&description.gives),
        component.digest(),
    );
    text.push_str(&options::described(&description.options_schema));
    output.text(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn check(plugin: &str, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let engine = locations.engine()?;
    let component = load(&engine, plugin, locations)?;
    let results = conformance::check(&component, &Limits::default());
    let failed = results.iter().filter(|result| !result.passed).count();
    if output.json {
        let list: Vec<_> = results
            .iter()
            .map(|result| json!({ "check": result.name, "passed": result.passed, "detail": result.detail }))
            .collect();
        output.value(&list)?;
    } else {
        let mut text = String::new();
        for result in &results {
            let mark = if result.passed { "ok    " } else { "FAILED" };
            text.push_str(&format!("{mark}  {}", result.name));
            if !result.passed {
                text.push_str(&format!(": {}", result.detail));
            }
            text.push('\n');
        }
        text.push_str(&format!("{} checks, {failed} failed", results.len()));
        output.text(&text)?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn build(folder: &Path, component: &Path, output: Output) -> Result<ExitCode, CliError> {
    if !folder.join("Cargo.toml").is_file() {
        return Err(CliError::input(
            format!("there is no crate in {}: it has no Cargo.toml", folder.display()),
            Some("name the folder of a plugin crate, such as `examples/strategy-rust`".into()),
        ));
    }
    let size = archwright_build::component(folder, component)?;
    if output.json {
        output.value(&json!({ "component": component, "bytes": size }))?;
    } else {
        output.text(&format!("{} ({size} bytes)", component.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
