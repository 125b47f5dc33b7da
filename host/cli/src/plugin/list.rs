//! The plugins that names name here.

use std::path::PathBuf;
use std::process::ExitCode;

use archwright_plugin::{Component, Engine, Limits};
use archwright_registry::{Project, Source};
use serde_json::{Value, json};

use super::{HERE, KINDS, kind_name, load_found, summary};
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::runs::table;

/// A plugin, or why it cannot be used.
struct Listed {
    name: String,
    /// `None` for a bundled one.
    source: Option<Source>,
    component: Result<Component, String>,
}

pub(super) fn list(locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let engine = locations.engine()?;
    let mut listed = bundled(locations, &engine)?;
    let project = Project::open(HERE.as_ref())?;
    listed.extend(project.iter().flat_map(|project| of_project(project, locations, &engine)));
    if output.json {
        let list: Vec<_> = listed.iter().map(|listed| described(listed, project.as_ref())).collect();
        output.value(&list)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table(["kind", "name", "version", "summary", "source"]);
    let mut problems = String::new();
    for Listed { name, source, component } in &listed {
        let source = source.as_ref().map_or_else(|| "bundled".to_owned(), ToString::to_string);
        match component {
            Ok(component) => {
                let description = component.description();
                let kind = kind_name(component.kind());
                table.add_row([kind, name, &description.version, &description.summary, &source]);
            }
            Err(problem) => {
                table.add_row(["", name, "", "cannot be used", &source]);
                problems.push_str(&format!("\n{problem}"));
            }
        }
    }
    output.text(&format!("{table}{problems}"))?;
    Ok(ExitCode::SUCCESS)
}

fn bundled(locations: &Locations, engine: &Engine) -> Result<Vec<Listed>, CliError> {
    let catalogue = locations.catalogue();
    let plugins: Vec<(String, PathBuf)> = KINDS.into_iter().flat_map(|kind| catalogue.plugins(kind)).collect();
    plugins
        .into_iter()
        .map(|(name, path)| {
            let component = engine.load(&path, &Limits::default())?;
            Ok(Listed { name, source: None, component: Ok(component) })
        })
        .collect()
}

fn of_project(project: &Project, locations: &Locations, engine: &Engine) -> Vec<Listed> {
    let catalogue = locations.catalogue();
    let load = |name: &str| {
        let found = catalogue.find_any(name, HERE.as_ref()).map_err(CliError::from);
        found.and_then(|found| load_found(engine, &found)).map_err(|error| error.message())
    };
    let listed = project.sources().map(|(name, source)| Listed {
        name: name.to_owned(),
        source: Some(source.clone()),
        component: load(name),
    });
    listed.collect()
}

/// A plugin for other programs. What a plugin that cannot be used is, its lock says, where there is one.
fn described(listed: &Listed, project: Option<&Project>) -> Value {
    let Listed { name, source, component } = listed;
    let (mut value, state) = match component {
        Ok(component) => (summary(component.kind(), name, component), "ready"),
        Err(problem) => (json!({ "name": name, "problem": problem }), "unusable"),
    };
    value["state"] = json!(state);
    value["source"] = source.as_ref().map_or_else(|| json!("bundled"), |source| json!(source));
    if let Some(locked) = project.filter(|_| source.is_some()).and_then(|project| project.locked(name)) {
        value["locked"] = json!(locked);
    }
    value
}
