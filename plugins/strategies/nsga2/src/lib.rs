//! NSGA-II: evolution towards all objectives at once, by who dominates whom and, among equals, by who has more room around
//! (Deb et al. 2002).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use archwright_sdk::pareto::{crowding, fronts};
use archwright_sdk::prelude::*;

/// Options of NSGA-II.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Architectures that survive a generation, and children of one; so many random ones come first. 100 in Deb et al. 2002,
    /// section IV.
    #[schemars(range(min = 2, max = 5_000))]
    pub population_size: u32,
    /// Probability that a child has two parents, before it is mutated. 0.9 in section IV.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub crossover_probability: f64,
    /// Probability that a child has one decision changed. In section IV each of n variables changes with a probability of 1/n:
    /// one on average.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub mutation_probability: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { population_size: 100, crossover_probability: 0.9, mutation_probability: 1.0 }
    }
}

/// One that was estimated.
#[derive(Clone, Debug)]
struct Individual {
    query: u64,
    architecture: Architecture,
    /// One for each objective, all to be small.
    costs: Vec<f64>,
}

/// NSGA-II.
pub struct Nsga2 {
    space: Space,
    options: Options,
    rng: Rng,
    goals: Vec<Goal>,
    open: BTreeMap<u64, Architecture>,
    next: u64,
    parents: Vec<Individual>,
    /// For each parent its front and its crowding distance there; stale where there are fewer of them.
    ranks: Vec<(usize, f64)>,
    children: Vec<Individual>,
}

impl Strategy for Nsga2 {
    const NAME: &'static str = "nsga2";
    const SUMMARY: &'static str = "Non-dominated sorting for several objectives (Deb et al. 2002)";
    const REFERENCES: &'static [&'static str] = &["doi:10.1109/4235.996017"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        if setup.max_queries.is_some_and(|queries| queries <= options.population_size.into()) {
            log(
                LogLevel::Warn,
                &format!(
                    "the budget is spent on the {} random architectures of the first population: lower \
                     `population_size` to evolve",
                    options.population_size
                ),
            );
        }
        Ok(Self {
            space,
            options,
            rng: Rng::new(setup.seed),
            goals: setup.objectives.iter().map(|objective| objective.goal).collect(),
            open: BTreeMap::new(),
            next: 0,
            parents: Vec::new(),
            ranks: Vec::new(),
            children: Vec::new(),
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let queries = (0..capacity).map(|_| self.query()).collect::<Result<_, _>>()?;
        Ok(Reply::Queries(queries))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            let Some(architecture) = self.open.remove(&observation.query) else {
                return Err(Error::Internal(format!("query {} is not in flight", observation.query)));
            };
            // What failed cannot be compared and joins nobody.
            let Some(costs) = self.costs(&observation.outcome) else { continue };
            let individual = Individual { query: observation.query, architecture, costs };
            let size = self.options.population_size as usize;
            if self.parents.len() < size {
                self.parents.push(individual);
            } else {
                self.children.push(individual);
                if self.children.len() == size {
                    self.select();
                }
            }
        }
        Ok(())
    }

    /// The first front of all that are alive, without repeats, the best by the first objective first.
    fn recommend(&mut self) -> Vec<Architecture> {
        let alive: Vec<&Individual> = self.parents.iter().chain(&self.children).collect();
        let costs: Vec<Vec<f64>> = alive.iter().map(|individual| individual.costs.clone()).collect();
        let mut front = fronts(&costs).into_iter().next().unwrap_or_default();
        let first = |index: &usize| costs[*index].first().copied().unwrap_or(0.0);
        // Among equals the first one asked for.
        front.sort_by(|left, right| {
            first(left).total_cmp(&first(right)).then(alive[*left].query.cmp(&alive[*right].query))
        });
        let mut picks: Vec<Architecture> = Vec::new();
        for index in front {
            if !picks.contains(&alive[index].architecture) {
                picks.push(alive[index].architecture.clone());
            }
        }
        picks
    }
}

