use archwright_sdk::testing::{bundled_space, estimator_setup};
use archwright_sdk::{SharedTraining, Start};

use super::*;

/// Steps of an epoch in `testing`.
const EPOCH: u32 = 10;

fn setup(space: &Space, epochs: u32) -> EstimatorSetup {
    let offers = OneShot::NEEDS.iter().map(|need| (*need).to_owned()).collect();
    EstimatorSetup { offers, ..estimator_setup(space, 7, epochs) }
}

fn open(options: Options) -> (OneShot, Space) {
    let space = bundled_space("nas-bench-201");
    (OneShot::open(setup(&space, 3), options, space.clone()).unwrap(), space)
}

fn query(space: &Space, seed: u64, purpose: Purpose) -> Query {
    Query::new(seed, Subject::Architecture(space.sample(seed)), purpose)
}

fn training(step: Step) -> SharedTraining {
    match step {
        Step::TrainShared(training) => training,
        other => panic!("{other:?}"),
    }
}

fn trained(weights: &str) -> Outcome {
    Outcome { weights: Some(weights.into()), objectives: vec![0.3], cost: 2.0, ..Outcome::default() }
}

fn failed() -> Outcome {
    Outcome { failure: Some("diverged".into()), ..Outcome::default() }
}

fn judged(value: f64) -> Outcome {
    Outcome { objectives: vec![value], cost: 1.0, ..Outcome::default() }
}

#[test]
fn random_paths_train_before_the_first_estimate_and_never_again() {
    let (mut estimator, space) = open(Options { paths_per_step: 2, ..Options::default() });
    let mut step = estimator.begin(0, &query(&space, 0, Purpose::Estimate)).unwrap();
    for epoch in 0..3 {
        let training = training(step);
        let start = if epoch == 0 { Start::Fresh(7) } else { Start::Resume(format!("w{epoch}")) };
        let expected = SharedTraining { start, steps: EPOCH, epochs: 3, paths: Paths::Uniform(2) };
        assert_eq!(training, expected);
        step = estimator.advance(0, &trained(&format!("w{}", epoch + 1))).unwrap();
    }
    let Step::EvaluateShared(evaluation) = step else { panic!("{step:?}") };
    assert_eq!((evaluation.weights.as_str(), evaluation.calibration, evaluation.batch), ("w3", 20, None));
    let Step::Done(estimate) = estimator.advance(0, &judged(0.8)).unwrap() else { panic!() };
    assert_eq!((estimate.objectives, estimate.cost, estimate.fidelity), (vec![0.8], 7.0, 1.0));
    let step = estimator.begin(1, &query(&space, 1, Purpose::Estimate)).unwrap();
    assert!(matches!(step, Step::EvaluateShared(evaluation) if evaluation.weights == "w3"));
}

#[test]
fn jobs_wait_for_the_training_that_is_under_way() {
    let (mut estimator, space) = open(Options { epochs: 1, ..Options::default() });
    let first = estimator.begin(0, &query(&space, 0, Purpose::Estimate)).unwrap();
    assert_eq!(estimator.begin(1, &query(&space, 1, Purpose::Estimate)).unwrap(), first);
    // Whichever is told first.
    for job in [1, 0] {
        let step = estimator.advance(job, &trained("w")).unwrap();
        assert!(matches!(step, Step::EvaluateShared(evaluation) if evaluation.weights == "w"));
    }
}

#[test]
fn the_strategy_says_what_the_weights_learn_from_one_step_after_the_other() {
    let (mut estimator, space) = open(Options::default());
    let queries: Vec<Query> = (0..3).map(|seed| query(&space, seed, Purpose::Train)).collect();
    let first = estimator.begin(0, &queries[0]).unwrap();
    let along = |query: &Query| Paths::Given(vec![query.subject.clone()]);
    assert_eq!(
        training(first.clone()),
        SharedTraining { start: Start::Fresh(7), steps: 1, epochs: 3, paths: along(&queries[0]) }
    );
    assert_eq!(estimator.begin(1, &queries[1]).unwrap(), first);
    assert_eq!(estimator.begin(2, &queries[2]).unwrap(), first);
    let Step::Done(estimate) = estimator.advance(0, &trained("a")).unwrap() else { panic!() };
    assert_eq!((estimate.objectives, estimate.cost, estimate.fidelity), (vec![0.3], 2.0, 1.0 / 30.0));
    let second = estimator.advance(1, &Outcome { cost: 0.0, ..trained("a") }).unwrap();
    assert_eq!(training(second.clone()).paths, along(&queries[1]));
    assert_eq!(training(second.clone()).start, Start::Resume("a".into()));
    assert_eq!(estimator.advance(2, &Outcome { cost: 0.0, ..trained("a") }).unwrap(), second);
    // A step that cannot be taken is one job's matter.
    assert_eq!(estimator.advance(1, &failed()).unwrap(), Step::Failed("diverged".into()));
    let third = estimator.advance(2, &failed()).unwrap();
    assert_eq!(training(third.clone()).start, Start::Resume("a".into()));
    assert_eq!(training(third).paths, along(&queries[2]));
}

