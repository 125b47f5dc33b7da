//! Makes plugin projects and builds them into components.
//!
//! A project has a [`manifest`], which says what it is written in. Rust is compiled for `wasm32-unknown-unknown`, which has
//! neither clock nor files nor randomness to be tempted by, and then encoded as a component with the types that the SDK put
//! into it. For Python and JavaScript a tool of theirs, which is fetched once, puts an interpreter and the plugin into one.

/// A file of a helper module with its text.
macro_rules! helper {
    ($language:literal, $path:literal) => {
        ($path, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/helpers/", $language, "/", $path)))
    };
}

mod contract;
mod imports;
mod javascript;
pub mod manifest;
mod project;
mod python;
mod rust;
mod sections;
mod sources;
mod templates;
mod toolchain;
mod tools;
pub mod wishes;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

pub use project::{NewError, Project, sdk};
pub use rust::{component, encode};
pub use sources::Sources;
pub use toolchain::{TARGET, Toolchain};

use manifest::{Language, Manifest};

/// Builds the project in `folder`, which has this manifest: gives the component, with the project's wishes in it.
///
/// # Errors
/// Where something that the language needs is missing, or the project does not compile; says what mends it.
pub fn project(folder: &Path, manifest: &Manifest) -> Result<Vec<u8>> {
    let component = match manifest.plugin.language {
        Language::Rust => component(folder),
        Language::Python => python::component(folder, manifest),
        Language::JavaScript => javascript::component(folder, manifest),
    };
    wishes::add(component?, &manifest.limits)
}

/// Runs a command; its own messages go where ours go.
///
/// # Errors
/// Where it cannot be started or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} failed: {status}");
    }
    Ok(())
}

/// Writes files, paths with `/` and texts, into a folder.
fn write_all(folder: &Path, files: &[(&str, &str)]) -> Result<()> {
    for (name, text) in files {
        write(text.as_bytes(), &folder.join(name))?;
    }
    Ok(())
}

/// Writes a component where it belongs: it is there whole or not at all.
///
/// # Errors
/// Where it cannot be written.
pub fn write(component: &[u8], output: &Path) -> Result<()> {
    if let Some(folder) = output.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let partial = output.with_extension("wasm.partial");
    std::fs::write(&partial, component)
        .and_then(|()| std::fs::rename(&partial, output))
        .with_context(|| format!("cannot write {}", output.display()))
}
