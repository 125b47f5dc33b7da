//! Files of a store: whole or not at all, and named by their content.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::StoreError;
use crate::error::READ;

/// How the names of files start that are being written, by the host and by trainers.
const UNFINISHED: &str = ".";

/// A file in a folder of the store.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) bytes: u64,
    modified: SystemTime,
}

impl Entry {
    /// The file at `path`; `None` where there is none, because somebody else deleted it meanwhile.
    pub(crate) fn at(path: PathBuf) -> Option<Self> {
        let metadata = std::fs::symlink_metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let name = path.file_name()?.to_str()?.to_owned();
        Some(Self { name, bytes: metadata.len(), modified: metadata.modified().ok()?, path })
    }

    /// How long it was not written. One from the future, because the clock went backwards, is new.
    pub(crate) fn age(&self) -> Duration {
        SystemTime::now().duration_since(self.modified).unwrap_or_default()
    }

    /// Whether a writer has not finished the file.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.name.starts_with(UNFINISHED)
    }

    /// The file's name without `extension`, where it has it and is finished.
    pub(crate) fn stem(&self, extension: &str) -> Option<&str> {
        self.name.strip_suffix(extension).filter(|_| !self.is_unfinished())
    }
}

/// The files in `path`, by name; none where there is no such folder.
pub(crate) fn list(folder: &Path, path: &Path) -> Result<Vec<Entry>, StoreError> {
    let failed = |source| StoreError::file(folder, READ, path, source);
    let listed = match std::fs::read_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(failed)?,
    };
    let mut entries = Vec::new();
    for entry in listed {
        let entry = entry.map_err(failed)?;
        entries.extend(Entry::at(entry.path()));
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

/// Writes a file that is there whole or not at all, and stays.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".tmp").tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// Deletes a file; whether it was there.
pub(crate) fn remove(path: &Path) -> io::Result<bool> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    }
}

/// Whether `text` can be a file's name and nothing but that.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Whether `text` is a digest as files are named by.
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The digest of a file's content; `None` where there is no such file.
pub(crate) fn digest(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok(Some(hasher.finalize().to_hex().to_string()))
}

/// A path as it is written in a URI.
pub(crate) fn percent_encoded(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let encoded = |byte: &u8| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    path.as_os_str().as_encoded_bytes().iter().map(encoded).collect()
}
