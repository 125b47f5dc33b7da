//! A search strategy: evolution in which the oldest die (Real et al. 2019).
//!
//! The host asks for architectures (`ask`), has them estimated, and tells what came of them (`tell`). Make it your own: change
//! how parents are chosen (`archwright_sdk::selection`), how children come about (`archwright_sdk::variation`), who dies
//! (`Population`), or all of it.

use archwright_sdk::prelude::*;

/// What users may set: the fields, their comments, ranges and defaults are what `archwright plugin inspect` shows.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Architectures alive at once; so many random ones come first.
    #[schemars(range(min = 1, max = 10_000))]
    pub population: u32,
    /// Members drawn for a tournament, whose best becomes a parent.
    #[schemars(range(min = 1, max = 10_000))]
    pub tournament: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { population: 16, tournament: 4 }
    }
}

/// A search under way.
pub struct Evolution {
    options: Options,
    space: Space,
    rng: Rng,
    archive: Archive,
    population: Population,
}

impl Strategy for Evolution {
    const NAME: &'static str = "plugin-name";
    const SUMMARY: &'static str = "Evolution in which the oldest die (Real et al. 2019)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1802.01548"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let archive = Archive::new(&setup.objectives);
        let population = Population::new(archive.goal());
        // The seed is all the randomness there is: the same calls give the same answers.
        Ok(Self { options, space, rng: Rng::new(setup.seed), archive, population })
    }

    /// At most `capacity` architectures: random ones first, then children of whoever wins a tournament.
    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let mut queries = Vec::new();
        for _ in 0..capacity {
            let is_founder = self.archive.asked() < self.options.population.into();
            let size = self.options.tournament as usize;
            let parent = if is_founder { None } else { self.population.tournament(size, &mut self.rng) };
            let seed = self.rng.next_u64();
            let architecture = match parent {
                Some(parent) => self.space.mutate(&parent.architecture, seed)?,
                None => self.space.sample(seed),
            };
            queries.push(self.archive.query(architecture, parent.map(|parent| parent.query)));
        }
        Ok(Reply::Queries(queries))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            // What failed has no value and joins nobody.
            if let Ok(member) = self.archive.tell(observation)? {
                self.population.add(member);
                self.population.keep_youngest(self.options.population as usize);
            }
        }
        Ok(())
    }
}

archwright_sdk::export_strategy!(Evolution);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, run, setup};

    use super::*;

    /// A search without a host: the value of an architecture is the share of its edges that are 3x3 convolutions.
    fn search(seed: u64, queries: usize) -> Vec<f64> {
        let space = bundled_space("nas-bench-201");
        let mut evolution = Evolution::open(setup(&space, seed), Options::default(), space).unwrap();
        let history = run(&mut evolution, queries, 2, |architecture| {
            let Architecture::Point(values) = architecture else { return None };
            Some(values.iter().filter(|value| **value == Value::Index(3)).count() as f64 / values.len() as f64)
        });
        history.into_iter().filter_map(|(_, value)| value).collect()
    }

    #[test]
    fn it_gets_better() {
        let values = search(0, 200);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        assert!(mean(&values[150..]) > mean(&values[..50]) + 0.2, "{values:?}");
    }

    #[test]
    fn the_seed_alone_decides() {
        assert_eq!(search(1, 60), search(1, 60));
        assert_ne!(search(1, 60), search(2, 60));
    }

    #[test]
    fn it_goes_on_when_everything_fails() {
        let space = bundled_space("nas-bench-201");
        let mut evolution = Evolution::open(setup(&space, 0), Options::default(), space).unwrap();
        assert_eq!(run(&mut evolution, 50, 4, |_| None).len(), 50);
    }
}
