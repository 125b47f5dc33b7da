//! BANANAS: Bayesian optimization by an ensemble of neural networks that see an architecture's paths (White, Neiswanger &
//! Savani 2021).

mod features;
mod network;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use archwright_sdk::Encoding;
use archwright_sdk::prelude::*;
use archwright_surrogates::{Draws, History};

use crate::network::{Network, Settings};

/// Most observations that are learned from.
const OBSERVATIONS: usize = 2_000;
/// Most features that the networks see.
const FEATURES: usize = 300;
/// Examples that a network sees in training, those seen again counted again: what a call's fuel allows. Up to 66 observations
/// all epochs fit.
const EXAMPLES: usize = 10_000;
/// Examples a step, from the authors' code.
const BATCH: usize = 32;

/// Options of BANANAS.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Random architectures observed before the first prediction. 10 in the experiments of White, Neiswanger & Savani 2021.
    #[schemars(range(min = 2, max = 100_000))]
    pub initial: u32,
    /// Architectures chosen by one ensemble, before the next one is trained. 10 in the paper's experiments.
    #[schemars(range(min = 1, max = 10_000))]
    pub batch: u32,
    /// Architectures to choose among. 100 in the authors' code.
    #[schemars(range(min = 1, max = 10_000))]
    pub candidates: u32,
    /// Best architectures so far that candidates are mutants of. 1 in the authors' code.
    #[schemars(range(min = 1, max = 1_000))]
    pub parents: u32,
    /// Networks of an ensemble. 5 in the paper.
    #[schemars(range(min = 1, max = 50))]
    pub ensemble: u32,
    /// Hidden layers of a network. 10 in the paper.
    #[schemars(range(min = 1, max = 50))]
    pub layers: u32,
    /// Outputs of each hidden layer. 20 in the paper.
    #[schemars(range(min = 1, max = 200))]
    pub width: u32,
    /// Epochs of training. 150 in the authors' code; fewer with many observations, for the sake of fuel.
    #[schemars(range(min = 1, max = 10_000))]
    pub epochs: u32,
    /// Adam's learning rate. 0.01 in the paper.
    #[schemars(range(min = 0.000_001, max = 1.0))]
    pub learning_rate: f64,
    /// What a network sees of an architecture. "path" in the paper; spaces without paths are encoded "one-hot".
    pub encoding: Features,
    /// The best value that the first objective could have, from which errors are measured (the paper's loss). Without it: what lies
    /// beyond the best observed by a tenth of that one's distance from the median.
    pub bound: Option<f64>,
}

/// What a network sees of an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Features {
    /// Sequences of operations from a cell's inputs to its output.
    Path,
    /// Operations between pairs of a cell's vertices.
    Adjacency,
    /// Values of decisions.
    OneHot,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            initial: 10,
            batch: 10,
            candidates: 100,
            parents: 1,
            ensemble: 5,
            layers: 10,
            width: 20,
            epochs: 150,
            learning_rate: 0.01,
            encoding: Features::Path,
            bound: None,
        }
    }
}

/// An architecture that may be asked for, with the query that it descends from.
type Candidate = (Architecture, Option<u64>);

/// BANANAS.
pub struct Bananas {
    space: Space,
    options: Options,
    encoding: Encoding,
    rng: Rng,
    history: History,
    /// The features of each observation.
    rows: Vec<network::Features>,
    /// Chosen by the last ensemble and not asked for yet.
    chosen: VecDeque<Candidate>,
}

impl Strategy for Bananas {
    const NAME: &'static str = "bananas";
    const SUMMARY: &'static str =
        "Networks that predict from paths, Thompson sampling (White, Neiswanger & Savani 2021)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1910.11858", "https://github.com/naszilla/naszilla"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        if options.bound.is_some_and(|bound| !bound.is_finite()) {
            return Err(Error::InvalidOptions("`bound` has to be finite".into()));
        }
        Ok(Self {
            encoding: features::available(options.encoding, &space),
            space,
            options,
            rng: Rng::new(setup.seed),
            history: History::new(&setup.objectives),
            rows: Vec::new(),
            chosen: VecDeque::new(),
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let mut queries = Vec::new();
        let mut trained = false;
        while queries.len() < capacity {
            // One ensemble a call, whatever the capacity: each takes most of a call's fuel.
            if self.chosen.is_empty() && !trained && self.rows.len() >= self.options.initial as usize {
                self.choose(capacity - queries.len())?;
                trained = true;
            }
            let next = match self.chosen.pop_front() {
                Some(next) => Some(next),
                None => Draws::new(&self.space, &self.history).random(&mut self.rng)?.map(|random| (random, None)),
            };
            let Some((architecture, parent)) = next else { break };
            queries.push(self.history.ask(architecture, parent)?);
        }
        Ok(self.history.reply(queries))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            // What failed has no cost, and nothing is learned from it.
            if let Some(observed) = self.history.tell(observation)? {
                self.rows.push(features::features(&observed.architecture, self.encoding, &self.space)?);
            }
        }
        Ok(())
    }
}

