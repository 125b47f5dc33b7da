//! A project that is built and checked whenever it changes.

use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use archwright_build::Sources;
use archwright_build::manifest::{Manifest, ManifestError};
use archwright_plugin::conformance::Outcome;
use archwright_plugin::{Limits, conformance};
use archwright_search::Stop;
use serde_json::json;

use super::build::Built;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::run::stop_saying;

/// How often the project is looked at. Looking works on every file system, and a project has few files.
const PERIOD: Duration = Duration::from_millis(250);

pub(super) fn watch(folder: &Path, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    // A mistake in the manifest may be mended while we watch, but there has to be one.
    if let Err(missing @ ManifestError::Missing { .. }) = Manifest::read(folder) {
        return Err(missing.into());
    }
    let stop = Stop::default();
    stop_saying(&stop, "stopping")?;
    let mut seen = None;
    while !stop.requested() {
        let files = Sources::of(folder);
        if seen.as_ref() != Some(&files) {
            if !output.json {
                output.text("building")?;
            }
            round(folder, locations, output, &stop)?;
            // What changed meanwhile is built again.
            seen = Some(files);
        }
        thread::sleep(PERIOD);
    }
    Ok(ExitCode::from(130))
}

/// Builds and checks once, and says what came of it.
fn round(folder: &Path, locations: &Locations, output: Output, stop: &Stop) -> Result<(), CliError> {
    let built = match Built::new(folder, None, locations) {
        Ok(built) => built,
        // The compiler hears Ctrl-C, too.
        Err(_) if stop.requested() => return Ok(()),
        Err(error) => {
            error.report(output);
            return if output.json { Ok(()) } else { output.text("waiting for a change") };
        }
    };
    let settings = conformance::Settings { quick: true, ..conformance::Settings::default() };
    let report = conformance::check(&built.component, &Limits::default(), &settings);
    let failed: Vec<_> = report.checks.iter().filter(|check| check.outcome == Outcome::Failed).collect();
    if output.json {
        return output.value(&json!({
            "component": built.file,
            "bytes": built.bytes,
            "digest": built.component.digest(),
            "checks": report.checks.len(),
            "failed": failed,
        }));
    }
    let mut text = format!("{}: {} checks, {} failed\n", built.line(), report.checks.len(), failed.len());
    for check in failed {
        text.push_str(&format!("  FAILED  {}: {}\n", check.id, check.seen));
    }
    text.push_str("waiting for a change");
    output.text(&text)
}
