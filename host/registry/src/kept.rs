//! Components from elsewhere, on this machine.

use std::path::PathBuf;

use crate::file::write;
use crate::{Digest, RegistryError};

/// A folder of components, each named by its digest. One serves all projects of a user.
#[derive(Clone, Debug)]
pub struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// The components in `folder`, which is made once there is one to keep.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where the component with this digest lies, if it is here. What lies there is to be checked by who reads it.
    pub fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{}.wasm", digest.hex()))
    }

    /// Keeps a component.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn keep(&self, bytes: &[u8]) -> Result<Digest, RegistryError> {
        let digest = Digest::of(bytes);
        let path = self.path(digest);
        if std::fs::read(&path).is_ok_and(|there| there == bytes) {
            return Ok(digest);
        }
        std::fs::create_dir_all(&self.folder).map_err(RegistryError::io("make", &self.folder))?;
        write(&path, bytes)?;
        Ok(digest)
    }
}
