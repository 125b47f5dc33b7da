//! Estimates from cheaper trainings: fewer epochs, a share of the data, smaller images, fewer channels, fewer cells
//! (Zoph et al. 2018; Klein et al. 2017; Chrabaszcz et al. 2017; Zela et al. 2018).

use archwright_sdk::prelude::*;
use archwright_sdk::{Repeats, Report};

/// Options of low-fidelity training. All are shares of the full training, above 0 and at most 1, and combine freely.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Share of the epochs. The learning-rate schedule spans the epochs that are left.
    #[schemars(extend("exclusiveMinimum" = 0.0, "maximum" = 1.0))]
    pub epochs_share: f64,
    /// Share of the training images.
    #[schemars(extend("exclusiveMinimum" = 0.0, "maximum" = 1.0))]
    pub data_share: f64,
    /// Share of the images' height and width.
    #[schemars(extend("exclusiveMinimum" = 0.0, "maximum" = 1.0))]
    pub resolution_share: f64,
    /// Share of the network's channels.
    #[schemars(extend("exclusiveMinimum" = 0.0, "maximum" = 1.0))]
    pub width_share: f64,
    /// Share of the network's repeated cells or layers.
    #[schemars(extend("exclusiveMinimum" = 0.0, "maximum" = 1.0))]
    pub depth_share: f64,
    /// Trainings of each architecture, from different seeds; the estimate is their mean.
    #[schemars(range(min = 1, max = 1_000))]
    pub repeats: u32,
    /// Which epoch counts: the "last", or the "best" by the first objective.
    pub report: Report,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            epochs_share: 1.0,
            data_share: 1.0,
            resolution_share: 1.0,
            width_share: 1.0,
            depth_share: 1.0,
            repeats: 1,
            report: Report::Last,
        }
    }
}

/// Low-fidelity training.
pub struct LowFidelity {
    full_epochs: u32,
    options: Options,
    repeats: Repeats,
}

impl Estimator for LowFidelity {
    const NAME: &'static str = "low-fidelity";
    const SUMMARY: &'static str = "Trains with fewer epochs, less data, smaller images, fewer channels or cells";
    const REFERENCES: &'static [&'static str] =
        &["arXiv:1707.07012", "arXiv:1605.07079", "arXiv:1707.08819", "arXiv:1807.06906"];
    const NEEDS: &'static [&'static str] = &["train"];
    const GIVES: &'static [&'static str] = &["fidelity", "curve", "uncertainty"];
    type Options = Options;

    fn open(setup: EstimatorSetup, options: Options, space: Space) -> Result<Self, Error> {
        let shares = [
            ("epochs_share", options.epochs_share),
            ("data_share", options.data_share),
            ("resolution_share", options.resolution_share),
            ("width_share", options.width_share),
            ("depth_share", options.depth_share),
        ];
        if let Some((name, share)) = shares.into_iter().find(|(_, share)| !(*share > 0.0 && *share <= 1.0)) {
            return Err(Error::InvalidOptions(format!("`{name}` is {share}, not above 0 and at most 1")));
        }
        let goal = setup.objectives.first().map_or(Goal::Maximize, |objective| objective.goal);
        let repeats = Repeats::new(space, setup.seed, options.repeats, options.report, goal);
        Ok(Self { full_epochs: setup.full_epochs, options, repeats })
    }

    /// A query's fidelity multiplies the share of the epochs. The share that was spent, which the estimate reports, is
    /// that of epochs and images together; smaller images and networks save more than it says.
    fn begin(&mut self, job: u64, query: &Query) -> Result<Step, Error> {
        let Subject::Architecture(architecture) = &query.subject else {
            return Err(Error::Unsupported("a relaxation cannot be trained as a stand-alone network".into()));
        };
        let Options { epochs_share, data_share, resolution_share, width_share, depth_share, .. } = self.options;
        let full = f64::from(self.full_epochs);
        let epochs = (full * epochs_share * query.fidelity).round().max(1.0) as u32;
        let fidelity = f64::from(epochs) / full * data_share;
        let training = Training {
            data_share,
            resolution_share,
            width_share,
            depth_share,
            ..Training::new(architecture.clone(), 0, epochs)
        };
        self.repeats.begin(job, training, fidelity)
    }

    fn advance(&mut self, job: u64, outcome: &Outcome) -> Result<Step, Error> {
        self.repeats.advance(job, outcome)
    }
}

archwright_sdk::export_estimator!(LowFidelity);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, estimator_setup, trained};

    use super::*;

    fn begin(options: Options, fidelity: f64) -> (LowFidelity, Training) {
        let space = bundled_space("nas-bench-201");
        let query = Query { fidelity, ..Query::full(0, space.sample(0)) };
        let mut estimator = LowFidelity::open(estimator_setup(&space, 7, 20), options, space).unwrap();
        let Step::Train(training) = estimator.begin(0, &query).unwrap() else { panic!() };
        (estimator, training)
    }

    #[test]
    fn each_share_is_its_own() {
        let options = Options {
            epochs_share: 0.5,
            data_share: 0.4,
            resolution_share: 0.3,
            width_share: 0.2,
            depth_share: 0.1,
            ..Options::default()
        };
        let (mut estimator, training) = begin(options, 1.0);
        assert_eq!(training.until_epoch, 10);
        let shares = [training.data_share, training.resolution_share, training.width_share, training.depth_share];
        assert_eq!(shares, [0.4, 0.3, 0.2, 0.1]);
        let Step::Done(estimate) = estimator.advance(0, &trained(&[0.1, 0.2], 1.0)).unwrap() else { panic!() };
        assert!((estimate.fidelity - 0.2).abs() < 1e-12);
        assert!(estimate.curve.iter().all(|point| point.fidelity <= 0.2));
    }

    #[test]
    fn a_querys_fidelity_is_a_share_of_the_epochs_and_never_none() {
        assert_eq!(begin(Options { epochs_share: 0.5, ..Options::default() }, 0.2).1.until_epoch, 2);
        assert_eq!(begin(Options { epochs_share: 0.01, ..Options::default() }, 0.01).1.until_epoch, 1);
    }

    #[test]
    fn refuses_shares_out_of_range() {
        let space = bundled_space("nas-bench-201");
        for width_share in [0.0, -1.0, 1.5, f64::NAN] {
            let options = Options { width_share, ..Options::default() };
            let error = LowFidelity::open(estimator_setup(&space, 0, 20), options, space.clone()).err().unwrap();
            assert!(error.to_string().contains("width_share"));
        }
    }
}
