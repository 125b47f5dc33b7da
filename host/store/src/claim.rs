//! Who carries out which action: two hosts on one store never do the same one at once.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::{Store, StoreError, files};

/// The sole right to carry out an action. It ends when this is dropped and when the process ends, however it does.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    file: File,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Removed while it is locked: whoever has opened it meanwhile sees, once it has the lock, that the file has lost
        // its name.
        let _ = files::remove(&self.path);
        // A child process that is just being started may hold the same open file for a moment longer.
        let _ = self.file.unlock();
    }
}

impl Store {
    /// Claims the action with this key; `None` where somebody else holds it: another process, or this one. Never waits.
    ///
    /// # Errors
    /// Where the lock file cannot be made: the disk is full, or the store is read-only.
    pub fn claim(&self, key: &str) -> Result<Option<Claim>, StoreError> {
        self.require_writable()?;
        let path = self.claim_path(key);
        loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
            let file = file.map_err(self.failing_at("make", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(self.failing_at("lock", &path)(source)),
            }
            // The last holder may have removed the file between the two steps: the lock is then on a file without a name.
            if is_named(&file, &path).map_err(self.failing_at("lock", &path))? {
                return Ok(Some(Claim { path, file }));
            }
        }
    }

    /// Keys that somebody may have claimed, or whose holder was killed.
    pub(crate) fn claim_files(&self) -> Result<Vec<String>, StoreError> {
        let entries = files::list(self.folder(), &self.claims())?;
        Ok(entries.iter().filter_map(|entry| entry.stem(".lock").map(str::to_owned)).collect())
    }

    /// Keys that somebody has claimed.
    pub(crate) fn claimed(&self) -> Result<Vec<String>, StoreError> {
        let mut claimed = self.claim_files()?;
        claimed.retain(|key| self.is_claimed(key));
        Ok(claimed)
    }

    /// Whether somebody has claimed the action with this key.
    pub(crate) fn is_claimed(&self, key: &str) -> bool {
        // Shared, so that two who look do not see each other. A claim tried meanwhile fails as if it came too late.
        let file = File::open(self.claim_path(key));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn claim_path(&self, key: &str) -> PathBuf {
        self.claims().join(format!("{key}.lock"))
    }
}

/// Whether `path` leads to `file`.
fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let named = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        named => named?,
    };
    let open = file.metadata()?;
    Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
}
