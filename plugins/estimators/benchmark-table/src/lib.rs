//! Looks up what was measured of an architecture before.

use std::collections::{BTreeMap, HashMap};

use archwright_sdk::prelude::*;
use archwright_sdk::{CurvePoint, Measurement};

/// Options of looking measurements up.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Which of an architecture's recorded trainings counts: the "mean" of them, or a "random" one, which the run's seed and the
    /// network decide: the same for every query of it, and for every method that is run from this seed.
    pub trainings: Trainings,
    /// Whether a training goes on from where the last query of its architecture left it: only the epochs since then are charged.
    pub resume: bool,
}

/// Which of several recorded trainings count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trainings {
    /// Their mean.
    #[default]
    Mean,
    /// One of them.
    Random,
}

/// Looking measurements up.
pub struct BenchmarkTable {
    options: Options,
    full_epochs: u32,
    space: Space,
    seed: u64,
    /// Epochs that an architecture was trained for so far, by fingerprint.
    trained: HashMap<String, u32>,
    /// Fingerprints of what is being looked up, where they are needed.
    jobs: BTreeMap<u64, Option<String>>,
}

impl Estimator for BenchmarkTable {
    const NAME: &'static str = "benchmark-table";
    const SUMMARY: &'static str = "Looks measurements up in the task's table and charges what they cost";
    const REFERENCES: &'static [&'static str] = &["arXiv:1902.09635", "arXiv:2001.00326"];
    const NEEDS: &'static [&'static str] = &["look-up"];
    const GIVES: &'static [&'static str] = &["fidelity", "curve"];
    type Options = Options;

    fn open(setup: EstimatorSetup, options: Options, space: Space) -> Result<Self, Error> {
        Ok(Self {
            options,
            full_epochs: setup.full_epochs,
            space,
            seed: setup.seed,
            trained: HashMap::new(),
            jobs: BTreeMap::new(),
        })
    }

    /// A query's fidelity is a share of the epochs.
    fn begin(&mut self, job: u64, query: &Query) -> Result<Step, Error> {
        let Subject::Architecture(architecture) = &query.subject else {
            return Err(Error::Unsupported("a table has no measurements of a relaxation".into()));
        };
        let Options { trainings, resume } = self.options;
        let named = resume || trainings == Trainings::Random;
        let name = if named { Some(self.space.fingerprint(architecture)?) } else { None };
        let training = match &name {
            Some(name) if trainings == Trainings::Random => Some(number(self.seed, name)),
            _ => None,
        };
        let trained_epochs = match &name {
            Some(name) if resume => self.trained.get(name).copied().unwrap_or(0),
            _ => 0,
        };
        self.jobs.insert(job, name);
        let until_epoch = (f64::from(self.full_epochs) * query.fidelity).round().max(1.0) as u32;
        let subject = architecture.clone();
        Ok(Step::LookUp(Measurement { subject, until_epoch, trained_epochs, training, curve: true }))
    }

    fn advance(&mut self, job: u64, outcome: &Outcome) -> Result<Step, Error> {
        let name = self.jobs.remove(&job).flatten();
        if let Some(failure) = &outcome.failure {
            return Ok(Step::Failed(failure.clone()));
        }
        let share = |epoch: u32| (f64::from(epoch) / f64::from(self.full_epochs)).min(1.0);
        let fidelity = outcome.curve.last().map_or(1.0, |last| share(last.epoch));
        if let (Some(name), Some(last)) = (name, outcome.curve.last()) {
            let trained = self.trained.entry(name).or_insert(0);
            *trained = last.epoch.max(*trained);
        }
        let point = |epoch: &archwright_sdk::Epoch| {
            Some(CurvePoint { fidelity: share(epoch.epoch), value: *epoch.objectives.first()? })
        };
        let curve = if outcome.curve.len() > 1 { outcome.curve.iter().filter_map(point).collect() } else { Vec::new() };
        let (objectives, cost) = (outcome.objectives.clone(), outcome.cost);
        Ok(Step::done(Estimate { objectives, uncertainty: Vec::new(), gradient: Vec::new(), cost, fidelity, curve }))
    }
}

