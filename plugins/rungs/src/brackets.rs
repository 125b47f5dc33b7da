//! Brackets one after the other, and at once where that keeps workers busy.

use std::collections::BTreeMap;

use archwright_sdk::{Architecture, Error, Goal, Objective, Observation, Query, Reply};

use crate::bracket::{Bracket, Next};
use crate::{Plan, loss};

/// Carries out brackets in turn. The next one begins only when all that began have nothing to ask for.
#[derive(Clone, Debug)]
pub struct Brackets {
    goal: Goal,
    plans: Vec<Plan>,
    /// Brackets to begin yet; no end without.
    left: Option<u64>,
    begun: u64,
    /// Brackets that are not over, by when they began.
    open: BTreeMap<u64, Bracket>,
    /// The bracket of each query in flight.
    of: BTreeMap<u64, u64>,
    queries: u64,
}

/// What was told of one query.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What was asked for.
    pub architecture: Architecture,
    /// The fidelity it was asked for at.
    pub fidelity: f64,
    /// The first objective as a loss.
    pub loss: f64,
}

impl Brackets {
    /// These brackets in turn, again and again, `limit` brackets in all. The first of the objectives counts.
    pub fn new(objectives: &[Objective], plans: Vec<Plan>, limit: Option<u64>) -> Self {
        let goal = objectives.first().map_or(Goal::Maximize, |objective| objective.goal);
        let (open, of) = (BTreeMap::new(), BTreeMap::new());
        Self { goal, plans, left: limit, begun: 0, open, of, queries: 0 }
    }

    /// At most `capacity` queries: of the bracket that began first, as far as it has any. `fresh` gives new architectures.
    ///
    /// # Errors
    /// Those of `fresh`.
    pub fn ask(
        &mut self,
        capacity: usize,
        mut fresh: impl FnMut() -> Result<Architecture, Error>,
    ) -> Result<Reply, Error> {
        let mut queries = Vec::new();
        while queries.len() < capacity {
            let Some((serial, next)) = self.next() else { break };
            let (architecture, parent) = match next {
                Some(entry) => (entry.architecture, Some(entry.query)),
                None => (fresh()?, None),
            };
            let id = self.queries;
            self.queries += 1;
            self.of.insert(id, serial);
            let Some(bracket) = self.open.get_mut(&serial) else {
                return Err(Error::Internal(format!("bracket {serial} is over")));
            };
            bracket.asked(id, architecture.clone());
            queries.push(Query { fidelity: bracket.fidelity(), parent, ..Query::full(id, architecture) });
        }
        Ok(match queries.is_empty() {
            false => Reply::Queries(queries),
            true if self.of.is_empty() => Reply::Finished,
            true => Reply::Waiting,
        })
    }

    /// Takes an observation.
    ///
    /// # Errors
    /// Where there is no such query in flight.
    pub fn tell(&mut self, observation: &Observation) -> Result<Told, Error> {
        let query = observation.query;
        let loss = loss(&observation.outcome, self.goal);
        let serial = self.of.remove(&query);
        let told = serial.and_then(|serial| self.open.get_mut(&serial)?.tell(query, loss));
        let Some((architecture, fidelity)) = told else {
            return Err(Error::Internal(format!("query {query} is not in flight")));
        };
        Ok(Told { architecture, fidelity, loss })
    }

    /// The bracket that has something to ask for, and what was promoted; nothing for a new architecture.
    fn next(&mut self) -> Option<(u64, Option<crate::bracket::Entry>)> {
        // Whatever is over has nothing in flight.
        let mut over = Vec::new();
        let mut found = None;
        for (serial, bracket) in &mut self.open {
            match bracket.next() {
                Next::Fresh => found = Some((*serial, None)),
                Next::Promoted(entry) => found = Some((*serial, Some(entry))),
                Next::Over => over.push(*serial),
                Next::Waiting => {}
            }
            if found.is_some() {
                break;
            }
        }
        for serial in over {
            self.open.remove(&serial);
        }
        found.or_else(|| self.begin())
    }