impl Nsga2 {
    /// One cost for each objective; nothing where the query failed or a value is not finite.
    fn costs(&self, outcome: &EstimateOutcome) -> Option<Vec<f64>> {
        let EstimateOutcome::Estimated(estimate) = outcome else { return None };
        let values = &estimate.objectives;
        if values.len() != self.goals.len() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let cost = |(goal, value): (&Goal, &f64)| if *goal == Goal::Minimize { *value } else { -value };
        Some(self.goals.iter().zip(values).map(cost).collect())
    }

    /// A random architecture while the first population is not asked for, or nobody lives; otherwise a child. Children are made
    /// of whoever lives now: nothing waits for the end of a generation, and late ones belong to the next.
    fn query(&mut self) -> Result<Query, Error> {
        let (architecture, parent) = if self.next < u64::from(self.options.population_size) || self.parents.is_empty() {
            (self.space.sample(self.rng.next_u64()), None)
        } else {
            let (child, parent) = self.child()?;
            (child, Some(parent))
        };
        let id = self.next;
        self.next += 1;
        self.open.insert(id, architecture.clone());
        Ok(Query { parent, ..Query::full(id, architecture) })
    }

    /// A child, and the query that its (first) parent came from.
    fn child(&mut self) -> Result<(Architecture, u64), Error> {
        if self.ranks.len() < self.parents.len() {
            self.rank();
        }
        let winner = self.tournament();
        let (mut child, parent) = (self.parents[winner].architecture.clone(), self.parents[winner].query);
        if self.rng.uniform() < self.options.crossover_probability {
            let other = self.tournament();
            child = self.space.crossover(&child, &self.parents[other].architecture, self.rng.next_u64())?;
        }
        if self.rng.uniform() < self.options.mutation_probability {
            child = self.space.mutate(&child, self.rng.next_u64())?;
        }
        Ok((child, parent))
    }

    /// The better of two random parents: of the better front, or else the less crowded one (section III-B).
    fn tournament(&mut self) -> usize {
        let [left, right] = [self.rng.below(self.parents.len()), self.rng.below(self.parents.len())];
        let ((left_front, left_room), (right_front, right_room)) = (self.ranks[left], self.ranks[right]);
        if left_front < right_front || (left_front == right_front && left_room >= right_room) { left } else { right }
    }

    /// Fronts and crowding distances of the parents.
    fn rank(&mut self) {
        let costs: Vec<Vec<f64>> = self.parents.iter().map(|individual| individual.costs.clone()).collect();
        self.ranks = vec![(0, 0.0); costs.len()];
        for (rank, front) in fronts(&costs).iter().enumerate() {
            for (index, room) in front.iter().zip(crowding(&costs, front)) {
                self.ranks[*index] = (rank, room);
            }
        }
    }

    /// The next parents: whole fronts of parents and children, then the least crowded of the front that does not fit
    /// (section III-C).
    fn select(&mut self) {
        let mut all = std::mem::take(&mut self.parents);
        all.append(&mut self.children);
        let costs: Vec<Vec<f64>> = all.iter().map(|individual| individual.costs.clone()).collect();
        let size = self.options.population_size as usize;
        let mut chosen = Vec::with_capacity(size);
        for front in fronts(&costs) {
            let left = size - chosen.len();
            if front.len() <= left {
                chosen.extend(front);
                continue;
            }
            let mut roomy: Vec<(usize, f64)> = front.iter().copied().zip(crowding(&costs, &front)).collect();
            roomy.sort_by(|left, right| right.1.total_cmp(&left.1));
            chosen.extend(roomy.iter().take(left).map(|(index, _)| *index));
            break;
        }
        let mut all: Vec<Option<Individual>> = all.into_iter().map(Some).collect();
        self.parents = chosen.into_iter().filter_map(|index| all[index].take()).collect();
        self.ranks.clear();
    }
}

archwright_sdk::export_strategy!(Nsga2);
