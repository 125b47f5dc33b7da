//! Taking a plugin out of a project.

use std::process::ExitCode;

use serde_json::json;

use super::project;
use crate::outcome::{CliError, Output};

pub(super) fn remove(name: &str, output: Output) -> Result<ExitCode, CliError> {
    project()?.remove(name)?;
    if output.json {
        output.value(&json!({ "removed": name }))?;
    } else {
        output.text(&format!("removed `{name}`"))?;
    }
    Ok(ExitCode::SUCCESS)
}
