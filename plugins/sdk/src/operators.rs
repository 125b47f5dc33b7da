//! Building blocks of strategies, each one idea: what is known, who may reproduce, who dies, what is new.

use std::collections::{BTreeMap, HashSet, VecDeque};

use archwright_space::Architecture;

use crate::{Error, EstimateOutcome, Goal, Objective, Observation, Rng};

/// An architecture with the value of the first objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The query that asked for it.
    pub query: u64,
    /// The architecture.
    pub architecture: Architecture,
    /// The first objective.
    pub value: f64,
}

/// Which architectures were asked for, and which of them are known to be how good by the first objective.
#[derive(Clone, Debug)]
pub struct Archive {
    goal: Goal,
    open: BTreeMap<u64, Architecture>,
    next: u64,
    best: Option<Member>,
}

impl Archive {
    /// An empty archive for the first of these objectives; larger is better where there is none.
    pub fn new(objectives: &[Objective]) -> Self {
        let goal = objectives.first().map_or(Goal::Maximize, |objective| objective.goal);
        Self { goal, open: BTreeMap::new(), next: 0, best: None }
    }

    /// Which way the first objective is better.
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// Takes note that an architecture is asked for; gives the query's id, from 0.
    pub fn ask(&mut self, architecture: Architecture) -> u64 {
        let id = self.next;
        self.next += 1;
        self.open.insert(id, architecture);
        id
    }

    /// Queries that nothing was told of yet.
    pub fn in_flight(&self) -> usize {
        self.open.len()
    }

    /// Takes an observation. Gives the architecture with its value, or without one where the query failed.
    ///
    /// # Errors
    /// Where there is no such query in flight.
    pub fn tell(&mut self, observation: &Observation) -> Result<Result<Member, Architecture>, Error> {
        let Some(architecture) = self.open.remove(&observation.query) else {
            return Err(Error::Internal(format!("query {} is not in flight", observation.query)));
        };
        let value = match &observation.outcome {
            EstimateOutcome::Estimated(estimate) => estimate.objectives.first().copied(),
            EstimateOutcome::Failed(_) => None,
        };
        let Some(value) = value else { return Ok(Err(architecture)) };
        let member = Member { query: observation.query, architecture, value };
        if self.best.as_ref().is_none_or(|best| self.goal.is_better(value, best.value)) {
            self.best = Some(member.clone());
        }
        Ok(Ok(member))
    }

    /// The best so far; of equals the first one told.
    pub fn best(&self) -> Option<&Member> {
        self.best.as_ref()
    }
}

/// Members by age.
#[derive(Clone, Debug)]
pub struct Population {
    goal: Goal,
    members: VecDeque<Member>,
}

impl Population {
    /// An empty population.
    pub fn new(goal: Goal) -> Self {
        Self { goal, members: VecDeque::new() }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Adds the youngest.
    pub fn add(&mut self, member: Member) {
        self.members.push_back(member);
    }

    /// Lets the oldest die until at most `size` are left (ageing; Real et al. 2019).
    pub fn keep_youngest(&mut self, size: usize) {
        while self.members.len() > size {
            self.members.pop_front();
        }
    }

    /// The best of `size` draws, each from all members (Real et al. 2019, algorithm 1); of equals the first drawn. Nothing where
    /// nobody lives.
    pub fn tournament(&self, size: usize, rng: &mut Rng) -> Option<&Member> {
        if self.members.is_empty() {
            return None;
        }
        let drawn = (0..size.max(1)).map(|_| &self.members[rng.below(self.members.len())]);
        drawn.reduce(|best, member| if self.goal.is_better(member.value, best.value) { member } else { best })
    }
}

/// Tells whether an architecture's network was seen before, isomorphic ones being the same.
#[derive(Clone, Debug, Default)]
#[cfg_attr(
    all(target_arch = "wasm32", not(any(feature = "strategy", feature = "estimator"))),
    expect(dead_code, reason = "a search space has no space to ask")
)]
pub struct Distinct(HashSet<String>);

#[cfg(any(not(target_arch = "wasm32"), feature = "strategy", feature = "estimator"))]
impl Distinct {
    /// Whether no architecture with an isomorphic network was seen; from now on it was.
    ///
    /// # Errors
    /// Where the architecture has no network.
    pub fn is_new(&mut self, architecture: &Architecture, space: &crate::Space) -> Result<bool, Error> {
        Ok(self.0.insert(space.fingerprint(architecture)?))
    }
}
