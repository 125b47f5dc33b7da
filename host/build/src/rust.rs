//! Components of crates.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use wit_component::ComponentEncoder;

use crate::toolchain::{TARGET, Toolchain, renamed_root};
use crate::{run, write};

/// Builds the plugin crate in `folder`; gives its component.
///
/// # Errors
/// Where there is no crate or no toolchain for plugins, the crate does not compile, or it exports no plugin.
pub fn component(folder: &Path) -> Result<Vec<u8>> {
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        bail!("there is no crate in {}: a plugin crate has a Cargo.toml", folder.display());
    }
    let package = package(&manifest)?;
    let toolchain = Toolchain::find()?;
    // A crate of its own keeps its build where cargo puts it; release is the profile that every crate has.
    let core = package.target.join(TARGET).join("release").join(format!("{}.wasm", package.library));
    // The crate alone is compiled for its folder, so that crates in a common target folder share what they depend on.
    let mut cargo = toolchain.cargo(None);
    cargo.args(["rustc", "--lib", "--release", "--target", TARGET, "--manifest-path"]).arg(&manifest);
    cargo.arg("--").arg(renamed_root(&package.root));
    // Standard output is for what the program prints.
    run(cargo.stdout(Stdio::null()))?;
    encoded(&core)
}

/// Encodes a core module as a component and writes it to `output`; gives the component's size in bytes.
///
/// # Errors
/// Where the module cannot be read, or is not one that the SDK made.
pub fn encode(core: &Path, output: &Path) -> Result<usize> {
    let component = encoded(core)?;
    write(&component, output)?;
    Ok(component.len())
}

fn encoded(core: &Path) -> Result<Vec<u8>> {
    let module = std::fs::read(core).with_context(|| format!("cannot read the core module {}", core.display()))?;
    ComponentEncoder::default()
        .module(&module)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| anyhow!("{error:#}"))
        .with_context(|| {
            format!("{} is not a plugin: is its crate a cdylib with an `export_...!` macro?", core.display())
        })
}

struct Package {
    /// File name of the library, without its ending.
    library: String,
    /// The crate's target folder.
    target: PathBuf,
    /// The workspace's folder.
    root: PathBuf,
}

fn package(manifest: &Path) -> Result<Package> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .output()
        .context("cannot start cargo: install Rust with rustup, https://rustup.rs")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo's metadata is no JSON")?;
    let manifest = manifest.canonicalize().with_context(|| format!("cannot find {}", manifest.display()))?;
    let packages = metadata["packages"].as_array().context("cargo's metadata lists no packages")?;
    let package = packages
        .iter()
        .find(|package| package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest))
        .with_context(|| format!("{} is a workspace, not a crate", manifest.display()))?;
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        if let (Some(name), Some(path)) = (dependency["name"].as_str(), dependency["path"].as_str())
            && !Path::new(path).is_dir()
        {
            bail!(
                "{} depends on `{name}` in {path}, where there is nothing: set its `path` to where it lies",
                manifest.display()
            );
        }
    }
    let is_plugin =
        |target: &&Value| target["crate_types"].as_array().is_some_and(|types| types.iter().any(|one| one == "cdylib"));
    let library = package["targets"]
        .as_array()
        .and_then(|targets| targets.iter().find(is_plugin))
        .and_then(|target| target["name"].as_str())
        .with_context(|| format!("{} has no library with `crate-type = [\"cdylib\"]`", manifest.display()))?;
    let path = |key: &str| metadata[key].as_str().map(PathBuf::from).with_context(|| format!("cargo names no {key}"));
    Ok(Package { library: library.replace('-', "_"), target: path("target_directory")?, root: path("workspace_root")? })
}
