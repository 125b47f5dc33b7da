//! Where a plugin comes from.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// How a reference to a registry starts on the command line.
const OCI: &str = "oci:";
/// The manifest of a plugin's project.
const MANIFEST: &str = "plugin.toml";

/// Where a plugin comes from. Relative paths start at the folder of the project that uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Keys", into = "Keys")]
pub enum Source {
    /// A component's file.
    Path(PathBuf),
    /// A plugin's project: a folder with a `plugin.toml`, whose built component is used.
    Folder(PathBuf),
    /// A component at an address, with the digest it has to have.
    Url {
        /// `https://...`; `http://` on this machine alone.
        url: String,
        /// The component's digest.
        digest: Digest,
    },
    /// An artifact in an OCI registry, such as `registry.example/strategies/annealing:0.1.0`.
    Oci(String),
}

/// A source as it is written in a file: of `path`, `folder`, `url` and `oci`, exactly one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    /// A component's file. Relative paths start at this file's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    /// A plugin's project: a folder with a `plugin.toml`, whose built component is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
    /// A component's address, `https://...`. It needs `digest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// With `url`: the component's digest, `blake3:...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    /// An artifact in an OCI registry: `registry.example/repository:tag`, or `...@sha256:...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    oci: Option<String>,
}

/// A source on the command line, where the digest of what lies at an address may be unknown yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A component's file.
    Path(PathBuf),
    /// A plugin's project.
    Folder(PathBuf),
    /// A component at an address.
    Url(String),
    /// An artifact in an OCI registry.
    Oci(String),
}

impl Named {
    /// What a text names: `oci:REFERENCE`, an address with `://`, or a path that starts at `from`.
    pub fn parse(text: &str, from: &Path) -> Self {
        if let Some(reference) = text.strip_prefix(OCI) {
            return Self::Oci(reference.trim_start_matches("//").to_owned());
        }
        if text.contains("://") {
            return Self::Url(text.to_owned());
        }
        let path = Path::new(text);
        let is_manifest = path.file_name().is_some_and(|name| name == MANIFEST);
        match path.parent() {
            Some(folder) if is_manifest && folder.as_os_str().is_empty() => Self::Folder(PathBuf::from(".")),
            Some(folder) if is_manifest => Self::Folder(folder.to_owned()),
            _ if from.join(path).is_dir() => Self::Folder(path.to_owned()),
            _ => Self::Path(path.to_owned()),
        }
    }
}

impl TryFrom<Keys> for Source {
    type Error = String;

    fn try_from(keys: Keys) -> Result<Self, String> {
        match keys {
            Keys { url: Some(url), digest, path: None, folder: None, oci: None } => match digest {
                Some(digest) => Ok(Self::Url { url, digest }),
                None => Err("a `url` needs the `digest` of the component that lies there: `blake3:...`".into()),
            },
            Keys { digest: Some(_), .. } => Err("`digest` goes with `url` alone: plugins.lock has the others".into()),
            Keys { path: Some(path), folder: None, url: None, oci: None, .. } => Ok(Self::Path(path)),
            Keys { folder: Some(folder), path: None, url: None, oci: None, .. } => Ok(Self::Folder(folder)),
            Keys { oci: Some(reference), path: None, folder: None, url: None, .. } => Ok(Self::Oci(reference)),
            _ => Err("a plugin has exactly one of `path`, `folder`, `url` and `oci`".into()),
        }
    }
}

impl From<Source> for Keys {
    fn from(source: Source) -> Self {
        match source {
            Source::Path(path) => Self { path: Some(path), ..Self::default() },
            Source::Folder(folder) => Self { folder: Some(folder), ..Self::default() },
            Source::Url { url, digest } => Self { url: Some(url), digest: Some(digest), ..Self::default() },
            Source::Oci(reference) => Self { oci: Some(reference), ..Self::default() },
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) | Self::Folder(path) => path.display().fmt(formatter),
            Self::Url { url, .. } => formatter.write_str(url),
            Self::Oci(reference) => write!(formatter, "{OCI}{reference}"),
        }
    }
}
