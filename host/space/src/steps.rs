//! What joins the steps of a sequence: states, and the tokens that steps read.

use std::collections::BTreeMap;

use crate::{Network, Node, Op, Shape, SpaceError};

/// What a network hands from one step of a sequence to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurrentState {
    /// Its slot, which names it.
    pub slot: u32,
    /// Its length.
    pub features: u32,
    /// The node that gives it.
    pub node: usize,
    /// The node whose result it is in the next step.
    pub next: usize,
}

impl Network {
    /// The states of a valid network, in the order of their nodes; none where it is for no sequences.
    pub fn states(&self) -> Vec<RecurrentState> {
        let next = |slot: u32| {
            let setter = self.nodes.iter().find(|node| node.op == Op::SetState { slot });
            setter.and_then(|node| node.inputs.first().copied())
        };
        let state = |(node, one): (usize, &Node)| match one.op {
            Op::State { slot, features } => Some(RecurrentState { slot, features, node, next: next(slot)? }),
            _ => None,
        };
        self.nodes.iter().enumerate().filter_map(state).collect()
    }

    /// Number of different tokens, of a network whose steps read one.
    pub fn vocabulary(&self) -> Option<u32> {
        self.nodes.iter().find_map(|node| match node.op {
            Op::Embedding { vocabulary, .. } => Some(vocabulary),
            _ => None,
        })
    }

    /// Checks what a single operation does not show: every state is set once, by a vector of its length; tokens are read by
    /// embeddings alone; and tied weights are those of one embedding.
    ///
    /// Expects shapes that were inferred from this network.
    pub(crate) fn check_steps(&self, shapes: &[Shape]) -> Result<(), SpaceError> {
        self.check_states(shapes)?;
        self.check_embeddings(shapes)
    }

    fn check_states(&self, shapes: &[Shape]) -> Result<(), SpaceError> {
        let (mut states, mut setters) = (BTreeMap::new(), BTreeMap::new());
        for (index, node) in self.nodes.iter().enumerate() {
            let (others, slot) = match node.op {
                Op::State { slot, .. } => (&mut states, slot),
                Op::SetState { slot } => (&mut setters, slot),
                _ => continue,
            };
            if others.insert(slot, index).is_some() {
                return Err(node.problem(format!("another `{}` has the slot {slot}: each has its own", node.op.name())));
            }
        }
        if let Some(node) = self.nodes.last().filter(|node| matches!(node.op, Op::SetState { .. })) {
            return Err(node.problem("the last node is the network's output, which this is not".into()));
        }
        for (slot, state) in &states {
            let node = &self.nodes[*state];
            match setters.get(slot) {
                None => return Err(node.problem(format!("nothing sets slot {slot}: one `set-state` has to"))),
                Some(setter) if shapes[*setter] != shapes[*state] => {
                    let (found, wanted) = (shapes[*setter], shapes[*state]);
                    let problem = format!("it sets slot {slot} to a vector of {found}, the state is one of {wanted}");
                    return Err(self.nodes[*setter].problem(problem));
                }
                Some(_) => {}
            }
        }
        match setters.iter().find(|(slot, _)| !states.contains_key(slot)) {
            Some((slot, setter)) => {
                Err(self.nodes[*setter].problem(format!("there is no `state` with the slot {slot}")))
            }
            None => Ok(()),
        }
    }

    fn check_embeddings(&self, shapes: &[Shape]) -> Result<(), SpaceError> {
        let embeddings: Vec<&Node> = self.nodes.iter().filter(|node| matches!(node.op, Op::Embedding { .. })).collect();
        if let Some(node) = embeddings.iter().find(|node| node.inputs != [0]) {
            return Err(node.problem("it has to read the network's input itself".into()));
        }
        let reads_token = |node: &&Node| node.inputs.contains(&0) && !matches!(node.op, Op::Embedding { .. });
        if !embeddings.is_empty()
            && let Some(node) = self.nodes.iter().find(reads_token)
        {
            return Err(node.problem("it cannot read a token: an `embedding` makes a vector of it".into()));
        }
        for node in &self.nodes {
            let Op::TiedLinear { out_features, .. } = node.op else { continue };
            let length = node.inputs.first().map_or(0, |input| shapes[*input].channels());
            match embeddings[..] {
                [Node { op: Op::Embedding { vocabulary, features }, .. }] => {
                    if (*vocabulary, *features) != (out_features, length) {
                        let problem = format!(
                            "it gives {out_features} scores for a vector of {length}, but the embedding whose weights it \
                             has makes vectors of {features} of {vocabulary} tokens: both have to agree"
                        );
                        return Err(node.problem(problem));
                    }
                }
                _ => {
                    let problem = format!("the network has to have one embedding to share, not {}", embeddings.len());
                    return Err(node.problem(problem));
                }
            }
        }
        Ok(())
    }
}

/// Which nodes are needed for `roots`, in this step or in one before: inputs, what sets a state that is read, and the
/// embedding whose weights are shared.
pub(crate) fn needed(nodes: &[Node], roots: impl IntoIterator<Item = usize>) -> Vec<bool> {
    let mut live = vec![false; nodes.len()];
    let mut open: Vec<usize> = roots.into_iter().collect();
    let find = |wanted: &dyn Fn(&Op) -> bool| nodes.iter().position(|node| wanted(&node.op));
    while let Some(index) = open.pop() {
        if std::mem::replace(&mut live[index], true) {
            continue;
        }
        open.extend(&nodes[index].inputs);
        open.extend(match nodes[index].op {
            Op::State { slot, .. } => find(&|op| *op == Op::SetState { slot }),
            Op::TiedLinear { .. } => find(&|op| matches!(op, Op::Embedding { .. })),
            _ => None,
        });
    }
    live
}
