//! Settling anew which components a project's plugins are.

use std::process::ExitCode;

use archwright_registry::{Remote, Updated};
use serde_json::json;

use super::project;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};

pub(super) fn update(
    name: Option<&str>,
    insecure: bool,
    locations: &Locations,
    output: Output,
) -> Result<ExitCode, CliError> {
    let mut project = project()?;
    let (engine, kept) = (locations.engine()?, locations.kept());
    let updated = Remote { engine: &engine, kept: &kept, insecure }.update(&mut project, name)?;
    if output.json {
        let list: Vec<_> = updated
            .iter()
            .map(|Updated { name, before, locked }| json!({ "name": name, "before": before, "locked": locked }))
            .collect();
        output.value(&list)?;
    } else {
        let lines: Vec<_> = updated.iter().map(line).collect();
        output.text(&lines.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn line(Updated { name, before, locked }: &Updated) -> String {
    let now = locked.digest;
    match before {
        Some(before) if *before == now => format!("{name}: {now} as before"),
        Some(before) => format!("{name}: {before} -> {now} (version {})", locked.version),
        None => format!("{name}: {now} (version {})", locked.version),
    }
}
