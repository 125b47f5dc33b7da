//! Single path one-shot: evolution among the paths of a supergraph that was trained by uniformly sampled paths
//! (Guo et al. 2020).

mod generation;

use std::collections::HashSet;

use archwright_relaxation::{Points, Rows};
use archwright_sdk::prelude::*;

use generation::{Generation, Kind};

/// Options of single path one-shot.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Architectures of each generation. 50 in Guo et al. 2020.
    #[schemars(range(min = 1, max = 10_000))]
    pub population_size: u32,
    /// Generations. 20 in the paper.
    #[schemars(range(min = 1, max = 10_000))]
    pub iterations: u32,
    /// The best of all so far that may be parents. 10 in the paper.
    #[schemars(range(min = 1, max = 10_000))]
    pub parents: u32,
    /// Architectures of a generation that two parents make. 25 in the paper.
    #[schemars(range(min = 0, max = 10_000))]
    pub crossovers: u32,
    /// Architectures of a generation that are mutants of one parent. 25 in the paper.
    #[schemars(range(min = 0, max = 10_000))]
    pub mutations: u32,
    /// Probability that a decision is drawn anew in a mutant. 0.1 in the paper.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub mutation_probability: f64,
    /// Most multiply-adds of an architecture; absent, there is no limit.
    #[schemars(range(min = 1))]
    pub max_multiply_adds: Option<u64>,
    /// Most parameters of an architecture; absent, there is no limit.
    #[schemars(range(min = 1))]
    pub max_parameters: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            population_size: 50,
            iterations: 20,
            parents: 10,
            crossovers: 25,
            mutations: 25,
            mutation_probability: 0.1,
            max_multiply_adds: None,
            max_parameters: None,
        }
    }
}

/// Evolution over a trained supergraph.
pub struct SinglePathOneShot {
    points: Points,
    options: Options,
    archive: Archive,
    rng: Rng,
    /// Points that were asked for, or found to be too large, as text: reals have no hash.
    seen: HashSet<String>,
    /// The best so far, best first.
    parents: Vec<Member>,
    /// The one being asked for; it descends from those that were the best when the one before was complete.
    generation: Generation,
    /// Generations that are complete.
    complete: u32,
}

impl Strategy for SinglePathOneShot {
    const NAME: &'static str = "single-path-one-shot";
    const SUMMARY: &'static str = "Evolution among the paths of a trained supergraph (Guo et al. 2020)";
    const REFERENCES: &'static [&'static str] =
        &["arXiv:1904.00420", "https://github.com/megvii-model/SinglePathOneShot"];
    const NEEDS: &'static [&'static str] = &["shared-weights"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        Rows::of(&setup.decisions)?;
        if options.crossovers.saturating_add(options.mutations) > options.population_size {
            return Err(Error::InvalidOptions(format!(
                "`crossovers` and `mutations` are {} together, more than the `population_size` of {}",
                options.crossovers.saturating_add(options.mutations),
                options.population_size
            )));
        }
        if setup.max_queries.is_some_and(|queries| queries <= options.population_size.into()) {
            log(
                LogLevel::Warn,
                &format!(
                    "the budget is spent on the {} random architectures of the first generation: lower \
                     `population_size` to evolve",
                    options.population_size
                ),
            );
        }
        Ok(Self {
            points: Points::new(setup.decisions, space),
            generation: Generation::first(options.population_size),
            archive: Archive::new(&setup.objectives),
            options,
            rng: Rng::new(setup.seed),
            seen: HashSet::new(),
            parents: Vec::new(),
            complete: 0,
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        loop {
            let mut queries = Vec::new();
            while queries.len() < capacity {
                let Some(values) = self.candidate() else { break };
                let architecture = Architecture::Point(values);
                queries.push(Query::full(self.archive.ask(architecture.clone()), architecture));
            }
            if !queries.is_empty() {
                return Ok(Reply::Queries(queries));
            }
            if self.archive.in_flight() > 0 {
                return Ok(Reply::Waiting);
            }
            // The generation is told in full.
            if self.generation.made() == 0 && self.complete == 0 {
                return Err(Error::InvalidOptions(format!(
                    "none of {} random architectures has a network within `max_multiply_adds` and `max_parameters`",
                    self.generation.tried()
                )));
            }
            if self.generation.made() > 0 {
                self.complete += 1;
            }
            // A generation without anything new says that there is little left to find.
            if self.generation.made() == 0 || self.complete >= self.options.iterations {
                self.complete = self.options.iterations;
                self.generation = Generation::default();
                return Ok(Reply::Finished);
            }
            let Options { population_size, crossovers, mutations, .. } = self.options;
            self.generation = Generation::next(self.parents.clone(), population_size, crossovers, mutations);
        }
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        let goal = self.archive.goal();
        for observation in observations {
            // What failed has no value and is nobody's parent.
            if let Ok(member) = self.archive.tell(observation)? {
                // Behind those as good that came before.
                let place = self.parents.partition_point(|parent| !goal.is_better(member.value, parent.value));
                self.parents.insert(place, member);
                self.parents.truncate(self.options.parents as usize);
            }
        }
        Ok(())
    }

    /// The best ones.
    fn recommend(&mut self) -> Vec<Architecture> {
        self.parents.iter().map(|parent| parent.architecture.clone()).collect()
    }
}

impl SinglePathOneShot {
    /// The next new architecture of this generation.
    fn candidate(&mut self) -> Option<Vec<Value>> {
        loop {
            let values = match self.generation.next_kind()? {
                Kind::Crossover => self.crossover()?,
                Kind::Mutation => self.mutant()?,
                Kind::Random => match self.points.space().sample(self.rng.next_u64()) {
                    Architecture::Point(values) => values,
                    Architecture::Network(_) => continue,
                },
            };
            if self.seen.insert(format!("{values:?}")) && self.is_legal(&values) {
                self.generation.take();
                return Some(values);
            }
        }
    }

    /// Whether a point has a network, within the limits.
    fn is_legal(&self, values: &[Value]) -> bool {
        let footprint = self.points.space().profile(&Architecture::Point(values.to_vec()));
        let within = |limit: Option<u64>, value: u64| limit.is_none_or(|limit| value <= limit);
        footprint.is_ok_and(|footprint| {
            within(self.options.max_multiply_adds, footprint.multiply_adds)
                && within(self.options.max_parameters, footprint.parameters)
        })
    }

    /// Each decision from one of two parents. What is active in neither is drawn.
    fn crossover(&mut self) -> Option<Vec<Value>> {
        let left = self.generation.parent(&mut self.rng)?;
        let right = self.generation.parent(&mut self.rng)?;
        let (points, rng) = (&self.points, &mut self.rng);
        Some(points.settled(|index, _| {
            let (first, second) = if rng.below(2) == 0 { (&left, &right) } else { (&right, &left) };
            let given = [first, second].into_iter().filter_map(|parent| parent.get(index).copied());
            given.into_iter().find(|value| *value != Value::Inactive).unwrap_or_else(|| points.draw(index, rng))
        }))
    }

    /// A parent in which some decisions, and those that this activates, are drawn anew.
    fn mutant(&mut self) -> Option<Vec<Value>> {
        let parent = self.generation.parent(&mut self.rng)?;
        let (points, rng, probability) = (&self.points, &mut self.rng, self.options.mutation_probability);
        Some(points.settled(|index, _| match parent.get(index) {
            Some(value) if *value != Value::Inactive && rng.uniform() >= probability => *value,
            _ => points.draw(index, rng),
        }))
    }
}

archwright_sdk::export_strategy!(SinglePathOneShot);

#[cfg(test)]
mod tests;
