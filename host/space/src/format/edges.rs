//! Graphs with an operation on each edge, as in NAS-Bench-201.

use std::sync::Arc;

use super::build::{Builder, Place};
use super::compile::Compiler;
use super::diagnostic::Diagnostic;
use super::model::{CompiledUse, Edges, MAX_VERTICES, Merge, Number, Use, Written};
use super::parse::{Constants, choices, merge};
use super::read::{Reader, text};
use crate::{CellGraph, Op, SpaceError, Value};

type Compiled = Edges<Number, Arc<CompiledUse>>;

pub(super) fn parse(reader: &Reader<'_>, constants: &Constants<'_>) -> Result<Edges<Written, Use>, Diagnostic> {
    let vertices = constants.count(reader, "vertices", 2..=MAX_VERTICES as i64)?;
    let (labels, template) = choices(reader)?;
    let nothing = match reader.get("nothing") {
        None => None,
        Some(entry) => {
            let label = text(reader.source, entry, "nothing")?;
            match labels.iter().position(|one| *one == label) {
                Some(index) => Some(index),
                None => {
                    return reader.source.unknown(entry.span(), "choice", &label, labels.iter().map(String::as_str));
                }
            }
        }
    };
    Ok(Edges { vertices, labels, nothing, merge: merge(reader, "merge", Merge::Add)?, edges: vec![template] })
}

impl Compiler<'_> {
    /// Each edge has a choice of its own.
    pub(super) fn edges(&mut self, edges: &Edges<Written, Use>) -> Result<Compiled, Diagnostic> {
        let mut compiled = Vec::new();
        for (to, from) in (1..edges.vertices).flat_map(|to| (0..to).map(move |from| (to, from))) {
            for template in &edges.edges {
                compiled.push(self.copy(template, &format!("edge-{from}-{to}"))?);
            }
        }
        let Edges { vertices, nothing, merge, .. } = *edges;
        Ok(Edges { vertices, labels: edges.labels.clone(), nothing, merge, edges: compiled })
    }
}

impl Builder<'_> {
    /// Edges carry operations; a vertex is what the edges that end there come to, merged.
    pub(super) fn edges(&mut self, edges: &Compiled, input: usize, place: &Place) -> Result<usize, SpaceError> {
        let mut vertices = vec![input];
        let mut items = edges.edges.iter();
        for to in 1..edges.vertices {
            let mut results = Vec::new();
            for (from, item) in (0..to).zip(items.by_ref()) {
                // An edge that carries nothing adds no channels.
                if edges.merge == Merge::Concat && edges.nothing.is_some() && item.chosen(self.values) == edges.nothing
                {
                    continue;
                }
                let mut inner = place.within(&format!("edge-{from}-{to}"));
                // The input alone has the size from before a stride.
                inner.stride = if from == 0 { place.stride } else { 1 };
                results.push(self.item(item, &mut vec![vertices[from]], &inner)?);
            }
            let place = place.within(&format!("vertex-{to}"));
            vertices.push(if results.is_empty() {
                // Nothing is stacked to nothing: zeros in the shape of the vertex before.
                self.node(&place.within("zero").name, Op::Zero { stride: [1, 1] }, vec![vertices[to - 1]])?
            } else {
                self.merge(edges.merge, results, &place)?
            });
        }
        Ok(vertices[edges.vertices - 1])
    }
}

impl Compiled {
    /// The output is the last vertex. Operations that carry nothing are no operations.
    pub(super) fn graph(&self, name: &str, values: &[Value]) -> CellGraph {
        let carries = |label: &usize| Some(*label) != self.nothing;
        let pairs = (1..self.vertices).flat_map(|to| (0..to).map(move |from| (from, to)));
        let carried = pairs.zip(&self.edges).filter_map(|((from, to), item)| {
            let label = item.chosen(values).filter(carries)?;
            Some((from, to, (0..label).filter(carries).count()))
        });
        CellGraph {
            name: name.to_owned(),
            vertices: self.vertices,
            inputs: 1,
            outputs: vec![self.vertices - 1],
            operations: (0..self.labels.len()).filter(carries).map(|label| self.labels[label].clone()).collect(),
            edges: carried.collect(),
        }
    }
}
