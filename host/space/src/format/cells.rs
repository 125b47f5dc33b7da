//! The graphs of a definition that adjacency and path encodings describe.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::model::{Compiled, CompiledUse, Highway, Item, Module, Number};
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
                let graph = edges.graph(name, self.values);
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
                let graph = nodes.graph(name, self.decisions, self.values);
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
}
