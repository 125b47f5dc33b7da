//! A performance estimation strategy: trainings are cut short (Zoph et al. 2018), and judged by the
//! mean of their last epochs, which tells architectures apart better than the last epoch alone.
//!
//! An estimator trains nothing itself. It returns what it wants done (`Step::Train`, ...), the host
//! does it, and `advance` sees the outcome. Make it your own: change what is trained for how long,
//! with which share of the data, and what it is judged by.

use std::collections::BTreeMap;

use archwright_sdk::prelude::*;

/// What users may set: the fields, their comments, ranges and defaults are what `archwright plugin
/// inspect` shows.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Share of the epochs of a full training.
    #[schemars(extend("exclusiveMinimum" = 0.0, "maximum" = 1.0))]
    pub epochs_share: f64,
    /// Epochs at the end whose mean counts.
    #[schemars(range(min = 1, max = 1_000))]
    pub last: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            epochs_share: 0.25,
            last: 3,
        }
    }
}

/// An estimator at work.
pub struct ShortTraining {
    options: Options,
    full_epochs: u32,
    seed: u64,
    /// The epochs that each open job trains for.
    jobs: BTreeMap<u64, u32>,
}

impl Estimator for ShortTraining {
    const NAME: &'static str = "plugin-name";
    const SUMMARY: &'static str = "Short trainings, judged by the mean of their last epochs";
    const REFERENCES: &'static [&'static str] = &["arXiv:1707.07012"];
    const GIVES: &'static [&'static str] = &["fidelity"];
    type Options = Options;

    fn open(setup: EstimatorSetup, options: Options, _: Space) -> Result<Self, Error> {
        Ok(Self {
            options,
            full_epochs: setup.full_epochs,
            seed: setup.seed,
            jobs: BTreeMap::new(),
        })
    }

    /// A query came: have its architecture trained. Strategies with fidelities ask for less than a
    /// full training.
    fn begin(&mut self, job: u64, query: &Query) -> Result<Step, Error> {
        let Subject::Architecture(architecture) = &query.subject else {
            return Err(Error::Unsupported(
                "a relaxation has no training of its own".into(),
            ));
        };
        let share = self.options.epochs_share * query.fidelity;
        let epochs = (f64::from(self.full_epochs) * share).round().max(1.0) as u32;
        self.jobs.insert(job, epochs);
        Ok(Step::Train(Training::new(
            architecture.clone(),
            self.seed,
            epochs,
        )))
    }

    /// The training is over: the mean of its last epochs is the estimate.
    fn advance(&mut self, job: u64, outcome: &Outcome) -> Result<Step, Error> {
        let Some(epochs) = self.jobs.remove(&job) else {
            return Err(Error::Internal(format!("job {job} is not open")));
        };
        if let Some(reason) = &outcome.failure {
            return Ok(Step::Failed(reason.clone()));
        }
        let first = outcome
            .curve
            .len()
            .saturating_sub(self.options.last as usize);
        let last = &outcome.curve[first..];
        let Some(objectives) = last.first().map(|epoch| epoch.objectives.len()) else {
            return Ok(Step::Failed(
                "the training has no validation metrics".into(),
            ));
        };
        let mean = |objective| {
            last.iter()
                .map(|epoch| epoch.objectives[objective])
                .sum::<f64>()
                / last.len() as f64
        };
        let means: Vec<f64> = (0..objectives).map(mean).collect();
        // What diverges has no value, and ends as failed.
        Ok(Step::done(Estimate {
            objectives: means,
            uncertainty: Vec::new(),
            gradient: Vec::new(),
            cost: outcome.cost,
            fidelity: (f64::from(epochs) / f64::from(self.full_epochs)).min(1.0),
            curve: Vec::new(),
        }))
    }
}

archwright_sdk::export_estimator!(ShortTraining);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, estimator_setup, trained};

    use super::*;

    /// An estimator for trainings of 20 epochs, without a host, and a query for it.
    fn open(options: Options) -> (ShortTraining, Query) {
        let space = bundled_space("nas-bench-201");
        let query = Query::full(0, space.sample(0));
        (
            ShortTraining::open(estimator_setup(&space, 0, 20), options, space).unwrap(),
            query,
        )
    }

    #[test]
    fn the_mean_of_the_last_epochs_counts() {
        let (mut estimator, query) = open(Options {
            epochs_share: 0.25,
            last: 2,
        });
        let Step::Train(training) = estimator.begin(7, &query).unwrap() else {
            panic!("no training")
        };
        assert_eq!(training.until_epoch, 5);
        let outcome = trained(&[0.1, 0.2, 0.3, 0.5, 0.7], 9.0);
        let Step::Done(estimate) = estimator.advance(7, &outcome).unwrap() else {
            panic!("no estimate")
        };
        assert!((estimate.objectives[0] - 0.6).abs() < 1e-12);
        assert_eq!((estimate.cost, estimate.fidelity), (9.0, 0.25));
    }

    #[test]
    fn lower_fidelities_train_for_less() {
        let (mut estimator, query) = open(Options::default());
        let query = Query {
            fidelity: 0.4,
            ..query
        };
        let Step::Train(training) = estimator.begin(0, &query).unwrap() else {
            panic!("no training")
        };
        assert_eq!(training.until_epoch, 2);
    }

    #[test]
    fn a_failed_training_is_no_estimate() {
        let (mut estimator, query) = open(Options::default());
        estimator.begin(0, &query).unwrap();
        let outcome = Outcome {
            failure: Some("diverged".into()),
            ..Outcome::default()
        };
        assert_eq!(
            estimator.advance(0, &outcome).unwrap(),
            Step::Failed("diverged".into())
        );
        assert!(estimator.advance(0, &outcome).is_err(), "the job is over");
    }

    #[test]
    fn a_training_that_diverges_is_no_estimate() {
        for wrong in [f64::NAN, f64::INFINITY] {
            let (mut estimator, query) = open(Options::default());
            estimator.begin(0, &query).unwrap();
            let step = estimator.advance(0, &trained(&[0.1, wrong], 1.0)).unwrap();
            assert!(matches!(step, Step::Failed(_)), "{step:?}");
        }
    }
}
