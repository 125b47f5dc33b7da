//! Networks with their categorical decisions open: all alternatives, and nodes that mix them.

use std::sync::Arc;

use super::build::{Builder, Place, last};
use super::model::{CompiledUse, Item, Number};
use crate::open::{Choice, Row};
use crate::{Decision, Op, SpaceError, Value};

type CompiledItem = Item<Number, Arc<CompiledUse>>;

/// What building with open decisions adds up to.
pub(super) struct Mixture {
    /// Where the probabilities of each decision begin; nothing for one that has none.
    offsets: Vec<Option<usize>>,
    pub(super) choices: Vec<Choice>,
    /// How many alternatives around the place are being built.
    depth: usize,
}

impl Mixture {
    pub(super) fn new(decisions: &[Decision], rows: &[Row]) -> Self {
        let mut offsets = vec![None; decisions.len()];
        for row in rows {
            offsets[row.decision] = Some(row.offset);
        }
        Self { offsets, choices: Vec::new(), depth: 0 }
    }
}

impl Builder<'_> {
    /// Whether decisions are left open.
    pub(super) fn is_open(&self) -> bool {
        self.mixture.is_some()
    }

    /// Place of a label's probability.
    pub(super) fn term(&self, decision: usize, label: usize) -> Result<usize, SpaceError> {
        let offset = self.mixture.as_ref().and_then(|mixture| mixture.offsets[decision]);
        offset.map(|offset| offset + label).ok_or_else(|| self.refused(decision, "what is built"))
    }

    /// Place of the probability that a decision between `no` and `yes` is for it.
    pub(super) fn term_of_yes(&self, decision: usize) -> Result<usize, SpaceError> {
        self.term(decision, 1)
    }

    /// That an open network cannot have this decision.
    pub(super) fn refused(&self, decision: usize, what: &str) -> SpaceError {
        let name = &self.decisions[decision].name;
        let problem = "a mixture needs categorical decisions, between things that can be added up";
        SpaceError::Unsupported(format!("decision `{name}` decides {what}: {problem}"))
    }

    /// A node that adds up inputs, each times the sum of the probabilities at its places.
    pub(super) fn choice(&mut self, name: &str, parts: Vec<(usize, Vec<usize>)>) -> Result<usize, SpaceError> {
        let (inputs, terms) = parts.into_iter().unzip();
        let node = self.node(name, Op::Add, inputs)?;
        if let Some(mixture) = &mut self.mixture {
            mixture.choices.push(Choice { node, terms });
        }
        Ok(node)
    }

    /// As [`Builder::choice`], of what a decision is between.
    pub(super) fn choice_of(
        &mut self,
        decision: usize,
        name: &str,
        parts: Vec<(usize, Vec<usize>)>,
    ) -> Result<usize, SpaceError> {
        let shapes: Vec<_> = parts.iter().map(|(part, _)| self.shapes[*part]).collect();
        if let Some(other) = shapes.iter().find(|shape| **shape != shapes[0]) {
            let what = format!("at `{name}` between what has the shapes {} and {other}", shapes[0]);
            return Err(self.refused(decision, &what));
        }
        self.choice(name, parts)
    }

    /// All alternatives of a decision, mixed. `build` gives the latest results behind an alternative, its own the last; so
    /// does this. One with fewer of them reads its first again, and so they are mixed one by one.
    pub(super) fn mixed(
        &mut self,
        decision: usize,
        alternatives: &[(String, CompiledItem)],
        place: &Place,
        mut build: impl FnMut(&mut Self, &CompiledItem, &Place) -> Result<Vec<usize>, SpaceError>,
    ) -> Result<Vec<usize>, SpaceError> {
        self.nest(1);
        let mut results = Vec::new();
        for (label, item) in alternatives {
            results.push(build(self, item, &place.within(label))?);
        }
        self.nest(-1);
        let longest = results.iter().map(Vec::len).max().unwrap_or(0);
        let mut mixed = Vec::new();
        for back in (0..longest).rev() {
            let parts: Vec<usize> =
                results.iter().map(|results| results[results.len().saturating_sub(back + 1)]).collect();
            // What came before all alternatives is no part of the choice.
            if back > 0 && parts.iter().all(|part| *part == parts[0]) {
                mixed.push(parts[0]);
                continue;
            }
            let name = if back == 0 { "mixture".to_owned() } else { format!("mixture-{back}-before") };
            let terms = (0..parts.len()).map(|label| self.term(decision, label).map(|term| vec![term]));
            let terms = terms.collect::<Result<Vec<_>, _>>()?;
            let parts = parts.into_iter().zip(terms).collect();
            mixed.push(self.choice_of(decision, &place.within(&name).name, parts)?);
        }
        Ok(mixed)
    }

    /// An operation of a graph, whose result may be dropped at random in training.
    pub(super) fn operation(
        &mut self,
        item: &CompiledItem,
        input: usize,
        place: &Place,
        drop_path: bool,
    ) -> Result<usize, SpaceError> {
        if let Item::Choose { decision, alternatives, .. } = item
            && drop_path
            && self.is_open()
        {
            // Each alternative for itself, so that one that only passes through is not dropped.
            let mixed = self.mixed(*decision, alternatives, place, |builder, item, place| {
                Ok(vec![builder.operation(item, input, place, true)?])
            })?;
            return Ok(last(&mixed));
        }
        let result = self.item(item, &mut vec![input], place)?;
        // Dropping what only passes through would drop the input itself (DARTS).
        if drop_path && result != input && self.nodes[result].op != Op::Identity {
            return self.node(&place.within("drop-path").name, Op::DropPath, vec![result]);
        }
        Ok(result)
    }

    /// Checks that a head may stand here: one within an alternative would have to come and go with it.
    pub(super) fn check_head(&self, place: &Place) -> Result<(), SpaceError> {
        match &self.mixture {
            Some(Mixture { depth: 1.., .. }) => {
                let problem = "a mixture has no auxiliary heads that are decided about";
                Err(SpaceError::Unsupported(format!("`{}`: {problem}", place.name)))
            }
            _ => Ok(()),
        }
    }

    /// Forgets choices that were taken back.
    pub(super) fn forget_choices(&mut self) {
        let nodes = self.nodes.len();
        if let Some(mixture) = &mut self.mixture {
            mixture.choices.retain(|choice| choice.node < nodes);
        }
    }

    fn nest(&mut self, by: isize) {
        if let Some(mixture) = &mut self.mixture {
            mixture.depth = mixture.depth.saturating_add_signed(by);
        }
    }
}

/// Values of decisions that are all open.
pub(super) fn no_values(decisions: &[Decision]) -> Vec<Value> {
    vec![Value::Inactive; decisions.len()]
}
