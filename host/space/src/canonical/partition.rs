//! Ordered partitions of a graph's nodes, and their refinement until all nodes of a cell see the same.

use std::collections::{BTreeMap, BTreeSet};

use super::Graph;

/// Nodes in cells, the cells in an order. A partition whose cells have one node each is an order of the nodes.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    /// The nodes, cell after cell.
    nodes: Vec<u32>,
    /// Where each node stands in `nodes`.
    places: Vec<u32>,
    /// Where each node's cell starts.
    starts: Vec<u32>,
    /// Number of nodes in the cell that starts at a place; of no meaning elsewhere.
    sizes: Vec<u32>,
}

/// What refining cost and saw.
pub(super) struct Refinement {
    /// Equal where graphs with their partitions are isomorphic.
    pub(super) trace: u64,
    /// Nodes and edges looked at.
    pub(super) work: u64,
}

impl Partition {
    /// Cells by label.
    pub(super) fn by_label(graph: &Graph) -> Self {
        let count = graph.len();
        let mut nodes: Vec<u32> = (0..count as u32).collect();
        nodes.sort_by_key(|node| graph.labels[*node as usize]);
        let mut partition = Self { places: vec![0; count], starts: vec![0; count], sizes: vec![0; count], nodes };
        let mut start = 0;
        for place in 0..count {
            let node = partition.nodes[place] as usize;
            let first = partition.nodes[start] as usize;
            if graph.labels[node] != graph.labels[first] {
                start = place;
            }
            partition.places[node] = place as u32;
            partition.starts[node] = start as u32;
            partition.sizes[start] += 1;
        }
        partition
    }

    /// Where each node stands; an order of the nodes once every cell has one.
    pub(super) fn places(&self) -> Vec<usize> {
        self.places.iter().map(|place| *place as usize).collect()
    }

    /// The first cell with several nodes.
    pub(super) fn first_open_cell(&self) -> Option<Vec<usize>> {
        let mut start = 0;
        while start < self.nodes.len() {
            let size = self.sizes[start] as usize;
            if size > 1 {
                let mut cell: Vec<usize> = self.nodes[start..start + size].iter().map(|node| *node as usize).collect();
                cell.sort_unstable();
                return Some(cell);
            }
            start += size;
        }
        None
    }

    /// Gives a node a cell of its own before the others of its cell, and refines.
    pub(super) fn individualise(&mut self, graph: &Graph, node: usize) -> Refinement {
        let (start, place) = (self.starts[node] as usize, self.places[node] as usize);
        self.swap(start, place);
        let size = self.sizes[start];
        self.sizes[start] = 1;
        self.cut(start + 1, size - 1);
        self.refine(graph, BTreeSet::from([start]))
    }

    /// Refines from the start.
    pub(super) fn refine_all(&mut self, graph: &Graph) -> Refinement {
        let cells = self.starts.iter().map(|start| *start as usize).collect();
        self.refine(graph, cells)
    }

    /// Splits cells by how many edges join their nodes to each cell of `queue`, until that splits nothing more.
    fn refine(&mut self, graph: &Graph, mut queue: BTreeSet<usize>) -> Refinement {
        let mut refinement = Refinement { trace: 0, work: 0 };
        while let Some(splitter) = queue.pop_first() {
            let members = self.nodes[splitter..splitter + self.sizes[splitter] as usize].to_vec();
            for (direction, neighbours) in [&graph.inputs, &graph.outputs].into_iter().enumerate() {
                let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
                for member in &members {
                    for (node, count) in &neighbours[*member as usize] {
                        *counts.entry(*node as u32).or_insert(0) += u64::from(*count);
                        refinement.work += 1;
                    }
                }
                refinement.work += 1;
                let mut cells: BTreeMap<u32, Vec<(u64, u32)>> = BTreeMap::new();
                for (node, count) in counts {
                    cells.entry(self.starts[node as usize]).or_default().push((count, node));
                }
                refinement.mix((splitter * 2 + direction) as u64);
                for (start, touched) in cells {
                    self.split(start as usize, touched, &mut queue, &mut refinement);
                }
            }
        }
        refinement
    }

    /// Splits a cell by the counts of its nodes; those that are not `touched` count none, and come first.
    fn split(
        &mut self,
        start: usize,
        mut touched: Vec<(u64, u32)>,
        queue: &mut BTreeSet<usize>,
        refinement: &mut Refinement,
    ) {
        touched.sort_unstable();
        refinement.mix(start as u64);
        let size = self.sizes[start] as usize;
        let untouched = size - touched.len();
        // From the back, the highest count last.
        for (place, (_, node)) in (start + untouched..start + size).zip(&touched).rev() {
            self.swap(place, self.places[*node as usize] as usize);
        }
        let mut pieces = Vec::new();
        if untouched > 0 {
            pieces.push((start, untouched));
        }
        let mut first = 0;
        while first < touched.len() {
            let count = touched[first].0;
            let length = touched[first..].iter().take_while(|(its, _)| *its == count).count();
            refinement.mix(count);
            refinement.mix(length as u64);
            pieces.push((start + untouched + first, length));
            first += length;
        }
        if pieces.len() < 2 {
            return;
        }
        let queued = queue.contains(&start);
        // What the cell as a whole showed is known, or will be: one of the pieces follows from the others.
        let mut largest = 0;
        for (index, (_, length)) in pieces.iter().enumerate() {
            if *length > pieces[largest].1 {
                largest = index;
            }
        }
        for (index, (piece, length)) in pieces.into_iter().enumerate() {
            self.cut(piece, length as u32);
            if queued || index != largest {
                queue.insert(piece);
            }
        }
    }

    /// Makes a cell of the nodes from `start` on.
    fn cut(&mut self, start: usize, size: u32) {
        self.sizes[start] = size;
        for place in start..start + size as usize {
            self.starts[self.nodes[place] as usize] = start as u32;
        }
    }

    fn swap(&mut self, left: usize, right: usize) {
        self.nodes.swap(left, right);
        self.places[self.nodes[left] as usize] = left as u32;
        self.places[self.nodes[right] as usize] = right as u32;
    }
}

impl Refinement {
    fn mix(&mut self, value: u64) {
        self.work += 1;
        // SplitMix64's finalizer: a poor mixture would only prune less.
        let mut mixed = (self.trace ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.trace = mixed ^ (mixed >> 31);
    }
}
