//! The graphs of a definition that adjacency and path encodings describe.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::constraint::evaluate;
use super::model::{Compiled, CompiledUse, Edges, Highway, Item, Module, Nodes, Number, Outputs};
use crate::{CellGraph, Decision, Value};

type CompiledItem = Item<Number, Arc<CompiledUse>>;

/// One graph for each `edges` and `nodes` module, in the order of their first use.
pub(super) fn cells(network: &Compiled, decisions: &[Decision], values: &[Value]) -> Vec<CellGraph> {
    let mut finder = Finder { decisions, values, seen: BTreeSet::new(), cells: Vec::new() };
    finder.module("network", network);
    finder.cells
}

struct Finder<'a> {
    decisions: &'a [Decision],
    values: &'a [Value],
    seen: BTreeSet<usize>,
    cells: Vec<CellGraph>,
}

impl Finder<'_> {
    fn module(&mut self, name: &str, module: &Compiled) {
        if !self.seen.insert(Arc::as_ptr(module).addr()) {
            return;
        }
        match module.as_ref() {
            Module::Chain { layers: items } | Module::Branches { branches: items, .. } => {
                items.iter().for_each(|item| self.item(item));
            }
            Module::Highway(Highway { fit, gate, transform, carry }) => {
                let parts = fit.iter().chain([gate, transform]).chain(carry);
                parts.for_each(|item| self.item(item));
            }
            Module::Edges(edges) => {
                let graph = self.edges(name, edges);
                self.cells.push(graph);
                edges.edges.iter().for_each(|item| self.item(item));
            }
            Module::Matrix(matrix) => {
                let graph = matrix.graph(name, self.values);
                self.cells.push(graph);
                matrix.operations.iter().for_each(|item| self.item(item));
            }
            Module::Skips(skips) => {
                let graph = skips.graph(name, self.values);
                self.cells.push(graph);
                skips.layers.iter().for_each(|item| self.item(item));
            }
            Module::Nodes(nodes) => {
                let graph = self.nodes(name, nodes);
                self.cells.push(graph);
                nodes.vertices.iter().flat_map(|vertex| &vertex.operations).for_each(|item| self.item(item));
            }
        }
    }

    fn item(&mut self, item: &CompiledItem) {
        match item {
            Item::Primitive(_) | Item::State => {}
            Item::Sequence(items) | Item::Places { places: items, .. } => {
                items.iter().for_each(|item| self.item(item));
            }
            Item::Use(used) => self.module(&used.target.name, &used.target.module),
            Item::Choose { alternatives, .. } => alternatives.iter().for_each(|(_, item)| self.item(item)),
            Item::Strided { strided, plain } => {
                self.item(strided);
                self.item(plain);
            }
            Item::Auxiliary(item) | Item::Recurrent { body: item, .. } => self.item(item),
        }
    }

    /// The alternative that an item which chooses takes.
    fn chosen(&self, item: &CompiledItem) -> Option<usize> {
        match item {
            Item::Choose { decision, .. } => index(self.values, *decision),
            _ => None,
        }
    }

    /// The output is the last vertex. Operations that carry nothing are no operations.
    fn edges(&self, name: &str, edges: &Edges<Number, Arc<CompiledUse>>) -> CellGraph {
        let carries = |label: &usize| Some(*label) != edges.nothing;
        let pairs = (1..edges.vertices).flat_map(|to| (0..to).map(move |from| (from, to)));
        let carried = pairs.zip(&edges.edges).filter_map(|((from, to), item)| {
            let label = self.chosen(item).filter(carries)?;
            Some((from, to, (0..label).filter(carries).count()))
        });
        CellGraph {
            name: name.to_owned(),
            vertices: edges.vertices,
            inputs: 1,
            outputs: vec![edges.vertices - 1],
            operations: (0..edges.labels.len()).filter(carries).map(|label| edges.labels[label].clone()).collect(),
            edges: carried.collect(),
        }
    }

    /// The output is what the module stacks.
    fn nodes(&self, name: &str, nodes: &Nodes<Number, Arc<CompiledUse>>) -> CellGraph {
        let vertices = nodes.inputs + nodes.vertices.len();
        let mut edges = Vec::new();
        for (to, vertex) in (nodes.inputs..).zip(&nodes.vertices) {
            let picks = vertex.picks.chosen(self.values).unwrap_or_default();
            for (from, item) in picks.iter().zip(&vertex.operations) {
                edges.extend(self.chosen(item).map(|operation| (*from, to, operation)));
            }
        }
        let (inputs, operations) = (nodes.inputs, nodes.labels.clone());
        let outputs = match &nodes.outputs {
            Outputs::All => (inputs..vertices).collect(),
            Outputs::Unused { besides } => {
                // A number that depends on the place is left out: the encoding has no place.
                let besides = evaluate(besides, self.decisions, self.values).unwrap_or(0);
                stacked(inputs, vertices, besides, |vertex| edges.iter().any(|(from, ..)| *from == vertex))
            }
        };
        CellGraph { name: name.to_owned(), vertices, inputs, outputs, operations, edges }
    }
}

/// The vertices that are stacked: those that choose and that nothing reads, and those with a bit in `besides`.
pub(super) fn stacked(inputs: usize, vertices: usize, besides: i64, is_read: impl Fn(usize) -> bool) -> Vec<usize> {
    let named = |vertex: usize| vertex < 63 && besides >> vertex & 1 == 1;
    (0..vertices).filter(|vertex| named(*vertex) || (*vertex >= inputs && !is_read(*vertex))).collect()
}

pub(super) fn index(values: &[Value], decision: usize) -> Option<usize> {
    match values.get(decision) {
        Some(Value::Index(index)) => Some(*index as usize),
        _ => None,
    }
}
