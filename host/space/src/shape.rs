//! Shapes of feature maps and vectors, inferred from a network's operations.

use std::fmt;

use crate::{Network, Node, Op, SpaceError};

/// Most nodes a network may have.
pub const MAX_NODES: usize = 20_000;
/// Most nodes of an open network, which holds all alternatives.
pub const MAX_OPEN_NODES: usize = 100_000;
/// Most inputs of one node.
pub const MAX_INPUTS: usize = 1_000;
/// Largest number of values in one feature map.
pub const MAX_VALUES: u64 = 1 << 32;
/// Most trainable parameters of a network.
pub const MAX_PARAMETERS: u64 = 1 << 36;

/// Shape of one example's features, without the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A feature map.
    Map {
        /// Channels.
        channels: u32,
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
    },
    /// A feature vector of this length.
    Vector(u32),
}

impl Shape {
    /// Number of values.
    pub fn values(self) -> u64 {
        match self {
            // Three factors below 2^32 may exceed 64 bits: saturated, it is refused as too large.
            Self::Map { channels, height, width } => {
                u64::from(channels).saturating_mul(u64::from(height)).saturating_mul(u64::from(width))
            }
            Self::Vector(length) => u64::from(length),
        }
    }

    /// Channels of a map, length of a vector.
    pub fn channels(self) -> u32 {
        match self {
            Self::Map { channels, .. } => channels,
            Self::Vector(length) => length,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map { channels, height, width } => write!(f, "{channels}x{height}x{width}"),
            Self::Vector(length) => length.fmt(f),
        }
    }
}

/// What an operation makes of its inputs' shapes; the error says what would be right.
pub(crate) fn infer(op: &Op, inputs: &[Shape]) -> Result<Shape, String> {
    let shape = match op {
        Op::Input { shape } => input(shape, inputs)?,
        Op::Conv2d { out_channels, kernel, stride, padding, dilation, groups, bias: _ } => {
            let (channels, height, width) = map(inputs)?;
            if *groups == 0 || channels % groups != 0 || out_channels % groups != 0 {
                return Err(format!(
                    "{groups} groups have to divide both {channels} channels in and {out_channels} out"
                ));
            }
            Shape::Map {
                channels: *out_channels,
                height: window(height, kernel[0], stride[0], padding[0], dilation[0])?,
                width: window(width, kernel[1], stride[1], padding[1], dilation[1])?,
            }
        }
        Op::MaxPool { kernel, stride, padding } | Op::AvgPool { kernel, stride, padding, .. } => {
            let (channels, height, width) = map(inputs)?;
            for axis in 0..2 {
                if padding[axis] > kernel[axis] / 2 {
                    return Err(format!(
                        "a padding of {} is more than half the window of {}",
                        padding[axis], kernel[axis]
                    ));
                }
            }
            Shape::Map {
                channels,
                height: window(height, kernel[0], stride[0], padding[0], 1)?,
                width: window(width, kernel[1], stride[1], padding[1], 1)?,
            }
        }
        Op::Zero { stride } => {
            let (channels, height, width) = map(inputs)?;
            if stride.contains(&0) {
                return Err("the stride has to be at least 1".into());
            }
            Shape::Map { channels, height: height.div_ceil(stride[0]), width: width.div_ceil(stride[1]) }
        }
        Op::Shift { .. } => {
            map(inputs)?;
            inputs[0]
        }
        Op::Truncate { channels } => {
            let shape = one(inputs)?;
            if *channels > shape.channels() {
                return Err(format!("{channels} channels are more than the {} that there are", shape.channels()));
            }
            match shape {
                Shape::Map { height, width, .. } => Shape::Map { channels: *channels, height, width },
                Shape::Vector(_) => Shape::Vector(*channels),
            }
        }
        Op::GlobalAvgPool => Shape::Vector(map(inputs)?.0),
        Op::Flatten => {
            let values = one(inputs)?.values();
            Shape::Vector(u32::try_from(values).map_err(|_| format!("{values} values are too many to flatten"))?)
        }
        Op::Linear { out_features, .. } | Op::TiedLinear { out_features, .. } => match one(inputs)? {
            Shape::Vector(_) => Shape::Vector(*out_features),
            shape @ Shape::Map { .. } => return Err(format!("it takes a vector, not a {shape} map: flatten it first")),
        },
        Op::Embedding { vocabulary: 0, .. } => return Err("a vocabulary has at least one token".into()),
        Op::Embedding { features, .. } => match one(inputs)? {
            Shape::Vector(1) => Shape::Vector(*features),
            shape => return Err(format!("it takes one token, an input of the shape [1], not {shape}")),
        },
        Op::State { features, .. } if inputs.is_empty() => Shape::Vector(*features),
        Op::State { .. } => return Err("it takes no inputs".into()),
        Op::SetState { .. } => match one(inputs)? {
            Shape::Vector(length) => Shape::Vector(length),
            shape @ Shape::Map { .. } => return Err(format!("it takes a vector, not a {shape} map")),
        },
        Op::Dropout { rate } | Op::LockedDropout { rate } => {
            if !(0.0..1.0).contains(rate) {
                return Err(format!("a rate of {rate} is not at least 0 and below 1"));
            }
            one(inputs)?
        }
        Op::Add | Op::Multiply | Op::Mean => {
            let Some((first, rest)) = inputs.split_first() else { return Err("it takes at least one input".into()) };
            match rest.iter().find(|shape| *shape != first) {
                Some(other) => return Err(format!("its inputs differ in shape: {first} and {other}")),
                None => *first,
            }
        }
        Op::Concat => concat(inputs)?,
        Op::BatchNorm { .. }
        | Op::Relu
        | Op::Relu6
        | Op::Gelu
        | Op::Silu
        | Op::HardSwish
        | Op::Tanh
        | Op::Sigmoid
        | Op::Complement
        | Op::Identity
        | Op::DropPath => one(inputs)?,
        Op::Auxiliary => match one(inputs)? {
            Shape::Vector(length) => Shape::Vector(length),
            shape @ Shape::Map { .. } => return Err(format!("it takes class scores, not a {shape} map")),
        },
    };
    match shape.values() {
        0 => Err("it gives nothing: every size has to be at least 1".into()),
        values if values > MAX_VALUES => Err(format!("a feature map of {values} values exceeds {MAX_VALUES}")),
        _ => Ok(shape),
    }
}

