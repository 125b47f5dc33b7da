//! Handing a plugin to others.

use std::path::Path;
use std::process::ExitCode;

use archwright_registry::{Published, Remote};
use serde_json::json;

use crate::locations::Locations;
use crate::outcome::{CliError, Output};

pub(super) fn publish(
    from: &Path,
    reference: &str,
    insecure: bool,
    locations: &Locations,
    output: Output,
) -> Result<ExitCode, CliError> {
    let (engine, kept) = (locations.engine()?, locations.kept());
    let published = Remote { engine: &engine, kept: &kept, insecure }.publish(from, reference)?;
    let Published { reference, exact, digest, size } = &published;
    if output.json {
        output.value(&json!({ "reference": reference, "exact": exact, "digest": digest, "bytes": size }))?;
    } else {
        output.text(&format!(
            "published {reference} ({size} bytes)\n  exactly {exact}\n  digest  {digest}\n\n\
             Others add it with `archwright plugin add oci:{reference}`."
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
