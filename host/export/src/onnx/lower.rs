//! Operations in ONNX's operators.

use archwright_space::{Network, Node, Op, Shape};

use super::is_for_training;
use super::proto::{self, Attribute, AttributeKind, ElementKind, Graph, Tensor};
use crate::weights::{Values, tensors};
use crate::{ExportError, Weights};

/// Name of the model's output.
pub(super) const OUTPUT: &str = "scores";
/// Epsilon of batch norms, as the trainer has it.
const EPSILON: f32 = 1e-5;

/// A model while it is made.
pub(super) struct Lowering<'a> {
    network: &'a Network,
    shapes: &'a [Shape],
    weights: &'a Weights,
    /// Name of the input.
    input: &'static str,
    /// Name of the output.
    output: &'static str,
    nodes: Vec<proto::Node>,
    constants: Vec<Tensor>,
    /// The value that each node's result is.
    results: Vec<String>,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(
        network: &'a Network,
        shapes: &'a [Shape],
        weights: &'a Weights,
        [input, output]: [&'static str; 2],
    ) -> Self {
        let (nodes, constants, results) = (Vec::new(), Vec::new(), Vec::new());
        Self { network, shapes, weights, input, output, nodes, constants, results }
    }

    /// The nodes and constants of the model. Each of `states` is left under the name that comes with its node.
    pub(super) fn lower(mut self, states: &[(usize, String)]) -> Result<(Vec<proto::Node>, Vec<Tensor>), ExportError> {
        let live = self.live(states);
        for (index, node) in self.network.nodes.iter().enumerate() {
            let result = if live[index] { self.node(node)? } else { String::new() };
            self.results.push(result);
        }
        let last = self.results.last().cloned().unwrap_or_default();
        let output = self.output;
        self.add("Identity", &format!("{output}/output"), vec![last], vec![], Some(output));
        for (node, name) in states {
            let value = self.results[*node].clone();
            self.add("Identity", &format!("{name}/output"), vec![value], vec![], Some(name));
        }
        Ok((self.nodes, self.constants))
    }

    /// What the output and the states depend on.
    fn live(&self, states: &[(usize, String)]) -> Vec<bool> {
        let mut live = vec![false; self.network.nodes.len()];
        states.iter().for_each(|(node, _)| live[*node] = true);
        if let Some(last) = live.last_mut() {
            *last = true;
        }
        for (index, node) in self.network.nodes.iter().enumerate().rev() {
            if live[index] && !is_for_training(&node.op) {
                node.inputs.iter().for_each(|input| live[*input] = true);
            }
        }
        live
    }

    /// Adds what computes a node; gives the name of its result.
    fn node(&mut self, node: &Node) -> Result<String, ExportError> {
        let inputs: Vec<String> = node.inputs.iter().map(|input| self.results[*input].clone()).collect();
        let input = node.inputs.first().map_or(Shape::Vector(0), |input| self.shapes[*input]);
        let x = || inputs.first().cloned().unwrap_or_default();
        let name = node.name.as_str();
        Ok(match &node.op {
            Op::Input { .. } => self.input.to_owned(),
            Op::State { slot, .. } => super::state_name(*slot),
            Op::Identity | Op::Dropout { .. } | Op::LockedDropout { .. } | Op::DropPath => x(),
            Op::Conv2d { kernel, stride, padding, dilation, groups, .. } => {
                let inputs = self.with_weights(node, x(), input)?;
                let mut attributes = window(*kernel, *stride, *padding);
                attributes.push(ints("dilations", &dilation.map(i64::from)));
                attributes.push(int("group", (*groups).into()));
                self.add("Conv", name, inputs, attributes, None)
            }
            Op::Linear { .. } => {
                let inputs = self.with_weights(node, x(), input)?;
                self.add("Gemm", name, inputs, vec![int("transB", 1)], None)
            }
            Op::Embedding { .. } => {
                let mut inputs = self.with_weights(node, x(), input)?;
                inputs.swap(0, 1);
                self.add("Gather", name, inputs, vec![int("axis", 0)], None)
            }
            Op::TiedLinear { .. } => {
                let mut inputs = self.with_weights(node, x(), input)?;
                inputs.insert(1, self.embedding(node)?);
                self.add("Gemm", name, inputs, vec![int("transB", 1)], None)
            }
            Op::BatchNorm { affine } => {
                let inputs = self.batch_norm(node, x(), input, *affine)?;
                self.add("BatchNormalization", name, inputs, vec![float("epsilon", EPSILON)], None)
            }
            Op::Relu => self.add("Relu", name, vec![x()], vec![], None),
            Op::Relu6 => {
                let inputs = vec![x(), self.scalar(name, "low", 0.0), self.scalar(name, "high", 6.0)];
                self.add("Clip", name, inputs, vec![], None)
            }
            Op::Gelu => self.gelu(name, x()),
            Op::Silu => {
                let gate = self.add("Sigmoid", &format!("{name}/sigmoid"), vec![x()], vec![], None);
                self.add("Mul", name, vec![x(), gate], vec![], None)
            }
            Op::HardSwish => self.add("HardSwish", name, vec![x()], vec![], None),
            Op::Tanh => self.add("Tanh", name, vec![x()], vec![], None),
            Op::Sigmoid => self.add("Sigmoid", name, vec![x()], vec![], None),
            Op::Complement => {
                let one = self.scalar(name, "one", 1.0);
                self.add("Sub", name, vec![one, x()], vec![], None)
            }
            Op::MaxPool { kernel, stride, padding } => {
                self.add("MaxPool", name, vec![x()], window(*kernel, *stride, *padding), None)
            }
            Op::AvgPool { kernel, stride, padding, count_include_pad } => {
                let mut attributes = window(*kernel, *stride, *padding);
                attributes.push(int("count_include_pad", i64::from(*count_include_pad)));
                self.add("AveragePool", name, vec![x()], attributes, None)
            }
            Op::GlobalAvgPool => {
                let mean = self.add("GlobalAveragePool", &format!("{name}/mean"), vec![x()], vec![], None);
                self.add("Flatten", name, vec![mean], vec![int("axis", 1)], None)
            }
            Op::Flatten => self.add("Flatten", name, vec![x()], vec![int("axis", 1)], None),
            Op::Add => self.fold("Add", name, inputs),
            Op::Multiply => self.fold("Mul", name, inputs),
            Op::Mean => self.add("Mean", name, inputs, vec![], None),
            Op::Concat => self.add("Concat", name, inputs, vec![int("axis", 1)], None),
            Op::Zero { stride } => {
                let thinned = if *stride == [1, 1] { x() } else { self.thinned(name, x(), *stride) };
                self.zeros(name, thinned)
            }
            Op::Shift { rows, columns } => self.shift(name, x(), *rows, *columns, input),
            Op::Truncate { channels } => self.truncate(name, x(), *channels),
            other => {
                let op = other.name().to_owned();
                return Err(ExportError::Unsupported { node: node.name.clone(), op, format: "ONNX" });
            }
        })
    }

    /// Adds an operator; gives the name of its result: its own, where it is given no other.
    fn add(
        &mut self,
        op: &str,
        name: &str,
        input: Vec<String>,
        attribute: Vec<Attribute>,
        result: Option<&str>,
    ) -> String {
        let result = result.map_or_else(|| format!("{name}/result"), str::to_owned);
        let (output, name) = (vec![result.clone()], name.to_owned());
        self.nodes.push(proto::Node { input, output, name, op_type: op.into(), attribute });
        result
    }

    /// A node's input and weights.
    fn with_weights(&mut self, node: &Node, x: String, input: Shape) -> Result<Vec<String>, ExportError> {
        let mut inputs = vec![x];
        for (tensor, _) in tensors(&node.op, input.channels() as usize) {
            let values = self.weights.get(&node.name, tensor)?;
            let (dims, raw_data) = (dims(values), values.bytes.clone());
            inputs.push(self.constant(&node.name, tensor, dims, ElementKind::Float, raw_data));
        }
        Ok(inputs)
    }

    /// The name of the embedding's weights.
    fn embedding(&self, node: &Node) -> Result<String, ExportError> {
        let embedding = self.network.nodes.iter().find(|node| matches!(node.op, Op::Embedding { .. }));
        let name = embedding.map(|embedding| format!("{}/weight", embedding.name));
        name.ok_or_else(|| ExportError::Weights(format!("there is no embedding for `{}`", node.name)))
    }

    /// Input, scale, shift and statistics of a batch norm; one that learns no scale has one of 1.
    fn batch_norm(&mut self, node: &Node, x: String, input: Shape, affine: bool) -> Result<Vec<String>, ExportError> {
        let mut inputs = self.with_weights(node, x, input)?;
        if !affine {
            let channels = input.channels();
            let mut filled = |tensor: &str, value: f32| {
                let bytes = std::iter::repeat_n(value.to_le_bytes(), channels as usize).flatten().collect();
                self.constant(&node.name, tensor, vec![channels.into()], ElementKind::Float, bytes)
            };
            let (scale, shift) = (filled("scale", 1.0), filled("shift", 0.0));
            inputs.splice(1..1, [scale, shift]);
        }
        Ok(inputs)
    }

    /// x / 2 (1 + erf(x / sqrt 2)): these operators have no gelu of their own.
    fn gelu(&mut self, name: &str, x: String) -> String {
        let part = |part: &str| format!("{name}/{part}");
        let root = self.scalar(name, "root", std::f32::consts::SQRT_2);
        let one = self.scalar(name, "one", 1.0);
        let half = self.scalar(name, "half", 0.5);
        let scaled = self.add("Div", &part("scaled"), vec![x.clone(), root], vec![], None);
        let erf = self.add("Erf", &part("erf"), vec![scaled], vec![], None);
        let sum = self.add("Add", &part("sum"), vec![erf, one], vec![], None);
        let gate = self.add("Mul", &part("gate"), vec![sum, half], vec![], None);
        self.add("Mul", name, vec![x, gate], vec![], None)
    }

    /// An operator on two values over all inputs, in the trainer's order.
    fn fold(&mut self, op: &str, name: &str, inputs: Vec<String>) -> String {
        let last = inputs.len().saturating_sub(1);
        let mut inputs = inputs.into_iter().enumerate();
        let Some((_, mut result)) = inputs.next() else { return String::new() };
        for (index, input) in inputs {
            let own = if index == last { name.to_owned() } else { format!("{name}/{index}") };
            result = self.add(op, &own, vec![result, input], vec![], None);
        }
        result
    }

    /// Every so many rows and columns.
    fn thinned(&mut self, name: &str, x: String, stride: [u32; 2]) -> String {
        self.slice(name, "thinned", x, [0, 0], stride.map(i64::from))
    }

    /// Zeros in a value's shape, whatever its values are.
    fn zeros(&mut self, name: &str, like: String) -> String {
        let shape = self.add("Shape", &format!("{name}/shape"), vec![like], vec![], None);
        let raw_data = 0f32.to_le_bytes().to_vec();
        let zero = Tensor { dims: vec![1], data_type: ElementKind::Float.into(), name: String::new(), raw_data };
        let value = Attribute {
            name: "value".into(),
            t: Some(zero),
            kind: AttributeKind::Tensor.into(),
            ..Attribute::default()
        };
        self.add("ConstantOfShape", name, vec![shape], vec![value], None)
    }

    fn shift(&mut self, name: &str, x: String, rows: u32, columns: u32, input: Shape) -> String {
        if let Shape::Map { height, width, .. } = input
            && (rows >= height || columns >= width)
        {
            return self.zeros(name, x);
        }
        let moved = [rows, columns].map(i64::from);
        let kept = self.slice(name, "kept", x, moved, [1, 1]);
        let pads = self.numbers(name, "pads", &[0, 0, 0, 0, 0, 0, moved[0], moved[1]]);
        self.add("Pad", name, vec![kept, pads], vec![], None)
    }

    fn truncate(&mut self, name: &str, x: String, channels: u32) -> String {
        let inputs = vec![
            x,
            self.numbers(name, "starts", &[0]),
            self.numbers(name, "ends", &[channels.into()]),
            self.numbers(name, "axes", &[1]),
        ];
        self.add("Slice", name, inputs, vec![], None)
    }

    /// Rows and columns from `starts` on.
    fn slice(&mut self, name: &str, part: &str, x: String, starts: [i64; 2], steps: [i64; 2]) -> String {
        let inputs = vec![
            x,
            self.numbers(name, "starts", &starts),
            self.numbers(name, "ends", &[i64::MAX; 2]),
            self.numbers(name, "axes", &[2, 3]),
            self.numbers(name, "steps", &steps),
        ];
        self.add("Slice", &format!("{name}/{part}"), inputs, vec![], None)
    }

    fn scalar(&mut self, node: &str, name: &str, value: f32) -> String {
        self.constant(node, name, Vec::new(), ElementKind::Float, value.to_le_bytes().to_vec())
    }

    fn numbers(&mut self, node: &str, name: &str, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(node, name, vec![values.len() as i64], ElementKind::Int64, bytes)
    }

    fn constant(&mut self, node: &str, name: &str, dims: Vec<i64>, kind: ElementKind, raw_data: Vec<u8>) -> String {
        let name = format!("{node}/{name}");
        self.constants.push(Tensor { dims, data_type: kind.into(), name: name.clone(), raw_data });
        name
    }
}

