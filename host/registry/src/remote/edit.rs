//! Changing `plugins.toml` without touching what else its author wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::file::{Text, write};
use crate::project::sources;
use crate::{PLUGINS, RegistryError, Source};

const TABLE: &str = "[plugins]";

/// A `plugins.toml` that is changed.
pub(super) struct Manifest {
    path: PathBuf,
    text: String,
}

impl Manifest {
    /// The one in `folder`, or an empty one.
    pub(super) fn read(folder: &Path) -> Result<Self, RegistryError> {
        let path = folder.join(PLUGINS);
        let text = Text::read(&path)?.map(|text| text.content).unwrap_or_default();
        Ok(Self { path, text })
    }

    /// Adds a line for a plugin to the table of plugins.
    pub(super) fn insert(&mut self, name: &str, source: &Source) -> Result<(), RegistryError> {
        let line = format!("{name} = {}", inline(source));
        let mut lines: Vec<&str> = self.text.lines().collect();
        match lines.iter().position(|line| is_table(line)) {
            Some(header) => {
                let body = lines[header + 1..].iter().take_while(|line| !line.trim_start().starts_with('[')).count();
                let mut end = header + 1 + body;
                while lines[end - 1].trim().is_empty() {
                    end -= 1;
                }
                lines.insert(end, &line);
            }
            None if lines.is_empty() => lines.extend([TABLE, &line]),
            None => lines.extend(["", TABLE, &line]),
        }
        let text = lines.join("\n") + "\n";
        self.change(text, |sources| drop(sources.insert(name.to_owned(), source.clone())))
            .ok_or_else(|| self.by_hand(&format!("add `{line}` to its table {TABLE}")))
    }

    /// Takes the lines of a plugin away.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), RegistryError> {
        let without = self.without(name);
        without
            .and_then(|text| self.change(text, |sources| drop(sources.remove(name))))
            .ok_or_else(|| self.by_hand(&format!("take `{name}` out of it")))
    }

    /// The text without the lines that hold a plugin.
    fn without(&self, name: &str) -> Option<String> {
        let root = DeTable::parse(&self.text).ok()?;
        let plugins = root.get_ref().get("plugins")?.get_ref().as_table()?;
        let (key, value) = plugins.get_key_value(name)?;
        let start = self.text[..key.span().start].rfind('\n').map_or(0, |newline| newline + 1);
        let is_table = self.text[start..].trim_start().starts_with('[');
        let end = match Spanned::get_ref(value) {
            // It goes on up to the next table.
            DeValue::Table(_) if is_table => {
                let rest = &self.text[key.span().end..];
                rest.find("\n[").map_or(self.text.len(), |newline| key.span().end + newline + 1)
            }
            _ => {
                let rest = &self.text[value.span().end..];
                rest.find('\n').map_or(self.text.len(), |newline| value.span().end + newline + 1)
            }
        };
        Some(format!("{}{}", &self.text[..start], &self.text[end..]))
    }

    /// Takes a new text, where it says what the present one does, changed so.
    fn change(&mut self, text: String, change: impl FnOnce(&mut BTreeMap<String, Source>)) -> Option<()> {
        let mut wanted = sources(&self.text).ok()?;
        change(&mut wanted);
        let changed = sources(&text).is_ok_and(|sources| sources == wanted);
        changed.then(|| self.text = text)
    }

    fn by_hand(&self, what: &str) -> RegistryError {
        let problem = format!("cannot change {}, as it is written: {what} by hand", self.path.display());
        RegistryError::Name { problem }
    }

    pub(super) fn write(&self) -> Result<(), RegistryError> {
        write(&self.path, self.text.as_bytes())
    }
}

fn is_table(line: &str) -> bool {
    line.split('#').next().is_some_and(|line| line.trim() == TABLE)
}

/// A source as an inline table.
fn inline(source: &Source) -> String {
    let keys: Vec<(&str, String)> = match source {
        Source::Path(path) => vec![("path", path.display().to_string())],
        Source::Folder(path) => vec![("folder", path.display().to_string())],
        Source::Url { url, digest } => vec![("url", url.clone()), ("digest", digest.to_string())],
        Source::Oci(reference) => vec![("oci", reference.clone())],
    };
    let keys: Vec<_> = keys.into_iter().map(|(key, value)| format!("{key} = {}", toml::Value::from(value))).collect();
    format!("{{ {} }}", keys.join(", "))
}
