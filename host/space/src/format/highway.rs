//! Gates between something new and something carried on (Srivastava, Greff & Schmidhuber 2015).

use std::sync::Arc;

use super::build::{Builder, Place};
use super::compile::Compiler;
use super::diagnostic::Diagnostic;
use super::model::{CompiledUse, Highway, Item, Merge, Number, Use, Written};
use super::parse::optional_item;
use super::parse_item::item;
use super::read::Reader;
use crate::{Op, SpaceError};

type Compiled = Highway<Number, Arc<CompiledUse>>;

pub(super) fn parse(reader: &Reader<'_>) -> Result<Highway<Written, Use>, Diagnostic> {
    let needed = |key| item(reader.source, reader.need(key)?).map(Box::new);
    Ok(Highway {
        fit: optional_item(reader, "fit")?,
        gate: needed("gate")?,
        transform: needed("transform")?,
        carry: optional_item(reader, "carry")?,
    })
}

impl Compiler<'_> {
    pub(super) fn highway(&mut self, highway: &Highway<Written, Use>) -> Result<Compiled, Diagnostic> {
        Ok(Highway {
            fit: self.optional_item(highway.fit.as_deref())?,
            gate: Box::new(self.item(&highway.gate)?),
            transform: Box::new(self.item(&highway.transform)?),
            carry: self.optional_item(highway.carry.as_deref())?,
        })
    }
}

impl Builder<'_> {
    pub(super) fn highway(&mut self, highway: &Compiled, input: usize, place: &Place) -> Result<usize, SpaceError> {
        let part = |builder: &mut Self, item: &Item<Number, Arc<CompiledUse>>, input: usize, name: &str| {
            builder.item(item, &mut vec![input], &place.within(name))
        };
        let fitted = match &highway.fit {
            Some(fit) => part(self, fit, input, "fit")?,
            None => input,
        };
        let gate = part(self, &highway.gate, fitted, "gate")?;
        let transform = part(self, &highway.transform, fitted, "transform")?;
        let carry = match &highway.carry {
            Some(carry) => part(self, carry, input, "carry")?,
            None => input,
        };
        let rest = self.node(&place.within("complement").name, Op::Complement, vec![gate])?;
        let transformed = self.node(&place.within("transformed").name, Op::Multiply, vec![gate, transform])?;
        let carried = self.node(&place.within("carried").name, Op::Multiply, vec![rest, carry])?;
        self.merge(Merge::Add, vec![transformed, carried], place)
    }
}
