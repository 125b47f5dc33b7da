//! Bringing what a project's lock names.

use std::process::ExitCode;

use archwright_registry::Remote;
use serde_json::json;

use super::project;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};

pub(super) fn fetch(insecure: bool, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let project = project()?;
    let (engine, kept) = (locations.engine()?, locations.kept());
    let fetched = Remote { engine: &engine, kept: &kept, insecure }.fetch(&project)?;
    if output.json {
        output.value(&json!({ "fetched": fetched }))?;
    } else if fetched.is_empty() {
        output.text("everything is here")?;
    } else {
        output.text(&format!("fetched {}", fetched.join(", ")))?;
    }
    Ok(ExitCode::SUCCESS)
}
