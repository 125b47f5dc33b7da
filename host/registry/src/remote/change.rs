//! Changing which plugins a project has.

use std::path::Path;

use archwright_build::manifest::check_name;

use super::edit::Manifest;
use super::{Brought, Remote, check, http, limit};
use crate::file::write;
use crate::{Digest, LOCK, Locked, Named, PLUGINS, Project, RegistryError, Source};

/// A plugin to add to a project.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Where it comes from.
    pub source: &'a Named,
    /// The name to use it under; `None`: its own.
    pub name: Option<&'a str>,
    /// The digest it has to have, where it is known.
    pub digest: Option<Digest>,
    /// Whether what lies at an address is taken without a digest to check it by.
    pub trust: bool,
}

/// A plugin that was added.
#[derive(Clone, Debug)]
pub struct Added {
    /// Its name in the project.
    pub name: String,
    /// What it is.
    pub locked: Locked,
}

/// A plugin that was looked at again.
#[derive(Clone, Debug)]
pub struct Updated {
    /// Its name in the project.
    pub name: String,
    /// The digest that it had, where it was locked.
    pub before: Option<Digest>,
    /// What it is now.
    pub locked: Locked,
}

impl Remote<'_> {
    /// Adds a plugin to the project in `folder`, once it is loaded. `bundled` tells names that are taken already.
    ///
    /// # Errors
    /// Where the plugin cannot be brought, is none, is not the one that is wanted, or its name is taken; nothing is added
    /// then.
    pub fn add(
        &self,
        folder: &Path,
        wanted: Wanted<'_>,
        bundled: impl Fn(&str) -> bool,
    ) -> Result<Added, RegistryError> {
        let project = Project::open(folder)?;
        let (source, brought) = self.first(folder, &wanted)?;
        if let Some(digest) = wanted.digest {
            check(&source.to_string(), digest, &brought.bytes)?;
        }
        let name = wanted.name.unwrap_or(brought.component.name()).to_owned();
        check_name(&name).map_err(|problem| RegistryError::Name { problem })?;
        let taken = |owner| RegistryError::Taken { name: name.clone(), owner };
        if bundled(&name) {
            return Err(taken("a bundled plugin or search space"));
        }
        if project.as_ref().is_some_and(|project| project.sources.contains_key(&name)) {
            return Err(taken("a plugin of this project"));
        }
        self.keep(&source, &brought.bytes)?;
        let mut project = project.unwrap_or_else(|| Project::empty(folder));
        let mut manifest = Manifest::read(folder)?;
        manifest.insert(&name, &source)?;
        let locked = brought.locked(source);
        project.lock.plugins.insert(name.clone(), locked.clone());
        // The lock first: what it has too much does no harm.
        project.write_lock()?;
        manifest.write()?;
        Ok(Added { name, locked })
    }

    /// What a source on the command line stands for. Of an address it is settled here which component that is.
    fn first(&self, folder: &Path, wanted: &Wanted<'_>) -> Result<(Source, Brought), RegistryError> {
        let source = match wanted.source {
            Named::Path(path) => Source::Path(path.clone()),
            Named::Folder(folder) => Source::Folder(folder.clone()),
            Named::Oci(reference) => Source::Oci(reference.clone()),
            Named::Url(url) => {
                let bytes = http::fetch(url, limit())?;
                let digest = Digest::of(&bytes);
                if let Some(wanted) = wanted.digest {
                    check(url, wanted, &bytes)?;
                }
                let component = self.load(url, &bytes)?;
                if wanted.digest.is_none() && !wanted.trust {
                    let version = &component.description().version;
                    let what = format!("{} `{}` {version}", component.kind(), component.name());
                    return Err(RegistryError::Untrusted { url: url.clone(), what, digest });
                }
                let source = Source::Url { url: url.clone(), digest };
                return Ok((source, Brought { bytes, component, resolved: None }));
            }
        };
        let brought = self.bring(&source, folder)?;
        Ok((source, brought))
    }

    /// Settles anew which component a plugin of the project is, or all of them: files as they are now, tags of registries as
    /// they stand now. What lies at an address has to have its digest still.
    ///
    /// # Errors
    /// Where there is no such plugin, or one cannot be brought. Those before it are updated.
    pub fn update(&self, project: &mut Project, name: Option<&str>) -> Result<Vec<Updated>, RegistryError> {
        let mut updated = Vec::new();
        let mut result = Ok(());
        for (name, source) in project.chosen(name)? {
            match self.bring(&source, &project.folder).and_then(|brought| {
                self.keep(&source, &brought.bytes)?;
                Ok(brought.locked(source))
            }) {
                Ok(locked) => {
                    let before = project.lock.plugins.insert(name.clone(), locked.clone());
                    updated.push(Updated { name, before: before.map(|locked| locked.digest), locked });
                }
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        // What the project no longer names is not locked either.
        let Project { sources, lock, .. } = &mut *project;
        lock.plugins.retain(|name, _| sources.contains_key(name));
        project.write_lock()?;
        result.map(|()| updated)
    }

    /// Brings what the lock names and is not on this machine, or is damaged there: exactly that, whatever its source stands for
    /// by now. Gives the names of those that were brought.
    ///
    /// # Errors
    /// Where the lock does not fit `plugins.toml`, or what comes is not what it names.
    pub fn fetch(&self, project: &Project) -> Result<Vec<String>, RegistryError> {
        let mut brought = Vec::new();
        for (name, source) in &project.sources {
            let locked = project.fitting(name, source)?;
            let missing = match project.find(name, self.kept) {
                Ok(Some(located)) => match super::read(&located.path).map(|bytes| located.check(&bytes)) {
                    Ok(Err(changed @ RegistryError::Changed { .. })) => return Err(changed),
                    Ok(checked) => checked.is_err(),
                    Err(_) => true,
                },
                Ok(None) => false,
                Err(RegistryError::NotHere { .. }) => true,
                Err(error) => return Err(error),
            };
            if !missing {
                continue;
            }
            let exactly = match (source, &locked.resolved) {
                (Source::Oci(_), Some(resolved)) => Source::Oci(resolved.clone()),
                _ => source.clone(),
            };
            let bytes = self.bring(&exactly, &project.folder)?.bytes;
            check(&exactly.to_string(), locked.digest, &bytes)?;
            self.keep(source, &bytes)?;
            brought.push(name.clone());
        }
        Ok(brought)
    }
}

impl Project {
    fn empty(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), sources: Default::default(), lock: Default::default() }
    }

    /// The plugins with their sources; where a name is given, that one.
    fn chosen(&self, name: Option<&str>) -> Result<Vec<(String, Source)>, RegistryError> {
        let named = |(name, source): (&String, &Source)| (name.clone(), source.clone());
        match name {
            None => Ok(self.sources.iter().map(named).collect()),
            Some(name) => match self.sources.get_key_value(name) {
                Some(one) => Ok(vec![named(one)]),
                None => Err(RegistryError::NoPlugin { name: name.to_owned(), file: self.file() }),
            },
        }
    }

    fn write_lock(&self) -> Result<(), RegistryError> {
        write(&self.folder.join(LOCK), self.lock.to_text().as_bytes())
    }

    /// Takes a plugin out of the project. A component that was brought stays: other projects may use it.
    ///
    /// # Errors
    /// Where there is no such plugin, or the project's files cannot be written.
    pub fn remove(&mut self, name: &str) -> Result<(), RegistryError> {
        if self.sources.remove(name).is_none() {
            return Err(RegistryError::NoPlugin { name: name.to_owned(), file: self.folder.join(PLUGINS) });
        }
        let mut manifest = Manifest::read(&self.folder)?;
        manifest.remove(name)?;
        manifest.write()?;
        if self.lock.plugins.remove(name).is_some() {
            self.write_lock()?;
        }
        Ok(())
    }
}
