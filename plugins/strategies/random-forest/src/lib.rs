//! SMAC: Bayesian optimization by a random forest, which takes any sort of decision as it is (Hutter, Hoos & Leyton-Brown 2011).

mod features;
mod forest;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use archwright_sdk::prelude::*;
use archwright_surrogates::{Draws, History, expected_improvement};

use crate::forest::{Forest, Settings};

/// Options of the random forest.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Random architectures observed before the first forest. SMAC begins with the default configuration, which spaces do not
    /// have.
    #[schemars(range(min = 1, max = 100_000))]
    pub initial: u32,
    /// Trees of a forest. 10 in Hutter, Hoos & Leyton-Brown 2011, section 4.1.
    #[schemars(range(min = 2, max = 1_000))]
    pub trees: u32,
    /// Share of the decisions that a split looks at. 5/6 in section 4.1.
    #[schemars(range(min = 0.000_001, max = 1.0))]
    pub split_share: f64,
    /// Fewest observations of a tree's node that is split. 10 in section 4.1.
    #[schemars(range(min = 2, max = 100_000))]
    pub split_size: u32,
    /// Random architectures to choose among. 10,000 in section 4.3; fewer here, for the sake of fuel.
    #[schemars(range(min = 1, max = 100_000))]
    pub candidates: u32,
    /// Observed architectures of the largest expected improvement, from each of which a local search starts. 10 in section 4.3.
    #[schemars(range(min = 0, max = 1_000))]
    pub local_searches: u32,
    /// Most neighbours that all local searches of one forest look at together.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub neighbors: u32,
    /// One of so many architectures is random, whatever the forest says. 2 in section 4.3; 0: none.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub random_every: u32,
    /// Most observations that a forest is grown from: the better half of so many, and the latest of the others.
    #[schemars(range(min = 2, max = 10_000))]
    pub observations: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            initial: 10,
            trees: 10,
            split_share: 5.0 / 6.0,
            split_size: 10,
            candidates: 1_000,
            local_searches: 10,
            neighbors: 5_000,
            random_every: 2,
            observations: 1_000,
        }
    }
}

/// An architecture and its expected improvement.
struct Candidate {
    architecture: Architecture,
    improvement: f64,
    /// The query it descends from.
    parent: Option<u64>,
}

/// What a forest makes of architectures.
struct Model<'a> {
    forest: Forest,
    best: f64,
    decisions: &'a [Decision],
}

/// SMAC.
pub struct RandomForest {
    space: Space,
    options: Options,
    decisions: Vec<Decision>,
    rng: Rng,
    history: History,
    /// Architectures that a forest was asked for.
    guided: u64,
}

impl Strategy for RandomForest {
    const NAME: &'static str = "random-forest";
    const SUMMARY: &'static str = "A random forest's expected improvement, as SMAC (Hutter, Hoos & Leyton-Brown 2011)";
    const REFERENCES: &'static [&'static str] = &["doi:10.1007/978-3-642-25566-3_40"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        Ok(Self {
            space,
            options,
            decisions: setup.decisions,
            rng: Rng::new(setup.seed),
            history: History::new(&setup.objectives),
            guided: 0,
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        // One forest a call, whatever the capacity: observations come between calls.
        let mut chosen: Option<VecDeque<Candidate>> = None;
        let mut queries = Vec::new();
        while queries.len() < capacity {
            let mut next = None;
            if self.history.observed().len() >= self.options.initial as usize {
                self.guided += 1;
                let every = u64::from(self.options.random_every);
                if every == 0 || !self.guided.is_multiple_of(every) {
                    if chosen.is_none() {
                        chosen = Some(self.choose(capacity)?);
                    }
                    next = chosen.as_mut().and_then(VecDeque::pop_front);
                }
            }
            // A random one may be among those chosen: it is not asked for again.
            while self.is_known(next.as_ref())? {
                next = chosen.as_mut().and_then(VecDeque::pop_front);
            }
            let (architecture, parent) = match next {
                Some(Candidate { architecture, parent, .. }) => (architecture, parent),
                None => match Draws::new(&self.space, &self.history).random(&mut self.rng)? {
                    Some(architecture) => (architecture, None),
                    None => break,
                },
            };
            queries.push(self.history.ask(architecture, parent)?);
        }
        Ok(match (queries.is_empty(), self.history.in_flight()) {
            (false, _) => Reply::Queries(queries),
            (true, 0) => Reply::Finished,
            (true, _) => Reply::Waiting,
        })
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            // What failed has no cost, and nothing is learned from it.
            self.history.tell(observation)?;
        }
        Ok(())
    }
}

