//! The text of an experiment, and where in it things stand.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::read::{betas, missing, suggestion};
use super::words::plain;

/// Largest file, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// What is wrong with an experiment file, and where.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
pub struct ExperimentError(Box<Detail>);

#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
struct Detail {
    message: String,
    #[source_code]
    text: NamedSource<String>,
    #[label("here")]
    span: Option<SourceSpan>,
    #[help]
    help: Option<String>,
    line: Option<(usize, usize)>,
}

impl ExperimentError {
    /// Line and column, from 1, where the error has a place.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.0.line
    }
}

/// The TOML text of an experiment, or of a file that many experiments are parts of.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    excerpt: Option<Excerpt>,
}

/// Which part of a text is an experiment.
#[derive(Clone, Debug, Default)]
pub struct Excerpt {
    /// Which one counts, from 0, of a table that there is a list of.
    pub chosen: Vec<(&'static str, usize)>,
    /// Keys at the top that are no part of the experiment.
    pub left_out: &'static [&'static str],
    /// Tables and keys of them that are no part of the experiment.
    pub left_out_within: &'static [(&'static str, &'static str)],
}

impl Excerpt {
    fn of<'t>(&self, mut table: Spanned<DeTable<'t>>) -> Spanned<DeTable<'t>> {
        let root = table.get_mut();
        for key in self.left_out {
            root.remove(*key);
        }
        for (key, number) in &self.chosen {
            let Some((name, value)) = root.remove_entry(*key) else { continue };
            let span = value.span();
            let (name, value) = match value.into_inner() {
                DeValue::Array(list) => match list.into_iter().nth(*number) {
                    Some(one) => (Spanned::new(one.span(), name.into_inner()), one),
                    None => continue,
                },
                other => (name, Spanned::new(span, other)),
            };
            root.insert(name, value);
        }
        for (within, key) in self.left_out_within {
            if let Some(DeValue::Table(table)) = root.get_mut(*within).map(Spanned::get_mut) {
                table.remove(*key);
            }
        }
        table
    }
}

impl Source {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), excerpt: None }
    }

    /// Reads a file of at most 1 MiB; `what` it is stands in messages.
    ///
    /// # Errors
    /// Where there is no such file, or it is no text.
    pub fn read(path: &Path, what: &str) -> Result<Self, ExperimentError> {
        let name = path.display().to_string();
        let empty = Self::new(&name, "");
        let unreadable = |problem: String| empty.at(None, format!("cannot read the {what} {name}: {problem}"), None);
        // A pipe would be waited for, and a device may have no end.
        let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "it is a folder" } else { "it is a pipe or device" };
            return Err(unreadable(format!("{what}, not a regular file")));
        }
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(FILE_LIMIT + 1).read_to_end(&mut bytes))
            .map_err(|error| unreadable(error.to_string()))?;
        if bytes.len() as u64 > FILE_LIMIT {
            return Err(unreadable(format!("it has more than {FILE_LIMIT} bytes, the most that there may be")));
        }
        let text = String::from_utf8(bytes)
            .map_err(|error| unreadable(format!("byte {} is not UTF-8 text", error.utf8_error().valid_up_to())))?;
        Ok(Self { name, text, excerpt: None })
    }

    /// A part of the text. Errors point into the whole.
    pub fn excerpt(&self, excerpt: Excerpt) -> Self {
        Self { excerpt: Some(excerpt), ..self.clone() }
    }

    /// Reads the text as a value.
    ///
    /// # Errors
    /// Where it is no TOML, or no such value; says where.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ExperimentError> {
        let table = self.table().map_err(|error| self.refused(&error))?;
        if let Some(problem) = betas(table.get_ref(), self) {
            return Err(problem);
        }
        T::deserialize(Deserializer::from(table)).map_err(|error| self.refused(&error))
    }

    fn refused(&self, error: &toml::de::Error) -> ExperimentError {
        let message = error.message().to_owned();
        let table = self.table().ok();
        let table = table.as_ref().map(Spanned::get_ref);
        if message.starts_with("missing field")
            && let Some(missing) = table.and_then(|table| missing(table, self))
        {
            return missing;
        }
        let key = error.span().zip(table).and_then(|(span, table)| key_within(table, &span));
        self.at(error.span(), plain(&message, key.as_deref()), suggestion(&message))
    }

    fn table(&self) -> Result<Spanned<DeTable<'_>>, toml::de::Error> {
        let table = DeTable::parse(&self.text)?;
        Ok(match &self.excerpt {
            None => table,
            Some(excerpt) => excerpt.of(table),
        })
    }

    /// An error that points at the value under `path`, or at the closest table around it. In a list, the number of a value,
    /// from 0, stands for its key.
    pub fn error(&self, path: &[&str], message: impl Into<String>, help: Option<String>) -> ExperimentError {
        self.at(self.locate(path), message.into(), help)
    }

    pub(super) fn at(&self, span: Option<Range<usize>>, message: String, help: Option<String>) -> ExperimentError {
        ExperimentError(Box::new(Detail {
            message,
            text: NamedSource::new(&self.name, self.text.clone()),
            line: span.as_ref().map(|span| line_and_column(&self.text, span.start)),
            span: span.map(Into::into),
            help,
        }))
    }

    /// Whether a value under this path is written down.
    pub(crate) fn has(&self, path: [&str; 2]) -> bool {
        let table = self.table().ok();
        let outer = table.as_ref().and_then(|table| table.get_ref().get(path[0])?.get_ref().as_table());
        outer.is_some_and(|outer| outer.contains_key(path[1]))
    }

    /// Where the value under `path` stands, or the last part of the path that is there.
    fn locate(&self, path: &[&str]) -> Option<Range<usize>> {
        let table = self.table().ok()?;
        let (first, rest) = path.split_first()?;
        let (name, mut value) = table.get_ref().get_key_value(*first)?;
        let mut span = place(name.span(), value);
        for key in rest {
            let found = match value.get_ref() {
                DeValue::Table(table) => table.get_key_value(*key).map(|(name, found)| (name.span(), found)),
                DeValue::Array(list) => {
                    key.parse().ok().and_then(|number: usize| list.get(number)).map(|one| (one.span(), one))
                }
                _ => None,
            };
            let Some((name, found)) = found else { break };
            span = place(name, found);
            value = found;
        }
        Some(span)
    }
}

/// A table stands where its name does.
fn place(name: Range<usize>, value: &Spanned<DeValue<'_>>) -> Range<usize> {
    if value.get_ref().is_table() { name } else { value.span() }
}

/// The path of the innermost value that a place in the file belongs to.
fn key_within(table: &DeTable<'_>, place: &Range<usize>) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let key = key.get_ref();
        let inner = value.get_ref().as_table().and_then(|table| key_within(table, place));
        let Range { start, end } = value.span();
        match inner {
            Some(inner) => Some(format!("{key}.{inner}")),
            None => (start <= place.start && place.end <= end).then(|| key.to_string()),
        }
    })
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
