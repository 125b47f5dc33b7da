//! Size and work of a network, and whether it is well formed.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::shape::{MAX_NODES, MAX_PARAMETERS, Shape};
use crate::steps::needed;
use crate::{Network, Op, SpaceError};

/// Size and work of a network for one input: one image, or one step of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint {
    /// Trainable parameters. Auxiliary heads, which exist only in training, do not count.
    pub parameters: u64,
    /// Multiply-adds of convolutions and fully connected layers, each counted once.
    pub multiply_adds: u64,
    /// Most convolutions and fully connected layers on a path from the input to the output, within one step.
    pub depth: u32,
    /// Bytes of all results of a forward pass, as 32-bit floats.
    pub activation_bytes: u64,
}

/// What a network's convolutions, fully connected layers and norms hold and do, whether its output depends on them or not.
///
/// This is how benchmarks count, NAS-Bench-201 for one: its networks hold operations that lead nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeWork {
    /// Trainable parameters. Auxiliary heads do not count.
    pub parameters: u64,
    /// Multiply-adds of convolutions and fully connected layers, each counted once.
    pub multiply_adds: u64,
}

impl Network {
    /// Parameters and multiply-adds of all nodes but those of auxiliary heads.
    ///
    /// # Errors
    /// As [`Network::validate`].
    pub fn whole_work(&self) -> Result<WholeWork, SpaceError> {
        self.check_structure()?;
        let shapes = self.shapes()?;
        let live = self.needed_for_output();
        let mut auxiliary: Vec<bool> = self.nodes.iter().map(|node| matches!(node.op, Op::Auxiliary)).collect();
        for (index, node) in self.nodes.iter().enumerate().rev() {
            if auxiliary[index] {
                node.inputs.iter().for_each(|input| auxiliary[*input] = true);
            }
        }
        let mut whole = WholeWork::default();
        for (index, node) in self.nodes.iter().enumerate().filter(|(index, _)| live[*index] || !auxiliary[*index]) {
            let input = node.inputs.first().map(|input| shapes[*input]);
            let (parameters, multiply_adds, _) = work(&node.op, input, shapes[index]);
            whole.parameters = whole.parameters.saturating_add(parameters);
            whole.multiply_adds = whole.multiply_adds.saturating_add(multiply_adds);
        }
        Ok(whole)
    }

    /// Checks that the network is well formed: one input, which comes first; unique names; inputs that come before their
    /// nodes; shapes that fit; a vector as output; sizes within limits.
    ///
    /// # Errors
    /// Says what is wrong and with which node.
    pub fn validate(&self) -> Result<(), SpaceError> {
        self.check_nodes(MAX_NODES)?;
        self.footprint().map(|_| ())
    }

    /// Size and work of the network, which may be an open one.
    ///
    /// # Errors
    /// As [`Network::validate`], but that it may have as many nodes as an open network.
    pub fn footprint(&self) -> Result<Footprint, SpaceError> {
        self.check_structure()?;
        let shapes = self.shapes()?;
        self.check_steps(&shapes)?;
        if let Some(Shape::Map { .. }) = shapes.last() {
            return Err(SpaceError::Network("the last node gives a feature map, not one score per class".into()));
        }
        let live = self.needed_for_output();
        let mut footprint = Footprint { parameters: 0, multiply_adds: 0, depth: 0, activation_bytes: 0 };
        let mut depths = vec![0u32; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            let input = node.inputs.first().map(|input| shapes[*input]);
            let (parameters, multiply_adds, layer) = work(&node.op, input, shapes[index]);
            let before = node.inputs.iter().map(|input| depths[*input]).max().unwrap_or(0);
            depths[index] = before + u32::from(layer);
            if live[index] && !matches!(node.op, Op::SetState { .. }) {
                footprint.parameters = footprint.parameters.saturating_add(parameters);
                footprint.multiply_adds = footprint.multiply_adds.saturating_add(multiply_adds);
                footprint.activation_bytes =
                    footprint.activation_bytes.saturating_add(shapes[index].values().saturating_mul(4));
                footprint.depth = footprint.depth.max(depths[index]);
            }
        }
        if footprint.parameters > MAX_PARAMETERS {
            return Err(SpaceError::Limit {
                what: "parameters of a network".into(),
                found: footprint.parameters,
                limit: MAX_PARAMETERS,
            });
        }
        Ok(footprint)
    }

    fn check_structure(&self) -> Result<(), SpaceError> {
        let problem = |problem: String| Err(SpaceError::Network(problem));
        match self.nodes.first() {
            None => return problem("it has no nodes".into()),
            Some(node) if !matches!(node.op, Op::Input { .. }) => {
                return problem(format!("its first node is `{}`, not the input", node.op.name()));
            }
            Some(_) => {}
        }
        if let Some(node) = self.nodes.iter().skip(1).find(|node| matches!(node.op, Op::Input { .. })) {
            return Err(node.problem("a network has one input".into()));
        }
        let mut names = HashSet::new();
        if let Some(node) = self.nodes.iter().find(|node| !names.insert(node.name.as_str())) {
            return Err(node.problem("another node has this name".into()));
        }
        for node in &self.nodes {
            for input in &node.inputs {
                match self.nodes.get(*input).map(|other| &other.op) {
                    Some(Op::Auxiliary) => return Err(node.problem("an auxiliary output cannot be an input".into())),
                    Some(Op::SetState { .. }) => {
                        return Err(
                            node.problem("a `set-state` cannot be an input: read its `state` or its input".into())
                        );
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Which nodes the output depends on.
    fn needed_for_output(&self) -> Vec<bool> {
        needed(&self.nodes, self.nodes.len().checked_sub(1))
    }
}

/// Parameters and multiply-adds of an operation, and whether it is a layer that counts for the depth.
fn work(op: &Op, input: Option<Shape>, output: Shape) -> (u64, u64, bool) {
    let channels = u64::from(input.map_or(0, Shape::channels));
    match op {
        Op::Conv2d { out_channels, kernel, groups, bias, .. } => {
            let taps = (channels / u64::from(*groups))
                .saturating_mul(u64::from(kernel[0]))
                .saturating_mul(u64::from(kernel[1]));
            let weights = taps.saturating_mul(u64::from(*out_channels));
            let biases = if *bias { u64::from(*out_channels) } else { 0 };
            (weights.saturating_add(biases), taps.saturating_mul(output.values()), true)
        }
        Op::Linear { out_features, bias } => {
            let weights = channels.saturating_mul(u64::from(*out_features));
            let biases = if *bias { u64::from(*out_features) } else { 0 };
            (weights.saturating_add(biases), weights, true)
        }
        Op::Embedding { vocabulary, features } => (u64::from(*vocabulary) * u64::from(*features), 0, false),
        // Its weights are the embedding's.
        Op::TiedLinear { out_features, bias } => {
            let biases = if *bias { u64::from(*out_features) } else { 0 };
            (biases, channels.saturating_mul(u64::from(*out_features)), true)
        }
        Op::BatchNorm { affine: true } => (2 * channels, 0, false),
        _ => (0, 0, false),
    }
}
