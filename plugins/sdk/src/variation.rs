//! How children come about: what the space's own operators make together.

use archwright_space::Architecture;

use crate::{Error, Rng, Space};

/// The parent after `changes` mutations, one after the other: it differs from the parent in that many decisions at most, and in
/// those that they activate.
///
/// # Errors
/// Where the parent is no point of the space.
pub fn mutated(space: &Space, parent: &Architecture, changes: usize, rng: &mut Rng) -> Result<Architecture, Error> {
    let mut child = parent.clone();
    for _ in 0..changes {
        child = space.mutate(&child, rng.next_u64())?;
    }
    Ok(child)
}

/// How children are made of parents (Holland 1975; Deb et al. 2002, section IV).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variation {
    /// Probability that a child has two parents, before it is mutated.
    pub crossover_probability: f64,
    /// Probability that a child is mutated.
    pub mutation_probability: f64,
    /// Mutations of a child that is.
    pub mutations: usize,
}

impl Variation {
    /// One mutation, and no crossover.
    pub const MUTATION: Self = Self { crossover_probability: 0.0, mutation_probability: 1.0, mutations: 1 };

    /// A child of two parents, which may be one. Without crossover it descends from `first`.
    ///
    /// # Errors
    /// Where a parent is no point of the space.
    pub fn child(
        &self,
        space: &Space,
        first: &Architecture,
        second: &Architecture,
        rng: &mut Rng,
    ) -> Result<Architecture, Error> {
        let mut child = first.clone();
        if rng.uniform() < self.crossover_probability {
            child = space.crossover(&child, second, rng.next_u64())?;
        }
        if rng.uniform() < self.mutation_probability {
            child = mutated(space, &child, self.mutations, rng)?;
        }
        Ok(child)
    }
}
