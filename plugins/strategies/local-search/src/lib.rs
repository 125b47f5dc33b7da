//! Local search: looks at the neighbours of the best architecture, moves to a better one, and starts anew from a random
//! architecture at a local optimum (White et al. 2020).

use std::collections::VecDeque;

use archwright_sdk::prelude::*;

/// Draws after which the space counts as exhausted.
const PATIENCE: u32 = 1_000;

/// Options of local search.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Random architectures before each descent, the best of which it starts from.
    #[schemars(range(min = 1, max = 100_000))]
    pub initial_samples: u32,
    /// When to move: after all neighbours were looked at, to the best of them ("all", as in the paper), or at the first
    /// one that improves ("improvement").
    pub query_until: QueryUntil,
    /// Most neighbours that are looked at, in a random order.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_neighbors: u32,
}

/// When to move to a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueryUntil {
    /// After all neighbours were looked at.
    All,
    /// At the first improvement.
    Improvement,
}

impl Default for Options {
    fn default() -> Self {
        Self { initial_samples: 10, query_until: QueryUntil::All, max_neighbors: 1_000 }
    }
}

/// Local search.
pub struct LocalSearch {
    space: Space,
    options: Options,
    rng: Rng,
    archive: Archive,
    asked: Distinct,
    /// To be asked in this phase.
    queue: VecDeque<Architecture>,
    /// Random architectures to be asked yet in this phase.
    samples: u32,
    /// The queries of this phase have ids from here.
    phase: u64,
    next: u64,
    /// Where the search stands; `None` while it looks for a place to start.
    current: Option<Member>,
    /// The best that this phase brought.
    found: Option<Member>,
}

impl Strategy for LocalSearch {
    const NAME: &'static str = "local-search";
    const SUMMARY: &'static str = "Moves to the best neighbour, restarts at a local optimum (White et al. 2020)";
    const REFERENCES: &'static [&'static str] = &["arXiv:2005.02960"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        Ok(Self {
            space,
            rng: Rng::new(setup.seed),
            archive: Archive::new(&setup.objectives),
            asked: Distinct::default(),
            queue: VecDeque::new(),
            samples: options.initial_samples,
            phase: 0,
            next: 0,
            current: None,
            found: None,
            options,
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let mut queries = Vec::new();
        while queries.len() < capacity {
            let Some(architecture) = self.next_architecture()? else {
                if self.archive.in_flight() > 0 {
                    break;
                }
                if !self.turn()? {
                    return Ok(if queries.is_empty() { Reply::Finished } else { Reply::Queries(queries) });
                }
                continue;
            };
            let id = self.archive.ask(architecture.clone());
            self.next = id + 1;
            let parent = self.current.as_ref().map(|current| current.query);
            queries.push(Query { parent, ..Query::full(id, architecture) });
        }
        Ok(if queries.is_empty() { Reply::Waiting } else { Reply::Queries(queries) })
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            let Ok(member) = self.archive.tell(observation)? else { continue };
            // What was asked in an earlier phase may still be better than what this one found.
            let goal = self.archive.goal();
            if self.found.as_ref().is_none_or(|found| goal.is_better(member.value, found.value)) {
                self.found = Some(member);
            }
            if self.options.query_until == QueryUntil::Improvement && self.improves() {
                self.move_on()?;
            }
        }
        Ok(())
    }
}

impl LocalSearch {
    /// The next architecture of this phase that was never asked for.
    fn next_architecture(&mut self) -> Result<Option<Architecture>, Error> {
        while let Some(architecture) = self.queue.pop_front() {
            if self.asked.is_new(&architecture, &self.space)? {
                return Ok(Some(architecture));
            }
        }
        if self.samples > 0 {
            self.samples -= 1;
            for _ in 0..PATIENCE {
                let architecture = self.space.sample(self.rng.next_u64());
                if self.asked.is_new(&architecture, &self.space)? {
                    return Ok(Some(architecture));
                }
            }
            self.samples = 0;
        }
        Ok(None)
    }

    /// Whether this phase found something better than where the search stands.
    fn improves(&self) -> bool {
        match (&self.current, &self.found) {
            (Some(current), Some(found)) => self.archive.goal().is_better(found.value, current.value),
            _ => false,
        }
    }

    /// Begins the next phase once this one is answered: around something better, or with random architectures. False where
    /// that brought nothing new.
    fn turn(&mut self) -> Result<bool, Error> {
        if self.current.is_none() && self.found.is_some() || self.improves() {
            self.move_on()?;
            return Ok(true);
        }
        // A local optimum, or nothing could be estimated.
        let anything = self.next > self.phase;
        let restart = self.current.is_some();
        self.phase = self.next;
        self.current = None;
        self.found = None;
        self.samples = self.options.initial_samples;
        Ok(anything || restart)
    }

    /// Goes to the best found, and looks at its neighbours.
    fn move_on(&mut self) -> Result<(), Error> {
        self.current = self.found.take();
        self.phase = self.next;
        self.samples = 0;
        if let Some(current) = &self.current {
            let mut neighbors = self.space.neighbors(&current.architecture, self.options.max_neighbors)?;
            self.rng.shuffle(&mut neighbors);
            self.queue = neighbors.into();
        }
        Ok(())
    }
}

archwright_sdk::export_strategy!(LocalSearch);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use archwright_sdk::testing::{bundled_space, run, setup};

    use super::*;

    /// Counts operations by their index: every neighbour that raises one is better.
    fn value(architecture: &Architecture) -> f64 {
        let Architecture::Point(values) = architecture else { panic!("a network") };
        values.iter().map(|value| if let Value::Index(index) = value { f64::from(*index) } else { 0.0 }).sum()
    }

    fn search(options: Options, seed: u64, queries: usize, in_flight: usize) -> Vec<(Query, Option<f64>)> {
        let space = bundled_space("nas-bench-201");
        let mut search = LocalSearch::open(setup(&space, seed), options, space).unwrap();
        run(&mut search, queries, in_flight, |architecture| Some(value(architecture)))
    }

    #[test]
    fn climbs_to_the_optimum() {
        for query_until in [QueryUntil::All, QueryUntil::Improvement] {
            for seed in 0..5 {
                let options = Options { query_until, ..Options::default() };
                let history = search(options, seed, 200, 1);
                let best = history.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max);
                assert_eq!(best, 24.0, "{query_until:?}, seed {seed}");
            }
        }
    }

    #[test]
    fn never_asks_twice_and_restarts_after_the_optimum() {
        let history = search(Options::default(), 0, 400, 4);
        assert_eq!(history.len(), 400);
        let space = bundled_space("nas-bench-201");
        let seen: HashSet<String> = history
            .iter()
            .map(|(query, _)| match &query.subject {
                Subject::Architecture(architecture) => space.fingerprint(architecture).unwrap(),
                Subject::Relaxation(_) => panic!("a relaxation"),
            })
            .collect();
        assert_eq!(seen.len(), 400);
        let founders = history.iter().filter(|(query, _)| query.parent.is_none()).count();
        assert!(founders > 10, "{founders} random architectures");
    }

    #[test]
    fn goes_on_when_everything_fails() {
        let space = bundled_space("nas-bench-201");
        let mut search = LocalSearch::open(setup(&space, 0), Options::default(), space).unwrap();
        assert_eq!(run(&mut search, 100, 4, |_| None).len(), 100);
    }
}
