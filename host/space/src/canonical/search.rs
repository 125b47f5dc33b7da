//! Individualisation-refinement: tries orders of the nodes that colour refinement cannot tell apart, and takes the least
//! form. Automorphisms that show up on the way keep the tree of choices small.

use std::collections::BTreeMap;

use super::{Graph, Label, digest};

/// Digest of the canonical form.
pub(super) fn canonical_digest(graph: &Graph) -> Label {
    let mut search = Search { graph, first: None, best: None, automorphisms: Vec::new() };
    let colours = refine(graph, initial_colours(graph));
    search.explore(colours, &mut Vec::new());
    search.best.map(|leaf| leaf.form).unwrap_or_else(|| digest(&[b"empty"]))
}

/// A complete order of the nodes.
struct Leaf {
    /// Digest of the graph written down in this order.
    form: Label,
    /// Place of each node in the order.
    places: Vec<usize>,
    /// The nodes that were individualised.
    path: Vec<usize>,
}

struct Search<'a> {
    graph: &'a Graph,
    first: Option<Leaf>,
    best: Option<Leaf>,
    /// Found automorphisms, as images of each node.
    automorphisms: Vec<Vec<usize>>,
}

impl Search<'_> {
    /// Explores the choices below a colouring. Gives the length of the path to go back to where an automorphism makes the
    /// rest of the branch superfluous.
    fn explore(&mut self, colours: Vec<usize>, path: &mut Vec<usize>) -> Option<usize> {
        let Some(cell) = first_cell(&colours) else {
            return self.leaf(colours, path);
        };
        let mut tried: Vec<usize> = Vec::new();
        for node in cell {
            if self.in_orbit(&tried, node, path) {
                continue;
            }
            tried.push(node);
            let mut individualised = colours.clone();
            individualise(&mut individualised, node);
            path.push(node);
            let back = self.explore(refine(self.graph, individualised), path);
            path.pop();
            if let Some(level) = back
                && level < path.len()
            {
                return back;
            }
        }
        None
    }

    /// Compares a complete order with the first and the best one.
    fn leaf(&mut self, places: Vec<usize>, path: &[usize]) -> Option<usize> {
        let leaf = Leaf { form: written(self.graph, &places), places, path: path.to_vec() };
        let Some(first) = &self.first else {
            self.first = Some(Leaf { form: leaf.form, places: leaf.places.clone(), path: leaf.path.clone() });
            self.best = Some(leaf);
            return None;
        };
        for known in std::iter::once(first).chain(&self.best) {
            if known.form == leaf.form {
                let shared = known.path.iter().zip(path).take_while(|(left, right)| left == right).count();
                let automorphism = mapping(&known.places, &leaf.places);
                self.automorphisms.push(automorphism);
                // The branch is the image of one that was explored: go back to where the two part.
                return Some(shared);
            }
        }
        if self.best.as_ref().is_none_or(|best| leaf.form < best.form) {
            self.best = Some(leaf);
        }
        None
    }

    /// Whether an automorphism that leaves the path alone takes a node tried before to this one.
    fn in_orbit(&self, tried: &[usize], node: usize, path: &[usize]) -> bool {
        if tried.is_empty() {
            return false;
        }
        let fixing: Vec<&Vec<usize>> = self
            .automorphisms
            .iter()
            .filter(|automorphism| path.iter().all(|fixed| automorphism[*fixed] == *fixed))
            .collect();
        let mut seen = vec![false; self.graph.len()];
        let mut queue = vec![node];
        seen[node] = true;
        while let Some(member) = queue.pop() {
            if tried.contains(&member) {
                return true;
            }
            for automorphism in &fixing {
                // Automorphisms have finite order: going forward alone reaches the whole orbit.
                let image = automorphism[member];
                if !seen[image] {
                    seen[image] = true;
                    queue.push(image);
                }
            }
        }
        false
    }
}

/// The automorphism that takes each node to the one in its place in another order of the same form.
fn mapping(from: &[usize], to: &[usize]) -> Vec<usize> {
    let mut at = vec![0; to.len()];
    for (node, place) in to.iter().enumerate() {
        at[*place] = node;
    }
    from.iter().map(|place| at[*place]).collect()
}

/// Colours by label. A colour is the number of nodes with a smaller one, so that a colouring without ties is an order.
fn initial_colours(graph: &Graph) -> Vec<usize> {
    ranks(&graph.labels)
}

/// For each value, how many are smaller.
fn ranks<T: Ord>(values: &[T]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|left, right| values[*left].cmp(&values[*right]));
    let mut ranks = vec![0; values.len()];
    let mut rank = 0;
    for (place, node) in order.iter().enumerate() {
        if place > 0 && values[*node] != values[order[place - 1]] {
            rank = place;
        }
        ranks[*node] = rank;
    }
    ranks
}

/// Splits colours by the colours around nodes until that splits nothing more.
fn refine(graph: &Graph, mut colours: Vec<usize>) -> Vec<usize> {
    let around = |neighbours: &BTreeMap<usize, u32>, colours: &[usize]| {
        let mut list: Vec<(usize, u32)> = neighbours.iter().map(|(node, count)| (colours[*node], *count)).collect();
        list.sort_unstable();
        list
    };
    loop {
        let signatures: Vec<_> = (0..graph.len())
            .map(|node| (colours[node], around(&graph.inputs[node], &colours), around(&graph.outputs[node], &colours)))
            .collect();
        let finer = ranks(&signatures);
        if finer == colours {
            return colours;
        }
        colours = finer;
    }
}

/// The nodes of the smallest colour that several nodes have.
fn first_cell(colours: &[usize]) -> Option<Vec<usize>> {
    let mut counts = BTreeMap::new();
    for colour in colours {
        *counts.entry(*colour).or_insert(0usize) += 1;
    }
    let (colour, _) = counts.into_iter().find(|(_, count)| *count > 1)?;
    Some((0..colours.len()).filter(|node| colours[*node] == colour).collect())
}

/// Gives `node` a colour before the others of its colour.
fn individualise(colours: &mut [usize], node: usize) {
    let colour = colours[node];
    for (other, its) in colours.iter_mut().enumerate() {
        if *its == colour && other != node {
            *its += 1;
        }
    }
}

/// Digest of the graph with its nodes in the order of `places`.
fn written(graph: &Graph, places: &[usize]) -> Label {
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
    digest(&[b"graph", &bytes])
}
