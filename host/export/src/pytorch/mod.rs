//! PyTorch: a Python file with classes after the network's structure, and its weights.

mod names;
mod ops;
mod over_steps;
mod scope;
mod steps;
mod template;

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use archwright_space::{Op, Shape};
use safetensors::tensor::{Dtype, TensorView};

use crate::hierarchy::{Group, Hierarchy, Part};
use crate::weights::tensors;
use crate::{ExportError, Exported, Weights};
use names::{Names, camel, without_number};
use scope::{Body, Classes, Instance, Scope, Target, address, shape};
use template::Class;

/// A PyTorch module.
#[derive(Clone, Debug)]
pub struct PyTorch {
    /// Content of `model.py`.
    pub module: String,
    /// Content of `weights.safetensors`, by the names of the module's own state.
    pub weights: Vec<u8>,
}

/// Writes a network as a PyTorch module.
///
/// # Errors
/// Where the network is malformed, has an operation that this export does not know, or the weights are not its own.
pub fn pytorch(exported: &Exported, weights: &Weights) -> Result<PyTorch, ExportError> {
    let network = &exported.network;
    let shapes = network.shapes()?;
    let hierarchy = Hierarchy::of(network);
    let mut compiler = Compiler {
        exported,
        shapes: &shapes,
        hierarchy: &hierarchy,
        classes: Classes::default(),
        by_key: HashMap::new(),
        names: Names::classes(),
        attributes: HashMap::new(),
    };
    let mut levels = Vec::new();
    levels_of(&hierarchy.whole, &mut levels);
    // The last level is the whole network alone.
    levels.pop();
    for level in levels {
        compiler.level(&level)?;
    }
    let body = compiler.scope(&hierarchy.whole, true).body()?;
    let module = compiler.file(body)?;
    let weights = compiler.weights(weights)?;
    Ok(PyTorch { module, weights })
}

/// Groups by how deep they are nested from below; gives the level of `group`.
fn levels_of<'a>(group: &'a Group, levels: &mut Vec<Vec<&'a Group>>) -> usize {
    let inner = group.members.iter().filter_map(|member| match &member.part {
        Part::Group(group) => Some(levels_of(group, levels) + 1),
        Part::Node { .. } => None,
    });
    let level = inner.max().unwrap_or(0);
    while levels.len() <= level {
        levels.push(Vec::new());
    }
    levels[level].push(group);
    level
}

struct Compiler<'a> {
    exported: &'a Exported,
    shapes: &'a [Shape],
    hierarchy: &'a Hierarchy,
    classes: Classes,
    /// Classes by everything that instances have in common.
    by_key: HashMap<String, usize>,
    names: Names,
    /// Attributes of groups, by the groups' addresses.
    attributes: HashMap<usize, Vec<(String, Target)>>,
}

impl<'a> Compiler<'a> {
    fn scope<'b>(&'b self, group: &'b Group, whole: bool) -> Scope<'b> {
        Scope {
            network: &self.exported.network,
            shapes: self.shapes,
            hierarchy: self.hierarchy,
            classes: &self.classes,
            group,
            whole,
        }
    }

