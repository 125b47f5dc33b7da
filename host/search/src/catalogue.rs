//! Finding parts by name or path.

use std::path::{Component, Path, PathBuf};

use archwright_plugin::Kind;
use archwright_space::bundled;

use crate::experiment::nearest;

/// Where bundled plugins lie: a folder with `strategies`, `estimators` and `spaces`, each holding `NAME.wasm`.
#[derive(Clone, Debug)]
pub struct Catalogue {
    folder: PathBuf,
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
    Component(PathBuf),
}

impl Catalogue {
    /// The catalogue in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
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

    /// The file of the strategy or estimator that `name` names: a bundled one, or a path that starts at `from`.
    ///
    /// # Errors
    /// Says what there is, and which name is nearest.
    pub fn find(&self, kind: Kind, name: &str, from: &Path) -> Result<PathBuf, Unknown> {
        if is_path(name) {
            return existing(kind, name, from);
        }
        let plugins = self.plugins(kind);
        plugins.iter().find(|(bundled, _)| bundled == name).map(|(_, path)| path.clone()).ok_or_else(|| {
            Unknown::new(kind, name, plugins.iter().map(|(name, _)| name.as_str()).collect(), &self.folder)
        })
    }

    /// The search space that `name` names: a bundled file or component, or a path that starts at `from`.
    ///
    /// # Errors
    /// Says what there is, and which name is nearest.
    pub fn find_space(&self, name: &str, from: &Path) -> Result<SpaceSource, Unknown> {
        if is_path(name) {
            let path = existing(Kind::SearchSpace, name, from)?;
            let component = path.extension().is_some_and(|extension| extension == "wasm");
            return Ok(if component { SpaceSource::Component(path) } else { SpaceSource::File(path) });
        }
        if let Some(text) = bundled::source(name) {
            return Ok(SpaceSource::Bundled { name: name.to_owned(), text });
        }
        let plugins = self.plugins(Kind::SearchSpace);
        plugins
            .iter()
            .find(|(bundled, _)| bundled == name)
            .map(|(_, path)| SpaceSource::Component(path.clone()))
            .ok_or_else(|| {
                let names = bundled::names().iter().copied();
                let names = names.chain(plugins.iter().map(|(name, _)| name.as_str())).collect();
                Unknown::new(Kind::SearchSpace, name, names, &self.folder)
            })
    }
}

/// A name that names nothing.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct Unknown {
    problem: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Unknown {
    fn new(kind: Kind, name: &str, known: Vec<&str>, folder: &Path) -> Self {
        let help = if known.is_empty() {
            format!("no bundled plugins lie in {}: `cargo xtask build` makes them", folder.display())
        } else if let Some(nearest) = nearest(name, known.iter().copied()) {
            format!("did you mean `{nearest}`?")
        } else {
            format!("there are {}; a path has to hold a `/` or end in .wasm or .toml", known.join(", "))
        };
        Self { problem: format!("there is no {} named `{name}`", noun(kind)), help: Some(help) }
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
