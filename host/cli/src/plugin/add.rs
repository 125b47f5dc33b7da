//! Taking a plugin into a project.

use std::process::ExitCode;

use archwright_registry::{Added, Digest, Named, Remote, Wanted};
use serde_json::json;

use super::{HERE, kind_name};
use crate::locations::Locations;
use crate::outcome::{CliError, Output};

/// What is said of the plugin on the command line.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) source: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) digest: Option<Digest>,
    pub(super) trust: bool,
}

pub(super) fn add(
    given: Given<'_>,
    insecure: bool,
    locations: &Locations,
    output: Output,
) -> Result<ExitCode, CliError> {
    let Given { source, name, digest, trust } = given;
    let (engine, kept, catalogue) = (locations.engine()?, locations.kept(), locations.catalogue());
    let remote = Remote { engine: &engine, kept: &kept, insecure };
    let source = Named::parse(source, HERE.as_ref());
    let wanted = Wanted { source: &source, name, digest, trust };
    let Added { name, locked } = remote.add(HERE.as_ref(), wanted, |name| catalogue.is_bundled(name))?;
    if output.json {
        output.value(&json!({ "name": name, "locked": locked }))?;
    } else {
        output.text(&format!(
            "added {} `{name}` {} ({} bytes)\n  source  {}\n  digest  {}",
            kind_name(locked.kind),
            locked.version,
            locked.size,
            locked.source,
            locked.digest,
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
