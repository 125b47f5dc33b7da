//! New projects.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::manifest::{Kind, Language, check_name};
use crate::templates::{self, filled};

/// A project that is to be made.
#[derive(Clone, Debug)]
pub struct Project {
    /// The plugin's name.
    pub name: String,
    /// What it exports.
    pub kind: Kind,
    /// What it is written in.
    pub language: Language,
    /// Where it goes. The folder is made; it may be there already, but empty.
    pub folder: PathBuf,
    /// Folder of the SDK's sources, for projects in Rust.
    pub sdk: PathBuf,
}

/// Why a project was not made.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// No plugin can have this name.
    #[error("{0}")]
    Name(String),
    /// Something is there already.
    #[error("{} is there already and not empty: nothing was written", .0.display())]
    Occupied(PathBuf),
    /// The SDK's sources are not where they were.
    #[error("the SDK's sources are not in {}: a project in Rust is built with them", .0.display())]
    NoSdk(PathBuf),
    /// The path of the SDK's sources cannot stand in a Cargo.toml.
    #[error("the path of the SDK's sources is no UTF-8 text: {}", .0.display())]
    SdkPath(PathBuf),
    /// A file cannot be written.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Folder of the SDK's sources that this program was built from.
pub fn sdk() -> PathBuf {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/sdk"));
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

impl Project {
    /// Makes the project; gives the paths of its files.
    ///
    /// # Errors
    /// Where the name is not one that plugins can have, something is in the folder, the SDK's sources are not there, or a file
    /// cannot be written.
    pub fn create(&self) -> Result<Vec<PathBuf>, NewError> {
        check_name(&self.name).map_err(NewError::Name)?;
        let sdk = self.quoted_sdk()?;
        if !is_vacant(&self.folder) {
            return Err(NewError::Occupied(self.folder.clone()));
        }
        let mut files = Vec::new();
        for (path, text) in templates::files(self.language, self.kind) {
            let file = self.folder.join(filled(path, &self.name, &sdk));
            write_new(&file, filled(text, &self.name, &sdk).as_bytes())?;
            files.push(file);
        }
        files.extend(self.lock()?);
        Ok(files)
    }

    /// The path of the SDK's sources as it stands in a Cargo.toml.
    fn quoted_sdk(&self) -> Result<String, NewError> {
        if self.language != Language::Rust {
            return Ok(String::new());
        }
        if !self.sdk.join("Cargo.toml").is_file() {
            return Err(NewError::NoSdk(self.sdk.clone()));
        }
        let sdk = self.sdk.canonicalize().map_err(|_| NewError::NoSdk(self.sdk.clone()))?;
        let text = sdk.to_str().ok_or_else(|| NewError::SdkPath(sdk.clone()))?;
        Ok(toml::Value::String(text.to_owned()).to_string())
    }

    /// Starts from the versions of crates that the SDK was tested with: cargo keeps those that the project needs and drops the
    /// others.
    fn lock(&self) -> Result<Option<PathBuf>, NewError> {
        let Ok(text) = fs::read(self.sdk.join("../../Cargo.lock")) else { return Ok(None) };
        if self.language != Language::Rust {
            return Ok(None);
        }
        let file = self.folder.join("Cargo.lock");
        write_new(&file, &text)?;
        Ok(Some(file))
    }
}

/// Whether nothing would be written over.
fn is_vacant(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        // A dangling link is something, too.
        Err(_) => folder.symlink_metadata().is_err(),
    }
}

fn write_new(file: &Path, text: &[u8]) -> Result<(), NewError> {
    let failed = |source| NewError::Write { file: file.to_owned(), source };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut open = fs::File::create_new(file).map_err(failed)?;
    io::Write::write_all(&mut open, text).map_err(failed)
}
