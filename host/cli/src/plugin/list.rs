//! The bundled plugins.

use std::process::ExitCode;

use archwright_plugin::Limits;

use super::{KINDS, kind_name, summary};
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::runs::table;

pub(super) fn list(locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
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