fn dims(values: &Values) -> Vec<i64> {
    values.shape.iter().map(|side| i64::try_from(*side).unwrap_or(i64::MAX)).collect()
}

fn window(kernel: [u32; 2], stride: [u32; 2], padding: [u32; 2]) -> Vec<Attribute> {
    let [rows, columns] = padding.map(i64::from);
    vec![
        ints("kernel_shape", &kernel.map(i64::from)),
        ints("strides", &stride.map(i64::from)),
        ints("pads", &[rows, columns, rows, columns]),
    ]
}

/// An operator for each step of a sequence, along the second axis of its last input and its last output.
pub(super) fn scan(name: &str, inputs: Vec<String>, outputs: Vec<String>, body: Graph) -> proto::Node {
    let body =
        Attribute { name: "body".into(), g: Some(body), kind: AttributeKind::Graph.into(), ..Attribute::default() };
    let axes = ["scan_input_axes", "scan_output_axes"].map(|axis| ints(axis, &[1]));
    let attribute = [body, int("num_scan_inputs", 1)].into_iter().chain(axes).collect();
    proto::Node { input: inputs, output: outputs, name: name.into(), op_type: "Scan".into(), attribute }
}

fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.into(), i: Some(value), kind: AttributeKind::Int.into(), ..Attribute::default() }
}

fn float(name: &str, value: f32) -> Attribute {
    Attribute { name: name.into(), f: Some(value), kind: AttributeKind::Float.into(), ..Attribute::default() }
}

fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute { name: name.into(), ints: values.to_vec(), kind: AttributeKind::Ints.into(), ..Attribute::default() }
}
