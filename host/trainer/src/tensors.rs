//! A training's tensors as safetensors files.

use std::borrow::Cow;
use std::collections::HashMap;

use archwright_protocol::FailureKind;
use safetensors::View;
use safetensors::tensor::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tch::{Device, Kind, TchError, Tensor};

use crate::Problem;
use crate::model::Model;
use crate::optimizer::Optimizer;

/// Name of what is said about the tensors, among the file's metadata.
const ABOUT: &str = "archwright";

/// A tensor's values, little-endian.
pub(crate) struct Values {
    pub(crate) kind: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl View for Values {
    fn dtype(&self) -> Dtype {
        self.kind
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Parameters, running statistics and the optimizer's state, by name.
pub(crate) fn of(model: &Model, optimizer: &Optimizer) -> Result<Vec<(String, Values)>, TchError> {
    let state = optimizer.state.iter().map(|(name, tensor)| (state_name(name), tensor));
    model_tensors(model).chain(state).map(|(name, tensor)| Ok((name, values(tensor)?))).collect()
}

/// States between two steps of a sequence, by name.
pub(crate) fn of_states(model: &Model, states: &[Tensor]) -> Result<Vec<(String, Values)>, TchError> {
    state_tensors(model, states).map(|(name, tensor)| Ok((name, values(tensor)?))).collect()
}

/// The content of a file with these tensors and what is said about them.
pub(crate) fn serialize(tensors: Vec<(String, Values)>, about: &impl Serialize) -> Result<Vec<u8>, Problem> {
    let defect = |error: String| Problem::new(FailureKind::Internal, format!("tensors cannot be serialized: {error}"));
    let about = serde_json::to_string(about).map_err(|error| defect(error.to_string()))?;
    let metadata = HashMap::from([(ABOUT.to_owned(), about)]);
    safetensors::serialize(tensors, Some(metadata)).map_err(|error| defect(error.to_string()))
}

/// A file's content, read.
pub(crate) struct Contents<'a> {
    tensors: SafeTensors<'a>,
    about: Option<String>,
}

impl<'a> Contents<'a> {
    pub(crate) fn parse(content: &'a [u8]) -> Result<Self, Problem> {
        let problem = |error: safetensors::SafeTensorError| Problem::data(error.to_string());
        let tensors = SafeTensors::deserialize(content).map_err(problem)?;
        let (_, metadata) = SafeTensors::read_metadata(content).map_err(problem)?;
        let about = metadata.metadata().as_ref().and_then(|metadata| metadata.get(ABOUT).cloned());
        Ok(Self { tensors, about })
    }

    /// What the file says about its tensors.
    pub(crate) fn about<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let about = self.about.as_deref().and_then(|about| serde_json::from_str(about).ok());
        about.ok_or_else(|| Problem::data("it does not say how far the training went"))
    }

    /// Copies the values into a model's tensors and, for going on, into an optimizer's.
    pub(crate) fn restore(&self, model: &Model, optimizer: Option<&Optimizer>) -> Result<(), Problem> {
        for (name, tensor) in model_tensors(model) {
            self.read(&name, tensor)?;
        }
        for (name, tensor) in optimizer.into_iter().flat_map(|optimizer| &optimizer.state) {
            self.read(&state_name(name), tensor)?;
        }
        Ok(())
    }

    /// Copies the values into states between two steps of a sequence.
    pub(crate) fn restore_states(&self, model: &Model, states: &[Tensor]) -> Result<(), Problem> {
        state_tensors(model, states).try_for_each(|(name, tensor)| self.read(&name, tensor))
    }

    /// All tensors, by name.
    pub(crate) fn tensors(&self) -> Result<Vec<(String, Tensor)>, Problem> {
        self.tensors
            .iter()
            .map(|(name, view)| {
                if view.dtype() != Dtype::F32 {
                    return Err(Problem::data(format!("`{name}` does not hold 32-bit floats")));
                }
                let shape: Vec<i64> = view.shape().iter().map(|side| *side as i64).collect();
                Ok((name.to_owned(), Tensor::f_from_data_size(view.data(), &shape, Kind::Float)?))
            })
            .collect()
    }

    fn read(&self, name: &str, into: &Tensor) -> Result<(), Problem> {
        let view = self
            .tensors
            .tensor(name)
            .map_err(|_| Problem::data(format!("it holds no `{name}`: another network's?")))?;
        let shape: Vec<i64> = view.shape().iter().map(|side| *side as i64).collect();
        if shape != into.size() || view.dtype() != Dtype::F32 {
            let wanted = into.size();
            return Err(Problem::data(format!("`{name}` is {shape:?}, not {wanted:?}: another network's?")));
        }
        let tensor = Tensor::f_from_data_size(view.data(), &shape, Kind::Float)?;
        tch::no_grad(|| into.shallow_clone().f_copy_(&tensor))?;
        Ok(())
    }
}

fn model_tensors(model: &Model) -> impl Iterator<Item = (String, &Tensor)> {
    let parameters = model.names.iter().cloned().zip(model.parameters());
    parameters.chain(model.buffers.iter().map(|(name, tensor)| (name.clone(), tensor)))
}

/// No parameter of a node has this name.
fn state_tensors<'a>(model: &'a Model, states: &'a [Tensor]) -> impl Iterator<Item = (String, &'a Tensor)> {
    model.steps.states.iter().map(|state| format!("{}/state", state.name)).zip(states)
}

fn state_name(name: &str) -> String {
    format!("optimizer/{name}")
}

/// A tensor's values as 32-bit floats. libtorch runs on little-endian machines alone.
pub(crate) fn values(tensor: &Tensor) -> Result<Values, TchError> {
    let flat = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let mut bytes = vec![0; flat.numel() * size_of::<f32>()];
    flat.f_copy_data_u8(&mut bytes, flat.numel())?;
    let shape = tensor.size().into_iter().map(|side| usize::try_from(side).unwrap_or(0)).collect();
    Ok(Values { kind: Dtype::F32, shape, bytes })
}
