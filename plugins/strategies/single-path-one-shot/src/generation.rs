//! How many of a generation come from where (Guo et al. 2020, section 3.4, algorithm 1).

use archwright_sdk::prelude::*;

/// Tries for each architecture of a kind before the generation does without, as in the authors' code: many crossovers of few
/// parents are known already.
const TRIES: u32 = 10;

/// Where an architecture comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Crossover,
    Mutation,
    Random,
}

/// A generation that is being made. Random architectures take the places that crossovers and mutants leave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generation {
    parents: Vec<Member>,
    size: u32,
    /// For crossovers, mutants and random ones: those wanted, made, and tried.
    wanted: [u32; 3],
    made: [u32; 3],
    tried: [u32; 3],
    /// The kind tried last.
    last: usize,
}

impl Generation {
    /// The first one, all random.
    pub(crate) fn first(size: u32) -> Self {
        Self { size, ..Self::default() }
    }

    /// One that descends from these parents.
    pub(crate) fn next(parents: Vec<Member>, size: u32, crossovers: u32, mutations: u32) -> Self {
        let wanted = if parents.is_empty() { [0; 3] } else { [crossovers, mutations, 0] };
        Self { parents, size, wanted, ..Self::default() }
    }

    /// Which kind to try next; nothing once the generation is complete.
    pub(crate) fn next_kind(&mut self) -> Option<Kind> {
        self.wanted[2] = self.size.saturating_sub(self.made[0] + self.made[1]);
        let open = |kind: &usize| {
            self.made[*kind] < self.wanted[*kind] && self.tried[*kind] < self.wanted[*kind].saturating_mul(TRIES)
        };
        let kind = (0..3).find(open)?;
        self.tried[kind] += 1;
        self.last = kind;
        Some([Kind::Crossover, Kind::Mutation, Kind::Random][kind])
    }

    /// Takes what was tried last.
    pub(crate) fn take(&mut self) {
        self.made[self.last] += 1;
    }

    /// Architectures taken.
    pub(crate) fn made(&self) -> u32 {
        self.made.iter().sum()
    }

    /// Architectures tried.
    pub(crate) fn tried(&self) -> u32 {
        self.tried.iter().sum()
    }

    /// One of the parents, evenly.
    pub(crate) fn parent(&self, rng: &mut Rng) -> Option<Vec<Value>> {
        match &rng.choose(&self.parents)?.architecture {
            Architecture::Point(values) => Some(values.clone()),
            Architecture::Network(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> Member {
        Member { query: 0, architecture: Architecture::Point(vec![Value::Index(1)]), value: 0.5 }
    }

    fn kinds(mut generation: Generation, takes: impl Fn(Kind) -> bool) -> Vec<Kind> {
        let mut taken = Vec::new();
        while let Some(kind) = generation.next_kind() {
            if takes(kind) {
                generation.take();
                taken.push(kind);
            }
        }
        assert_eq!(generation.made() as usize, taken.len());
        taken
    }

    #[test]
    fn parents_make_crossovers_and_mutants() {
        use Kind::{Crossover, Mutation, Random};
        let generation = || Generation::next(vec![member()], 5, 2, 2);
        assert_eq!(kinds(generation(), |_| true), [Crossover, Crossover, Mutation, Mutation, Random]);
        assert_eq!(kinds(generation(), |kind| kind != Crossover), [Mutation, Mutation, Random, Random, Random]);
        assert_eq!(kinds(generation(), |_| false), []);
        assert_eq!(kinds(Generation::first(3), |_| true), [Random; 3]);
        assert_eq!(kinds(Generation::next(Vec::new(), 3, 1, 1), |_| true), [Random; 3]);
    }
}
