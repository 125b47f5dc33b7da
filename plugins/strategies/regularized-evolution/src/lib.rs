//! Regularized evolution: tournaments choose parents, mutation makes children, and the oldest dies, not the worst
//! (Real et al. 2019).

use archwright_sdk::prelude::*;

/// Options of regularized evolution.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Architectures alive at once; so many random ones come first. 100 in Real et al. 2019.
    #[schemars(range(min = 1, max = 100_000))]
    pub population_size: u32,
    /// Members drawn for a tournament, the best of which becomes a parent. 25 in Real et al. 2019, 10 in NAS-Bench-101.
    #[schemars(range(min = 1, max = 100_000))]
    pub sample_size: u32,
    /// Probability that a child has two parents, before it is mutated. 0 in the paper.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub crossover_probability: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { population_size: 100, sample_size: 25, crossover_probability: 0.0 }
    }
}

/// Regularized evolution.
pub struct RegularizedEvolution {
    space: Space,
    options: Options,
    rng: Rng,
    archive: Archive,
    population: Population,
    /// Random architectures asked for so far.
    founders: u32,
}

impl Strategy for RegularizedEvolution {
    const NAME: &'static str = "regularized-evolution";
    const SUMMARY: &'static str = "Tournament selection, mutation, and death of the oldest (Real et al. 2019)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1802.01548"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        if options.sample_size > options.population_size {
            return Err(Error::InvalidOptions(format!(
                "`sample_size` is {}, more than the `population_size` of {}",
                options.sample_size, options.population_size
            )));
        }
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
        let archive = Archive::new(&setup.objectives);
        let population = Population::new(archive.goal());
        Ok(Self { space, options, rng: Rng::new(setup.seed), archive, population, founders: 0 })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        Reply::each(capacity, || self.query())
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            // What failed has no value and joins nobody.
            if let Ok(member) = self.archive.tell(observation)? {
                self.population.add(member);
                self.population.keep_youngest(self.options.population_size as usize);
            }
        }
        Ok(())
    }
}

impl RegularizedEvolution {
    /// A founder while the first population is incomplete, or nobody lives; otherwise a child.
    fn query(&mut self) -> Result<Query, Error> {
        if self.founders < self.options.population_size || self.population.is_empty() {
            self.founders = self.founders.saturating_add(1);
            let founder = self.space.sample(self.rng.next_u64());
            return Ok(Query::full(self.archive.ask(founder.clone()), founder));
        }
        let (child, parent) = self.child()?;
        Ok(Query { parent: Some(parent), ..Query::full(self.archive.ask(child.clone()), child) })
    }

    /// A mutated parent, or the mutated crossover of two, and the query that the (first) parent came from.
    fn child(&mut self) -> Result<(Architecture, u64), Error> {
        let size = self.options.sample_size as usize;
        let nobody = || Error::Internal("nobody lives".into());
        let parent = self.population.tournament(size, &mut self.rng).ok_or_else(nobody)?;
        let crossed;
        let mut child = &parent.architecture;
        if self.rng.uniform() < self.options.crossover_probability {
            let other = self.population.tournament(size, &mut self.rng).ok_or_else(nobody)?;
            crossed = self.space.crossover(child, &other.architecture, self.rng.next_u64())?;
            child = &crossed;
        }
        Ok((self.space.mutate(child, self.rng.next_u64())?, parent.query))
    }
}

archwright_sdk::export_strategy!(RegularizedEvolution);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, run, setup};

    use super::*;

    /// Share of decisions that take their last value: smooth, with one best architecture.
    fn value(architecture: &Architecture) -> f64 {
        let Architecture::Point(values) = architecture else { panic!("a network") };
        values.iter().map(|value| if let Value::Index(index) = value { f64::from(*index) } else { 0.0 }).sum::<f64>()
            / 24.0
    }

    fn evolve(options: Options, seed: u64, queries: usize, in_flight: usize) -> Vec<(Query, Option<f64>)> {
        let space = bundled_space("nas-bench-201");
        let mut evolution = RegularizedEvolution::open(setup(&space, seed), options, space).unwrap();
        run(&mut evolution, queries, in_flight, |architecture| Some(value(architecture)))
    }

    fn small() -> Options {
        Options { population_size: 20, sample_size: 5, ..Options::default() }
    }

    #[test]
    fn founders_come_first_then_children_of_told_parents() {
        let history = evolve(small(), 0, 60, 4);
        assert!(history[..20].iter().all(|(query, _)| query.parent.is_none()));
        for (place, (query, _)) in history.iter().enumerate().skip(20) {
            let parent = query.parent.unwrap() as usize;
            assert!(parent + 4 <= place + 3, "the parent of {place} is {parent}");
            // The population holds the 20 youngest told.
            assert!(parent + 20 + 4 >= place, "the parent of {place}, {parent}, died");
        }
    }

    #[test]
    fn beats_random_search() {
        // The best of 100 by either, over 20 seeds: evolution wins, or draws, in at least 17. Under equal chances that has
        // a probability of 0.0013.
        let best =
            |history: &[(Query, Option<f64>)]| history.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max);
        let wins = (0..20).filter(|seed| {
            let evolved = best(&evolve(small(), *seed, 100, 1));
            let founders = Options { population_size: 100, sample_size: 5, ..Options::default() };
            let random = best(&evolve(founders, *seed + 1000, 100, 1));
            evolved >= random
        });
        let wins = wins.count();
        assert!(wins >= 17, "{wins} of 20");
    }

    #[test]
    fn goes_on_when_everything_fails() {
        let space = bundled_space("nas-bench-201");
        let mut evolution = RegularizedEvolution::open(setup(&space, 0), small(), space).unwrap();
        assert_eq!(run(&mut evolution, 50, 4, |_| None).len(), 50);
    }

    #[test]
    fn crossover_has_two_parents() {
        let options = Options { crossover_probability: 1.0, ..small() };
        assert_eq!(evolve(options, 0, 60, 2).len(), 60);
    }

    #[test]
    fn refuses_a_sample_larger_than_the_population() {
        let space = bundled_space("nas-bench-201");
        let options = Options { population_size: 5, sample_size: 6, ..Options::default() };
        let error = RegularizedEvolution::open(setup(&space, 0), options, space).err().unwrap();
        assert!(error.to_string().contains("sample_size"));
    }
}
