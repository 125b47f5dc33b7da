//! A search strategy: evolution in which the oldest die (Real et al. 2019).
//!
//! The host asks for architectures (`ask`), has them estimated, and tells what came of them
//! (`tell`). Make it your own: change how parents are chosen (`archwright_sdk::selection`), how
//! children come about (`archwright_sdk::variation`), who dies (`Population`), or all of it.

use archwright_sdk::prelude::*;

/// What users may set: the fields, their comments, ranges and defaults are what `archwright plugin
/// inspect` shows.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Architectures alive at once; so many random ones come first.
    #[schemars(range(min = 1, max = 10_000))]
    pub population: usize,
    /// Members drawn for a tournament, whose best becomes a parent.
    #[schemars(range(min = 1, max = 10_000))]
    pub tournament: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            population: 16,
            tournament: 4,
        }
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
        // The seed is all the randomness there is: the same calls give the same answers.
        Ok(Self {
            options,
            space,
            rng: Rng::new(setup.seed),
            archive: Archive::new(&setup.objectives),
            population: Population::new(setup.goal()),
        })
    }

    /// At most `capacity` architectures: random ones until enough live, then children of whoever
    /// wins a tournament.
    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        Reply::each(capacity, || {
            let seed = self.rng.next_u64();
            let is_full = self.population.len() >= self.options.population;
            let size = self.options.tournament;
            let winner = self.population.tournament(size, &mut self.rng);
            let Some(parent) = winner.filter(|_| is_full) else {
                return Ok(self.archive.query(self.space.sample(seed), None));
            };
            let child = self.space.mutate(&parent.architecture, seed)?;
            Ok(self.archive.query(child, Some(parent.query)))
        })
    }

    /// What was estimated joins the population, and the oldest die for it. What failed joins nobody.
    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        let members = self.archive.estimated(observations)?;
        self.population.extend(members);
        self.population.keep_youngest(self.options.population);
        Ok(())
    }
}

archwright_sdk::export_strategy!(Evolution);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, run, setup};

    use super::*;

    /// A search without a host: the value of an architecture is the share of its edges that are 3x3
    /// convolutions.
    fn search(seed: u64, queries: usize) -> Vec<f64> {
        let space = bundled_space("nas-bench-201");
        let mut evolution =
            Evolution::open(setup(&space, seed), Options::default(), space).unwrap();
        let history = run(&mut evolution, queries, 2, |architecture| {
            let Architecture::Point(values) = architecture else {
                return None;
            };
            Some(
                values
                    .iter()
                    .filter(|value| **value == Value::Index(3))
                    .count() as f64
                    / values.len() as f64,
            )
        });
        history.into_iter().filter_map(|(_, value)| value).collect()
    }

    #[test]
    fn it_gets_better() {
        let values = search(0, 200);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        assert!(
            mean(&values[150..]) > mean(&values[..50]) + 0.2,
            "{values:?}"
        );
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
