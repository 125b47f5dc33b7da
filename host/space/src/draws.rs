//! Drawing architectures: at random, as children of others, and beside them.

use crate::limits::Least;
use crate::seed::Generator;
use crate::{Architecture, Points, SizeLimits, Space, SpaceError, Unmet, Value};

/// Random points whose networks are looked at before limits of their size count as unmet.
const LIMITED_DRAWS: usize = 1000;

impl Space {
    /// The same space, of which only architectures within `limits` are drawn: [`Space::sample`], [`Space::mutate`],
    /// [`Space::crossover`] and [`Space::neighbors`] count what is not as what does not meet the space's own constraints.
    /// Architectures that are given may still be any.
    ///
    /// # Errors
    /// Where none of a thousand random architectures is within the limits; says the smallest size seen.
    pub fn limited(mut self, limits: SizeLimits) -> Result<Self, Unmet> {
        if !limits.are_set() {
            return Ok(self);
        }
        let mut generator = Generator::new(0);
        let mut least = Least::new(limits);
        for _ in 0..LIMITED_DRAWS {
            let values = self.points().random(&mut generator);
            // Single points may have no network, or not meet the space's own constraints.
            let Ok(footprint) = self.profile(&Architecture::Point(values.clone())) else { continue };
            least.see(&footprint);
            if limits.check(&footprint).is_ok() {
                self.some_point = values.into();
                self.limits = Some(limits);
                return Ok(self);
            }
        }
        Err(least.unmet())
    }

    /// Whether every point of the decisions is admitted: the space has neither constraints nor limits.
    pub fn admits_all(&self) -> bool {
        self.limits.is_none() && !self.definition.is_constrained()
    }

    /// A random architecture: every active decision drawn uniformly, on a log scale where its domain says so, and again
    /// until the constraints are met. Where a hundred draws do not meet them it is always the same point that does.
    pub fn sample(&self, seed: u64) -> Architecture {
        self.sample_counting(seed, &mut 0)
    }

    /// [`Space::sample`], adding to `nodes` the nodes of the networks that were built for it. Networks are built where the
    /// space is limited, alone.
    pub fn sample_counting(&self, seed: u64, nodes: &mut u64) -> Architecture {
        let values = self.points().drawn(seed, |values| self.admitted(values, nodes));
        Architecture::Point(values.unwrap_or_else(|| self.some_point.to_vec()))
    }

    /// The parent with another value for one active decision. Decisions that the change activates are drawn afresh. Where
    /// no decision could change, or a hundred draws and the neighbours do not meet the constraints, it is the parent.
    ///
    /// # Errors
    /// Where the parent is no point of this space; where it would be the child, and is not within the space's limits.
    pub fn mutate(&self, parent: &Architecture, seed: u64) -> Result<Architecture, SpaceError> {
        self.mutate_counting(parent, seed, &mut 0)
    }

    /// [`Space::mutate`], counting as [`Space::sample_counting`].
    ///
    /// # Errors
    /// As [`Space::mutate`].
    pub fn mutate_counting(
        &self,
        parent: &Architecture,
        seed: u64,
        nodes: &mut u64,
    ) -> Result<Architecture, SpaceError> {
        let values = self.point(parent)?;
        let mutant = self.points().mutant(values, seed, |values| self.admitted(values, nodes));
        match mutant {
            Some(values) => Ok(Architecture::Point(values)),
            None => match self.neighbors_counting(parent, 1, nodes)?.pop() {
                Some(neighbor) => Ok(neighbor),
                None => self.itself(parent, nodes),
            },
        }
    }

    /// Each decision from one parent or the other, evenly. Decisions that are active in the child alone are drawn afresh.
    /// Where a hundred draws do not meet the constraints, the child is the left parent.
    ///
    /// # Errors
    /// Where a parent is no point of this space; where the left one would be the child, and is not within the space's
    /// limits.
    pub fn crossover(&self, left: &Architecture, right: &Architecture, seed: u64) -> Result<Architecture, SpaceError> {
        self.crossover_counting(left, right, seed, &mut 0)
    }

    /// [`Space::crossover`], counting as [`Space::sample_counting`].
    ///
    /// # Errors
    /// As [`Space::crossover`].
    pub fn crossover_counting(
        &self,
        parent: &Architecture,
        other: &Architecture,
        seed: u64,
        nodes: &mut u64,
    ) -> Result<Architecture, SpaceError> {
        let (left, right) = (self.point(parent)?, self.point(other)?);
        let child = self.points().child(left, right, seed, |values| self.admitted(values, nodes));
        match child {
            Some(values) => Ok(Architecture::Point(values)),
            None => self.itself(parent, nodes),
        }
    }

    /// The architectures one decision away, in decision order, at most `limit`: every other value of a categorical
    /// decision, the values beside the present one of an ordinal or integer decision, and of a real one the others of nine
    /// evenly spaced values. Decisions that a change activates take their first value; what does not meet the constraints is
    /// left out.
    ///
    /// # Errors
    /// Where `of` is no point of this space.
    pub fn neighbors(&self, of: &Architecture, limit: usize) -> Result<Vec<Architecture>, SpaceError> {
        self.neighbors_counting(of, limit, &mut 0)
    }

    /// [`Space::neighbors`], counting as [`Space::sample_counting`].
    ///
    /// # Errors
    /// As [`Space::neighbors`].
    pub fn neighbors_counting(
        &self,
        of: &Architecture,
        limit: usize,
        nodes: &mut u64,
    ) -> Result<Vec<Architecture>, SpaceError> {
        Ok(self.points().beside(self.point(of)?, limit, |values| self.admitted(values, nodes)))
    }

    /// Values that meet the constraints and are within the limits. Adds the nodes of a network that was built for it.
    pub(crate) fn admitted(&self, values: Vec<Value>, nodes: &mut u64) -> Option<Vec<Value>> {
        if self.definition.admits(&values).is_err() {
            return None;
        }
        let Some(limits) = &self.limits else { return Some(values) };
        let network = self.definition.build(&values, &self.context).ok()?;
        *nodes = nodes.saturating_add(network.nodes.len() as u64);
        limits.check(&network.footprint().ok()?).ok()?;
        Some(values)
    }

    /// A parent as its own child, where it is within the limits.
    fn itself(&self, parent: &Architecture, nodes: &mut u64) -> Result<Architecture, SpaceError> {
        if let Some(limits) = &self.limits {
            let network = self.build(parent)?;
            *nodes = nodes.saturating_add(network.nodes.len() as u64);
            limits.check(&network.footprint()?).map_err(|error| {
                SpaceError::Constraint(format!("no child of an architecture was found that meets it: {error}"))
            })?;
        }
        Ok(parent.clone())
    }

    /// All points of the decisions, whether they meet the constraints or not.
    pub(crate) fn points(&self) -> Points<'_> {
        Points::new(self.decisions())
    }
}
