//! Reading TOML tables key by key: unknown keys, missing ones and wrong types are told with their place.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::Diagnostic;

pub(super) type Entry<'a> = &'a Spanned<DeValue<'a>>;

/// The file's text, for places in messages.
#[derive(Clone, Copy)]
pub(super) struct Source<'a>(pub(super) &'a str);

impl Source<'_> {
    pub(super) fn error<T>(self, span: Range<usize>, message: impl Into<String>) -> Result<T, Diagnostic> {
        Err(Diagnostic::new(self.0, span, message.into(), None))
    }

    /// An error about a name that is none of the known ones.
    pub(super) fn unknown<'n, T>(
        self,
        span: Range<usize>,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Result<T, Diagnostic> {
        let known: Vec<&str> = known.into_iter().collect();
        let help = match crate::nearest(name, known.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None if known.is_empty() => "none are known".to_owned(),
            None => format!("known: {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        };
        Err(Diagnostic::new(self.0, span, format!("unknown {what} `{name}`"), Some(help)))
    }
}

/// A table being read.
pub(super) struct Reader<'a> {
    pub(super) source: Source<'a>,
    table: &'a DeTable<'a>,
    pub(super) span: Range<usize>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: Source<'a>, table: &'a DeTable<'a>, span: Range<usize>) -> Self {
        Self { source, table, span, asked: RefCell::default() }
    }

    /// A value that has to be a table.
    pub(super) fn of(source: Source<'a>, entry: Entry<'a>, what: &str) -> Result<Self, Diagnostic> {
        match entry.get_ref() {
            DeValue::Table(table) => Ok(Self::new(source, table, entry.span())),
            other => source.error(entry.span(), format!("{what} has to be a table, not {}", kind(other))),
        }
    }

    pub(super) fn get(&self, key: &'static str) -> Option<Entry<'a>> {
        self.asked.borrow_mut().insert(key);
        self.table.get(key)
    }

    pub(super) fn need(&self, key: &'static str) -> Result<Entry<'a>, Diagnostic> {
        match self.get(key) {
            Some(entry) => Ok(entry),
            None => self.missing(key),
        }
    }

    /// A key that is missing, or mistyped.
    fn missing<T>(&self, key: &str) -> Result<T, Diagnostic> {
        let asked = self.asked.borrow();
        let others = self.table.iter().filter(|(other, _)| !asked.contains(other.get_ref().as_ref()));
        let slip = others.map(|(other, _)| other).find(|other| crate::nearest(other.get_ref(), [key]).is_some());
        match slip {
            Some(slip) => self.source.unknown(slip.span(), "key", slip.get_ref(), [key]),
            None => self.source.error(self.span.clone(), format!("`{key}` is missing")),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// All keys with their places and values, in the file's order, for tables whose keys are names.
    pub(super) fn entries(&self) -> Vec<(&'a str, Range<usize>, Entry<'a>)> {
        let mut entries: Vec<_> =
            self.table.iter().map(|(key, entry)| (key.get_ref().as_ref(), key.span(), entry)).collect();
        entries.sort_by_key(|(_, span, _)| span.start);
        entries
    }

    pub(super) fn text(&self, key: &'static str) -> Result<Option<String>, Diagnostic> {
        self.get(key).map(|entry| text(self.source, entry, key)).transpose()
    }

    pub(super) fn flag(&self, key: &'static str) -> Result<Option<bool>, Diagnostic> {
        match self.get(key) {
            None => Ok(None),
            Some(entry) => match entry.get_ref() {
                DeValue::Boolean(value) => Ok(Some(*value)),
                other => {
                    self.source.error(entry.span(), format!("`{key}` has to be true or false, not {}", kind(other)))
                }
            },
        }
    }

    /// Refuses keys that nobody asked for.
    pub(super) fn finish(&self) -> Result<(), Diagnostic> {
        let asked = self.asked.borrow();
        for (key, span, _) in self.entries() {
            if !asked.contains(key) {
                return self.source.unknown(span, "key", key, asked.iter().copied());
            }
        }
        Ok(())
    }
}

pub(super) fn text(source: Source<'_>, entry: Entry<'_>, what: &str) -> Result<String, Diagnostic> {
    match entry.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        other => source.error(entry.span(), format!("`{what}` has to be text, not {}", kind(other))),
    }
}

pub(super) fn list<'a>(source: Source<'a>, entry: Entry<'a>, what: &str) -> Result<Vec<Entry<'a>>, Diagnostic> {
    match entry.get_ref() {
        DeValue::Array(array) => Ok(array.iter().collect()),
        other => source.error(entry.span(), format!("`{what}` has to be a list, not {}", kind(other))),
    }
}

pub(super) fn integer(source: Source<'_>, entry: Entry<'_>, what: &str) -> Result<i64, Diagnostic> {
    match entry.get_ref() {
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Ok(integer),
            Err(_) => source.error(entry.span(), format!("`{what}` is out of range")),
        },
        other => source.error(entry.span(), format!("`{what}` has to be an integer, not {}", kind(other))),
    }
}

pub(super) fn real(source: Source<'_>, entry: Entry<'_>, what: &str) -> Result<f64, Diagnostic> {
    let number = match entry.get_ref() {
        DeValue::Integer(_) => integer(source, entry, what)? as f64,
        DeValue::Float(float) => float.as_str().parse().unwrap_or(f64::NAN),
        other => return source.error(entry.span(), format!("`{what}` has to be a number, not {}", kind(other))),
    };
    if number.is_finite() { Ok(number) } else { source.error(entry.span(), format!("`{what}` has to be finite")) }
}

pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a real number",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
