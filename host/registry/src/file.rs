//! Reading and writing a project's files.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::ops::Range;
use std::path::Path;

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;

use crate::RegistryError;

/// Largest file of a project, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// What is wrong with a file of a project, and where.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
pub struct FileError(Box<Detail>);

#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{place}: {message}")]
struct Detail {
    /// The file, with line and column where they are known.
    place: String,
    message: String,
    #[source_code]
    text: NamedSource<String>,
    #[label("here")]
    span: Option<SourceSpan>,
    #[help]
    help: Option<String>,
}

/// A file's text.
pub(crate) struct Text {
    name: String,
    pub(crate) content: String,
}

impl Text {
    /// The text at `path`; none where there is no such file.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, RegistryError> {
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.map_err(RegistryError::io("read", path))?,
        };
        let mut bytes = Vec::new();
        file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(RegistryError::io("read", path))?;
        let mut text = Self { name: path.display().to_string(), content: String::new() };
        if bytes.len() as u64 > FILE_LIMIT {
            return Err(text.error(None, format!("it has more than {FILE_LIMIT} bytes"), None).into());
        }
        text.content = String::from_utf8(bytes).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            text.error(None, format!("byte {place} is not UTF-8 text"), None)
        })?;
        Ok(Some(text))
    }

    /// What the text says.
    pub(crate) fn deserialize<T: DeserializeOwned>(&self) -> Result<T, FileError> {
        toml::from_str(&self.content).map_err(|error| self.error(error.span(), error.message().to_owned(), None))
    }

    pub(crate) fn error(&self, span: Option<Range<usize>>, message: String, help: Option<String>) -> FileError {
        let place = match &span {
            Some(span) => {
                let before = self.content.get(..span.start).unwrap_or_default();
                let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
                let (line, column) = (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1);
                format!("{}:{line}:{column}", self.name)
            }
            None => self.name.clone(),
        };
        FileError(Box::new(Detail {
            place,
            message,
            text: NamedSource::new(&self.name, self.content.clone()),
            span: span.map(Into::into),
            help,
        }))
    }
}

/// Writes a file that is there whole or not at all.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), RegistryError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = tempfile::Builder::new().prefix(".tmp").tempfile_in(folder).and_then(|mut file| {
        file.write_all(content)?;
        readable_by_all(file.as_file())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    });
    written.map_err(RegistryError::io("write", path))
}

/// Temporary files are made for their owner alone; these are like any other.
#[cfg(unix)]
fn readable_by_all(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &File) -> std::io::Result<()> {
    Ok(())
}
