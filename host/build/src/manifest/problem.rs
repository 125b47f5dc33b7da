//! Reading a manifest: every error points at the line.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Largest manifest, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The folder has none.
    #[error("there is no {}: `archwright plugin new` makes a project with one", file.display())]
    Missing {
        /// Where it would be.
        file: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read {}: {problem}", file.display())]
    Unreadable {
        /// The manifest.
        file: PathBuf,
        /// Why.
        problem: String,
    },
    /// It says something wrong.
    #[error("{}{}: {message}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Wrong {
        /// The manifest.
        file: PathBuf,
        /// Line, from 1, where there is one to point at.
        line: Option<usize>,
        /// What is wrong, and what would be right.
        message: String,
    },
}

/// A manifest's text.
pub(super) struct Source {
    file: PathBuf,
    text: String,
}

impl Source {
    pub(super) fn new(file: PathBuf, text: String) -> Self {
        Self { file, text }
    }

    pub(super) fn read(file: PathBuf) -> Result<Self, ManifestError> {
        let unreadable = |problem: String| ManifestError::Unreadable { file: file.clone(), problem };
        let metadata = match std::fs::metadata(&file) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(ManifestError::Missing { file }),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        // A pipe would be waited for, and a device may have no end.
        if !metadata.is_file() {
            return Err(unreadable("it is not a regular file".into()));
        }
        let mut bytes = Vec::new();
        File::open(&file)
            .and_then(|open| open.take(FILE_LIMIT + 1).read_to_end(&mut bytes))
            .map_err(|error| unreadable(error.to_string()))?;
        if bytes.len() as u64 > FILE_LIMIT {
            return Err(unreadable(format!("it has more than {FILE_LIMIT} bytes, the most that a manifest has")));
        }
        let text = String::from_utf8(bytes)
            .map_err(|error| unreadable(format!("byte {} is not UTF-8 text", error.utf8_error().valid_up_to())))?;
        Ok(Self { file, text })
    }

    pub(super) fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ManifestError> {
        toml::from_str(&self.text).map_err(|error| {
            let Some(key) = error.message().strip_prefix("missing field ") else {
                let message =
                    error.message().replace("unknown field", "unknown key").replace("unknown variant", "unknown value");
                return self.at(error.span(), message);
            };
            let key = key.trim_matches('`');
            // A table that is not there has no line.
            let span = if key == "plugin" { None } else { error.span() };
            self.at(span, missing(key))
        })
    }

    /// An error about the value under `path`.
    pub(super) fn error(&self, path: &[&str], message: String) -> ManifestError {
        self.at(self.locate(path), message)
    }

    fn at(&self, span: Option<Range<usize>>, message: String) -> ManifestError {
        let line = span.map(|span| self.text.get(..span.start).unwrap_or(&self.text).matches('\n').count() + 1);
        ManifestError::Wrong { file: self.file.clone(), line, message }
    }

    /// Where the value under `path` stands, or the last part of the path that is there.
    fn locate(&self, path: &[&str]) -> Option<Range<usize>> {
        let table = DeTable::parse(&self.text).ok()?;
        let mut span = None;
        let mut value = Some(table.get_ref());
        for key in path {
            let Some((name, found)) = value.and_then(|table| table.get_key_value(*key)) else { break };
            span = Some(if matches!(found.get_ref(), DeValue::Table(_)) { name.span() } else { found.span() });
            value = Spanned::get_ref(found).as_table();
        }
        span
    }
}

/// What is missing, and what it is.
fn missing(key: &str) -> String {
    match key {
        "plugin" => "the table `[plugin]` is missing: it has `name`, `version`, `kind` and `language`".into(),
        "name" => "`[plugin]` has no `name`, such as `name = \"my-strategy\"`".into(),
        "version" => "`[plugin]` has no `version`, such as `version = \"0.1.0\"`".into(),
        "kind" => "`[plugin]` has no `kind`: \"strategy\", \"estimator\" or \"search-space\"".into(),
        "language" => "`[plugin]` has no `language`: \"rust\", \"python\" or \"javascript\"".into(),
        other => format!("`{other}` is missing"),
    }
}
