//! A training in two stages: briefly first, and in full only for architectures that did better than most before.

use std::collections::BTreeMap;

use archwright_sdk::prelude::*;

/// Options of the two stages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Share of the epochs of the first stage.
    #[schemars(extend("exclusiveMinimum" = 0.0, "maximum" = 1.0))]
    pub first_share: f64,
    /// First-stage accuracy above which an architecture is trained in full.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub threshold: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { first_share: 0.25, threshold: 0.5 }
    }
}

/// The estimator.
pub struct TwoStage {
    options: Options,
    full_epochs: u32,
    goal: Goal,
    /// Whether trainings can go on from weights here.
    resumes: bool,
    jobs: BTreeMap<u64, Job>,
}

struct Job {
    architecture: Architecture,
    epochs: u32,
    cost: f64,
}

impl Estimator for TwoStage {
    const NAME: &'static str = "two-stage";
    const SUMMARY: &'static str = "Trains briefly, and in full where that was promising";
    const GIVES: &'static [&'static str] = &["fidelity"];
    type Options = Options;

    fn open(setup: EstimatorSetup, options: Options, _: Space) -> Result<Self, Error> {
        Ok(Self {
            options,
            full_epochs: setup.full_epochs,
            goal: setup.objectives.first().map_or(Goal::Maximize, |objective| objective.goal),
            resumes: setup.offers.iter().any(|offer| offer == "train.resume"),
            jobs: BTreeMap::new(),
        })
    }

    fn begin(&mut self, job: u64, query: &Query) -> Result<Step, Error> {
        let Subject::Architecture(architecture) = &query.subject else {
            return Err(Error::Unsupported("a relaxation cannot be trained as a stand-alone network".into()));
        };
        let epochs = (f64::from(self.full_epochs) * self.options.first_share).round().max(1.0) as u32;
        self.jobs.insert(job, Job { architecture: architecture.clone(), epochs, cost: 0.0 });
        Ok(Step::Train(Training::new(architecture.clone(), 0, epochs)))
    }

    fn advance(&mut self, job: u64, outcome: &Outcome) -> Result<Step, Error> {
        let Some(mut state) = self.jobs.remove(&job) else {
            return Err(Error::Internal(format!("job {job} is not open")));
        };
        if let Some(reason) = &outcome.failure {
            return Ok(Step::Failed(reason.clone()));
        }
        let Some(last) = outcome.curve.last() else {
            return Ok(Step::Failed("the training has no validation metrics".into()));
        };
        // What diverges has no value, and an estimate has to be finite.
        if !last.objectives.iter().all(|value| value.is_finite()) {
            return Ok(Step::Failed("the training diverged: its metrics are not finite".into()));
        }
        state.cost += outcome.cost;
        let promising =
            last.objectives.first().is_some_and(|value| self.goal.is_better(*value, self.options.threshold));
        if promising && state.epochs < self.full_epochs {
            let mut training = Training::new(state.architecture.clone(), 0, self.full_epochs);
            if let (true, Some(weights)) = (self.resumes, &outcome.weights) {
                training.start = Start::Resume(weights.clone());
            }
            state.epochs = self.full_epochs;
            self.jobs.insert(job, state);
            return Ok(Step::Train(training));
        }
        Ok(Step::Done(Estimate {
            objectives: last.objectives.clone(),
            uncertainty: Vec::new(),
            gradient: Vec::new(),
            cost: state.cost,
            fidelity: f64::from(state.epochs) / f64::from(self.full_epochs),
            curve: Vec::new(),
        }))
    }
}

archwright_sdk::export_estimator!(TwoStage);
