//! ONNX: the network as it computes outside training.

mod lower;
mod proto;

use archwright_space::{Op, Shape};
use prost::Message;

use crate::{ExportError, Exported, Weights};
use lower::Lowering;
use proto::{
    Dimension, ElementKind, Entry, Graph, Length, Model, OperatorSet, TensorShape, TensorType, Type, ValueInfo,
};

/// Version of ONNX's operators: the last one whose operators need no newer file format than [`FORMAT`].
const OPERATORS: i64 = 17;
/// Version of ONNX's file format.
const FORMAT: i64 = 8;
/// Most bytes of a protocol buffer.
const MAX_BYTES: u64 = (1 << 31) - (1 << 20);

/// Writes a network as an ONNX model: `images` (batch x channels x height x width) to `scores` (batch x classes). What
/// there is for training alone is left out.
///
/// # Errors
/// Where the network is malformed, has an operation that this export does not know, the weights are not its own, or they
/// are more than an ONNX file can hold.
pub fn onnx(exported: &Exported, weights: &Weights) -> Result<Vec<u8>, ExportError> {
    let Exported { network, origin, normalisation, class_names, .. } = exported;
    if weights.bytes() > MAX_BYTES {
        let what = "bytes of weights in an ONNX file";
        return Err(ExportError::Limit { what, found: weights.bytes(), limit: MAX_BYTES });
    }
    let shapes = network.shapes()?;
    let (node, initializer) = Lowering::new(network, &shapes, weights).lower()?;
    let value = |name: &str, shape: Option<Shape>| ValueInfo { name: name.into(), r#type: Some(tensor_type(shape)) };
    let graph = Graph {
        node,
        name: "network".into(),
        initializer,
        input: vec![value(lower::INPUT, shapes.first().copied())],
        output: vec![value(lower::OUTPUT, shapes.last().copied())],
    };
    let mut metadata_props = vec![Entry { key: "origin".into(), value: origin.clone() }];
    let mut entry = |key: &str, value: serde_json::Value| {
        metadata_props.push(Entry { key: key.into(), value: value.to_string() });
    };
    if let Some(normalisation) = normalisation {
        entry("mean", normalisation.mean.clone().into());
        entry("deviation", normalisation.deviation.clone().into());
    }
    if let Some(names) = class_names {
        entry("classes", names.clone().into());
    }
    let model = Model {
        ir_version: FORMAT,
        producer_name: "archwright".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: format!("A network that Archwright found: {origin}"),
        graph: Some(graph),
        opset_import: vec![OperatorSet { domain: String::new(), version: OPERATORS }],
        metadata_props,
    };
    Ok(model.encode_to_vec())
}

fn tensor_type(shape: Option<Shape>) -> Type {
    let sides = match shape {
        Some(Shape::Map { channels, height, width }) => vec![channels, height, width],
        Some(Shape::Vector(length)) => vec![length],
        None => Vec::new(),
    };
    let batch = Dimension { value: Some(Length::Named("batch".into())) };
    let fixed = |side: u32| Dimension { value: Some(Length::Fixed(side.into())) };
    let dim = std::iter::once(batch).chain(sides.into_iter().map(fixed)).collect();
    let shape = Some(TensorShape { dim });
    Type { tensor_type: Some(TensorType { elem_type: ElementKind::Float.into(), shape }) }
}

/// Whether an operation is there in training alone.
fn is_for_training(op: &Op) -> bool {
    matches!(op, Op::Auxiliary)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use archwright_space::{Network, Node};
    use safetensors::tensor::{Dtype, TensorView};

    use super::*;

    #[test]
    fn zeros_in_attributes_are_written() {
        let attribute = proto::Attribute { name: "a".into(), i: Some(0), ..proto::Attribute::default() };
        assert_eq!(attribute.encode_to_vec(), [10, 1, b'a', 24, 0]);
    }

    #[test]
    fn a_model_is_read_back_and_every_value_is_made_before_its_use() {
        let node = |name: &str, op: Op, inputs: &[usize]| Node { name: name.into(), op, inputs: inputs.to_vec() };
        let network = Network {
            nodes: vec![
                node("input", Op::Input { shape: vec![2, 4, 4] }, &[]),
                node("shift", Op::Shift { rows: 1, columns: 0 }, &[0]),
                node("zero", Op::Zero { stride: [2, 2] }, &[1]),
                node("pool", Op::MaxPool { kernel: [2, 2], stride: [2, 2], padding: [0, 0] }, &[0]),
                node("add", Op::Add, &[2, 3, 3]),
                node("gelu", Op::Gelu, &[4]),
                node("head/pool", Op::GlobalAvgPool, &[3]),
                node("head", Op::Auxiliary, &[6]),
                node("flatten", Op::Flatten, &[5]),
                node("linear", Op::Linear { out_features: 3, bias: true }, &[8]),
            ],
        };
        let bytes = [0; 4 * 3 * 8];
        let tensor = |name: &str, shape: Vec<usize>| {
            let length = 4 * shape.iter().product::<usize>();
            (name.to_owned(), TensorView::new(Dtype::F32, shape, &bytes[..length]).unwrap())
        };
        let tensors = [tensor("linear/weight", vec![3, 8]), tensor("linear/bias", vec![3])];
        let weights = Weights::read(&safetensors::serialize(tensors, None).unwrap(), &network).unwrap();
        let exported = Exported::new(network, "a test");
        let model = Model::decode(&*onnx(&exported, &weights).unwrap()).unwrap();
        assert_eq!((model.ir_version, model.opset_import[0].version), (FORMAT, OPERATORS));
        let graph = model.graph.unwrap();
        let mut known: BTreeSet<&str> = graph.initializer.iter().map(|tensor| &*tensor.name).collect();
        known.insert(lower::INPUT);
        for node in &graph.node {
            assert!(node.input.iter().all(|input| known.contains(&**input)), "{node:?}");
            assert!(node.output.iter().all(|output| known.insert(output)), "{node:?}");
            assert!(!node.name.starts_with("head"), "heads are for training: {node:?}");
        }
        assert!(known.contains(lower::OUTPUT));
    }
}
