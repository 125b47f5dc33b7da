//! Graphs with an operation on each edge, as in NAS-Bench-201 and in DARTS's supergraph.

use std::sync::Arc;

use super::build::{Builder, Place};
use super::compile::Compiler;
use super::diagnostic::Diagnostic;
use super::inputs;
use super::model::{CompiledUse, Edges, MAX_VERTICES, Merge, Number, Use, Written};
use super::parse::{Constants, choices, merge};
use super::read::{Reader, text};
use crate::{CellGraph, Op, SpaceError, Value};

type Compiled = Edges<Number, Arc<CompiledUse>>;

pub(super) fn parse(reader: &Reader<'_>, constants: &Constants<'_>) -> Result<Edges<Written, Use>, Diagnostic> {
    let vertices = constants.count(reader, "vertices", 2..=MAX_VERTICES as i64)?;
    let inputs = match reader.has("inputs") {
        true => constants.count(reader, "inputs", 1..=vertices as i64 - 1)?,
        false => 1,
    };
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
    Ok(Edges {
        inputs: inputs::parse(reader, inputs)?,
        vertices,
        labels,
        nothing,
        merge: merge(reader, "merge", Merge::Add)?,
        drop_path: reader.flag("drop_path")?.unwrap_or(false),
        output: if reader.has("output") { Some(merge(reader, "output", Merge::Concat)?) } else { None },
        edges: vec![template],
    })
}

impl Compiler<'_> {
    /// Each edge has a choice of its own.
    pub(super) fn edges(&mut self, edges: &Edges<Written, Use>) -> Result<Compiled, Diagnostic> {
        let inputs = self.inputs(&edges.inputs)?;
        let mut compiled = Vec::new();
        for (from, to) in pairs(inputs.count, edges.vertices) {
            for template in &edges.edges {
                compiled.push(self.copy(template, &format!("edge-{from}-{to}"))?);
            }
        }
        let Edges { vertices, nothing, merge, drop_path, output, .. } = *edges;
        let labels = edges.labels.clone();
        Ok(Edges { inputs, vertices, labels, nothing, merge, drop_path, output, edges: compiled })
    }
}

/// The vertices that edges join, by the later one and then by the earlier one. None joins inputs.
fn pairs(inputs: usize, vertices: usize) -> impl Iterator<Item = (usize, usize)> {
    (inputs..vertices).flat_map(|to| (0..to).map(move |from| (from, to)))
}

impl Builder<'_> {
    /// Edges carry operations; a vertex is what the edges that end there come to, merged.
    pub(super) fn edges(&mut self, edges: &Compiled, history: &[usize], place: &Place) -> Result<usize, SpaceError> {
        let inputs = edges.inputs.count;
        let mut vertices = self.inputs(&edges.inputs, history, place)?;
        let mut items = edges.edges.iter();
        // The inputs alone have the size from before a stride.
        let stride = |from: usize| if from < inputs { place.stride } else { 1 };
        for to in inputs..edges.vertices {
            let mut results = Vec::new();
            for (from, item) in (0..to).zip(items.by_ref()) {
                // An edge that carries nothing adds no channels; one that is open may carry something.
                if edges.merge == Merge::Concat && edges.nothing.is_some() && item.chosen(self.values) == edges.nothing
                {
                    continue;
                }
                let mut inner = place.within(&format!("edge-{from}-{to}"));
                inner.stride = stride(from);
                results.push(self.operation(item, vertices[from], &inner, edges.drop_path)?);
            }
            let (place, stride) = (place.within(&format!("vertex-{to}")), stride(to - 1));
            vertices.push(if results.is_empty() {
                // Nothing is stacked to nothing: zeros in the shape of the vertex before.
                self.node(&place.within("zero").name, Op::Zero { stride: [stride, stride] }, vec![vertices[to - 1]])?
            } else {
                self.merge(edges.merge, results, &place)?
            });
        }
        match edges.output {
            Some(merge) => self.merge(merge, vertices.split_off(inputs), place),
            None => Ok(vertices[edges.vertices - 1]),
        }
    }
}

impl Compiled {
    /// Operations that carry nothing are no operations.
    pub(super) fn graph(&self, name: &str, values: &[Value]) -> CellGraph {
        let carries = |label: &usize| Some(*label) != self.nothing;
        let inputs = self.inputs.count;
        let carried = pairs(inputs, self.vertices).zip(&self.edges).filter_map(|((from, to), item)| {
            let label = item.chosen(values).filter(carries)?;
            Some((from, to, (0..label).filter(carries).count()))
        });
        CellGraph {
            name: name.to_owned(),
            vertices: self.vertices,
            inputs,
            outputs: if self.output.is_some() { (inputs..self.vertices).collect() } else { vec![self.vertices - 1] },
            operations: (0..self.labels.len()).filter(carries).map(|label| self.labels[label].clone()).collect(),
            edges: carried.collect(),
        }
    }
}
