//! Files that runs were made of: plugins, space files. Kept, so that a run can go on after they were changed.

use std::time::SystemTime;

use crate::damage::OTHER_CONTENT;
use crate::error::READ;
use crate::{Damage, Store, StoreError, files};

impl Store {
    /// Keeps `bytes`; gives their digest (BLAKE3, hexadecimal). What is there already is not written again.
    ///
    /// A part that no run's settings name is deleted by [`Store::prune`], at the earliest an hour after it was last kept.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn keep_part(&self, bytes: &[u8]) -> Result<String, StoreError> {
        self.require_writable()?;
        let digest = blake3::hash(bytes).to_hex().to_string();
        let path = self.parts().join(&digest);
        let there = std::fs::read(&path).is_ok_and(|content| content == bytes);
        if there {
            // Whoever keeps it will name it in a moment: it counts as new. Where that fails it is merely old.
            let _ =
                std::fs::File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        } else {
            files::write(&path, bytes).map_err(self.failing_at("write", &path))?;
        }
        Ok(digest)
    }

    /// The part with this digest, where it is there.
    ///
    /// # Errors
    /// Where it cannot be read, or its content is not what was kept.
    pub fn part(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if !files::is_digest(digest) {
            return Ok(None);
        }
        let path = self.parts().join(digest);
        let content = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            content => content.map_err(self.failing_at(READ, &path))?,
        };
        if blake3::hash(&content).to_hex().as_str() != digest {
            return Err(StoreError::Damaged(Damage::part(digest, OTHER_CONTENT)));
        }
        Ok(Some(content))
    }
}
