//! Trained weights, as the trainer names them: `NODE/weight`, `NODE/bias`, `NODE/running_mean`, `NODE/running_var`.

use std::collections::BTreeMap;

use archwright_space::{Network, Op, Shape};
use safetensors::tensor::{Dtype, SafeTensors};

use crate::ExportError;

/// One tensor of 32-bit floats, little-endian, rows first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values {
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

/// The trained weights of a network, by the trainer's names.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights(BTreeMap<String, Values>);

impl Weights {
    /// Takes a network's weights from the content of a safetensors file. What else the file holds is left aside.
    ///
    /// # Errors
    /// Where the content is no safetensors file, or lacks a tensor of the network, or holds one in another shape.
    pub fn read(content: &[u8], network: &Network) -> Result<Self, ExportError> {
        let file = SafeTensors::deserialize(content).map_err(|error| ExportError::Weights(error.to_string()))?;
        let mut weights = BTreeMap::new();
        for (name, shape) in wanted(network)? {
            let view = file.tensor(&name).map_err(|_| ExportError::Weights(format!("there is no `{name}`")))?;
            if view.shape() != shape || view.dtype() != Dtype::F32 {
                let found = format!("`{name}` is {:?} {:?}, not F32 {shape:?}", view.dtype(), view.shape());
                return Err(ExportError::Weights(found));
            }
            weights.insert(name, Values { shape, bytes: view.data().to_vec() });
        }
        Ok(Self(weights))
    }

    pub(crate) fn get(&self, node: &str, tensor: &str) -> Result<&Values, ExportError> {
        let name = format!("{node}/{tensor}");
        self.0.get(&name).ok_or_else(|| ExportError::Weights(format!("there is no `{name}`")))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.values().map(|values| values.bytes.len() as u64).sum()
    }
}

/// Names and shapes of all tensors of a network.
fn wanted(network: &Network) -> Result<Vec<(String, Vec<usize>)>, ExportError> {
    let shapes = network.shapes()?;
    let mut wanted = Vec::new();
    for node in &network.nodes {
        let channels = node.inputs.first().map_or(0, |input| channels(shapes[*input]));
        for (tensor, shape) in tensors(&node.op, channels) {
            wanted.push((format!("{}/{tensor}", node.name), shape));
        }
    }
    Ok(wanted)
}

fn channels(shape: Shape) -> usize {
    shape.channels() as usize
}

/// Names and shapes of an operation's tensors, for an input of so many channels.
pub(crate) fn tensors(op: &Op, channels: usize) -> Vec<(&'static str, Vec<usize>)> {
    let mut tensors = Vec::new();
    match op {
        Op::Conv2d { out_channels, kernel: [rows, columns], groups, bias, .. } => {
            let out = *out_channels as usize;
            tensors.push(("weight", vec![out, channels / *groups as usize, *rows as usize, *columns as usize]));
            if *bias {
                tensors.push(("bias", vec![out]));
            }
        }
        Op::Linear { out_features, bias } => {
            let out = *out_features as usize;
            tensors.push(("weight", vec![out, channels]));
            if *bias {
                tensors.push(("bias", vec![out]));
            }
        }
        Op::Embedding { vocabulary, features } => {
            tensors.push(("weight", vec![*vocabulary as usize, *features as usize]));
        }
        Op::TiedLinear { out_features, bias: true } => tensors.push(("bias", vec![*out_features as usize])),
        Op::BatchNorm { affine } => {
            if *affine {
                tensors.push(("weight", vec![channels]));
                tensors.push(("bias", vec![channels]));
            }
            tensors.push(("running_mean", vec![channels]));
            tensors.push(("running_var", vec![channels]));
        }
        _ => {}
    }
    tensors
}
