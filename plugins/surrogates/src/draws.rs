//! Architectures that were never asked for, to choose among.

use std::collections::HashSet;

use archwright_sdk::variation::mutated;
use archwright_sdk::{Architecture, Error, Rng, Space};

use crate::History;
use crate::history::key;

/// Random draws after which nothing new counts as left.
pub const PATIENCE: u32 = 1_000;

/// Draws for each architecture wanted, before there are fewer.
const TRIES: usize = 5;

/// Mutants in a row that are not new, before another parent is taken.
const MISSES: u32 = 10;

/// Draws architectures that differ from each other and from all that were asked for. All are within the constraints of the
/// space and of the experiment: what the space draws is, and to ask it again would take the fuel of another network.
#[derive(Debug)]
pub struct Draws<'a> {
    space: &'a Space,
    history: &'a History,
    drawn: HashSet<String>,
}

impl<'a> Draws<'a> {
    /// Nothing drawn yet.
    pub fn new(space: &'a Space, history: &'a History) -> Self {
        Self { space, history, drawn: HashSet::new() }
    }

    /// Whether an architecture is new; from now on it was drawn.
    ///
    /// # Errors
    /// Where it cannot be written down.
    pub fn take(&mut self, architecture: &Architecture) -> Result<bool, Error> {
        Ok(self.history.is_new(architecture)? && self.drawn.insert(key(architecture)?))
    }

    /// A random one; nothing where [`PATIENCE`] draws bring nothing new.
    ///
    /// # Errors
    /// Where an architecture cannot be written down.
    pub fn random(&mut self, rng: &mut Rng) -> Result<Option<Architecture>, Error> {
        for _ in 0..PATIENCE {
            let architecture = self.space.sample(rng.next_u64());
            if self.take(&architecture)? {
                return Ok(Some(architecture));
            }
        }
        Ok(None)
    }

    /// At most `count` random ones: fewer where they are hard to find.
    ///
    /// # Errors
    /// Where an architecture cannot be written down.
    pub fn randoms(&mut self, count: usize, rng: &mut Rng) -> Result<Vec<Architecture>, Error> {
        let mut found = Vec::new();
        for _ in 0..count.saturating_mul(TRIES) {
            if found.len() == count {
                break;
            }
            let architecture = self.space.sample(rng.next_u64());
            if self.take(&architecture)? {
                found.push(architecture);
            }
        }
        Ok(found)
    }

    /// At most `count` mutants, each changed in one to `changes` (at least 1) decisions, with the index of what it descends from:
    /// fewer where they are hard to find. The first `parents` (at least 1) of these are mutated in turn, and one more whenever
    /// ten draws in a row bring nothing new.
    ///
    /// # Errors
    /// Where one of these is no point of the space.
    pub fn mutants(
        &mut self,
        of: &[Architecture],
        parents: usize,
        count: usize,
        changes: u32,
        rng: &mut Rng,
    ) -> Result<Vec<(Architecture, usize)>, Error> {
        let mut found = Vec::new();
        let (mut parents, mut misses) = (parents.clamp(1, of.len().max(1)), 0);
        for turn in 0..count.saturating_mul(TRIES) {
            if found.len() == count || of.is_empty() {
                break;
            }
            let parent = turn % parents;
            let changes = 1 + rng.below(changes.max(1) as usize);
            let child = mutated(self.space, &of[parent], changes, rng)?;
            if self.take(&child)? {
                found.push((child, parent));
                misses = 0;
            } else {
                misses += 1;
            }
            if misses == MISSES {
                parents = (parents + 1).min(of.len());
                misses = 0;
            }
        }
        Ok(found)
    }
}