#[test]
fn training_has_an_end() {
    let (mut estimator, space) = open(Options { epochs: 1, ..Options::default() });
    for job in 0..10 {
        estimator.begin(job, &query(&space, job, Purpose::Train)).unwrap();
        let Step::Done(estimate) = estimator.advance(job, &trained("w")).unwrap() else { panic!() };
        assert_eq!(estimate.fidelity, (job + 1) as f64 / 10.0);
    }
    let step = estimator.begin(10, &query(&space, 10, Purpose::Train)).unwrap();
    assert!(matches!(step, Step::Failed(reason) if reason.contains("to the end")));
    let step = estimator.begin(11, &query(&space, 11, Purpose::Probe)).unwrap();
    assert!(matches!(step, Step::EvaluateShared(_)));
}

#[test]
fn probes_take_the_weights_as_they_are_and_see_one_batch_after_the_other() {
    let (mut estimator, space) = open(Options::default());
    estimator.begin(0, &query(&space, 0, Purpose::Train)).unwrap();
    estimator.advance(0, &trained("w")).unwrap();
    for batch in 0..3 {
        let step = estimator.begin(batch + 1, &query(&space, 1, Purpose::Probe)).unwrap();
        let Step::EvaluateShared(evaluation) = step else { panic!("{step:?}") };
        assert_eq!((evaluation.batch, evaluation.calibration), (Some(batch), 1));
    }
    let relaxation = Relaxation::new(vec![0.2; 30]);
    let query = Query::new(9, Subject::Relaxation(relaxation.clone()), Purpose::Probe);
    let step = estimator.begin(9, &query).unwrap();
    let Step::DifferentiateShared(derivative) = step else { panic!("{step:?}") };
    assert_eq!((derivative.batch, derivative.unrolled, derivative.epochs), (3, false, 3));
    assert_eq!(derivative.relaxation, relaxation);
    let outcome = Outcome { gradient: vec![0.1; 30], ..judged(0.5) };
    let Step::Done(estimate) = estimator.advance(9, &outcome).unwrap() else { panic!() };
    assert_eq!(estimate.gradient, vec![0.1; 30]);
}

#[test]
fn a_warm_up_comes_first_and_estimates_may_train_along_what_they_are_about() {
    let options = Options { training: Training::Strategy, warmup_epochs: 1, steps_per_query: 12, ..Options::default() };
    let (mut estimator, space) = open(options);
    let query = query(&space, 0, Purpose::Estimate);
    let step = estimator.begin(0, &query).unwrap();
    assert_eq!(training(step).paths, Paths::Uniform(1));
    let own = Paths::Given(vec![query.subject.clone()]);
    // Trainings end with epochs, where weights are kept.
    for (steps, weights) in [(10, "a"), (2, "b")] {
        let before = training(estimator.advance(0, &trained(weights)).unwrap());
        assert_eq!((before.steps, before.paths), (steps, own.clone()));
    }
    let step = estimator.advance(0, &trained("c")).unwrap();
    assert!(matches!(step, Step::EvaluateShared(evaluation) if evaluation.weights == "c"));
}

#[test]
fn estimates_for_a_strategy_that_trains_take_the_weights_as_they_are() {
    for training in [Training::Uniform, Training::Mixture, Training::Strategy] {
        let (mut estimator, space) = open(Options { training, ..Options::default() });
        estimator.begin(0, &query(&space, 0, Purpose::Train)).unwrap();
        estimator.advance(0, &trained("w")).unwrap();
        let step = estimator.begin(1, &query(&space, 1, Purpose::Estimate)).unwrap();
        assert!(
            matches!(step, Step::EvaluateShared(evaluation) if evaluation.weights == "w" && evaluation.batch.is_none())
        );
    }
}

#[test]
fn path_dropout_rises_with_the_epochs() {
    let options = Options { training: Training::Mixture, path_dropout: 0.3, ..Options::default() };
    let (mut estimator, space) = open(options);
    let mut step = estimator.begin(0, &query(&space, 0, Purpose::Estimate)).unwrap();
    for rate in [0.0, 0.1, 0.2] {
        let Paths::Mixture(given) = training(step).paths else { panic!() };
        assert!((given - rate).abs() < 1e-12, "{given}");
        step = estimator.advance(0, &trained("w")).unwrap();
    }
}

#[test]
fn without_weights_every_job_fails_with_the_reason() {
    let (mut estimator, space) = open(Options::default());
    estimator.begin(0, &query(&space, 0, Purpose::Estimate)).unwrap();
    estimator.begin(1, &query(&space, 1, Purpose::Estimate)).unwrap();
    for job in [0, 1] {
        let step = estimator.advance(job, &failed()).unwrap();
        assert!(matches!(step, Step::Failed(reason) if reason.ends_with("could not be trained: diverged")));
    }
    let step = estimator.begin(2, &query(&space, 2, Purpose::Estimate)).unwrap();
    assert!(matches!(step, Step::Failed(reason) if reason.contains("diverged")));
}

#[test]
fn refuses_what_it_cannot_do() {
    let space = bundled_space("nas-bench-201");
    let bare = estimator_setup(&space, 7, 3);
    let Err(error) = OneShot::open(bare, Options::default(), space.clone()) else { panic!() };
    assert!(error.to_string().contains("`train-shared` cannot be done here"), "{error}");
    let options = Options { warmup_epochs: 4, ..Options::default() };
    let Err(error) = OneShot::open(setup(&space, 3), options, space) else { panic!() };
    assert!(error.to_string().contains("`warmup_epochs` is 4"), "{error}");
}
