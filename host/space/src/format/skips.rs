//! Whole networks of layers as in ENAS's macro space (Pham et al. 2018): each layer chooses an operation on the layer before,
//! and which earlier layers to read besides.

use std::sync::Arc;

use super::build::{Builder, Place};
use super::compile::Compiler;
use super::diagnostic::Diagnostic;
use super::model::{CompiledUse, MAX_VERTICES, Merge, Number, Skips, Use, Written, is_yes};
use super::parse::{Constants, choices, optional_item};
use super::parse_item::item;
use super::read::{Reader, integer, list};
use crate::{CellGraph, SpaceError, Value};

type Compiled = Skips<Number, Arc<CompiledUse>>;

pub(super) fn parse(reader: &Reader<'_>, constants: &Constants<'_>) -> Result<Skips<Written, Use>, Diagnostic> {
    let source = reader.source;
    let size = constants.count(reader, "layers", 1..=MAX_VERTICES as i64)?;
    let (labels, template) = choices(reader)?;
    let mut reduce_after = Vec::new();
    if let Some(entry) = reader.get("reduce_after") {
        for one in list(source, entry, "reduce_after")? {
            match usize::try_from(integer(source, one, "reduce_after")?) {
                Ok(layer) if layer >= 1 => reduce_after.push(layer),
                _ => return source.error(one.span(), "layers are numbered from 1"),
            }
        }
    }
    let reduce = optional_item(reader, "reduce")?;
    if reduce.is_none() && !reduce_after.is_empty() {
        return source.error(reader.span.clone(), "`reduce` is missing, which `reduce_after` needs");
    }
    let join = Box::new(item(source, reader.need("join")?)?);
    Ok(Skips { size, labels, skips: Vec::new(), layers: vec![template], join, reduce_after, reduce })
}

impl Compiler<'_> {
    /// Each layer has decisions of its own.
    pub(super) fn skips(&mut self, skips: &Skips<Written, Use>) -> Result<Compiled, Diagnostic> {
        let (mut decisions, mut layers) = (Vec::new(), Vec::new());
        for layer in 1..=skips.size {
            for template in &skips.layers {
                layers.push(self.copy(template, &format!("layer-{layer}"))?);
            }
            // The layer before is read anyway; 0 is what comes in.
            let read = (0..layer - 1).map(|from| self.decide_whether(&format!("skip-{from}-{layer}")));
            decisions.push(read.collect::<Result<_, _>>()?);
        }
        let reduce = self.optional_item(skips.reduce.as_deref())?;
        let join = Box::new(self.item(&skips.join)?);
        let (size, labels, reduce_after) = (skips.size, skips.labels.clone(), skips.reduce_after.clone());
        Ok(Skips { size, labels, skips: decisions, layers, join, reduce_after, reduce })
    }
}

impl Builder<'_> {
    /// Where decisions are open, every earlier layer is read, scaled by the probability that it is.
    pub(super) fn skips(&mut self, skips: &Compiled, input: usize, place: &Place) -> Result<usize, SpaceError> {
        let mut results = vec![input];
        let mut latest = input;
        for (index, layer) in skips.layers.iter().enumerate() {
            let place = place.within(&format!("layer-{}", index + 1));
            latest = self.item(layer, &mut vec![latest], &place)?;
            let mut read = Vec::new();
            for (from, (decision, result)) in skips.skips[index].iter().zip(&results).enumerate() {
                if self.is_open() {
                    let parts = vec![(*result, vec![self.term_of_yes(*decision)?])];
                    read.push(self.choice(&place.within(&format!("skip-{from}")).name, parts)?);
                } else if is_yes(self.values, *decision) {
                    read.push(*result);
                }
            }
            if !read.is_empty() {
                read.push(latest);
                let stacked = self.merge(Merge::Concat, read, &place)?;
                latest = self.item(&skips.join, &mut vec![stacked], &place.within("join"))?;
            }
            results.push(latest);
            if let Some(reduce) = skips.reduce.as_ref().filter(|_| skips.reduce_after.contains(&(index + 1))) {
                for (from, result) in results.iter_mut().enumerate() {
                    let mut inner = place.within(&format!("reduce-{from}"));
                    inner.stride = 2;
                    *result = self.item(reduce, &mut vec![*result], &inner)?;
                }
                latest = results[index + 1];
            }
        }
        Ok(latest)
    }
}

impl Compiled {
    /// Vertex 0 is the input. A layer's operation stands on the edge from the layer before, `skip` on the others.
    pub(super) fn graph(&self, name: &str, values: &[Value]) -> CellGraph {
        let mut edges = Vec::new();
        for (before, item) in self.layers.iter().enumerate() {
            edges.extend(item.chosen(values).map(|operation| (before, before + 1, operation)));
            for (from, decision) in self.skips[before].iter().enumerate() {
                if is_yes(values, *decision) {
                    edges.push((from, before + 1, self.labels.len()));
                }
            }
        }
        CellGraph {
            name: name.to_owned(),
            vertices: self.size + 1,
            inputs: 1,
            outputs: vec![self.size],
            operations: self.labels.iter().cloned().chain(["skip".into()]).collect(),
            edges,
        }
    }
}
