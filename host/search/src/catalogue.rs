//! Finding parts by name or path.

use std::path::{Component, Path, PathBuf};

use archwright_plugin::Kind;
use archwright_registry::{Kept, Located, Project, RegistryError};
use archwright_space::bundled;
use miette::Diagnostic;

use crate::experiment::nearest;

const KINDS: [Kind; 3] = [Kind::Strategy, Kind::Estimator, Kind::SearchSpace];

/// What names name: plugins of a project, whose `plugins.toml` lies beside the experiment or in the current folder, and
/// bundled ones, in a folder with `strategies`, `estimators` and `spaces`, each holding `NAME.wasm`.
#[derive(Clone, Debug)]
pub struct Catalogue {
    folder: PathBuf,
    kept: Kept,
}

/// A component's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPlugin {
    /// The file. What is read of it has to pass [`FoundPlugin::check`] before it is used.
    pub path: PathBuf,
    /// What the file has to be, where a project says so.
    located: Option<Located>,
}

impl FoundPlugin {
    fn any(path: PathBuf) -> Self {
        Self { path, located: None }
    }

    /// Checks that what was read of the file is what the project's lock names, where it is a project's.
    ///
    /// # Errors
    /// Where it is not; says both digests.
    pub fn check(&self, bytes: &[u8]) -> Result<(), Unknown> {
        self.located.as_ref().map_or(Ok(()), |located| located.check(bytes)).map_err(Unknown::from)
    }
}

/// Where a search space comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpaceSource {
    /// A file in the declarative format that is part of the program.
    Bundled {
        /// Its name.
        name: String,
        /// Its text.
        text: &'static str,
    },
    /// A file in the declarative format.
    File(PathBuf),
    /// A component.
    Component(FoundPlugin),
}

impl Catalogue {
    /// The catalogue whose bundled plugins lie in `folder`, with the components that were brought from elsewhere.
    pub fn new(folder: PathBuf, kept: Kept) -> Self {
        Self { folder, kept }
    }

    /// The folder with the bundled plugins.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Names and files of the bundled plugins of one kind, by name.
    pub fn plugins(&self, kind: Kind) -> Vec<(String, PathBuf)> {
        let mut found: Vec<_> = std::fs::read_dir(self.folder.join(folder_of(kind)))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let path = entry.path();
                let name = path.file_name()?.to_str()?.strip_suffix(".wasm")?.to_owned();
                Some((name, path))
            })
            .collect();
        found.sort();
        found
    }

    /// Whether a plugin or space is bundled under this name.
    pub fn is_bundled(&self, name: &str) -> bool {
        bundled::source(name).is_some()
            || KINDS.into_iter().flat_map(|kind| self.plugins(kind)).any(|(bundled, _)| bundled == name)
    }

    /// The file of the strategy or estimator that `name` names: a path that starts at `from`, a plugin of the project there
    /// or in the current folder, or a bundled one.
    ///
    /// # Errors
    /// Says what there is, and which name is nearest; or why the project's plugin cannot be used.
    pub fn find(&self, kind: Kind, name: &str, from: &Path) -> Result<FoundPlugin, Unknown> {
        if is_path(name) {
            return existing(kind, name, from).map(FoundPlugin::any);
        }
        let project = project(from)?;
        if let Some(found) = self.of_project(project.as_ref(), name)? {
            return Ok(found);
        }
        let plugins = self.plugins(kind);
        if let Some((_, path)) = plugins.iter().find(|(bundled, _)| bundled == name) {
            return Ok(FoundPlugin::any(path.clone()));
        }
        let bundled = plugins.iter().map(|(name, _)| name.as_str());
        Err(Unknown::new(noun(kind), name, known(project.as_ref(), Some(kind), bundled), &self.folder))
    }

    /// The file of the plugin that `name` names, whatever its kind; otherwise as [`Catalogue::find`].
    ///
    /// # Errors
    /// As [`Catalogue::find`].
    pub fn find_any(&self, name: &str, from: &Path) -> Result<FoundPlugin, Unknown> {
        let path = beside(from, name);
        let file = path.is_file().then(|| FoundPlugin::any(path.clone()));
        if is_path(name) {
            let problem = format!("the plugin {} is not a file", path.display());
            return file.ok_or(Unknown { problem, help: None });
        }
        let project = project(from)?;
        if let Some(found) = self.of_project(project.as_ref(), name)? {
            return Ok(found);
        }
        let plugins: Vec<_> = KINDS.into_iter().flat_map(|kind| self.plugins(kind)).collect();
        if let Some((_, path)) = plugins.iter().find(|(bundled, _)| bundled == name) {
            return Ok(FoundPlugin::any(path.clone()));
        }
        if let Some(file) = file {
            return Ok(file);
        }
        let bundled = plugins.iter().map(|(name, _)| name.as_str());
        Err(Unknown::new("plugin", name, known(project.as_ref(), None, bundled), &self.folder))
    }

    /// The search space that `name` names: a path that starts at `from`, a component of the project there or in the current
    /// folder, or a bundled file or component.
    ///
    /// # Errors
    /// Says what there is, and which name is nearest; or why the project's plugin cannot be used.
    pub fn find_space(&self, name: &str, from: &Path) -> Result<SpaceSource, Unknown> {
        if is_path(name) {
            let path = existing(Kind::SearchSpace, name, from)?;
            let component = path.extension().is_some_and(|extension| extension == "wasm");
            return Ok(match component {
                true => SpaceSource::Component(FoundPlugin::any(path)),
                false => SpaceSource::File(path),
            });
        }
        let project = project(from)?;
        if let Some(found) = self.of_project(project.as_ref(), name)? {
            return Ok(SpaceSource::Component(found));
        }
        if let Some(text) = bundled::source(name) {
            return Ok(SpaceSource::Bundled { name: name.to_owned(), text });
        }
        let plugins = self.plugins(Kind::SearchSpace);
        if let Some((_, path)) = plugins.iter().find(|(bundled, _)| bundled == name) {
            return Ok(SpaceSource::Component(FoundPlugin::any(path.clone())));
        }
        let names = bundled::names().iter().copied().chain(plugins.iter().map(|(name, _)| name.as_str()));
        Err(Unknown::new(
            noun(Kind::SearchSpace),
            name,
            known(project.as_ref(), Some(Kind::SearchSpace), names),
            &self.folder,
        ))
    }

    fn of_project(&self, project: Option<&Project>, name: &str) -> Result<Option<FoundPlugin>, Unknown> {
        let Some(project) = project else { return Ok(None) };
        let located = project.find(name, &self.kept)?;
        Ok(located.map(|located| FoundPlugin { path: located.path.clone(), located: Some(located) }))
    }
}

