//! `plugin.toml`, the manifest of a plugin's project.

mod problem;

use std::fmt;
use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use problem::ManifestError;
use problem::Source;

/// The manifest's file name.
pub const FILE: &str = "plugin.toml";

/// What a project's `plugin.toml` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The plugin.
    pub plugin: Plugin,
    /// How it is built.
    #[serde(default, skip_serializing_if = "Build::is_empty")]
    pub build: Build,
    /// How much it wishes for. Of this and the host's own limit, the smaller counts.
    #[serde(default, skip_serializing_if = "Wishes::is_empty")]
    pub limits: Wishes,
}

/// What the plugin is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plugin {
    /// Name under which it is used, the one that the component says of itself: kebab-case, at most 64 characters.
    #[schemars(length(max = 64), regex(pattern = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"))]
    pub name: String,
    /// Version, as in Semantic Versioning.
    pub version: String,
    /// What it exports.
    pub kind: Kind,
    /// What it is written in.
    pub language: Language,
    /// Licence, as an SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// A line on what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// How a plugin is built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// Where the component is written to, within the project's folder. Default: the plugin's name with `.wasm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<PathBuf>,
}

/// How much a plugin wishes for, in the units of `[limits]` in an experiment file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wishes {
    /// Fuel for one call: about one unit per WebAssembly instruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub fuel_per_call: Option<u64>,
    /// Bytes of linear memory, over all of the plugin's memories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub memory_bytes: Option<u64>,
}

/// What a plugin exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Decides which architectures to look at next.
    Strategy,
    /// Decides how to find out how good an architecture is.
    Estimator,
    /// Says which architectures there are.
    SearchSpace,
}

/// What a plugin is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Rust, with the SDK.
    Rust,
    /// Python, with componentize-py.
    Python,
    /// JavaScript, with componentize-js.
    JavaScript,
}

impl Manifest {
    /// Reads the manifest in a project's folder.
    ///
    /// # Errors
    /// Where there is none, or something is wrong with it: names the file, the line, and what would be right.
    pub fn read(folder: &Path) -> Result<Self, ManifestError> {
        Self::from_source(&Source::read(folder.join(FILE))?)
    }

    /// Reads a manifest's text; errors call it `file`.
    ///
    /// # Errors
    /// Where something is wrong with it.
    pub fn parse(file: impl Into<PathBuf>, text: impl Into<String>) -> Result<Self, ManifestError> {
        Self::from_source(&Source::new(file.into(), text.into()))
    }

    fn from_source(source: &Source) -> Result<Self, ManifestError> {
        let manifest: Self = source.deserialize()?;
        match manifest.problem() {
            None => Ok(manifest),
            Some((path, message)) => Err(source.error(&path, message)),
        }
    }

    /// Where the component goes, unless it is said otherwise.
    pub fn output(&self, folder: &Path) -> PathBuf {
        match &self.build.output {
            Some(output) => folder.join(output),
            None => folder.join(format!("{}.wasm", self.plugin.name)),
        }
    }

    /// The JSON schema of manifests.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// What is wrong that types do not tell: the path of the key, and what would be right.
    fn problem(&self) -> Option<([&'static str; 2], String)> {
        let Plugin { name, version, .. } = &self.plugin;
        if let Err(problem) = check_name(name) {
            return Some((["plugin", "name"], problem));
        }
        if let Err(error) = semver::Version::parse(version) {
            let message = format!("`plugin.version` is `{version}`, no semantic version such as `0.1.0`: {error}");
            return Some((["plugin", "version"], message));
        }
        if let Some(output) = &self.build.output
            && let Some(should) = wrong_output(output)
        {
            let message = format!("`build.output` is `{}`; it has to be {should}", output.display());
            return Some((["build", "output"], message));
        }
        let Wishes { fuel_per_call, memory_bytes } = self.limits;
        let nothing = [("fuel_per_call", fuel_per_call), ("memory_bytes", memory_bytes)];
        let (key, _) = nothing.into_iter().find(|(_, wish)| *wish == Some(0))?;
        Some((["limits", key], format!("`limits.{key}` has to be at least 1; leave it out to have the host's")))
    }
}

/// Whether a plugin can have this name.
///
/// # Errors
/// Where it is not kebab-case or has more than 64 characters: says what would be right.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if name.len() > 64 {
        return Err(format!("the name of a plugin has at most 64 characters, not {}", name.chars().count()));
    }
    if name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('-').all(is_word) {
        return Ok(());
    }
    let example = as_name(name).unwrap_or_else(|| "my-strategy".into());
    Err(format!(
        "`{name}` cannot be the name of a plugin: it has lower-case words of letters and digits with single hyphens \
         between, the first a letter, such as `{example}`"
    ))
}

/// The name most like this text, where there is one.
fn as_name(text: &str) -> Option<String> {
    let mut name = String::new();
    let mut after_lower = false;
    for character in text.chars() {
        if character.is_ascii_uppercase() && after_lower {
            name.push('-');
        }
        name.push(if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' });
        after_lower = character.is_ascii_lowercase();
    }
    let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    name.starts_with(|first: char| first.is_ascii_lowercase()).then_some(name)
}

/// What would be right, where a component is not to be written there.
fn wrong_output(output: &Path) -> Option<&'static str> {
    if output.extension().is_none_or(|extension| extension != "wasm") {
        return Some("a file that ends in `.wasm`");
    }
    let is_within = output.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    (!is_within).then_some("a path within the project's folder")
}

impl Build {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Wishes {
    /// Whether nothing is wished for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Strategy, Self::Estimator, Self::SearchSpace];

    /// The kind's name in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strategy => "strategy",
            Self::Estimator => "estimator",
            Self::SearchSpace => "search-space",
        }
    }
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::JavaScript];

    /// The language's name in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "javascript",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
