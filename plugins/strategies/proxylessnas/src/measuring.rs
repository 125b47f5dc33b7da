//! Finding out how long random architectures take.

use std::collections::BTreeMap;

use archwright_sdk::prelude::*;

use crate::options::Options;

/// The objective that is measured.
const LATENCY: &str = "latency";
/// The first query's number, above those of the search's other queries.
const FIRST: u64 = 1 << 40;

/// Estimates of random architectures, for their latencies. They come after the first step of the weights: an estimator has the
/// strategy train the weights from then on.
pub(crate) struct Measuring {
    /// Place of the latency among the objectives.
    place: usize,
    samples: u32,
    seed: u64,
    asked: u32,
    /// What was asked for and not told yet.
    open: BTreeMap<u64, Vec<Value>>,
    /// What was measured.
    pub(crate) measured: Vec<(Vec<Value>, f64)>,
    last_failure: Option<String>,
    /// Whether the weights have taken a step.
    pub(crate) trained: bool,
    /// Of the costs that are fitted.
    pub(crate) weight: f64,
    pub(crate) target: Option<f64>,
}

impl Measuring {
    /// # Errors
    /// Where no latency is measured here.
    pub(crate) fn new(objectives: &[Objective], options: &Options, seed: u64) -> Result<Self, Error> {
        let place = objectives.iter().position(|objective| objective.name == LATENCY).ok_or_else(|| {
            let problem = "`cost` is \"latency\", which is measured in no estimate here: add \"latency\" to task.objectives, \
                           behind the first";
            Error::InvalidOptions(problem.into())
        })?;
        Ok(Self {
            place,
            samples: options.latency_samples,
            seed,
            asked: 0,
            open: BTreeMap::new(),
            measured: Vec::new(),
            last_failure: None,
            trained: false,
            weight: options.cost_weight,
            target: options.cost_target,
        })
    }

    /// The next query; nothing where it is not time for one yet. One after the other, so that none slows another down.
    pub(crate) fn ask(&mut self, space: &Space) -> Option<Reply> {
        if !self.trained {
            return None;
        }
        while self.open.is_empty() && self.asked < self.samples {
            let id = FIRST + u64::from(self.asked);
            let architecture = space.sample(Rng::new(self.seed.wrapping_add(id)).next_u64());
            self.asked += 1;
            if let Architecture::Point(values) = &architecture {
                self.open.insert(id, values.clone());
                return Some(Reply::Queries(vec![Query::new(
                    id,
                    Subject::Architecture(architecture),
                    Purpose::Estimate,
                )]));
            }
        }
        (!self.open.is_empty()).then_some(Reply::Waiting)
    }

    pub(crate) fn is_own(&self, query: u64) -> bool {
        self.open.contains_key(&query)
    }

    /// Takes in what came of one.
    pub(crate) fn tell(&mut self, observation: &Observation) {
        let Some(values) = self.open.remove(&observation.query) else { return };
        match &observation.outcome {
            EstimateOutcome::Estimated(estimate) => {
                self.measured.extend(estimate.objectives.get(self.place).map(|latency| (values, *latency)));
            }
            EstimateOutcome::Failed(reason) => self.last_failure = Some(reason.clone()),
        }
    }

    /// Whether all were told.
    pub(crate) fn is_over(&self) -> bool {
        self.trained && self.asked == self.samples && self.open.is_empty()
    }

    /// What is wrong where too few could be measured.
    pub(crate) fn problem(&self) -> String {
        let found = if self.measured.is_empty() { "none" } else { "one" };
        let last = self.last_failure.as_ref().map(|last| format!("; the last failure was: {last}"));
        format!("{found} of {} random architectures had its latency measured{}", self.samples, last.unwrap_or_default())
    }
}
