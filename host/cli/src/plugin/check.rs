//! Whether a plugin keeps the contract.

use std::process::ExitCode;

use archwright_plugin::{Limits, conformance};
use serde_json::json;

use super::load;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};

pub(super) fn check(plugin: &str, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
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
