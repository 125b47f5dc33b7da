//! Which files of a project its author edits.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Folders that tools fill, and no author edits; the first one only beside the manifest.
const GENERATED: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// The files of a project that its author edits, with what tells whether one changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Sources(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Sources {
    /// Those in `folder` as they are now. What cannot be read is not there.
    pub fn of(folder: &Path) -> Self {
        let mut sources = Self(BTreeMap::new());
        sources.add(folder, &GENERATED);
        sources
    }

    /// The file that was changed last after `built` was, where there is one.
    pub fn newer_than(&self, built: &Path) -> Option<&Path> {
        let built = fs::metadata(built).and_then(|metadata| metadata.modified()).ok()?;
        let changed = self.0.iter().filter_map(|(path, (_, modified))| Some(((*modified)?, path.as_path())));
        let (modified, path) = changed.max_by_key(|(modified, _)| *modified)?;
        (modified > built).then_some(path)
    }

    fn add(&mut self, folder: &Path, generated: &[&str]) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                if !generated.iter().any(|generated| name == *generated) {
                    self.add(&path, &GENERATED[1..]);
                }
            } else if !is_built(&path) {
                self.0.insert(path, (metadata.len(), metadata.modified().ok()));
            }
        }
    }
}

/// Whether a build writes the file.
fn is_built(path: &Path) -> bool {
    let built = ["wasm", "partial", "lock"];
    path.extension().and_then(OsStr::to_str).is_some_and(|extension| built.contains(&extension))
}
