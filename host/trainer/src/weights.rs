//! Trained weights on disk: a safetensors file named by the digest of its content.

use std::path::Path;

use archwright_protocol::{Epoch, FailureKind};
use serde::{Deserialize, Serialize};

use crate::model::Model;
use crate::optimizer::Optimizer;
use crate::tensors::Contents;
use crate::{Problem, storage, tensors};

/// How far a training went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) seed: u64,
    /// Steps of the optimizer.
    pub(crate) steps: u64,
    /// Whole epochs.
    pub(crate) curve: Vec<Epoch>,
}

/// Writes weights and optimizer state; gives the file's digest. A file is there whole or not at all.
pub(crate) fn save(
    folder: &Path,
    model: &Model,
    optimizer: &Optimizer,
    progress: &Progress,
) -> Result<String, Problem> {
    store(folder, &tensors::serialize(tensors::of(model, optimizer)?, progress)?)
}

/// Writes a file that is named by the digest of its content; gives the digest.
pub(crate) fn store(folder: &Path, content: &[u8]) -> Result<String, Problem> {
    let digest = blake3::hash(content).to_hex().to_string();
    write(folder, &digest, content).map_err(|error| {
        let problem = format!("cannot write weights into {}: {error}", folder.display());
        Problem::new(FailureKind::Storage, problem)
    })?;
    Ok(digest)
}

fn write(folder: &Path, digest: &str, content: &[u8]) -> std::io::Result<()> {
    let name = file_name(digest);
    storage::remove_leftovers(folder, &name);
    if folder.join(&name).is_file() {
        return Ok(());
    }
    storage::write(folder, &name, content)
}

/// Reads weights into a model and, for going on, into an optimizer.
pub(crate) fn load(
    folder: &Path,
    digest: &str,
    model: &Model,
    optimizer: Option<&mut Optimizer>,
) -> Result<Progress, Problem> {
    read(folder, digest, |contents| {
        let progress: Progress = contents.about()?;
        contents.restore(model, optimizer.as_deref())?;
        if let Some(optimizer) = optimizer {
            optimizer.steps = progress.steps;
        }
        Ok(progress)
    })
}

/// Reads a file that is named by the digest of its content.
pub(crate) fn read<T>(
    folder: &Path,
    digest: &str,
    restore: impl FnOnce(&Contents<'_>) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let path = folder.join(file_name(digest));
    let restored = || {
        let content = storage::read(&path).map_err(|error| Problem::data(error.to_string()))?;
        if blake3::hash(&content).to_hex().as_str() != digest {
            return Err(Problem::data("the content does not have the digest that names it"));
        }
        restore(&Contents::parse(&content)?)
    };
    restored().map_err(|problem| Problem::new(problem.kind, format!("the weights {}: {problem}", path.display())))
}

/// Whether there are weights of this digest.
pub(crate) fn exists(folder: &Path, digest: &str) -> bool {
    folder.join(file_name(digest)).is_file()
}

fn file_name(digest: &str) -> String {
    format!("{digest}.safetensors")
}
