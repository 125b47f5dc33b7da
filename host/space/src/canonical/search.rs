//! Individualisation-refinement: tries orders of the nodes that refinement cannot tell apart, and takes the least form.
//! Automorphisms that show up on the way, and traces of the refinement, keep the tree of choices small.

use super::partition::Partition;
use super::{Graph, Label, digest};

/// Nodes and edges that the search may look at, and nodes that it may hold: about a second, and 200 MB.
const MAX_WORK: u64 = 10_000_000;

/// Digest of the canonical form; of the graph as it is where the search takes too much work.
pub(super) fn canonical_digest(graph: &Graph) -> Label {
    let mut search = Search { graph, first: None, best: None, automorphisms: Vec::new(), work: 0 };
    match search.run() {
        Some(()) => search.best.map_or_else(|| digest(&[b"empty"]), |leaf| leaf.form),
        None => digest(&[b"ordered", &written(graph, &(0..graph.len()).collect::<Vec<_>>())]),
    }
}

/// A complete order of the nodes.
#[derive(Clone)]
struct Leaf {
    /// What refinement saw after each node that was individualised.
    traces: Vec<u64>,
    /// Digest of the graph written down in this order.
    form: Label,
    /// Place of each node in the order.
    places: Vec<usize>,
    /// The nodes that were individualised.
    path: Vec<usize>,
}

/// A partition whose first open cell is being tried node by node.
struct Branch {
    partition: Partition,
    cell: std::vec::IntoIter<usize>,
    tried: Vec<usize>,
}

struct Search<'a> {
    graph: &'a Graph,
    first: Option<Leaf>,
    best: Option<Leaf>,
    /// Found automorphisms, as images of each node.
    automorphisms: Vec<Vec<usize>>,
    work: u64,
}

impl Search<'_> {
    /// Finds the best leaf; nothing where that takes too much work.
    fn run(&mut self) -> Option<()> {
        let mut partition = Partition::by_label(self.graph);
        let refined = partition.refine_all(self.graph);
        self.charge(refined.work)?;
        let mut path = Vec::new();
        let mut traces = vec![refined.trace];
        let mut branches = Vec::new();
        match partition.first_open_cell() {
            Some(cell) => branches.push(Branch { partition, cell: cell.into_iter(), tried: Vec::new() }),
            None => {
                self.leaf(&partition, &path, &traces);
            }
        }
        while let Some(branch) = branches.last_mut() {
            let Some(node) = branch.cell.next() else {
                branches.pop();
                path.pop();
                traces.pop();
                continue;
            };
            self.charge(self.automorphisms.len() as u64 + 1)?;
            if in_orbit(&self.automorphisms, &branch.tried, node, &path) {
                continue;
            }
            branch.tried.push(node);
            let mut partition = branch.partition.clone();
            let refined = partition.individualise(self.graph, node);
            self.charge(refined.work + self.graph.len() as u64)?;
            path.push(node);
            traces.push(refined.trace);
            if !self.is_hopeless(&traces) {
                if let Some(cell) = partition.first_open_cell() {
                    branches.push(Branch { partition, cell: cell.into_iter(), tried: Vec::new() });
                    continue;
                }
                if let Some(shared) = self.leaf(&partition, &path, &traces) {
                    // The branch is the image of one that was explored: go back to where the two part.
                    branches.truncate(shared + 1);
                }
            }
            path.truncate(branches.len() - 1);
            traces.truncate(branches.len());
        }
        Some(())
    }

    fn charge(&mut self, work: u64) -> Option<()> {
        self.work += work;
        (self.work <= MAX_WORK).then_some(())
    }

    /// Whether every leaf below is worse than the best one, and none shows an automorphism of the first one.
    fn is_hopeless(&self, traces: &[u64]) -> bool {
        let (Some(first), Some(best)) = (&self.first, &self.best) else { return false };
        traces > &best.traces[..traces.len().min(best.traces.len())] && !first.traces.starts_with(traces)
    }

    /// Compares a complete order with the first and the best one. Gives how much of the path it shares with one of the
    /// same form.
    fn leaf(&mut self, partition: &Partition, path: &[usize], traces: &[u64]) -> Option<usize> {
        let places = partition.places();
        let form = digest(&[b"graph", &written(self.graph, &places)]);
        let leaf = Leaf { traces: traces.to_vec(), form, places, path: path.to_vec() };
        for known in self.first.iter().chain(&self.best) {
            if known.form == leaf.form {
                let shared = known.path.iter().zip(path).take_while(|(left, right)| left == right).count();
                self.automorphisms.push(mapping(&known.places, &leaf.places));
                return Some(shared);
            }
        }
        if self.best.as_ref().is_none_or(|best| (&leaf.traces, leaf.form) < (&best.traces, best.form)) {
            self.best = Some(leaf.clone());
        }
        self.first.get_or_insert(leaf);
        None
    }
}

/// Whether an automorphism that leaves the path alone takes a node tried before to this one.
fn in_orbit(automorphisms: &[Vec<usize>], tried: &[usize], node: usize, path: &[usize]) -> bool {
    if tried.is_empty() {
        return false;
    }
    let fixing: Vec<&Vec<usize>> =
        automorphisms.iter().filter(|automorphism| path.iter().all(|fixed| automorphism[*fixed] == *fixed)).collect();
    let mut seen = std::collections::BTreeSet::from([node]);
    let mut queue = vec![node];
    while let Some(member) = queue.pop() {
        if tried.contains(&member) {
            return true;
        }
        // Automorphisms have finite order: going forward alone reaches the whole orbit.
        queue.extend(fixing.iter().map(|automorphism| automorphism[member]).filter(|image| seen.insert(*image)));
    }
    false
}

/// The automorphism that takes each node to the one in its place in another order of the same form.
fn mapping(from: &[usize], to: &[usize]) -> Vec<usize> {
    let mut at = vec![0; to.len()];
    for (node, place) in to.iter().enumerate() {
        at[*place] = node;
    }
    from.iter().map(|place| at[*place]).collect()
}

/// The graph with its nodes in the order of `places`, as bytes.
fn written(graph: &Graph, places: &[usize]) -> Vec<u8> {
    let mut order = vec![0; places.len()];
    for (node, place) in places.iter().enumerate() {
        order[*place] = node;
    }
    let mut bytes = Vec::new();
    for node in order {
        bytes.extend(graph.labels[node]);
        let mut inputs: Vec<(usize, u32)> =
            graph.inputs[node].iter().map(|(input, count)| (places[*input], *count)).collect();
        inputs.sort_unstable();
        bytes.extend((inputs.len() as u64).to_le_bytes());
        for (input, count) in inputs {
            bytes.extend((input as u64).to_le_bytes());
            bytes.extend(count.to_le_bytes());
        }
    }
    bytes
}