impl Bananas {
    /// Trains an ensemble and chooses a batch, at least `wanted`: the candidates of which independent draws from what the
    /// ensemble predicts are the best (the paper's independent Thompson sampling).
    fn choose(&mut self, wanted: usize) -> Result<(), Error> {
        let size = wanted.max(self.options.batch as usize);
        let (candidates, rows) = self.candidates(size)?;
        let predictions = self.predict(&rows);
        let mut sampled: Vec<(f64, usize)> = Vec::with_capacity(rows.len());
        for candidate in 0..rows.len() {
            let count = predictions.len() as f64;
            let mean = predictions.iter().map(|costs| costs[candidate]).sum::<f64>() / count;
            let variance = predictions.iter().map(|costs| (costs[candidate] - mean).powi(2)).sum::<f64>() / count;
            let sample = mean + variance.sqrt() * self.rng.normal();
            sampled.push((if sample.is_finite() { sample } else { f64::MAX }, candidate));
        }
        sampled.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
        let mut candidates: Vec<_> = candidates.into_iter().map(Some).collect();
        self.chosen = sampled.iter().take(size).filter_map(|(_, candidate)| candidates[*candidate].take()).collect();
        Ok(())
    }

    /// Mutants of the best, with random ones in the places of those that were not to be found; and their features.
    fn candidates(&mut self, wanted: usize) -> Result<(Vec<Candidate>, Vec<network::Features>), Error> {
        let count = wanted.max(self.options.candidates as usize);
        let observed = self.history.observed();
        let best = self.history.best(count);
        let parents: Vec<Architecture> = best.iter().map(|index| observed[*index].architecture.clone()).collect();
        let mut draws = Draws::new(&self.space, &self.history);
        let mutants = draws.mutants(&parents, self.options.parents as usize, count, 1, &mut self.rng)?;
        let left = count - mutants.len();
        let mut candidates: Vec<Candidate> = mutants
            .into_iter()
            .map(|(architecture, parent)| (architecture, Some(observed[best[parent]].query)))
            .collect();
        let randoms = draws.randoms(left, &mut self.rng)?;
        candidates.extend(randoms.into_iter().map(|architecture| (architecture, None)));
        let rows = candidates
            .iter()
            .map(|(architecture, _)| features::features(architecture, self.encoding, &self.space))
            .collect::<Result<_, _>>()?;
        Ok((candidates, rows))
    }

    /// What each network of a new ensemble predicts for these.
    fn predict(&mut self, rows: &[network::Features]) -> Vec<Vec<f64>> {
        let kept = self.history.kept(OBSERVATIONS);
        let known: Vec<&network::Features> = kept.iter().map(|index| &self.rows[*index]).collect();
        let numbers: BTreeMap<usize, usize> = features::frequent(&known, FEATURES);
        let renumbered = |row: &network::Features| features::renumbered(row, &numbers);
        let known: Vec<network::Features> = known.into_iter().map(renumbered).collect();
        let rows: Vec<network::Features> = rows.iter().map(renumbered).collect();
        let costs = self.scaled(&kept);
        let settings = Settings {
            layers: self.options.layers as usize,
            width: self.options.width as usize,
            epochs: (self.options.epochs as usize).min((EXAMPLES / known.len().max(1)).max(1)),
            batch: BATCH,
            learning_rate: self.options.learning_rate,
        };
        let predict = |_| {
            let mut network = Network::new(numbers.len(), &settings, &mut self.rng);
            network.train(&known, &costs, &settings, &mut self.rng);
            network.predict(&rows)
        };
        (0..self.options.ensemble).map(predict).collect()
    }

    /// Costs above the bound of what is possible, in units of the median's; all above 0.
    fn scaled(&self, kept: &[usize]) -> Vec<f64> {
        let costs: Vec<f64> = kept.iter().map(|index| self.history.observed()[*index].cost).collect();
        let mut sorted = costs.clone();
        sorted.sort_by(f64::total_cmp);
        let (Some(best), Some(median)) = (sorted.first(), sorted.get(sorted.len() / 2)) else { return Vec::new() };
        let spread = median - best;
        if !(spread > 0.0 && spread.is_finite()) {
            // Half of them are the best: what is not counts twice.
            return costs.iter().map(|cost| if cost > best { 2.0 } else { 1.0 }).collect();
        }
        let bound = self.options.bound.map(|bound| if self.history.goal() == Goal::Minimize { bound } else { -bound });
        // Not beyond what was observed, for whatever bound: an error is divided by the distance.
        let bound = bound.unwrap_or(best - 0.1 * spread).min(best - 0.01 * spread);
        costs.iter().map(|cost| ((cost - bound) / (median - bound)).clamp(1e-6, 1e6)).collect()
    }
}

archwright_sdk::export_strategy!(Bananas);
