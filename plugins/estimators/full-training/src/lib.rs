//! Trains every architecture with the task's recipe, in full.

use archwright_sdk::prelude::*;
use archwright_sdk::{Repeats, Report};

/// Options of full training.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Trainings of each architecture, from different seeds; the estimate is their mean.
    #[schemars(range(min = 1, max = 1_000))]
    pub repeats: u32,
    /// Which epoch counts: the "last", or the "best" by the first objective.
    pub report: Report,
}

impl Default for Options {
    fn default() -> Self {
        Self { repeats: 1, report: Report::Last }
    }
}

/// Full training.
pub struct FullTraining {
    full_epochs: u32,
    repeats: Repeats,
}

impl Estimator for FullTraining {
    const NAME: &'static str = "full-training";
    const SUMMARY: &'static str = "Trains with the task's recipe in full, over several seeds on request";
    const NEEDS: &'static [&'static str] = &["train"];
    const GIVES: &'static [&'static str] = &["fidelity", "curve", "uncertainty"];
    type Options = Options;

    fn open(setup: EstimatorSetup, options: Options, space: Space) -> Result<Self, Error> {
        let goal = setup.objectives.first().map_or(Goal::Maximize, |objective| objective.goal);
        let repeats = Repeats::new(space, setup.seed, options.repeats, options.report, goal);
        Ok(Self { full_epochs: setup.full_epochs, repeats })
    }

    /// A query's fidelity is a share of the epochs.
    fn begin(&mut self, job: u64, query: &Query) -> Result<Step, Error> {
        let Subject::Architecture(architecture) = &query.subject else {
            return Err(Error::Unsupported("a relaxation cannot be trained as a stand-alone network".into()));
        };
        let epochs = (f64::from(self.full_epochs) * query.fidelity).round().max(1.0) as u32;
        let fidelity = f64::from(epochs) / f64::from(self.full_epochs);
        self.repeats.begin(job, Training::new(architecture.clone(), 0, epochs), fidelity)
    }

    fn advance(&mut self, job: u64, outcome: &Outcome) -> Result<Step, Error> {
        self.repeats.advance(job, outcome)
    }
}

archwright_sdk::export_estimator!(FullTraining);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, estimator_setup, trained};

    use super::*;

    fn open(options: Options) -> (FullTraining, Query) {
        let space = bundled_space("nas-bench-201");
        let architecture = space.sample(0);
        let setup = estimator_setup(&space, 7, 20);
        (FullTraining::open(setup, options, space).unwrap(), Query::full(0, architecture))
    }

    fn training(step: Step) -> Training {
        match step {
            Step::Train(training) => training,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn trains_in_full_and_reports_the_last_epoch() {
        let (mut estimator, query) = open(Options::default());
        let training = training(estimator.begin(3, &query).unwrap());
        assert_eq!((training.until_epoch, training.data_share), (20, 1.0));
        let Step::Done(estimate) = estimator.advance(3, &trained(&[0.5, 0.9, 0.8], 2.0)).unwrap() else { panic!() };
        assert_eq!((estimate.objectives, estimate.cost, estimate.fidelity), (vec![0.8], 2.0, 1.0));
        assert_eq!(estimate.curve.len(), 3);
        assert!(estimate.uncertainty.is_empty());
    }

    #[test]
    fn averages_over_seeds_that_the_network_decides() {
        let options = Options { repeats: 3, report: Report::Best };
        let (mut estimator, query) = open(options.clone());
        let mut seeds = Vec::new();
        let mut step = estimator.begin(0, &query).unwrap();
        for best in [0.7, 0.8, 0.9] {
            seeds.push(training(step).start);
            step = estimator.advance(0, &trained(&[best, 0.1], 1.0)).unwrap();
        }
        let Step::Done(estimate) = step else { panic!() };
        assert!((estimate.objectives[0] - 0.8).abs() < 1e-12);
        assert!((estimate.uncertainty[0] - 0.1).abs() < 1e-12);
        assert_eq!(estimate.cost, 3.0);
        assert!(seeds[0] != seeds[1] && seeds[1] != seeds[2]);
        let (mut other, query) = open(options);
        assert_eq!(training(other.begin(99, &query).unwrap()).start, seeds[0], "the job's number does not matter");
    }

    #[test]
    fn a_failed_training_fails_the_job_alone() {
        let (mut estimator, query) = open(Options::default());
        estimator.begin(0, &query).unwrap();
        estimator.begin(1, &query).unwrap();
        let failed = Outcome { failure: Some("diverged".into()), ..Outcome::default() };
        assert_eq!(estimator.advance(0, &failed).unwrap(), Step::Failed("diverged".into()));
        assert!(matches!(estimator.advance(1, &trained(&[0.5], 1.0)).unwrap(), Step::Done(_)));
    }
}
