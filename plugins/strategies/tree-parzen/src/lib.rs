//! The tree-structured Parzen estimator: values that are more frequent among the best architectures than among the others
//! (Bergstra et al. 2011, with the constants of hyperopt; Bergstra et al. 2013).

mod model;

use std::collections::BTreeMap;

use archwright_density::Axis;
use archwright_relaxation::Points;
use archwright_rungs::{Fresh, loss};
use archwright_sdk::prelude::*;

use model::{Model, Seen};

/// Points of the model that are drawn for a query before it is a random one.
const DRAWS: u32 = 20;
/// Observations times decisions that a call may model, after its first query: what bounds its fuel.
const WORK: usize = 300_000;

/// Options of the tree-structured Parzen estimator.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Random architectures that come first. 20 in hyperopt.
    #[schemars(range(min = 1, max = 100_000))]
    pub startup: u32,
    /// Which share of the observations counts as good. 0.25 in hyperopt, of the square root of their number; 0.15 in Bergstra et
    /// al. 2011, of their number.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub gamma: f64,
    /// What `gamma` is a share of: the "square-root" of the number of observations, at most 25 of which are good, as in hyperopt,
    /// or the "number" itself, as in Bergstra et al. 2011.
    pub gamma_of: GammaOf,
    /// Values drawn for each decision, the most promising of which is taken. 24 in hyperopt.
    #[schemars(range(min = 1, max = 1_000))]
    pub candidates: u32,
    /// Never ask for two architectures with isomorphic networks as long as others are found. Not in the papers, whose spaces
    /// have real numbers.
    pub without_repeats: bool,
}

/// What the share of good observations is a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GammaOf {
    /// The square root of their number.
    SquareRoot,
    /// Their number.
    Number,
}

impl Default for Options {
    fn default() -> Self {
        Self { startup: 20, gamma: 0.25, gamma_of: GammaOf::SquareRoot, candidates: 24, without_repeats: true }
    }
}

/// The tree-structured Parzen estimator.
pub struct TreeParzen {
    options: Options,
    goal: Goal,
    rng: Rng,
    fresh: Fresh,
    points: Points,
    axes: Vec<Axis>,
    /// Everything told, by query.
    told: BTreeMap<u64, Seen>,
    in_flight: BTreeMap<u64, Vec<Value>>,
    next: u64,
}

impl Strategy for TreeParzen {
    const NAME: &'static str = "tree-parzen";
    const SUMMARY: &'static str =
        "Values that are frequent among the best and rare among the others (Bergstra et al. 2011)";
    const REFERENCES: &'static [&'static str] = &[
        "https://papers.nips.cc/paper/4443-algorithms-for-hyper-parameter-optimization",
        "https://proceedings.mlr.press/v28/bergstra13.html",
    ];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        if options.candidates == 0 || options.startup == 0 {
            return Err(Error::InvalidOptions("`candidates` and `startup` have to be at least 1".into()));
        }
        if !(0.0..=1.0).contains(&options.gamma) {
            return Err(Error::InvalidOptions("`gamma` has to be in 0 to 1".into()));
        }
        Ok(Self {
            goal: setup.objectives.first().map_or(Goal::Maximize, |objective| objective.goal),
            rng: Rng::new(setup.seed),
            fresh: Fresh::new(space.clone()),
            axes: setup.decisions.iter().map(|decision| Axis::new(&decision.domain)).collect(),
            points: Points::new(setup.decisions, space),
            options,
            told: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            next: 0,
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let mut queries = Vec::new();
        let mut work = 0;
        while queries.len() < capacity && work <= WORK {
            let architecture = self.propose();
            work += (self.told.len() + self.in_flight.len()).saturating_mul(self.axes.len());
            let id = self.next;
            self.next += 1;
            if let Architecture::Point(values) = &architecture {
                self.in_flight.insert(id, values.clone());
            }
            queries.push(Query::full(id, architecture));
        }
        Ok(Reply::Queries(queries))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for Observation { query, outcome } in observations {
            let Some(values) = self.in_flight.remove(query) else {
                return Err(Error::Internal(format!("query {query} is not in flight")));
            };
            let loss = loss(outcome, self.goal);
            self.told.insert(*query, Seen { values, loss });
        }
        Ok(())
    }
}

impl TreeParzen {
    /// A point that the model draws; a random one at first, and where the model brings nothing that may be asked for.
    fn propose(&mut self) -> Architecture {
        let model = if self.next < u64::from(self.options.startup) { None } else { self.model() };
        let Some(model) = model else { return self.random() };
        for draw in 0..DRAWS {
            // The best of ever fewer candidates: where decisions have few values, the best of many is always the same.
            let candidates = self.options.candidates.checked_shr(draw).unwrap_or(0).max(1);
            let values = model.draw(&self.points, candidates, &mut self.rng);
            let is_admitted = self.points.is_admitted(&values);
            let architecture = Architecture::Point(values);
            if is_admitted && (!self.options.without_repeats || self.fresh.is_new(&architecture)) {
                return architecture;
            }
        }
        self.random()
    }

    fn random(&mut self) -> Architecture {
        if self.options.without_repeats {
            return self.fresh.draw(&mut self.rng);
        }
        self.fresh.space().sample(self.rng.next_u64())
    }

    /// The model of what is known; none where nothing good is.
    fn model(&self) -> Option<Model> {
        // What is in flight counts as bad, as in hyperopt, so that several workers do not all go to the same place.
        let in_flight = self.in_flight.iter().map(|(query, values)| (*query, values.as_slice(), f64::INFINITY));
        let told = self.told.iter().map(|(query, seen)| (*query, seen.values.as_slice(), seen.loss));
        let mut seen: Vec<_> = told.chain(in_flight).collect();
        seen.sort_by_key(|(query, ..)| *query);
        let good = match self.options.gamma_of {
            GammaOf::SquareRoot => (self.options.gamma * (seen.len() as f64).sqrt()).ceil().min(25.0),
            GammaOf::Number => (self.options.gamma * seen.len() as f64).ceil(),
        };
        Model::new(&self.axes, &seen, (good as usize).max(1))
    }
}

archwright_sdk::export_strategy!(TreeParzen);

#[cfg(test)]
mod tests;
