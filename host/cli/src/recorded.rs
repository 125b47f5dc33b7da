//! `archwright lock` and `archwright journal`: what is on record of a run.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use archwright_search::{Lock, journal};
use serde_json::json;

use crate::locations::Locations;
use crate::outcome::{CliError, Output};

pub(crate) fn lock(
    name: &str,
    file: Option<&Path>,
    locations: &Locations,
    output: Output,
) -> Result<ExitCode, CliError> {
    let store = locations.existing_store()?;
    let lock = Lock::of_run(&store, &store.run(name)?)?;
    match file {
        Some(path) => {
            std::fs::write(path, lock.to_text()?).with_context(|| format!("cannot write {}", path.display()))?;
            if output.json {
                output.value(&json!({ "file": path }))?;
            }
        }
        None if output.json => output.value(&lock)?,
        None => output.text(&lock.to_text()?)?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn journal(name: &str, timeless: bool, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let store = locations.existing_store()?;
    let path = store.journal_path(store.run(name)?.id);
    journal::list::<CliError>(&path, timeless, &mut |record| output.text(&record.to_string()))?;
    Ok(ExitCode::SUCCESS)
}