/// The number of the training that counts: seed and network decide it, so that methods that are run from the same seeds see the
/// same noise.
fn number(seed: u64, fingerprint: &str) -> u64 {
    // A fingerprint is a digest in hexadecimal, any part of which is as good as random.
    let network = fingerprint.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default();
    Rng::new(seed ^ network).next_u64()
}

archwright_sdk::export_estimator!(BenchmarkTable);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, estimator_setup, trained};

    use super::*;

    fn open(options: Options) -> (BenchmarkTable, Space) {
        let space = bundled_space("nas-bench-201");
        (BenchmarkTable::open(estimator_setup(&space, 7, 200), options, space.clone()).unwrap(), space)
    }

    fn looked_up(step: Step) -> Measurement {
        let Step::LookUp(measurement) = step else { panic!("{step:?}") };
        measurement
    }

    fn done(step: Step) -> Estimate {
        let Step::Done(estimate) = step else { panic!("{step:?}") };
        estimate
    }

    #[test]
    fn asks_for_the_fidelity_and_says_which_there_was() {
        let (mut estimator, space) = open(Options::default());
        let query = Query { fidelity: 0.125, ..Query::full(0, space.sample(0)) };
        let measurement = looked_up(estimator.begin(0, &query).unwrap());
        assert_eq!((measurement.until_epoch, measurement.training), (25, None));
        let outcome = Outcome { objectives: vec![0.7], ..trained(&[0.5, 0.6, 0.7], 12.0) };
        let estimate = done(estimator.advance(0, &outcome).unwrap());
        assert_eq!((estimate.objectives, estimate.cost, estimate.fidelity), (vec![0.7], 12.0, 3.0 / 200.0));
        assert_eq!(estimate.curve.len(), 3);
    }

    #[test]
    fn random_trainings_stay_with_their_architecture() {
        let (mut estimator, space) = open(Options { trainings: Trainings::Random, resume: false });
        let mut training = |job, architecture: u64| {
            looked_up(estimator.begin(job, &Query::full(job, space.sample(architecture))).unwrap()).training
        };
        let (first, other, again) = (training(0, 0), training(1, 1), training(2, 0));
        assert!(first.is_some() && first == again && first != other);
        let (mut late, space) = open(Options { trainings: Trainings::Random, resume: false });
        let measurement = looked_up(late.begin(0, &Query::full(0, space.sample(1))).unwrap());
        assert_eq!(measurement.training, other, "whatever was asked for before");
    }

    #[test]
    fn trainings_that_go_on_cost_what_is_new() {
        let (mut estimator, space) = open(Options { trainings: Trainings::Mean, resume: true });
        let mut trained_before = |job, architecture: u64, epochs: usize| {
            let query = Query { fidelity: epochs as f64 / 200.0, ..Query::full(job, space.sample(architecture)) };
            let measurement = looked_up(estimator.begin(job, &query).unwrap());
            estimator.advance(job, &trained(&vec![0.5; epochs], 1.0)).unwrap();
            measurement.trained_epochs
        };
        let before =
            [trained_before(0, 0, 10), trained_before(1, 1, 10), trained_before(2, 0, 30), trained_before(3, 0, 20)];
        assert_eq!(before, [0, 0, 10, 30]);
    }

    #[test]
    fn what_the_table_lacks_fails_alone() {
        let (mut estimator, space) = open(Options::default());
        estimator.begin(0, &Query::full(0, space.sample(0))).unwrap();
        let failed = Outcome { failure: Some("nothing".into()), ..Outcome::default() };
        assert_eq!(estimator.advance(0, &failed).unwrap(), Step::Failed("nothing".into()));
    }
}
