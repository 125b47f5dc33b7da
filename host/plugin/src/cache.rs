//! Compiled code, kept between runs.

use std::fs::{self, DirBuilder};
use std::hash::{Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

/// First bytes of a file of the cache; the last digit is the layout's version.
const MAGIC: &[u8; 16] = b"archwright-code1";

const HASH: usize = blake3::OUT_LEN;

/// A folder of compiled components, by the digest of the component and of everything that decides what it compiles to.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    /// Digest of the engine's version, its configuration and the processor's features.
    compatibility: blake3::Hash,
}

impl Cache {
    pub(crate) fn new(folder: &Path, engine: &Engine) -> Self {
        let mut hasher = ContentHasher(blake3::Hasher::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self { folder: folder.into(), compatibility: hasher.0.finalize() }
    }

    /// The compiled component, where it is there.
    ///
    /// The cache is an aid: where it cannot be used, that is logged, and the component is compiled.
    pub(crate) fn read(&self, engine: &Engine, digest: &blake3::Hash) -> Option<Component> {
        if let Err(problem) = prepare(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %problem, "compiled plugins are not kept");
            return None;
        }
        let key = self.key(digest);
        let path = self.path(&key);
        match read(&path, &key).map(|code| code.map(|code| load(engine, &code))) {
            Ok(Some(Ok(component))) => return Some(component),
            Ok(None) => {}
            Ok(Some(Err(problem))) => {
                tracing::warn!(file = %path.display(), problem = format!("{problem:#}"), "compiled plugin is not used");
            }
            Err(problem) => tracing::warn!(file = %path.display(), %problem, "compiled plugin is not used"),
        }
        None
    }

    /// Keeps a compiled component.
    pub(crate) fn keep(&self, digest: &blake3::Hash, component: &Component) {
        if prepare(&self.folder).is_err() {
            // That was logged when the component was not found.
            return;
        }
        let key = self.key(digest);
        let path = self.path(&key);
        let code = component.serialize().map_err(io::Error::other);
        if let Err(problem) = code.and_then(|code| self.write(&path, &key, &code)) {
            tracing::warn!(file = %path.display(), %problem, "compiled plugin is not kept");
        }
    }

    fn path(&self, key: &blake3::Hash) -> PathBuf {
        self.folder.join(format!("{key}.code"))
    }

    fn key(&self, digest: &blake3::Hash) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(digest.as_bytes()).update(self.compatibility.as_bytes());
        hasher.finalize()
    }

    /// Writes beside and renames, so that a reader sees all of a file or nothing.
    fn write(&self, path: &Path, key: &blake3::Hash, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(MAGIC)?;
        file.write_all(key.as_bytes())?;
        file.write_all(blake3::hash(code).as_bytes())?;
        file.write_all(code)?;
        file.persist(path)?;
        Ok(())
    }
}

/// Makes the folder, for its owner alone, or refuses one that everyone can write.
fn prepare(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::mode(&fs::metadata(folder)?) & 0o002 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "everyone can write to the folder"));
    }
    Ok(())
}

/// The code in a file of the cache; `None` where there is no file.
fn read(path: &Path, key: &blake3::Hash) -> io::Result<Option<Vec<u8>>> {
    // Code is run: it has to be a file that was written into the folder, not a way to one that others can write.
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "this is not a plain file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut bytes = fs::read(path)?;
    let header = MAGIC.len() + 2 * HASH;
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the file is damaged");
    if bytes.len() < header || !bytes.starts_with(MAGIC) || bytes[MAGIC.len()..][..HASH] != *key.as_bytes() {
        return Err(damaged());
    }
    if bytes[MAGIC.len() + HASH..header] != *blake3::hash(&bytes[header..]).as_bytes() {
        return Err(damaged());
    }
    bytes.drain(..header);
    Ok(Some(bytes))
}

#[expect(unsafe_code, reason = "loading compiled code is running it")]
fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the code comes from `Component::serialize`: it was read from a plain file whose header names the same
    // component and engine, whose checksum holds, and whose folder is writable by trusted users only (the promise of
    // `EngineOptions::cache_dir`; a folder that everyone can write was refused).
    unsafe { Component::deserialize(engine, code) }
}

/// Feeds what is hashed to BLAKE3.
struct ContentHasher(blake3::Hasher);

impl Hasher for ContentHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0.finalize().as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}
