//! ONNX: the network as it computes outside training.

mod lower;
mod proto;

use archwright_space::{Network, Op, Shape};
use prost::Message;

use crate::sequence::Sequence;
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

/// Name of the input of a network that is for no sequences.
const INPUT: &str = "images";

/// Writes a network as an ONNX model: `images` (batch x channels x height x width) to `scores` (batch x classes). What
/// there is for training alone is left out.
///
/// One for sequences has the inputs `tokens` (batch x steps) and, for each state, `state_SLOT`; the outputs `scores` (batch x
/// steps x tokens) and `next_state_SLOT`, from which the sequence can go on.
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
    let graph = match Sequence::of(network) {
        Some(sequence) => over_steps(network, &shapes, weights, &sequence)?,
        None => {
            let (node, initializer) = Lowering::new(network, &shapes, weights, [INPUT, lower::OUTPUT]).lower(&[])?;
            Graph {
                node,
                name: "network".into(),
                initializer,
                input: vec![value(INPUT, ElementKind::Float, false, &sides(shapes.first().copied()))],
                output: vec![value(lower::OUTPUT, ElementKind::Float, false, &sides(shapes.last().copied()))],
            }
        }
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

/// A graph over the steps of sequences, whose body is the network.
fn over_steps(
    network: &Network,
    shapes: &[Shape],
    weights: &Weights,
    sequence: &Sequence,
) -> Result<Graph, ExportError> {
    let (all, each) = if sequence.vocabulary.is_some() { ("tokens", "token") } else { ("inputs", "input") };
    let kind = if sequence.vocabulary.is_some() { ElementKind::Int64 } else { ElementKind::Float };
    // A token has no axis of its own.
    let input = if sequence.vocabulary.is_some() { Vec::new() } else { sides(shapes.first().copied()) };
    let output = sides(shapes.last().copied());
    let step = [each, "score"];
    let after: Vec<(usize, String)> =
        sequence.states.iter().map(|state| (state.next, format!("{}/after", state_name(state.slot)))).collect();
    let (node, initializer) = Lowering::new(network, shapes, weights, step).lower(&after)?;
    let float = ElementKind::Float;
    let states = |name: &dyn Fn(u32) -> String| -> Vec<ValueInfo> {
        sequence.states.iter().map(|state| value(&name(state.slot), float, false, &[state.features])).collect()
    };
    let with = |mut states: Vec<ValueInfo>, last: ValueInfo| {
        states.push(last);
        states
    };
    let names = |values: &[ValueInfo]| values.iter().map(|value| value.name.clone()).collect::<Vec<_>>();
    let after = |slot: u32| format!("{}/after", state_name(slot));
    let body = Graph {
        node,
        name: "step".into(),
        // Weights stand outside, where they are seen, too.
        initializer: Vec::new(),
        input: with(states(&state_name), value(each, kind, false, &input)),
        output: with(states(&after), value("score", float, false, &output)),
    };
    let before = |slot: u32| format!("state_{slot}");
    let next = |slot: u32| format!("next_state_{slot}");
    let given = with(states(&before), value(all, kind, true, &input));
    let results = with(states(&next), value(lower::OUTPUT, float, true, &output));
    let scan = lower::scan("steps", names(&given), names(&results), body);
    // The sequence first, as in the module.
    let first = |mut values: Vec<ValueInfo>| {
        values.rotate_right(1);
        values
    };
    Ok(Graph { node: vec![scan], name: "network".into(), initializer, input: first(given), output: first(results) })
}

/// Name of a state within a step.
fn state_name(slot: u32) -> String {
    format!("step/state_{slot}")
}

fn sides(shape: Option<Shape>) -> Vec<u32> {
    match shape {
        Some(Shape::Map { channels, height, width }) => vec![channels, height, width],
        Some(Shape::Vector(length)) => vec![length],
        None => Vec::new(),
    }
}

/// A value for each example, for each step of it where there are steps.
fn value(name: &str, kind: ElementKind, steps: bool, sides: &[u32]) -> ValueInfo {
    let named = |name: &str| Dimension { value: Some(Length::Named(name.into())) };
    let fixed = |side: &u32| Dimension { value: Some(Length::Fixed((*side).into())) };
    let dim =
        [named("batch")].into_iter().chain(steps.then(|| named("steps"))).chain(sides.iter().map(fixed)).collect();
    let tensor_type = Some(TensorType { elem_type: kind.into(), shape: Some(TensorShape { dim }) });
    ValueInfo { name: name.into(), r#type: Some(Type { tensor_type }) }
}

/// Whether an operation is there in training alone.
fn is_for_training(op: &Op) -> bool {
    matches!(op, Op::Auxiliary)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use archwright_space::Node;
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
        known.insert(INPUT);
        for node in &graph.node {
            assert!(node.input.iter().all(|input| known.contains(&**input)), "{node:?}");
            assert!(node.output.iter().all(|output| known.insert(output)), "{node:?}");
            assert!(!node.name.starts_with("head"), "heads are for training: {node:?}");
        }
        assert!(known.contains(lower::OUTPUT));
    }
}
