//! Bringing plugins from where they are, and publishing them.

mod change;
mod client;
mod credentials;
mod edit;
mod http;
mod oci;

use std::path::{Path, PathBuf};

use archwright_build::Sources;
use archwright_build::manifest::Manifest;
use archwright_plugin::{Component, Engine, Limits};

pub use change::{Added, Updated, Wanted};
pub use oci::Published;

use crate::{Digest, Kept, Locked, RegistryError, Source};

/// What brings plugins and changes projects.
#[derive(Debug)]
pub struct Remote<'a> {
    /// Loads components, to see what they are.
    pub engine: &'a Engine,
    /// Where components from elsewhere are kept.
    pub kept: &'a Kept,
    /// Whether registries on other machines may be spoken to without TLS.
    pub insecure: bool,
}

/// A component that was brought, and loaded.
struct Brought {
    bytes: Vec<u8>,
    component: Component,
    resolved: Option<String>,
}

/// Bytes that came from a source, with what the source stood for.
struct Fetched {
    bytes: Vec<u8>,
    resolved: Option<String>,
}

impl Remote<'_> {
    /// Brings what a source stands for now. Relative paths start at `folder`.
    fn bring(&self, source: &Source, folder: &Path) -> Result<Brought, RegistryError> {
        let Fetched { bytes, resolved } = match source {
            Source::Path(path) => Fetched { bytes: read(&folder.join(path))?, resolved: None },
            Source::Folder(project) => {
                let (path, component) = built(&folder.join(project))?;
                Fetched { bytes: read(&path)?, resolved: Some(component.display().to_string()) }
            }
            Source::Url { url, digest } => {
                let bytes = http::fetch(url, limit())?;
                check(url, *digest, &bytes)?;
                Fetched { bytes, resolved: None }
            }
            Source::Oci(reference) => oci::pull(reference, self.insecure, limit())?,
        };
        let component = self.load(&source.to_string(), &bytes)?;
        Ok(Brought { bytes, component, resolved })
    }

    fn load(&self, name: &str, bytes: &[u8]) -> Result<Component, RegistryError> {
        Ok(self.engine.load_bytes(name, bytes, &Limits::default())?)
    }

    /// Keeps a component of a source elsewhere, where it is found without that source from now on.
    fn keep(&self, source: &Source, bytes: &[u8]) -> Result<(), RegistryError> {
        if matches!(source, Source::Url { .. } | Source::Oci(_)) {
            self.kept.keep(bytes)?;
        }
        Ok(())
    }

    /// Publishes the component of a file, or of a plugin's project, in an OCI registry. A reference without a tag gets the
    /// plugin's version as its tag.
    ///
    /// # Errors
    /// Where it is no plugin, or the registry does not take it.
    pub fn publish(&self, from: &Path, reference: &str) -> Result<Published, RegistryError> {
        let (path, license) = if from.is_dir() {
            let license = Manifest::read(from)?.plugin.license;
            (built(from)?.0, license)
        } else {
            (from.to_owned(), None)
        };
        let bytes = read(&path)?;
        let component = self.load(&path.display().to_string(), &bytes)?;
        oci::publish(bytes, &component, license, reference, self.insecure)
    }
}

impl Brought {
    fn locked(&self, source: Source) -> Locked {
        let Self { bytes, component, resolved } = self;
        Locked {
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            kind: component.kind(),
            version: component.description().version.clone(),
            contract: component.contract().to_string(),
            resolved: resolved.clone(),
            source,
        }
    }
}

/// The most bytes that a component has.
fn limit() -> u64 {
    Limits::default().component_bytes
}

fn read(path: &Path) -> Result<Vec<u8>, RegistryError> {
    Ok(Engine::read(path, &Limits::default())?)
}

/// The component of a plugin's project, and its path in the project.
fn built(folder: &Path) -> Result<(PathBuf, PathBuf), RegistryError> {
    let component = Manifest::read(folder)?.output(Path::new(""));
    let path = folder.join(&component);
    if !path.is_file() {
        return Err(RegistryError::NotBuilt { folder: folder.to_owned(), component: path });
    }
    if let Some(newer) = Sources::of(folder).newer_than(&path) {
        tracing::warn!(
            "{} is newer than what is built: `archwright plugin build {}` makes it anew",
            newer.display(),
            folder.display()
        );
    }
    Ok((path, component))
}

fn check(from: &str, wanted: Digest, bytes: &[u8]) -> Result<(), RegistryError> {
    let found = Digest::of(bytes);
    match found == wanted {
        true => Ok(()),
        false => Err(RegistryError::OtherDigest { from: from.to_owned(), wanted, found }),
    }
}
