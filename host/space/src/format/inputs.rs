//! What graphs read: the latest results before them.

use std::sync::Arc;

use super::build::{Builder, Place, last};
use super::compile::Compiler;
use super::diagnostic::Diagnostic;
use super::model::{CompiledUse, Inputs, Number, Use, Written};
use super::parse::optional_item;
use super::read::Reader;
use crate::{Shape, SpaceError};

type Compiled = Inputs<Number, Arc<CompiledUse>>;

/// The items that fit so many inputs.
pub(super) fn parse(reader: &Reader<'_>, count: usize) -> Result<Inputs<Written, Use>, Diagnostic> {
    Ok(Inputs { count, fit: optional_item(reader, "fit")?, fit_larger: optional_item(reader, "fit_larger")? })
}

impl Compiler<'_> {
    pub(super) fn inputs(&mut self, inputs: &Inputs<Written, Use>) -> Result<Compiled, Diagnostic> {
        Ok(Inputs {
            count: inputs.count,
            fit: self.optional_item(inputs.fit.as_deref())?,
            fit_larger: self.optional_item(inputs.fit_larger.as_deref())?,
        })
    }
}

impl Builder<'_> {
    /// The inputs of a graph: the latest results, the first one repeated where there are too few, each fitted.
    pub(super) fn inputs(
        &mut self,
        inputs: &Compiled,
        history: &[usize],
        place: &Place,
    ) -> Result<Vec<usize>, SpaceError> {
        let rows = |shape: Shape| match shape {
            Shape::Map { height, .. } => height,
            Shape::Vector(_) => 1,
        };
        let size = rows(self.shapes[last(history)]);
        let mut fitted = Vec::new();
        for back in (0..inputs.count).rev() {
            let from = history[history.len().saturating_sub(back + 1)];
            let larger = rows(self.shapes[from]) > size;
            let fit = if larger { inputs.fit_larger.as_ref().or(inputs.fit.as_ref()) } else { inputs.fit.as_ref() };
            let mut inner = place.within(&format!("input-{}", inputs.count - back - 1));
            inner.stride = if larger { 2 } else { 1 };
            fitted.push(match fit {
                Some(item) => self.item(item, &mut vec![from], &inner)?,
                None => from,
            });
        }
        Ok(fitted)
    }
}