/// The project whose plugins are meant in `folder`.
fn project(folder: &Path) -> Result<Option<Project>, RegistryError> {
    Project::nearest([folder, Path::new(".")])
}

/// Names of a kind that could have been meant. What a plugin of a project is, its lock says.
fn known<'a>(project: Option<&'a Project>, kind: Option<Kind>, bundled: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let fits = |project: &Project, name: &str| {
        kind.is_none_or(|kind| project.locked(name).is_none_or(|locked| locked.kind == kind))
    };
    let own = project
        .into_iter()
        .flat_map(|project| project.sources().map(|(name, _)| name).filter(move |name| fits(project, name)));
    own.chain(bundled).collect()
}

/// A name that names nothing that can be used.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct Unknown {
    problem: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Unknown {
    fn new(what: &str, name: &str, known: Vec<&str>, folder: &Path) -> Self {
        let help = if known.is_empty() {
            format!("no bundled plugins lie in {}: `cargo xtask build` makes them", folder.display())
        } else if let Some(nearest) = nearest(name, known.iter().copied()) {
            format!("did you mean `{nearest}`?")
        } else {
            format!("there are {}; a path has to hold a `/` or end in .wasm or .toml", known.join(", "))
        };
        Self { problem: format!("there is no {what} named `{name}`"), help: Some(help) }
    }
}

impl From<RegistryError> for Unknown {
    fn from(error: RegistryError) -> Self {
        Self { problem: error.to_string(), help: error.help().map(|help| help.to_string()) }
    }
}

fn is_path(name: &str) -> bool {
    name.contains(['/', '\\']) || name.ends_with(".wasm") || name.ends_with(".toml")
}

fn existing(kind: Kind, name: &str, from: &Path) -> Result<PathBuf, Unknown> {
    let path = beside(from, name);
    if path.is_file() {
        return Ok(path);
    }
    let help = is_bundled_looking(name).then(|| "a bundled part is named without a path".to_owned());
    Err(Unknown { problem: format!("the {} {} is not a file", noun(kind), path.display()), help })
}

/// The path `name` starting at the folder `from`, without a `.` in between.
pub(crate) fn beside(from: &Path, name: &str) -> PathBuf {
    from.join(name).components().filter(|part| *part != Component::CurDir).collect()
}

fn is_bundled_looking(name: &str) -> bool {
    Path::new(name).file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| bundled::source(stem).is_some())
}

fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Strategy => "strategy",
        Kind::Estimator => "estimator",
        Kind::SearchSpace => "search space",
    }
}

fn folder_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Strategy => "strategies",
        Kind::Estimator => "estimators",
        Kind::SearchSpace => "spaces",
    }
}
