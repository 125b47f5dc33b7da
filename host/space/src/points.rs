//! Drawing points: what follows from the decisions, and from which points may come.

use crate::domain::{beside, check_point, draw, draw_other, first_value, has_choice, is_active};
use crate::seed::Generator;
use crate::space::CONSTRAINED_DRAWS;
use crate::{Architecture, Decision, Domain, SpaceError, Value};

/// The points of decisions, every one of which is admitted. They are drawn as [`Space`](crate::Space) draws the points of a
/// space with these decisions and without constraints or limits: the same seeds give the same points.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a>(&'a [Decision]);

impl<'a> Points<'a> {
    /// All points of a space's decisions.
    pub fn new(decisions: &'a [Decision]) -> Self {
        Self(decisions)
    }

    /// A random point, as [`Space::sample`](crate::Space::sample) draws it.
    pub fn sample(self, seed: u64) -> Architecture {
        Architecture::Point(self.random(&mut Generator::new(seed)))
    }

    /// The parent with another value for one active decision, as [`Space::mutate`](crate::Space::mutate) draws it; the parent where
    /// no decision could change.
    ///
    /// # Errors
    /// Where the parent is none of these points.
    pub fn mutate(self, parent: &Architecture, seed: u64) -> Result<Architecture, SpaceError> {
        let values = self.values(parent)?;
        let mutant = self.mutant(values, seed, Some);
        Ok(mutant.map_or_else(|| parent.clone(), Architecture::Point))
    }

    /// Each decision from one parent or the other, as [`Space::crossover`](crate::Space::crossover) draws it.
    ///
    /// # Errors
    /// Where a parent is none of these points.
    pub fn crossover(self, left: &Architecture, right: &Architecture, seed: u64) -> Result<Architecture, SpaceError> {
        let (left, right) = (self.values(left)?, self.values(right)?);
        let child = self.child(left, right, seed, Some);
        Ok(Architecture::Point(child.unwrap_or_else(|| left.to_vec())))
    }

    /// The points one decision away, at most `limit`, as [`Space::neighbors`](crate::Space::neighbors) orders them.
    ///
    /// # Errors
    /// Where `of` is none of these points.
    pub fn neighbors(self, of: &Architecture, limit: usize) -> Result<Vec<Architecture>, SpaceError> {
        Ok(self.beside(self.values(of)?, limit, Some))
    }

    fn values(self, of: &Architecture) -> Result<&[Value], SpaceError> {
        match of {
            Architecture::Point(values) => {
                check_point(self.0, values)?;
                Ok(values)
            }
            Architecture::Network(_) => Err(SpaceError::no_point()),
        }
    }

    /// Values for all decisions, each active one drawn uniformly, on a log scale where its domain says so.
    pub(crate) fn random(self, generator: &mut Generator) -> Vec<Value> {
        let mut values = Vec::with_capacity(self.0.len());
        for decision in self.0 {
            let active = is_active(self.0, decision, &values);
            values.push(if active { draw(&decision.domain, generator) } else { Value::Inactive });
        }
        values
    }

    /// A random point of those that `admitted` lets pass; nothing where a hundred are none.
    pub(crate) fn drawn(
        self,
        seed: u64,
        mut admitted: impl FnMut(Vec<Value>) -> Option<Vec<Value>>,
    ) -> Option<Vec<Value>> {
        let mut generator = Generator::new(seed);
        (0..CONSTRAINED_DRAWS).find_map(|_| admitted(self.random(&mut generator)))
    }

    /// A point with another value for one active decision, of those that `admitted` lets pass; nothing where no decision could
    /// change, or a hundred mutants are none. `values` are a point.
    pub(crate) fn mutant(
        self,
        values: &[Value],
        seed: u64,
        mut admitted: impl FnMut(Vec<Value>) -> Option<Vec<Value>>,
    ) -> Option<Vec<Value>> {
        let can_change = |index: &usize| values[*index] != Value::Inactive && has_choice(&self.0[*index].domain);
        let open = || (0..values.len()).filter(can_change);
        let count = open().count() as u64;
        let mut generator = Generator::new(seed);
        (0..CONSTRAINED_DRAWS).find_map(|_| {
            let chosen = open().nth(generator.below(count) as usize)?;
            let mut changed = values.to_vec();
            changed[chosen] = draw_other(&self.0[chosen].domain, values[chosen], &mut generator);
            self.repair(&mut changed, &mut generator);
            admitted(changed)
        })
    }

    /// A point with each decision from one parent or the other, of those that `admitted` lets pass; nothing where a hundred
    /// children are none. Both parents are points.
    pub(crate) fn child(
        self,
        left: &[Value],
        right: &[Value],
        seed: u64,
        mut admitted: impl FnMut(Vec<Value>) -> Option<Vec<Value>>,
    ) -> Option<Vec<Value>> {
        let mut generator = Generator::new(seed);
        (0..CONSTRAINED_DRAWS).find_map(|_| {
            let either = |(left, right): (&Value, &Value)| {
                let (first, second) = if generator.below(2) == 0 { (left, right) } else { (right, left) };
                if *first == Value::Inactive { *second } else { *first }
            };
            let mut child: Vec<Value> = left.iter().zip(right).map(either).collect();
            self.repair(&mut child, &mut generator);
            admitted(child)
        })
    }

    /// The points one decision away that `admitted` lets pass, at most `limit`. `values` are a point.
    pub(crate) fn beside(
        self,
        values: &[Value],
        limit: usize,
        mut admitted: impl FnMut(Vec<Value>) -> Option<Vec<Value>>,
    ) -> Vec<Architecture> {
        let mut neighbors = Vec::new();
        for (index, decision) in self.0.iter().enumerate() {
            if values[index] == Value::Inactive {
                continue;
            }
            for other in beside(&decision.domain, values[index]) {
                if neighbors.len() == limit {
                    return neighbors;
                }
                let mut changed = values.to_vec();
                changed[index] = other;
                self.settle(&mut changed, first_value);
                neighbors.extend(admitted(changed).map(Architecture::Point));
            }
        }
        neighbors
    }

    /// Makes values a point again after some changed, drawing what became active.
    fn repair(self, values: &mut [Value], generator: &mut Generator) {
        self.settle(values, |domain| draw(domain, generator));
    }

    fn settle(self, values: &mut [Value], mut fill: impl FnMut(&Domain) -> Value) {
        for (index, decision) in self.0.iter().enumerate() {
            if !is_active(self.0, decision, values) {
                values[index] = Value::Inactive;
            } else if values[index] == Value::Inactive {
                values[index] = fill(&decision.domain);
            }
        }
    }
}
