//! A component of a plugin's source.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use archwright_build::manifest::{self, Manifest, ManifestError};
use archwright_plugin::{Component, Kind, Limits};
use serde_json::json;

use crate::locations::Locations;
use crate::outcome::{CliError, Output};

pub(super) fn build(
    folder: &Path,
    component: Option<&Path>,
    locations: &Locations,
    output: Output,
) -> Result<ExitCode, CliError> {
    let built = Built::new(folder, component, locations)?;
    if output.json {
        output.value(&json!({ "component": built.file, "bytes": built.bytes, "digest": built.component.digest() }))?;
    } else {
        output.text(&built.line())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A component that was built and written.
pub(super) struct Built {
    /// Where it is.
    pub(super) file: PathBuf,
    /// Its size.
    pub(super) bytes: usize,
    pub(super) component: Component,
}

impl Built {
    /// Builds the project in `folder`, or a crate without a manifest, and writes the component to `output`, or where the manifest
    /// says. Nothing is written where the component is not the plugin that the manifest is about.
    pub(super) fn new(folder: &Path, output: Option<&Path>, locations: &Locations) -> Result<Self, CliError> {
        let manifest = read(folder)?;
        let file = match (output, &manifest) {
            (Some(file), _) => file.to_owned(),
            (None, Some(manifest)) => {
                let file = manifest.output(folder);
                file.strip_prefix(".").map(Path::to_owned).unwrap_or(file)
            }
            (None, None) => {
                let help = "say where with `-o FILE`, or give the project a plugin.toml";
                return Err(CliError::input("where does the component go?", Some(help.into())));
            }
        };
        let bytes = match &manifest {
            Some(manifest) => archwright_build::project(folder, manifest)?,
            None => archwright_build::component(folder)?,
        };
        let name = file.display().to_string();
        let component = locations.engine()?.load_bytes(&name, &bytes, &Limits::default())?;
        if let Some(manifest) = &manifest {
            compare(folder, manifest, &component)?;
        }
        archwright_build::write(&bytes, &file)?;
        Ok(Self { file, bytes: bytes.len(), component })
    }

    pub(super) fn line(&self) -> String {
        format!("{} ({} bytes)", self.file.display(), self.bytes)
    }
}

/// The project's manifest; nothing for a crate without one.
fn read(folder: &Path) -> Result<Option<Manifest>, CliError> {
    match Manifest::read(folder) {
        Err(ManifestError::Missing { .. }) if folder.join("Cargo.toml").is_file() => Ok(None),
        Err(ManifestError::Missing { .. }) => {
            let lacks =
                if folder.is_dir() { "it has no plugin.toml and no Cargo.toml" } else { "there is no such folder" };
            Err(CliError::input(
                format!("there is no plugin's project in {}: {lacks}", folder.display()),
                Some("`archwright plugin new NAME --kind strategy` makes one".into()),
            ))
        }
        manifest => Ok(Some(manifest?)),
    }
}

/// Whether the component says of itself what the manifest says of it.
fn compare(folder: &Path, manifest: &Manifest, component: &Component) -> Result<(), CliError> {
    let of = |kind: Kind| match kind {
        Kind::Strategy => manifest::Kind::Strategy,
        Kind::Estimator => manifest::Kind::Estimator,
        Kind::SearchSpace => manifest::Kind::SearchSpace,
    };
    let says = [
        ("kind", manifest.plugin.kind.name(), of(component.kind()).name()),
        ("name", &manifest.plugin.name, component.name()),
        ("version", &manifest.plugin.version, &component.description().version),
    ];
    let Some((key, given, found)) = says.into_iter().find(|(_, given, found)| given != found) else { return Ok(()) };
    let file = folder.join(manifest::FILE);
    Err(CliError::input(
        format!(
            "{} says that the plugin's {key} is `{given}`, but the component says `{found}`: nothing was written",
            file.display()
        ),
        Some("make both the same".into()),
    ))
}
