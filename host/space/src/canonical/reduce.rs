//! Series-parallel reduction: replaces parts of a graph by single nodes whose labels say what they stand for. A label
//! tells the part that it stands for, and what is reduced in which round depends on nothing but the graph's structure, so
//! graphs are isomorphic exactly when their reductions are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Graph, Label, delay, digest};

/// Reduces until nothing can be reduced, and numbers the nodes that are left anew.
pub(super) fn reduce(graph: Graph) -> Graph {
    let count = graph.len();
    let mut reducer = Reducer {
        graph,
        alive: vec![true; count],
        chains: (0..count).collect(),
        changed: (0..count).collect(),
        keys: vec![None; count],
        classes: HashMap::new(),
    };
    loop {
        reducer.merge_chains();
        if !reducer.merge_twins() {
            return reducer.compact();
        }
    }
}

struct Reducer {
    graph: Graph,
    alive: Vec<bool>,
    /// Nodes that may begin a chain.
    chains: BTreeSet<usize>,
    /// Nodes whose label, inputs or outputs changed since twins were looked for.
    changed: BTreeSet<usize>,
    /// What makes each node a twin of others, as digest.
    keys: Vec<Option<Label>>,
    /// The nodes of each key.
    classes: HashMap<Label, BTreeSet<usize>>,
}

impl Reducer {
    /// Contracts each edge from a node without another successor to a node without another predecessor. A chain is
    /// contracted from its head, which has the lowest number, so its label does not depend on the numbering. Chains end
    /// where a step does: across steps there is no lowest number.
    fn merge_chains(&mut self) {
        let delay = delay();
        let Self { graph, alive, chains, changed, .. } = self;
        while let Some(node) = chains.pop_first() {
            while alive[node] && graph.labels[node] != delay {
                let next = only(&graph.outputs[node])
                    .filter(|next| only(&graph.inputs[*next]) == Some(node) && graph.labels[*next] != delay);
                let Some(next) = next else { break };
                // `next` becomes part of `node`.
                graph.labels[node] = digest(&[b"chain", &graph.labels[node], &graph.labels[next]]);
                graph.outputs[node] = std::mem::take(&mut graph.outputs[next]);
                graph.inputs[next].clear();
                alive[next] = false;
                for (successor, count) in graph.outputs[node].clone() {
                    graph.inputs[successor].remove(&next);
                    graph.inputs[successor].insert(node, count);
                    changed.insert(successor);
                }
                changed.extend([node, next]);
            }
        }
    }

    /// Makes one node of nodes with equal labels, inputs and outputs; whether there were any. Nodes around them may be
    /// part of chains now.
    fn merge_twins(&mut self) -> bool {
        let mut touched = BTreeSet::new();
        for node in std::mem::take(&mut self.changed) {
            self.forget(node);
            if self.alive[node] {
                let key = self.key(node);
                self.keys[node] = Some(key);
                self.classes.entry(key).or_default().insert(node);
                touched.insert(key);
            }
        }
        let twins: Vec<BTreeSet<usize>> =
            touched.iter().filter_map(|key| self.classes.get(key)).filter(|class| class.len() > 1).cloned().collect();
        for class in &twins {
            self.merge(class);
        }
        !twins.is_empty()
    }

    fn merge(&mut self, class: &BTreeSet<usize>) {
        let mut members = class.iter().copied();
        let Some(first) = members.next() else { return };
        let count = (class.len() as u64).to_le_bytes();
        self.graph.labels[first] = digest(&[b"twins", &self.graph.labels[first], &count]);
        self.changed.insert(first);
        self.chains.insert(first);
        for other in members {
            self.alive[other] = false;
            self.forget(other);
            for predecessor in std::mem::take(&mut self.graph.inputs[other]).into_keys() {
                self.graph.outputs[predecessor].remove(&other);
                self.changed.insert(predecessor);
                self.chains.insert(predecessor);
            }
            for successor in std::mem::take(&mut self.graph.outputs[other]).into_keys() {
                self.graph.inputs[successor].remove(&other);
                self.changed.insert(successor);
                self.chains.insert(successor);
            }
        }
    }

    fn forget(&mut self, node: usize) {
        if let Some(key) = self.keys[node].take()
            && let Some(class) = self.classes.get_mut(&key)
        {
            class.remove(&node);
            if class.is_empty() {
                self.classes.remove(&key);
            }
        }
    }

    /// Digest of a node's label, inputs and outputs.
    fn key(&self, node: usize) -> Label {
        let bytes = |neighbours: &BTreeMap<usize, u32>| {
            let mut bytes = Vec::with_capacity(12 * neighbours.len());
            for (other, count) in neighbours {
                bytes.extend((*other as u64).to_le_bytes());
                bytes.extend(count.to_le_bytes());
            }
            bytes
        };
        digest(&[&self.graph.labels[node], &bytes(&self.graph.inputs[node]), &bytes(&self.graph.outputs[node])])
    }

    fn compact(self) -> Graph {
        let Self { graph, alive, .. } = self;
        let mut places = vec![0; graph.len()];
        let kept: Vec<usize> = (0..graph.len()).filter(|node| alive[*node]).collect();
        for (place, node) in kept.iter().enumerate() {
            places[*node] = place;
        }
        let renumber = |neighbours: &BTreeMap<usize, u32>| {
            neighbours.iter().map(|(node, count)| (places[*node], *count)).collect()
        };
        Graph {
            labels: kept.iter().map(|node| graph.labels[*node]).collect(),
            inputs: kept.iter().map(|node| renumber(&graph.inputs[*node])).collect(),
            outputs: kept.iter().map(|node| renumber(&graph.outputs[*node])).collect(),
        }
    }
}

/// The one neighbour, where there is one with multiplicity one.
fn only(neighbours: &BTreeMap<usize, u32>) -> Option<usize> {
    match neighbours.iter().next() {
        Some((node, 1)) if neighbours.len() == 1 => Some(*node),
        _ => None,
    }
}
