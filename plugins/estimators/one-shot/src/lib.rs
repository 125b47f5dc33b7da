//! Judges architectures with weights that all of them share.

mod chain;

use std::collections::BTreeMap;

use archwright_sdk::prelude::*;
use archwright_sdk::{Paths, SharedDerivative, SharedEvaluation};

use chain::{Chain, Turn, Wait};

/// Options of one-shot estimation.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// What the shared weights learn from, for strategies that ask for estimates alone: "uniform" (random paths), "mixture" (all
    /// branches at once) - both before the first estimate - or "strategy" (each architecture that is asked for, before its
    /// estimate). Strategies that train the weights themselves decide it: from their first step on, estimates take the weights
    /// as they are.
    pub training: Training,
    /// Epochs of shared training in all; the learning rate's schedule spans them. 0: as many as the task's recipe has.
    #[schemars(range(max = 100_000))]
    pub epochs: u32,
    /// Epochs of "uniform" training before any other.
    #[schemars(range(max = 100_000))]
    pub warmup_epochs: u32,
    /// Random paths a step, whose gradients are averaged, for "uniform" and for the warm-up (Guo et al. 2020: 1).
    #[schemars(range(min = 1, max = 1_000))]
    pub paths_per_step: u32,
    /// Steps along each architecture before its estimate, for "strategy".
    #[schemars(range(min = 1, max = 100_000))]
    pub steps_per_query: u32,
    /// Probability, in [0, 1), that a decision loses all of its branches, for "mixture": path dropout, which rises linearly from
    /// 0 over the epochs (Bender et al. 2018, section 3.2; they take 0.05). 0: none is dropped.
    #[schemars(range(max = 0.999))]
    pub path_dropout: f64,
    /// Training batches over which the statistics of batch norms are estimated anew for each estimate (Guo et al. 2020, section
    /// 3.4). 0: the running statistics of all paths are used.
    #[schemars(range(max = 10_000))]
    pub calibration_batches: u32,
    /// The same for probes, which are many.
    #[schemars(range(max = 10_000))]
    pub probe_calibration_batches: u32,
    /// What probes see: one validation "batch", each the next one, or "all" validation examples. Derivatives are always of one
    /// batch.
    pub probe: Probe,
    /// Derivatives for gradient-based strategies: "first-order", or "second-order", which takes into account how the weights
    /// would answer (Liu, Simonyan & Yang 2019, section 2.3).
    pub derivative: Derivative,
}

/// What shared weights learn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Training {
    /// Random paths.
    Uniform,
    /// All branches at once.
    Mixture,
    /// What the strategy asks for.
    Strategy,
}

/// What probes see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// One validation batch.
    Batch,
    /// All validation examples.
    All,
}

/// How losses are differentiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Derivative {
    /// With the weights as they are.
    FirstOrder,
    /// After a step of the weights.
    SecondOrder,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            training: Training::Uniform,
            epochs: 0,
            warmup_epochs: 0,
            paths_per_step: 1,
            steps_per_query: 1,
            path_dropout: 0.0,
            calibration_batches: 20,
            probe_calibration_batches: 1,
            probe: Probe::Batch,
            derivative: Derivative::FirstOrder,
        }
    }
}

/// One-shot estimation.
pub struct OneShot {
    options: Options,
    epochs: u32,
    chain: Chain,
    jobs: BTreeMap<u64, Job>,
    /// Probes so far: the number of the next one's batch.
    probes: u64,
    /// Whether the strategy says what the weights learn from: it has done so once.
    led: bool,
}

/// A query on its way.
struct Job {
    query: Query,
    /// Steps of the weights along its subject that are still to be taken.
    steps: u32,
    /// What came of those that were taken.
    trained: Option<Vec<f64>>,
    cost: f64,
    stage: Stage,
}

/// What a job waits for.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// A training of the weights.
    Trained(Wait),
    /// Its own evaluation.
    Evaluated,
}

impl Estimator for OneShot {
    const NAME: &'static str = "one-shot";
    const SUMMARY: &'static str = "Judges architectures with weights that all of them share";
    const REFERENCES: &'static [&'static str] =
        &["PMLR 80:550-559", "arXiv:1802.03268", "arXiv:1806.09055", "arXiv:1904.00420"];
    const NEEDS: &'static [&'static str] = &["train-shared", "evaluate-shared", "differentiate-shared"];
    const GIVES: &'static [&'static str] = &["shared-weights", "gradients"];
    type Options = Options;

    fn open(setup: EstimatorSetup, options: Options, _: Space) -> Result<Self, Error> {
        if let Some(need) = Self::NEEDS.iter().find(|need| !setup.offers.iter().any(|offer| offer == *need)) {
            let problem =
                "it needs a trainer that keeps weights for all architectures, and a space in the declarative format";
            return Err(Error::Unsupported(format!("`{need}` cannot be done here: {problem}")));
        }
        let epochs = if options.epochs == 0 { setup.full_epochs } else { options.epochs };
        if options.warmup_epochs > epochs {
            let problem =
                format!("`warmup_epochs` is {}, more than the {epochs} epochs there are", options.warmup_epochs);
            return Err(Error::InvalidOptions(problem));
        }
        let chain = Chain::new(setup.seed, epochs, setup.epoch_steps);
        Ok(Self { options, epochs, chain, jobs: BTreeMap::new(), probes: 0, led: false })
    }

    fn begin(&mut self, job: u64, query: &Query) -> Result<Step, Error> {
        self.led |= query.purpose == Purpose::Train;
        let steps = match query.purpose {
            Purpose::Train => 1,
            Purpose::Estimate if !self.led && self.options.training == Training::Strategy => {
                self.options.steps_per_query
            }
            _ => 0,
        };
        let state = Job { query: query.clone(), steps, trained: None, cost: 0.0, stage: Stage::Evaluated };
        self.next(job, state)
    }

    fn advance(&mut self, job: u64, outcome: &Outcome) -> Result<Step, Error> {
        let Some(mut state) = self.jobs.remove(&job) else {
            return Err(Error::Internal(format!("job {job} has not begun")));
        };
        state.cost += outcome.cost;
        let Stage::Trained(wait) = state.stage else { return Ok(evaluated(state, outcome)) };
        self.chain.take_in(&wait, outcome);
        if wait.own_steps > 0 {
            if let Some(failure) = &outcome.failure {
                return Ok(Step::Failed(failure.clone()));
            }
            state.steps = state.steps.saturating_sub(wait.own_steps);
            state.trained = Some(outcome.objectives.clone());
        }
        self.next(job, state)
    }
}

