//! Random search, the baseline that every strategy has to beat (Li & Talwalkar 2019).

use archwright_sdk::prelude::*;

/// Draws after which a search without repeats takes the space as exhausted.
const PATIENCE: u32 = 1_000;

/// Options of random search.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Never ask for two architectures with isomorphic networks. The search is finished once 1,000 draws in a row bring
    /// nothing new.
    pub without_repeats: bool,
}

/// Random search.
pub struct Random {
    space: Space,
    rng: Rng,
    seen: Option<Distinct>,
    next: u64,
}

impl Strategy for Random {
    const NAME: &'static str = "random";
    const SUMMARY: &'static str = "Uniformly random architectures (Li & Talwalkar 2019)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1902.07638"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let seen = options.without_repeats.then(Distinct::default);
        Ok(Self { space, rng: Rng::new(setup.seed), seen, next: 0 })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let mut queries = Vec::with_capacity(capacity.min(64));
        while queries.len() < capacity {
            let Some(architecture) = self.draw()? else { break };
            queries.push(Query::full(self.next, architecture));
            self.next += 1;
        }
        Ok(if queries.is_empty() { Reply::Finished } else { Reply::Queries(queries) })
    }

    fn tell(&mut self, _: &[Observation]) -> Result<(), Error> {
        Ok(())
    }
}

impl Random {
    /// A random architecture, a new one where repeats are not wanted; `None` where none is left.
    fn draw(&mut self) -> Result<Option<Architecture>, Error> {
        let Some(seen) = &mut self.seen else {
            return Ok(Some(self.space.sample(self.rng.next_u64())));
        };
        for _ in 0..PATIENCE {
            let architecture = self.space.sample(self.rng.next_u64());
            if seen.is_new(&architecture, &self.space)? {
                return Ok(Some(architecture));
            }
        }
        Ok(None)
    }
}

archwright_sdk::export_strategy!(Random);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, run, setup, space};

    use super::*;

    const SMALL: &str = r#"
        name = "small"
        network = "network"
        [module.network]
        kind = "chain"
        layers = [
            { op = "conv2d", kernel = { choose = [1, 3] }, channels = { choose = [4, 8] } },
            { choose = { relu = "relu", rectified = "relu", tanh = "tanh" } },
            "global-avg-pool",
            { op = "linear", features = "classes" },
        ]
    "#;

    fn search(text: Option<&str>, without_repeats: bool, seed: u64, queries: usize) -> Vec<Query> {
        let space = text.map_or_else(|| bundled_space("nas-bench-201"), space);
        let mut random = Random::open(setup(&space, seed), Options { without_repeats }, space).unwrap();
        run(&mut random, queries, 3, |_| Some(0.5)).into_iter().map(|(query, _)| query).collect()
    }

    #[test]
    fn finishes_once_every_distinct_network_was_asked_for() {
        // 2 x 2 x 3 points, of which relu and rectified are the same network.
        assert_eq!(search(Some(SMALL), true, 0, 100).len(), 8);
        assert_eq!(search(Some(SMALL), false, 0, 100).len(), 100);
    }

    #[test]
    fn the_seed_alone_decides() {
        assert_eq!(search(None, true, 1, 20), search(None, true, 1, 20));
        assert_ne!(search(None, true, 1, 20), search(None, true, 2, 20));
    }
}
