//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{Error, ErrorKind, Result, Write};
use std::path::Path;

use tempfile::Builder;

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 40;

/// Writes a file, replacing what was there. What was there stays until the new content is on disk.
pub(crate) fn write(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    create(folder)?;
    let mut file = Builder::new().prefix(&prefix(name)).tempfile_in(folder)?;
    // Says that the writer lives; where files cannot be locked, leftovers are not removed.
    let _ = file.as_file().try_lock();
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// Reads a file, after its size was looked at.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is no file"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("{} bytes are too many", metadata.len())));
    }
    std::fs::read(path)
}

/// Removes what writers of the file left that were killed while they wrote.
pub(crate) fn remove_leftovers(folder: &Path, name: &str) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_part = entry.file_name().to_str().is_some_and(|part| part.starts_with(&prefix(name)));
        if is_part && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            // One that stays costs space and nothing else.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// What the names of unfinished files start with.
fn prefix(name: &str) -> String {
    format!(".{name}.")
}

fn create(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
