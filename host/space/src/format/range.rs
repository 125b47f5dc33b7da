//! Ranges of numbers: what no network can have is refused where it is written.

use super::compile::Compiler;
use super::constraint::{decided, evaluate};
use super::diagnostic::Diagnostic;
use super::model::{Number, Written, WrittenNumber};
use crate::domain::extremes;
use crate::shape::MAX_NODES;

/// What an attribute may be, ends included.
#[derive(Clone, Copy)]
pub(super) struct Range {
    low: i64,
    high: i64,
}

/// Sizes that have to exist: channels, kernels, strides.
pub(super) const SIZE: Range = Range { low: 1, high: u32::MAX as i64 };
/// What there may be none of: padding, places that a map is moved by.
pub(super) const AMOUNT: Range = Range { low: 0, high: u32::MAX as i64 };
/// Probabilities below 1 in percent.
pub(super) const PERCENT: Range = Range { low: 0, high: 99 };
/// Repeats of a module.
pub(super) const REPEAT: Range = Range { low: 0, high: MAX_NODES as i64 };

impl Compiler<'_> {
    /// A number that has to be in a range for every choice. What depends on the place is checked when a network is built.
    pub(super) fn ranged(&mut self, written: &Written, name: &str, range: Range) -> Result<Number, Diagnostic> {
        let number = self.number(written, name)?;
        let ends = match &number {
            Number::Decided(decision) => {
                let domain = self.scopes.domain(*decision);
                extremes(domain).map(|value| decided(domain, value))
            }
            other => [evaluate(other, &[], &[]); 2],
        };
        let should = match ends {
            [Some(low), _] if low < range.low => format!("at least {}", range.low),
            [_, Some(high)] if high > range.high => format!("at most {}", range.high),
            _ => return Ok(number),
        };
        let found = ends.into_iter().flatten().find(|value| !(range.low..=range.high).contains(value)).unwrap_or(0);
        let found = match &written.number {
            WrittenNumber::Name(given) if self.file.options.contains_key(given) => {
                format!("but the option `{given}` is {found}")
            }
            WrittenNumber::Name(given) if matches!(number, Number::Decided(_)) => {
                format!("but `{given}` can be {found}")
            }
            WrittenNumber::Name(given) => format!("but `{given}` is {found}"),
            _ => format!("not {found}"),
        };
        self.source.error(written.span.clone(), format!("`{name}` has to be {should}, {found}"))
    }
}