    /// Makes classes of groups whose members have theirs.
    fn level(&mut self, groups: &[&'a Group]) -> Result<(), ExportError> {
        let first = self.classes.all.len();
        for group in groups {
            let Body { template, forward, inputs, attributes } = self.scope(group, false).body()?;
            let base = class_name(group);
            let key = format!("{base}|{}|{}|{}", template.key(), inputs.join(","), forward.join("\n"));
            let values = template.slots.iter().map(|slot| slot.value.clone()).collect();
            let class = match self.by_key.get(&key) {
                Some(class) => *class,
                None => {
                    let name = self.names.claim(&base);
                    self.classes.all.push(Class::new(name, self.about(group), template, forward, inputs));
                    self.by_key.insert(key, self.classes.all.len() - 1);
                    self.classes.all.len() - 1
                }
            };
            let instances = &mut self.classes.all[class].instances;
            instances.push(values);
            let instance = Instance { class, index: instances.len() - 1 };
            self.classes.instances.insert(address(group), instance);
            self.attributes.insert(address(group), attributes);
        }
        self.classes.all[first..].iter_mut().for_each(Class::settle);
        Ok(())
    }

    fn about(&self, group: &Group) -> String {
        let name = group.names.last().map_or("part", |name| without_number(name)).replace(['\\', '"'], "'");
        let shapes = |nodes: Vec<usize>| {
            let mut shapes: Vec<String> = nodes.into_iter().map(|node| shape(self.shapes[node])).collect();
            shapes.dedup();
            shapes.join(" and ")
        };
        let takes = shapes(group.ports.iter().map(|port| port.node).collect());
        format!("`{name}`; first used from {takes} to {}.", shapes(group.outputs.clone()))
    }

    fn file(&mut self, body: Body) -> Result<String, ExportError> {
        let network = &self.exported.network;
        let Body { template, forward, inputs, attributes } = body;
        let values = template.slots.iter().map(|slot| slot.value.clone()).collect();
        let heads = self.hierarchy.heads.len();
        let sequence = self.hierarchy.sequence.as_ref();
        let has = |wanted: &dyn Fn(&Op) -> bool| network.nodes.iter().any(|node| wanted(&node.op));
        let ties = has(&|op| matches!(op, Op::TiedLinear { .. }));
        let locks = sequence.is_some() && has(&|op| matches!(op, Op::LockedDropout { .. }));
        if let (Some(_), Some(head)) = (sequence, network.nodes.iter().find(|node| matches!(node.op, Op::Auxiliary))) {
            let (node, op) = (head.name.clone(), head.op.name().to_owned());
            return Err(ExportError::Unsupported { node, op, format: "PyTorch for sequences" });
        }
        let scores = self.shapes.last().map_or(0, |shape| shape.channels());
        let about = if let Some(sequence) = sequence {
            over_steps::about(sequence, scores)
        } else if heads == 0 {
            "The network: images to class scores.".to_owned()
        } else {
            "The network: images to class scores; in training also the scores of its auxiliary head, to be added to the\n    \
             loss with a small weight."
                .to_owned()
        };
        let mut whole = Class::new("Network".into(), about, template, forward, inputs);
        if let Some(sequence) = sequence {
            whole.method = "step";
            whole.methods = over_steps::forward(sequence, locks);
        }
        whole.instances.push(values);
        whole.settle();
        self.attributes.insert(address(&self.hierarchy.whole), attributes);
        let mut classes: String = self.classes.all.iter().map(|class| class.text() + "\n\n").collect();
        classes.push_str(&whole.text());
        let functional = if ties || classes.contains("F.") { "import torch.nn.functional as F\n" } else { "" };
        let drops = has(&|op| matches!(op, Op::DropPath));
        let input = match network.nodes.first().map(|node| &node.op) {
            Some(Op::Input { shape }) => shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            _ => String::new(),
        };
        let footprint = network.footprint()?;
        let (takes, call, example) = match sequence {
            Some(sequence) => over_steps::usage(sequence, &input, scores),
            None => {
                let images = if self.exported.normalisation.is_some() {
                    "normalise(images))"
                } else {
                    "images)            # normalised as in training"
                };
                (
                    format!("takes images of ({input}) and gives {scores} class scores"),
                    format!("scores = model({images}"),
                    format!("model(torch.randn(1, {input}))"),
                )
            }
        };
        let mut text = format!(
            "\"\"\"A network that Archwright found: {origin}.\n\n\
             It has {parameters} parameters, {takes}.\n\n    \
             model = load()                    # in evaluation mode, with the weights beside this file\n    \
             {call}\n\"\"\"\n\n\
             from pathlib import Path\n\nimport torch\n{functional}from safetensors.torch import load_file\n\
             from torch import nn\n",
            origin = self.exported.origin.replace(['\\', '"'], "'"),
            parameters = footprint.parameters,
        );
        self.constants(&mut text);
        if drops {
            text.push_str(DROP_PATH);
        }
        if locks {
            text.push_str(over_steps::LOCKED_DROPOUT);
        }
        if ties {
            text.push_str(over_steps::TIED_LINEAR);
        }
        let _ = write!(text, "\n\n{classes}\n\n{LOAD}");
        let _ = write!(
            text,
            "if __name__ == \"__main__\":\n    model = load()\n    with torch.no_grad():\n        \
             print({example}.softmax(dim=-1))\n"
        );
        Ok(text)
    }

    /// What the data was like.
    fn constants(&self, text: &mut String) {
        if let Some(names) = &self.exported.class_names {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            let _ = write!(text, "\n# The classes, in the order of the scores.\nCLASSES = [{}]\n", names.join(", "));
        }
        if let Some(normalisation) = &self.exported.normalisation {
            let _ = write!(
                text,
                "\n# Of each channel, over the training examples.\nMEAN = {:?}\nDEVIATION = {:?}\n{NORMALISE}",
                normalisation.mean, normalisation.deviation
            );
        }
    }

    /// The weights by the names of the module's own state.
    fn weights(&self, weights: &Weights) -> Result<Vec<u8>, ExportError> {
        let network = &self.exported.network;
        let mut keys = Vec::new();
        self.keys(address(&self.hierarchy.whole), "", &mut keys);
        let zero = 0i64.to_le_bytes();
        let mut views = Vec::new();
        for (key, node) in &keys {
            let node = &network.nodes[*node];
            let channels = node.inputs.first().map_or(0, |input| self.shapes[*input].channels() as usize);
            for (tensor, _) in tensors(&node.op, channels) {
                let values = weights.get(&node.name, tensor)?;
                views.push((format!("{key}.{tensor}"), Dtype::F32, values.shape.clone(), &values.bytes[..]));
            }
            if matches!(node.op, Op::BatchNorm { .. }) {
                // PyTorch's batch norms count batches, which this momentum does not need.
                views.push((format!("{key}.num_batches_tracked"), Dtype::I64, Vec::new(), &zero[..]));
            }
        }
        let problem = |error: safetensors::SafeTensorError| ExportError::Weights(error.to_string());
        let views = views
            .into_iter()
            .map(|(key, kind, shape, bytes)| Ok((key, TensorView::new(kind, shape, bytes).map_err(problem)?)))
            .collect::<Result<Vec<_>, ExportError>>()?;
        let distinct: HashSet<&String> = views.iter().map(|(key, _)| key).collect();
        debug_assert_eq!(distinct.len(), views.len(), "attributes are unique");
        safetensors::serialize(views, None).map_err(problem)
    }

    fn keys(&self, group: usize, prefix: &str, keys: &mut Vec<(String, usize)>) {
        for (attribute, target) in self.attributes.get(&group).into_iter().flatten() {
            match target {
                Target::Node(node) => keys.push((format!("{prefix}{attribute}"), *node)),
                Target::Group(inner) => self.keys(*inner, &format!("{prefix}{attribute}."), keys),
            }
        }
    }
}

/// `NormalCell` for a group `normal-1` of vertices or edges.
fn class_name(group: &Group) -> String {
    let name = camel(group.names.last().map_or("part", |name| without_number(name)));
    let is_cell = group
        .members
        .iter()
        .filter_map(|member| member.places.first())
        .any(|place| ["node-", "vertex-", "edge-"].iter().any(|start| place.starts_with(start)));
    if is_cell && !name.ends_with("Cell") { name + "Cell" } else { name }
}

fn quoted(text: &str) -> String {
    // JSON's strings are Python's.
    serde_json::Value::from(text).to_string()
}

const NORMALISE: &str = r#"

def normalise(images):
    """Images, with values as the data has them, as the network was trained on them."""
    shape = (-1, 1, 1)
    mean = torch.tensor(MEAN, device=images.device).view(shape)
    deviation = torch.tensor(DEVIATION, device=images.device).view(shape)
    return (images.float() - mean) / deviation
"#;

const DROP_PATH: &str = r#"

class DropPath(nn.Module):
    """Sets whole examples to zero in training, with `DropPath.probability`, and scales up the others.

    Training usually lets the probability rise from 0, epoch by epoch: `DropPath.probability = 0.2 * epoch / epochs`.
    """

    probability = 0.0

    def forward(self, x):
        if not self.training or self.probability == 0.0:
            return x
        keep = 1.0 - self.probability
        mask = x.new_full((x.shape[0],) + (1,) * (x.dim() - 1), keep).bernoulli()
        return x * mask / keep
"#;

const LOAD: &str = r#"def load(path=Path(__file__).with_name("weights.safetensors")):
    """The trained network, in evaluation mode; `Network()` has fresh weights."""
    model = Network()
    model.load_state_dict(load_file(path))
    return model.eval()


"#;