    /// Begins the next bracket, which asks for a new architecture.
    fn begin(&mut self) -> Option<(u64, Option<crate::bracket::Entry>)> {
        if self.left == Some(0) || self.plans.is_empty() {
            return None;
        }
        self.left = self.left.map(|left| left - 1);
        let serial = self.begun;
        self.begun += 1;
        let mut bracket = Bracket::new(self.plans[(serial % self.plans.len() as u64) as usize].clone());
        let has_room = matches!(bracket.next(), Next::Fresh);
        self.open.insert(serial, bracket);
        has_room.then_some((serial, None))
    }
}

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::estimate;
    use archwright_sdk::{EstimateOutcome, Value};

    use super::*;
    use crate::halvings;

    fn brackets(limit: Option<u64>) -> Brackets {
        let objectives = [Objective { name: "loss".into(), goal: Goal::Minimize }];
        Brackets::new(&objectives, vec![halvings(4, 2, 2)], limit)
    }

    fn ask(brackets: &mut Brackets, capacity: usize) -> Vec<(u64, f64, Option<u64>)> {
        let point = || Ok(Architecture::Point(vec![Value::Index(0)]));
        match brackets.ask(capacity, point).unwrap() {
            Reply::Queries(queries) => queries.iter().map(|query| (query.id, query.fidelity, query.parent)).collect(),
            Reply::Waiting => Vec::new(),
            Reply::Finished => panic!("finished"),
        }
    }

    fn tell(brackets: &mut Brackets, query: u64, value: Option<f64>) {
        let outcome = value.map_or(EstimateOutcome::Failed(String::new()), |v| EstimateOutcome::Estimated(estimate(v)));
        brackets.tell(&Observation { query, outcome }).unwrap();
    }

    #[test]
    fn a_rung_is_waited_for_and_its_best_go_on() {
        let mut one = brackets(Some(1));
        assert_eq!(ask(&mut one, 9), [(0, 0.25, None), (1, 0.25, None), (2, 0.25, None), (3, 0.25, None)]);
        for (query, value) in [(3, Some(2.0)), (0, Some(2.0)), (2, Some(f64::NAN))] {
            assert_eq!(ask(&mut one, 1), []);
            tell(&mut one, query, value);
        }
        tell(&mut one, 1, Some(1.0));
        // Of equals the one asked for first.
        assert_eq!(ask(&mut one, 9), [(4, 0.5, Some(1)), (5, 0.5, Some(0))]);
        tell(&mut one, 4, None);
        tell(&mut one, 5, Some(9.0));
        assert_eq!(ask(&mut one, 9), [(6, 1.0, Some(5))]);
        tell(&mut one, 6, Some(1.0));
        let again = one.ask(1, || panic!("a new architecture")).unwrap();
        assert_eq!(again, Reply::Finished);
    }

    #[test]
    fn the_next_bracket_begins_while_one_waits_and_the_earlier_one_comes_first() {
        let mut all = brackets(None);
        assert_eq!(ask(&mut all, 6).len(), 6);
        (0..4).for_each(|query| tell(&mut all, query, Some(query as f64)));
        assert_eq!(ask(&mut all, 3), [(6, 0.5, Some(0)), (7, 0.5, Some(1)), (8, 0.25, None)]);
    }

    #[test]
    fn a_rung_of_failures_ends_its_bracket() {
        let mut all = brackets(None);
        assert_eq!(ask(&mut all, 4).len(), 4);
        (0..4).for_each(|query| tell(&mut all, query, None));
        assert_eq!(ask(&mut all, 1), [(4, 0.25, None)]);
        let unknown = Observation { query: 99, outcome: EstimateOutcome::Failed(String::new()) };
        assert!(all.tell(&unknown).is_err());
    }
}
