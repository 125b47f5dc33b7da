//! A component of a plugin's source.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::outcome::{CliError, Output};

pub(super) fn build(folder: &Path, component: &Path, output: Output) -> Result<ExitCode, CliError> {
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
