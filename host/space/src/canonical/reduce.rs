//! Series-parallel reduction: replaces parts of a graph by single nodes whose labels say what they stand for. A part and
//! its label determine each other, so graphs are isomorphic exactly when their reductions are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Graph, Label, digest};

/// Reduces until nothing can be reduced, and numbers the nodes that are left anew.
pub(super) fn reduce(mut graph: Graph) -> Graph {
    let mut alive = vec![true; graph.len()];
    let mut work: BTreeSet<usize> = (0..graph.len()).collect();
    while !work.is_empty() {
        merge_chains(&mut graph, &mut alive, &mut work);
        if !merge_twins(&mut graph, &mut alive, &mut work) {
            break;
        }
    }
    compact(graph, &alive)
}

/// Contracts each edge from a node without another successor to a node without another predecessor.
fn merge_chains(graph: &mut Graph, alive: &mut [bool], work: &mut BTreeSet<usize>) {
    while let Some(node) = work.pop_first() {
        while alive[node] {
            let Some(next) = only(&graph.outputs[node]).filter(|next| only(&graph.inputs[*next]) == Some(node)) else {
                break;
            };
            // `next` becomes part of `node`.
            graph.labels[node] = digest(&[b"chain", &graph.labels[node], &graph.labels[next]]);
            graph.outputs[node] = std::mem::take(&mut graph.outputs[next]);
            graph.inputs[next].clear();
            alive[next] = false;
            for (successor, count) in graph.outputs[node].clone() {
                graph.inputs[successor].remove(&next);
                graph.inputs[successor].insert(node, count);
            }
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

/// Makes one node of nodes with equal labels, inputs and outputs; whether there were any. Nodes around them may be part of
/// chains now.
fn merge_twins(graph: &mut Graph, alive: &mut [bool], work: &mut BTreeSet<usize>) -> bool {
    let mut classes: HashMap<(Label, &BTreeMap<usize, u32>, &BTreeMap<usize, u32>), Vec<usize>> = HashMap::new();
    for node in (0..graph.len()).filter(|node| alive[*node]) {
        classes.entry((graph.labels[node], &graph.inputs[node], &graph.outputs[node])).or_default().push(node);
    }
    let mut twins: Vec<Vec<usize>> = classes.into_values().filter(|class| class.len() > 1).collect();
    twins.sort();
    for class in &twins {
        let (first, others) = (class[0], &class[1..]);
        let count = (class.len() as u64).to_le_bytes();
        graph.labels[first] = digest(&[b"twins", &graph.labels[first], &count]);
        for other in others {
            alive[*other] = false;
            for predecessor in std::mem::take(&mut graph.inputs[*other]).into_keys() {
                graph.outputs[predecessor].remove(other);
                work.insert(predecessor);
            }
            for successor in std::mem::take(&mut graph.outputs[*other]).into_keys() {
                graph.inputs[successor].remove(other);
                work.insert(successor);
            }
        }
        work.insert(first);
    }
    !twins.is_empty()
}

fn compact(graph: Graph, alive: &[bool]) -> Graph {
    let mut places = vec![0; graph.len()];
    let kept: Vec<usize> = (0..graph.len()).filter(|node| alive[*node]).collect();
    for (place, node) in kept.iter().enumerate() {
        places[*node] = place;
    }
    let renumber =
        |neighbours: &BTreeMap<usize, u32>| neighbours.iter().map(|(node, count)| (places[*node], *count)).collect();
    Graph {
        labels: kept.iter().map(|node| graph.labels[*node]).collect(),
        inputs: kept.iter().map(|node| renumber(&graph.inputs[*node])).collect(),
        outputs: kept.iter().map(|node| renumber(&graph.outputs[*node])).collect(),
    }
}
