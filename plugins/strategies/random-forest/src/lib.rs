//! SMAC: Bayesian optimization by a random forest, which takes any sort of decision as it is (Hutter, Hoos & Leyton-Brown 2011).

mod features;
mod forest;
mod points;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use archwright_sdk::prelude::*;
use archwright_surrogates::{Draws, History, expected_improvement};

use crate::forest::{Forest, Settings};

/// Most candidates that are kept, and of which the space is asked whether it admits them.
const KEPT: usize = 300;

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
    /// Random architectures to choose among. 10,000 in section 4.3.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub candidates: u32,
    /// Observed architectures of the largest expected improvement, from each of which a local search starts. 10 in section 4.3.
    #[schemars(range(min = 0, max = 1_000))]
    pub local_searches: u32,
    /// Most neighbours that all local searches of one forest look at together. Any number in the paper.
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
            candidates: 10_000,
            local_searches: 10,
            neighbors: 5_000,
            random_every: 2,
            observations: 1_000,
        }
    }
}

/// A point and its expected improvement.
#[derive(Clone)]
struct Candidate {
    values: Vec<Value>,
    improvement: f64,
    /// The query it descends from.
    parent: Option<u64>,
}

/// The best candidates so far, all new.
struct Best {
    list: Vec<Candidate>,
    /// What is no better than this has no place.
    least: f64,
}

/// What to ask for, with the query that it descends from.
type Choice = (Architecture, Option<u64>);

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
        let mut chosen: Option<VecDeque<Choice>> = None;
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
                Some(choice) => choice,
                None => match Draws::new(&self.space, &self.history).random(&mut self.rng)? {
                    Some(architecture) => (architecture, None),
                    None => break,
                },
            };
            queries.push(self.history.ask(architecture, parent)?);
        }
        Ok(self.history.reply(queries))
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
    fn is_known(&self, choice: Option<&Choice>) -> Result<bool, Error> {
        choice.map_or(Ok(false), |(architecture, _)| Ok(!self.history.is_new(architecture)?))
    }

    /// New architectures of the largest expected improvement, that one first: those that local searches come by, and random ones
    /// (section 4.3).
    fn choose(&mut self, wanted: usize) -> Result<VecDeque<Choice>, Error> {
        let kept = self.history.kept(self.options.observations as usize);
        let observed = self.history.observed();
        let costs = self.history.standardized(&kept);
        let rows = kept
            .iter()
            .map(|index| match &observed[*index].architecture {
                Architecture::Point(values) => Ok(features::row(values, &self.decisions)),
                Architecture::Network(_) => Err(Error::Internal("a network is no point of the space".into())),
            })
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
        let mut best = Best { list: Vec::new(), least: f64::NEG_INFINITY };
        let mut left = self.options.neighbors;
        for (improvement, index) in starts {
            let Architecture::Point(values) = &observed[index].architecture else { continue };
            let start = Candidate { values: values.clone(), improvement, parent: Some(observed[index].query) };
            climb(start, &model, &mut draws, &mut left, &mut best, &mut self.rng)?;
        }
        for _ in 0..self.options.candidates {
            let values = points::random(&self.decisions, &mut self.rng);
            best.add(Candidate { improvement: model.improvement(&values), values, parent: None }, &mut draws)?;
        }
        best.sort();
        let mut chosen = VecDeque::new();
        for Candidate { values, parent, .. } in best.list {
            if chosen.len() == wanted {
                break;
            }
            let architecture = Architecture::Point(values);
            if self.space.admits(&architecture) {
                chosen.push_back((architecture, parent));
            }
        }
        Ok(chosen)
    }
}

impl Best {
    /// Adds one that is new, and among the best so far.
    fn add(&mut self, candidate: Candidate, draws: &mut Draws<'_>) -> Result<(), Error> {
        // A draw is looked up last: that takes longer than to rate it.
        let good = candidate.improvement > self.least;
        if good && draws.take(&Architecture::Point(candidate.values.clone()))? {
            self.list.push(candidate);
            if self.list.len() >= 2 * KEPT {
                self.sort();
            }
        }
        Ok(())
    }

    /// Keeps the best, the very best first; among equals the earliest.
    fn sort(&mut self) {
        self.list.sort_by(|left, right| right.improvement.total_cmp(&left.improvement));
        if self.list.len() > KEPT {
            self.list.truncate(KEPT);
            self.least = self.list.last().map_or(f64::NEG_INFINITY, |last| last.improvement);
        }
    }
}

/// Moves to the neighbour of the largest expected improvement for as long as it grows. Adds to `best` what it looks at; looks at
/// `left` at most, and counts down.
fn climb(
    start: Candidate,
    model: &Model<'_>,
    draws: &mut Draws<'_>,
    left: &mut u32,
    best: &mut Best,
    rng: &mut Rng,
) -> Result<(), Error> {
    let parent = start.parent;
    let mut here = start;
    while *left > 0 {
        let mut neighbors = points::neighbors(&here.values, model.decisions, rng);
        neighbors.truncate(*left as usize);
        *left = left.saturating_sub(u32::try_from(neighbors.len()).unwrap_or(u32::MAX).max(1));
        let mut better: Option<Candidate> = None;
        for values in neighbors {
            let candidate = Candidate { improvement: model.improvement(&values), values, parent };
            if candidate.improvement > better.as_ref().map_or(here.improvement, |better| better.improvement) {
                better = Some(candidate.clone());
            }
            best.add(candidate, draws)?;
        }
        let Some(better) = better else { break };
        here = better;
    }
    Ok(())
}

impl Model<'_> {
    fn improvement(&self, values: &[Value]) -> f64 {
        self.of_row(&features::row(values, self.decisions))
    }

    fn of_row(&self, row: &[f64]) -> f64 {
        let (mean, variance) = self.forest.predict(row);
        expected_improvement(mean, variance.sqrt(), self.best)
    }
}

archwright_sdk::export_strategy!(RandomForest);