fn input(shape: &[u32], inputs: &[Shape]) -> Result<Shape, String> {
    if !inputs.is_empty() {
        return Err("it takes no inputs".into());
    }
    match *shape {
        [channels, height, width] => Ok(Shape::Map { channels, height, width }),
        [length] => Ok(Shape::Vector(length)),
        _ => Err(format!("its shape has {} axes, not 3 (channels, height, width) or 1", shape.len())),
    }
}

fn one(inputs: &[Shape]) -> Result<Shape, String> {
    match inputs {
        [shape] => Ok(*shape),
        _ => Err(format!("it takes one input, not {}", inputs.len())),
    }
}

fn map(inputs: &[Shape]) -> Result<(u32, u32, u32), String> {
    match one(inputs)? {
        Shape::Map { channels, height, width } => Ok((channels, height, width)),
        Shape::Vector(length) => Err(format!("it takes a feature map, not a vector of {length}")),
    }
}

fn concat(inputs: &[Shape]) -> Result<Shape, String> {
    let too_many = || "it gives too many channels".to_owned();
    let mut total = match inputs.first() {
        None => return Err("it takes at least one input".into()),
        Some(shape) => *shape,
    };
    for shape in &inputs[1..] {
        total = match (total, *shape) {
            (Shape::Map { channels, height, width }, Shape::Map { channels: more, height: rows, width: columns })
                if (height, width) == (rows, columns) =>
            {
                Shape::Map { channels: channels.checked_add(more).ok_or_else(too_many)?, height, width }
            }
            (Shape::Vector(length), Shape::Vector(more)) => {
                Shape::Vector(length.checked_add(more).ok_or_else(too_many)?)
            }
            (first, other) => return Err(format!("its inputs do not fit: {first} and {other}")),
        };
    }
    Ok(total)
}

/// Places of a window along an axis.
fn window(length: u32, kernel: u32, stride: u32, padding: u32, dilation: u32) -> Result<u32, String> {
    if kernel == 0 || stride == 0 || dilation == 0 {
        return Err("kernel, stride and dilation have to be at least 1".into());
    }
    let padded = u64::from(length) + 2 * u64::from(padding);
    let extent = u64::from(dilation) * (u64::from(kernel) - 1) + 1;
    if extent > padded {
        return Err(format!("a window of {extent} does not fit into {length} pixels padded by {padding}"));
    }
    u32::try_from((padded - extent) / u64::from(stride) + 1).map_err(|_| "it gives too many pixels".into())
}

impl Network {
    /// Shape of each node's result.
    ///
    /// # Errors
    /// Where a node is malformed or its inputs do not fit; names the node. Where there are more nodes than even an open network
    /// may have.
    pub fn shapes(&self) -> Result<Vec<Shape>, SpaceError> {
        self.check_nodes(MAX_OPEN_NODES)?;
        let mut shapes: Vec<Shape> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            if node.inputs.len() > MAX_INPUTS {
                return Err(node.problem(format!("{} inputs exceed {MAX_INPUTS}", node.inputs.len())));
            }
            let inputs: Option<Vec<Shape>> = node.inputs.iter().map(|input| shapes.get(*input).copied()).collect();
            let inputs = inputs.ok_or_else(|| {
                node.problem(format!(
                    "its inputs have to come before it; it is node {index}, they are {:?}",
                    node.inputs
                ))
            })?;
            shapes.push(infer(&node.op, &inputs).map_err(|problem| node.problem(problem))?);
        }
        Ok(shapes)
    }

    /// Checks that there are no more nodes than `limit`.
    pub(crate) fn check_nodes(&self, limit: usize) -> Result<(), SpaceError> {
        let found = self.nodes.len();
        if found > limit {
            let (found, limit) = (found as u64, limit as u64);
            return Err(SpaceError::Limit { what: "nodes of a network".into(), found, limit });
        }
        Ok(())
    }
}

impl Node {
    pub(crate) fn problem(&self, problem: String) -> SpaceError {
        SpaceError::Node { node: self.name.clone(), op: self.op.name().into(), problem }
    }
}
