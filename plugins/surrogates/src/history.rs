//! What was asked and what was observed.

use std::collections::{BTreeMap, HashSet};

use archwright_sdk::{Architecture, Error, EstimateOutcome, Goal, Objective, Observation, Query, Reply};

/// An architecture with its cost by the first objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The query that asked for it.
    pub query: u64,
    /// The architecture.
    pub architecture: Architecture,
    /// The first objective, negated where it is to be large: smaller is better. Finite.
    pub cost: f64,
}

/// Costs with a mean of 0 and a variance of 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardized {
    /// One for each observation, in their order.
    pub costs: Vec<f64>,
    /// The smallest of them; infinite where there is none.
    pub best: f64,
}

/// Which architectures were asked for, and how good those are that were estimated.
#[derive(Clone, Debug)]
pub struct History {
    goal: Goal,
    open: BTreeMap<u64, Architecture>,
    next: u64,
    asked: HashSet<String>,
    observed: Vec<Observed>,
}

impl History {
    /// Nothing yet, for the first of these objectives; larger is better where there is none.
    pub fn new(objectives: &[Objective]) -> Self {
        let goal = objectives.first().map_or(Goal::Maximize, |objective| objective.goal);
        Self { goal, open: BTreeMap::new(), next: 0, asked: HashSet::new(), observed: Vec::new() }
    }

    /// Which way the first objective is better.
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// Takes note that an architecture is asked for; gives the query, with ids from 0.
    ///
    /// # Errors
    /// Where the architecture cannot be written down.
    pub fn ask(&mut self, architecture: Architecture, parent: Option<u64>) -> Result<Query, Error> {
        let id = self.next;
        self.next += 1;
        self.asked.insert(key(&architecture)?);
        self.open.insert(id, architecture.clone());
        Ok(Query { parent, ..Query::full(id, architecture) })
    }

    /// What to answer with these queries: where there are none, the end, unless something is still to be told.
    pub fn reply(&self, queries: Vec<Query>) -> Reply {
        match (queries.is_empty(), self.in_flight()) {
            (false, _) => Reply::Queries(queries),
            (true, 0) => Reply::Finished,
            (true, _) => Reply::Waiting,
        }
    }

    /// Takes an observation, in any order. Gives what was observed; nothing where the query failed, or its value is not finite.
    ///
    /// # Errors
    /// Where there is no such query in flight.
    pub fn tell(&mut self, observation: &Observation) -> Result<Option<&Observed>, Error> {
        let Some(architecture) = self.open.remove(&observation.query) else {
            return Err(Error::Internal(format!("query {} is not in flight", observation.query)));
        };
        let value = match &observation.outcome {
            EstimateOutcome::Estimated(estimate) => estimate.objectives.first().filter(|value| value.is_finite()),
            EstimateOutcome::Failed(_) => None,
        };
        let Some(value) = value else { return Ok(None) };
        let cost = if self.goal == Goal::Minimize { *value } else { -value };
        self.observed.push(Observed { query: observation.query, architecture, cost });
        Ok(self.observed.last())
    }

    /// Queries asked so far.
    pub fn asked(&self) -> u64 {
        self.next
    }

    /// Queries that nothing was told of yet.
    pub fn in_flight(&self) -> usize {
        self.open.len()
    }

    /// The architectures of these, the oldest query first.
    pub fn open(&self) -> impl Iterator<Item = &Architecture> {
        self.open.values()
    }

    /// What was estimated, in the order in which it was told.
    pub fn observed(&self) -> &[Observed] {
        &self.observed
    }

    /// Whether this very architecture was never asked for. Others with an isomorphic network may have been: to compare networks
    /// takes more fuel than to predict how good one is.
    ///
    /// # Errors
    /// Where the architecture cannot be written down.
    pub fn is_new(&self, architecture: &Architecture) -> Result<bool, Error> {
        Ok(!self.asked.contains(&key(architecture)?))
    }

    /// Indices of the observations with the smallest costs, at most `count`, the best first; of equals the first one told.
    pub fn best(&self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.observed.len()).collect();
        order.sort_by(|left, right| self.observed[*left].cost.total_cmp(&self.observed[*right].cost));
        order.truncate(count);
        order
    }

    /// Indices of the observations that a model learns from: all, or the better half of `limit` and the latest of the others,
    /// in the order in which they were told.
    pub fn kept(&self, limit: usize) -> Vec<usize> {
        if self.observed.len() <= limit {
            return (0..self.observed.len()).collect();
        }
        let mut kept = self.best(limit.div_ceil(2));
        let best: HashSet<usize> = kept.iter().copied().collect();
        kept.extend((0..self.observed.len()).rev().filter(|index| !best.contains(index)).take(limit - best.len()));
        kept.sort_unstable();
        kept
    }

    /// The costs of these observations, standardized; all 0 where they are all alike.
    pub fn standardized(&self, indices: &[usize]) -> Standardized {
        let costs: Vec<f64> = indices.iter().map(|index| self.observed[*index].cost).collect();
        // Shares of the largest, since the squares of finite numbers need not be finite.
        let largest = costs.iter().fold(0.0_f64, |largest, cost| largest.max(cost.abs()));
        let shares: Vec<f64> = costs.iter().map(|cost| if largest > 0.0 { cost / largest } else { 0.0 }).collect();
        let count = shares.len().max(1) as f64;
        let mean = shares.iter().sum::<f64>() / count;
        let deviation = (shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / count).sqrt();
        let standard = |share: &f64| if deviation > 1e-14 { (share - mean) / deviation } else { 0.0 };
        let costs: Vec<f64> = shares.iter().map(standard).collect();
        let best = costs.iter().copied().fold(f64::INFINITY, f64::min);
        Standardized { costs, best }
    }
}

/// The same text for the same architecture.
pub(crate) fn key(architecture: &Architecture) -> Result<String, Error> {
    archwright_sdk::serde_json::to_string(architecture)
        .map_err(|error| Error::Internal(format!("an architecture cannot be written down: {error}")))
}
