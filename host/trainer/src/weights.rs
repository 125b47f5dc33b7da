//! Trained weights on disk: a safetensors file named by the digest of its content.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use archwright_protocol::Epoch;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

use crate::Problem;
use crate::model::Model;
use crate::optimizer::Optimizer;

/// Largest weights file that is read.
const MAX_BYTES: u64 = 1 << 40;
/// Name of the progress among the file's metadata.
const PROGRESS: &str = "archwright";

/// How far a training went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) seed: u64,
    pub(crate) steps: u64,
    pub(crate) curve: Vec<Epoch>,
}

/// Writes weights and optimizer state; gives the file's digest. A file is there whole or not at all.
pub(crate) fn save(
    folder: &Path,
    model: &Model,
    optimizer: &Optimizer,
    seed: u64,
    curve: &[Epoch],
) -> Result<String, Problem> {
    let mut tensors = Vec::new();
    for (name, tensor) in named(model, optimizer) {
        tensors.push((name, tensor.size(), bytes(tensor)?));
    }
    let progress = Progress { seed, steps: optimizer.steps, curve: curve.to_vec() };
    let progress = serde_json::to_string(&progress).map_err(|error| Problem::data(error.to_string()))?;
    let metadata = HashMap::from([(PROGRESS.to_owned(), progress)]);
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| {
            let shape = shape.iter().map(|side| usize::try_from(*side).unwrap_or(0)).collect();
            let view = TensorView::new(Dtype::F32, shape, bytes).map_err(|error| Problem::data(error.to_string()))?;
            Ok((name.as_str(), view))
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    let content =
        safetensors::serialize(views, Some(metadata)).map_err(|error| Problem::data(format!("weights: {error}")))?;
    let digest = blake3::hash(&content).to_hex().to_string();
    write(folder, &digest, &content)
        .map_err(|error| Problem::data(format!("cannot write weights into {}: {error}", folder.display())))?;
    Ok(digest)
}

fn write(folder: &Path, digest: &str, content: &[u8]) -> std::io::Result<()> {
    let path = path(folder, digest);
    if path.is_file() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    std::fs::File::open(folder)?.sync_all()
}

/// Reads weights into a model and, for going on, into an optimizer.
pub(crate) fn load(
    folder: &Path,
    digest: &str,
    model: &mut Model,
    optimizer: Option<&mut Optimizer>,
) -> Result<Progress, Problem> {
    let path = path(folder, digest);
    let problem = |problem: String| Problem::data(format!("the weights {}: {problem}", path.display()));
    let size = std::fs::metadata(&path).map_err(|error| problem(error.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(problem(format!("{size} bytes are too many")));
    }
    let content = std::fs::read(&path).map_err(|error| problem(error.to_string()))?;
    if blake3::hash(&content).to_hex().as_str() != digest {
        return Err(problem("the content does not have the digest that names it".into()));
    }
    let file = SafeTensors::deserialize(&content).map_err(|error| problem(error.to_string()))?;
    let (_, metadata) = SafeTensors::read_metadata(&content).map_err(|error| problem(error.to_string()))?;
    let progress = metadata.metadata().as_ref().and_then(|metadata| metadata.get(PROGRESS));
    let progress: Progress = progress
        .and_then(|progress| serde_json::from_str(progress).ok())
        .ok_or_else(|| problem("it does not say how far the training went".into()))?;
    let read = |name: &str, into: &Tensor| {
        let view = file.tensor(name).map_err(|_| problem(format!("it holds no `{name}`: another network's?")))?;
        let shape: Vec<i64> = view.shape().iter().map(|side| *side as i64).collect();
        if shape != into.size() || view.dtype() != Dtype::F32 {
            return Err(problem(format!("`{name}` is {shape:?}, not {:?}: another network's?", into.size())));
        }
        let tensor = Tensor::f_from_data_size(view.data(), &shape, Kind::Float)?;
        tch::no_grad(|| into.shallow_clone().f_copy_(&tensor))?;
        Ok::<_, Problem>(())
    };
    for (name, tensor) in model_tensors(model) {
        read(&name, tensor)?;
    }
    if let Some(optimizer) = optimizer {
        for (name, tensor) in &optimizer.state {
            read(&format!("optimizer/{name}"), tensor)?;
        }
        optimizer.steps = progress.steps;
    }
    Ok(progress)
}

fn path(folder: &Path, digest: &str) -> PathBuf {
    folder.join(format!("{digest}.safetensors"))
}

fn model_tensors(model: &Model) -> impl Iterator<Item = (String, &Tensor)> {
    let parameters = model.names.iter().cloned().zip(model.parameters());
    parameters.chain(model.buffers.iter().map(|(name, tensor)| (name.clone(), tensor)))
}

fn named<'a>(model: &'a Model, optimizer: &'a Optimizer) -> impl Iterator<Item = (String, &'a Tensor)> {
    let state = optimizer.state.iter().map(|(name, tensor)| (format!("optimizer/{name}"), tensor));
    model_tensors(model).chain(state)
}

/// A tensor's values as little-endian 32-bit floats.
fn bytes(tensor: &Tensor) -> Result<Vec<u8>, TchError> {
    let flat = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?.f_view([-1])?;
    let values = Vec::<f32>::try_from(&flat)?;
    Ok(values.into_iter().flat_map(f32::to_le_bytes).collect())
}
