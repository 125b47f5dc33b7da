//! What is known.

use std::collections::BTreeMap;

use archwright_space::Architecture;

use crate::{Error, EstimateOutcome, Goal, Objective, Observation, Query};

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

    /// Takes note that an architecture is asked for; gives the query, at full fidelity. `parent` is the query it descends from.
    pub fn query(&mut self, architecture: Architecture, parent: Option<u64>) -> Query {
        Query { parent, ..Query::full(self.ask(architecture.clone()), architecture) }
    }

    /// Queries so far.
    pub fn asked(&self) -> u64 {
        self.next
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

    /// Takes observations; gives those that were estimated, in their order.
    ///
    /// # Errors
    /// Where there is no such query in flight.
    pub fn estimated(&mut self, observations: &[Observation]) -> Result<Vec<Member>, Error> {
        let told = observations.iter().map(|observation| Ok(self.tell(observation)?.ok()));
        told.filter_map(Result::transpose).collect()
    }

    /// The best so far; of equals the first one told.
    pub fn best(&self) -> Option<&Member> {
        self.best.as_ref()
    }
}
