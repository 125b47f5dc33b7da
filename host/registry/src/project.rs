//! A project that uses plugins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::Text;
use crate::lock::Lock;
use crate::source::Keys;
use crate::{Digest, Kept, Locked, RegistryError, Source};

/// The file that names a project's plugins.
pub const PLUGINS: &str = "plugins.toml";
/// The file that says which component each of them is.
pub const LOCK: &str = "plugins.lock";

/// A project's `plugins.toml` and `plugins.lock`.
#[derive(Clone, Debug)]
pub struct Project {
    pub(crate) folder: PathBuf,
    pub(crate) sources: BTreeMap<String, Source>,
    pub(crate) lock: Lock,
}

/// What `plugins.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plugins {
    #[serde(default)]
    plugins: BTreeMap<String, Source>,
}

/// Where a plugin's component lies, and what it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The plugin's name in its project.
    pub name: String,
    /// The component's file.
    pub path: PathBuf,
    /// The digest that the file has to have.
    pub digest: Digest,
    /// Whether the file is the project's own, and not one that was brought.
    own: bool,
}

impl Located {
    /// Checks what was read of the file. Nothing of it may be used before.
    ///
    /// # Errors
    /// Where it is not what the lock names; says both digests.
    pub fn check(&self, bytes: &[u8]) -> Result<(), RegistryError> {
        let found = Digest::of(bytes);
        if found == self.digest {
            return Ok(());
        }
        let Self { name, path, digest, own } = self.clone();
        Err(match own {
            true => RegistryError::Changed { name, path, locked: digest, found },
            false => RegistryError::Damaged { name, path, locked: digest, found },
        })
    }
}

/// What the text of a `plugins.toml` says.
#[cfg(feature = "remote")]
pub(crate) fn sources(text: &str) -> Result<BTreeMap<String, Source>, toml::de::Error> {
    toml::from_str(text).map(|Plugins { plugins }| plugins)
}

impl Project {
    /// The JSON schema of `plugins.toml`.
    pub fn schema() -> serde_json::Value {
        /// The plugins that a project uses, besides the bundled ones.
        #[derive(JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "it is there for its schema")]
        struct PluginsToml {
            /// Sources by the names under which experiments use the plugins.
            plugins: BTreeMap<String, Keys>,
        }
        schemars::schema_for!(PluginsToml).into()
    }

    /// The project in `folder`; none where it holds no `plugins.toml`.
    ///
    /// # Errors
    /// Where a file of it cannot be read, or says something wrong: names the place.
    pub fn open(folder: &Path) -> Result<Option<Self>, RegistryError> {
        let Some(text) = Text::read(&folder.join(PLUGINS))? else { return Ok(None) };
        let Plugins { plugins: sources } = text.deserialize()?;
        let lock = match Text::read(&folder.join(LOCK))? {
            Some(text) => Lock::parse(&text)?,
            None => Lock::default(),
        };
        Ok(Some(Self { folder: folder.to_owned(), sources, lock }))
    }

    /// The first of these folders that is a project.
    ///
    /// # Errors
    /// As [`Project::open`].
    pub fn nearest<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Result<Option<Self>, RegistryError> {
        for folder in folders {
            if let Some(project) = Self::open(folder)? {
                return Ok(Some(project));
            }
        }
        Ok(None)
    }

    /// The project's `plugins.toml`.
    pub fn file(&self) -> PathBuf {
        self.folder.join(PLUGINS)
    }

    /// The plugins by name, with their sources.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.sources.iter().map(|(name, source)| (name.as_str(), source))
    }

    /// What the lock says of a plugin, whether that still fits `plugins.toml` or not.
    pub fn locked(&self, name: &str) -> Option<&Locked> {
        self.lock.plugins.get(name)
    }

    /// Where the component of a plugin lies; none where the project has no plugin of this name.
    ///
    /// # Errors
    /// Where the lock does not say which component it is, or that is not on this machine.
    pub fn find(&self, name: &str, kept: &Kept) -> Result<Option<Located>, RegistryError> {
        let Some(source) = self.sources.get(name) else { return Ok(None) };
        let locked = self.fitting(name, source)?;
        let digest = locked.digest;
        let own = self.own_file(locked);
        let path = match &own {
            Some(path) => path.clone(),
            None => kept.path(digest),
        };
        let name = name.to_owned();
        match (path.is_file(), own.is_some()) {
            (true, own) => Ok(Some(Located { name, path, digest, own })),
            (false, true) => Err(RegistryError::Gone { name, path }),
            (false, false) => Err(RegistryError::NotHere { name, digest, from: source.to_string() }),
        }
    }

    /// What the lock says of a plugin, where that is of the same source.
    pub(crate) fn fitting(&self, name: &str, source: &Source) -> Result<&Locked, RegistryError> {
        let problem = match self.lock.plugins.get(name) {
            Some(locked) if locked.source == *source => return Ok(locked),
            Some(_) => "but plugins.lock has it from another source",
            None => "but plugins.lock does not",
        };
        Err(RegistryError::NotLocked { name: name.to_owned(), problem })
    }

    /// The file of a plugin that lies in the project, or beside it.
    fn own_file(&self, locked: &Locked) -> Option<PathBuf> {
        match (&locked.source, &locked.resolved) {
            (Source::Path(path), _) => Some(self.folder.join(path)),
            (Source::Folder(folder), Some(component)) => Some(self.folder.join(folder).join(component)),
            (Source::Folder(folder), None) => Some(self.folder.join(folder)),
            (Source::Url { .. } | Source::Oci(_), _) => None,
        }
    }
}