impl OneShot {
    /// What a job does next, once what it waited for is there.
    fn next(&mut self, job: u64, mut state: Job) -> Result<Step, Error> {
        let turn = match self.wanted(&state) {
            Some((steps, paths)) => self.chain.train(steps, paths),
            None => self.chain.rest(),
        };
        match turn {
            Turn::Train(wait, training) => {
                state.stage = Stage::Trained(wait);
                self.jobs.insert(job, state);
                Ok(Step::TrainShared(training))
            }
            Turn::Over(reason) => Ok(Step::Failed(reason)),
            Turn::Ready(weights) => Ok(self.use_weights(job, state, weights)),
        }
    }

    /// The steps that the weights have to take before a job goes on, and along what.
    fn wanted(&self, state: &Job) -> Option<(u32, Paths)> {
        let Options { training, warmup_epochs, paths_per_step, path_dropout, .. } = self.options;
        let uniform = Paths::Uniform(paths_per_step);
        let epoch = self.chain.epoch();
        let rest = self.chain.rest_of_epoch();
        if epoch < warmup_epochs {
            return Some((rest, uniform));
        }
        if state.steps > 0 && (state.query.purpose == Purpose::Train || epoch < self.epochs) {
            let steps = state.steps.min(rest);
            return Some((steps, Paths::Given(vec![state.query.subject.clone()])));
        }
        let estimates = state.query.purpose == Purpose::Estimate && !self.led;
        match training {
            Training::Uniform if estimates && epoch < self.epochs => Some((rest, uniform)),
            Training::Mixture if estimates && epoch < self.epochs => {
                let rate = path_dropout * f64::from(epoch) / f64::from(self.epochs);
                Some((rest, Paths::Mixture(rate)))
            }
            // Before anything has been learned there is nothing to judge by.
            _ if self.chain.is_fresh() => Some((1, uniform)),
            _ => None,
        }
    }

    /// Judges by the weights, or says how well they did in their training.
    fn use_weights(&mut self, job: u64, mut state: Job, weights: String) -> Step {
        if let (Purpose::Train, Some(objectives)) = (state.query.purpose, state.trained.take()) {
            return Step::done(estimate(objectives, state.cost, self.chain.share()));
        }
        let is_probe = state.query.purpose == Purpose::Probe;
        let batch = self.probes;
        state.stage = Stage::Evaluated;
        let step = match &state.query.subject {
            Subject::Architecture(subject) => {
                let Options { calibration_batches, probe_calibration_batches, probe, .. } = self.options;
                let is_batch = is_probe && probe == Probe::Batch;
                self.probes += u64::from(is_batch);
                Step::EvaluateShared(SharedEvaluation {
                    weights,
                    subject: subject.clone(),
                    calibration: if is_probe { probe_calibration_batches } else { calibration_batches },
                    batch: is_batch.then_some(batch),
                })
            }
            Subject::Relaxation(relaxation) => {
                self.probes += 1;
                Step::DifferentiateShared(SharedDerivative {
                    weights,
                    relaxation: relaxation.clone(),
                    batch,
                    unrolled: self.options.derivative == Derivative::SecondOrder,
                    epochs: self.epochs,
                })
            }
        };
        self.jobs.insert(job, state);
        step
    }
}

fn evaluated(state: Job, outcome: &Outcome) -> Step {
    match &outcome.failure {
        Some(failure) => Step::Failed(failure.clone()),
        None => {
            let estimate = estimate(outcome.objectives.clone(), state.cost, 1.0);
            Step::done(Estimate { gradient: outcome.gradient.clone(), ..estimate })
        }
    }
}

fn estimate(objectives: Vec<f64>, cost: f64, fidelity: f64) -> Estimate {
    Estimate { objectives, uncertainty: Vec::new(), gradient: Vec::new(), cost, fidelity, curve: Vec::new() }
}

archwright_sdk::export_estimator!(OneShot);

#[cfg(test)]
mod tests;