impl RandomForest {
    fn is_known(&self, candidate: Option<&Candidate>) -> Result<bool, Error> {
        candidate.map_or(Ok(false), |candidate| Ok(!self.history.is_new(&candidate.architecture)?))
    }

    /// New architectures of the largest expected improvement, that one first: those that local searches come by, and random ones
    /// (section 4.3).
    fn choose(&mut self, wanted: usize) -> Result<VecDeque<Candidate>, Error> {
        let kept = self.history.kept(self.options.observations as usize);
        let observed = self.history.observed();
        let costs = self.history.standardized(&kept);
        let rows = kept
            .iter()
            .map(|index| features::row(&observed[*index].architecture, &self.decisions))
            .collect::<Result<Vec<_>, _>>()?;
        let settings = Settings {
            trees: self.options.trees as usize,
            features: self.options.split_share,
            split: self.options.split_size as usize,
        };
        let kinds = features::kinds(&self.decisions);
        let forest = Forest::grow(&rows, &costs.costs, &kinds, &settings, &mut self.rng);
        let model = Model { forest, best: costs.best, decisions: &self.decisions };

        let mut draws = Draws::new(&self.space, &self.history);
        let mut starts: Vec<(f64, usize)> =
            kept.iter().zip(&rows).map(|(index, row)| (model.of_row(row), *index)).collect();
        starts.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        starts.truncate(self.options.local_searches as usize);
        let mut candidates = Vec::new();
        let mut left = self.options.neighbors;
        for (improvement, index) in starts {
            let start = Candidate {
                architecture: observed[index].architecture.clone(),
                improvement,
                parent: Some(observed[index].query),
            };
            climb(start, &self.space, &model, &mut draws, &mut left, &mut candidates)?;
        }
        for architecture in draws.randoms(self.options.candidates as usize, &mut self.rng)? {
            let improvement = model.improvement(&architecture)?;
            candidates.push(Candidate { architecture, improvement, parent: None });
        }
        // Among equals what local searches came by first.
        candidates.sort_by(|left, right| right.improvement.total_cmp(&left.improvement));
        candidates.truncate(wanted.saturating_mul(2));
        Ok(candidates.into())
    }
}

/// Moves to the neighbour of the largest expected improvement for as long as it grows. Adds to `candidates` the new ones that it
/// looks at; looks at `left` at most, and counts down.
fn climb(
    start: Candidate,
    space: &Space,
    model: &Model<'_>,
    draws: &mut Draws<'_>,
    left: &mut u32,
    candidates: &mut Vec<Candidate>,
) -> Result<(), Error> {
    let parent = start.parent;
    let mut here = start;
    while *left > 0 {
        let neighbors = space.neighbors(&here.architecture, *left)?;
        *left = left.saturating_sub(u32::try_from(neighbors.len()).unwrap_or(u32::MAX).max(1));
        let mut better: Option<Candidate> = None;
        for architecture in neighbors {
            let improvement = model.improvement(&architecture)?;
            if improvement > better.as_ref().map_or(here.improvement, |better| better.improvement) {
                better = Some(Candidate { architecture: architecture.clone(), improvement, parent });
            }
            if draws.take(&architecture)? {
                candidates.push(Candidate { architecture, improvement, parent });
            }
        }
        let Some(better) = better else { break };
        here = better;
    }
    Ok(())
}

impl Model<'_> {
    fn improvement(&self, architecture: &Architecture) -> Result<f64, Error> {
        Ok(self.of_row(&features::row(architecture, self.decisions)?))
    }

    fn of_row(&self, row: &[f64]) -> f64 {
        let (mean, variance) = self.forest.predict(row);
        expected_improvement(mean, variance.sqrt(), self.best)
    }
}

archwright_sdk::export_strategy!(RandomForest);
