//! Shared weights learn, go on where they stopped, and serve every architecture.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[expect(dead_code, reason = "each test takes what it needs")]
mod digits;

use std::collections::BTreeMap;
use std::sync::Arc;

use archwright_protocol::{
    Action, DifferentiateShared, EvaluateShared, FailureKind, Latency, Optimizer, Outcome, Paths, Recipe, Schedule,
    SharedStart, SharedState, Subject, Supergraph, TrainShared,
};
use archwright_space::{Architecture, Context, Definition, Relaxation, Scalar, SizeLimits, Space, Value};
use archwright_trainer::{Problem, Trainer};

use digits::{alone, trainer};

/// Steps of an epoch.
const EPOCH: u32 = 18;

fn supergraph(name: &str, options: &[(&str, i64)]) -> Supergraph {
    let definition = archwright_space::bundled::source(name).unwrap().to_owned();
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), Scalar::Integer(*value)));
    Supergraph { definition, options: options.collect(), input: vec![1, 8, 8], classes: 10 }
}

fn cells() -> Supergraph {
    supergraph("nas-bench-201", &[("channels", 4), ("cells", 1)])
}

fn space(of: &Supergraph) -> Space {
    let definition = Definition::parse_with(&of.definition, &of.options).unwrap();
    Space::new(Arc::new(definition), Context::full(of.input.clone(), of.classes)).unwrap()
}

fn recipe() -> Recipe {
    Recipe { learning_rate: 0.05, schedule: Schedule::Constant, batch_size: 64, ..Recipe::default() }
}

/// Training in steps of an epoch at most; digits have 18 of 64.
fn training(steps: u32) -> TrainShared {
    TrainShared {
        supergraph: cells(),
        recipe: recipe(),
        start: SharedStart::Fresh(5),
        steps,
        paths: Paths::Uniform(1),
        limits: SizeLimits::default(),
        name: format!("fresh {steps}"),
    }
}

/// The training that goes on behind `name`, which may be kept as `kept`.
fn further(from: &TrainShared, kept: Option<&str>, steps: u32) -> TrainShared {
    let state = SharedState { name: from.name.clone(), kept: kept.map(ToOwned::to_owned) };
    let name = format!("{}, {steps}", from.name);
    TrainShared { start: SharedStart::State(state), steps, name, ..from.clone() }
}

fn train(trainer: &mut Trainer, train: &TrainShared) -> Result<Outcome, Problem> {
    let outcome = trainer.act(&Action::TrainShared(Box::new(train.clone())), None, &mut |_, _| {})?;
    Ok(Outcome { seconds: 0.0, ..outcome })
}

/// Trains whole epochs.
fn epochs(trainer: &mut Trainer, count: usize, first: TrainShared) -> (TrainShared, Vec<Outcome>) {
    let mut last = first;
    let mut outcomes = vec![train(trainer, &last).unwrap()];
    while outcomes.len() < count {
        last = further(&last, None, EPOCH);
        outcomes.push(train(trainer, &last).unwrap());
    }
    (last, outcomes)
}

fn evaluation(of: &TrainShared, kept: Option<&str>, subject: &Architecture, calibration: u32) -> EvaluateShared {
    EvaluateShared {
        supergraph: cells(),
        recipe: recipe(),
        state: SharedState { name: of.name.clone(), kept: kept.map(ToOwned::to_owned) },
        subject: subject.clone(),
        calibration,
        batch: None,
        latency: None,
    }
}

fn evaluate(trainer: &mut Trainer, evaluate: &EvaluateShared) -> Outcome {
    let outcome = trainer.act(&Action::EvaluateShared(Box::new(evaluate.clone())), None, &mut |_, _| {}).unwrap();
    Outcome { seconds: 0.0, ..outcome }
}

#[test]
fn paths_train_weights_that_good_architectures_are_told_by() {
    let _turn = alone();
    let mut trainer = trainer();
    let (last, outcomes) = epochs(&mut trainer, 15, training(EPOCH));
    assert!(outcomes[14].metrics.loss < 0.7 * outcomes[0].metrics.loss, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| outcome.weights.is_some()), "each epoch's end is kept");
    let space = space(&cells());
    let cell = |operation: &str| {
        let labels = space.decisions().iter().map(|decision| (decision.name.clone(), operation.to_owned()));
        space.point_of(&labels.collect::<BTreeMap<_, _>>()).unwrap()
    };
    let mut accuracy =
        |operation: &str| evaluate(&mut trainer, &evaluation(&last, None, &cell(operation), 4)).metrics.accuracy;
    let (good, nothing) = (accuracy("nor_conv_3x3"), accuracy("none"));
    assert!(good > 0.5 && nothing < 0.2, "{good} {nothing}");
}

#[test]
fn the_same_steps_lead_to_the_same_weights_in_any_process() {
    let _turn = alone();
    for optimizer in [Optimizer::Sgd, Optimizer::Adamw] {
        let recipe = Recipe { optimizer, ..recipe() };
        let first = TrainShared { recipe: recipe.clone(), ..training(EPOCH) };
        let mut one = trainer();
        let kept = train(&mut one, &first).unwrap().weights;
        let whole = train(&mut one, &further(&first, None, EPOCH)).unwrap();
        // In parts, by another process that reads what is kept; what is evaluated in between leaves no trace.
        let mut other = trainer();
        let mut last = further(&first, kept.as_deref(), 7);
        let outcome = train(&mut other, &last).unwrap();
        assert_eq!(outcome.weights, None, "within an epoch nothing is kept");
        let subject = EvaluateShared { recipe, ..evaluation(&last, None, &space(&cells()).sample(1), 2) };
        evaluate(&mut other, &subject);
        last = further(&last, None, EPOCH - 7);
        assert_eq!(train(&mut other, &last).unwrap().weights, whole.weights);
    }
}

#[test]
fn a_state_that_is_not_at_hand_is_come_to_again() {
    let _turn = alone();
    let mut one = trainer();
    let first = training(3);
    train(&mut one, &first).unwrap();
    let second = further(&first, None, 4);
    train(&mut one, &second).unwrap();
    let question = evaluation(&second, None, &space(&cells()).sample(2), 2);
    let answer = evaluate(&mut one, &question);
    let mut other = trainer();
    let action = Action::EvaluateShared(Box::new(question.clone()));
    let problem = other.act(&action, None, &mut |_, _| {}).unwrap_err();
    assert_eq!(problem.kind, FailureKind::UnknownState);
    other.retrace(&[first, second], &mut |_, _| {}).unwrap();
    assert_eq!(evaluate(&mut other, &question), answer);
}

#[test]
fn evaluations_depend_on_nothing_that_came_before() {
    let _turn = alone();
    let mut one = trainer();
    let weights = training(EPOCH);
    let kept = train(&mut one, &weights).unwrap().weights;
    let space = space(&cells());
    let question = |seed: u64| evaluation(&weights, kept.as_deref(), &space.sample(seed), 3);
    let all: Vec<Outcome> = (0..6).map(|seed| evaluate(&mut one, &question(seed))).collect();
    let mut other = trainer();
    for seed in (0..6).rev() {
        assert_eq!(evaluate(&mut other, &question(seed)), all[seed as usize]);
    }
    let running = EvaluateShared { calibration: 0, ..question(0) };
    assert_ne!(evaluate(&mut other, &running), all[0]);
    let batch = |number| EvaluateShared { batch: Some(number), ..question(0) };
    let batches: Vec<Outcome> = (0..12).map(|number| evaluate(&mut other, &batch(number))).collect();
    assert!(batches[1..].iter().any(|one| *one != batches[0]), "{batches:?}");
    assert_eq!(evaluate(&mut one, &batch(11)), batches[11]);
}

#[test]
fn a_latency_is_measured_with_an_evaluation() {
    let _turn = alone();
    let mut trainer = trainer();
    let weights = training(3);
    train(&mut trainer, &weights).unwrap();
    let asked = |limit| Some(Latency { batch_size: 2, limit, network: None });
    let plain = evaluation(&weights, None, &space(&cells()).sample(1), 2);
    let outcome = evaluate(&mut trainer, &plain);
    assert_eq!(outcome.latency, None);
    let measured = evaluate(&mut trainer, &EvaluateShared { latency: asked(None), ..plain.clone() });
    assert!(measured.latency.is_some_and(|latency| latency > 0.0));
    assert_eq!(measured.metrics, outcome.metrics, "nothing else is another");
    let limited = EvaluateShared { latency: asked(Some(1e-9)), ..plain.clone() };
    let problem = trainer.act(&Action::EvaluateShared(Box::new(limited)), None, &mut |_, _| {}).unwrap_err();
    assert_eq!(problem.kind, FailureKind::Infeasible);
    assert!(problem.to_string().ends_with("it was not evaluated"), "{problem}");
    assert_eq!(evaluate(&mut trainer, &plain), outcome, "the weights are at hand still");
}

#[test]
fn several_paths_learn_as_one_by_one_would() {
    let _turn = alone();
    let space = space(&cells());
    let subjects: Vec<Subject> = (0..3).map(|seed| Subject::Architecture(space.sample(seed))).collect();
    let given = TrainShared { paths: Paths::Given(subjects), ..training(EPOCH) };
    let (_, outcomes) = epochs(&mut trainer(), 8, given);
    assert!(outcomes[7].metrics.loss < outcomes[0].metrics.loss, "{outcomes:?}");
    let several = TrainShared { paths: Paths::Uniform(3), ..training(EPOCH) };
    let (_, outcomes) = epochs(&mut trainer(), 4, several);
    assert!(outcomes[3].metrics.loss < outcomes[0].metrics.loss, "{outcomes:?}");
}

fn rows(space: &Space) -> usize {
    archwright_space::rows(space.decisions()).iter().map(|row| row.length).sum()
}

/// A relaxation that one architecture has all of.
fn one_hot(space: &Space, architecture: &Architecture) -> Relaxation {
    let Architecture::Point(values) = architecture else { panic!("a point") };
    let mut probabilities = vec![0.0; rows(space)];
    for row in archwright_space::rows(space.decisions()) {
        let Value::Index(label) = values[row.decision] else { panic!("a label") };
        probabilities[row.offset + label as usize] = 1.0;
    }
    Relaxation::new(probabilities)
}

/// The names in a file of kept weights.
fn names(outcome: &Outcome) -> String {
    let folder = std::path::PathBuf::from(std::env::var_os(archwright_protocol::WEIGHTS_DIR).unwrap());
    let digest = outcome.weights.as_ref().unwrap();
    let bytes = std::fs::read(folder.join(format!("{digest}.safetensors"))).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    String::from_utf8(bytes[8..8 + length].to_vec()).unwrap()
}

#[test]
fn random_paths_are_drawn_within_the_limits() {
    let _turn = alone();
    let space = space(&cells());
    let smallest = (0..500).map(|seed| space.profile(&space.sample(seed)).unwrap().parameters).min().unwrap();
    // A convolution of 3x3 between 4 channels has 144 parameters.
    let limits = SizeLimits { parameters: Some(smallest + 143), ..SizeLimits::default() };
    let holds_large = |limits, paths| {
        let outcome = train(&mut trainer(), &TrainShared { limits, paths, ..training(EPOCH) }).unwrap();
        names(&outcome).contains(":4x4x3x3")
    };
    assert!(holds_large(SizeLimits::default(), Paths::Uniform(2)));
    assert!(!holds_large(limits, Paths::Uniform(2)));
    assert!(holds_large(limits, Paths::Mixture(0.0)), "mixtures are of all architectures");
    // A trainer that has drawn within limits draws without them, and the other way round.
    let mut one = trainer();
    let first = train(&mut one, &training(5)).unwrap();
    let limited = train(&mut one, &TrainShared { limits, ..training(5) }).unwrap();
    assert_eq!(train(&mut one, &training(5)).unwrap(), first);
    assert_eq!(train(&mut trainer(), &TrainShared { limits, ..training(5) }).unwrap(), limited);
    assert_ne!(first, limited);
}

#[test]
fn limits_that_no_path_is_within_are_named() {
    let _turn = alone();
    let limits = SizeLimits { multiply_adds: Some(1_000_000_000), parameters: Some(5), ..SizeLimits::default() };
    let problem = train(&mut trainer(), &TrainShared { limits, ..training(1) }).unwrap_err();
    assert_eq!(problem.kind, FailureKind::Unsupported);
    for part in ["none of 1000 random architectures", "`parameters` is at most 5", "the smallest seen is"] {
        assert!(problem.to_string().contains(part), "{problem}");
    }
    let free = SizeLimits { multiply_adds: None, parameters: None, activation_bytes: None };
    assert!(train(&mut trainer(), &TrainShared { limits: free, ..training(1) }).is_ok());
}

#[test]
fn mixtures_learn_with_path_dropout_and_without() {
    let _turn = alone();
    for paths in [Paths::Mixture(0.0), Paths::Mixture(0.3)] {
        let (_, outcomes) = epochs(&mut trainer(), 4, TrainShared { paths, ..training(EPOCH) });
        assert!(outcomes[3].metrics.loss < 0.9 * outcomes[0].metrics.loss, "{outcomes:?}");
    }
}

#[test]
fn a_mixture_that_is_one_architecture_learns_as_that() {
    let _turn = alone();
    let space = space(&cells());
    let architecture = space.sample(1);
    let subjects = [Subject::Architecture(architecture.clone()), Subject::Relaxation(one_hot(&space, &architecture))];
    let weights = subjects.map(|subject| {
        let mut trainer = trainer();
        let last = TrainShared { paths: Paths::Given(vec![subject]), ..training(5) };
        let metrics = train(&mut trainer, &last).unwrap().metrics;
        (metrics, evaluate(&mut trainer, &evaluation(&last, None, &architecture, 0)).metrics)
    });
    assert_eq!(weights[0], weights[1]);
}

#[test]
fn derivatives_say_which_way_the_loss_falls() {
    let _turn = alone();
    let mut trainer = trainer();
    let paths = Paths::Mixture(0.0);
    let (last, _) = epochs(&mut trainer, 3, TrainShared { paths, ..training(EPOCH) });
    let space = space(&cells());
    let uniform = Relaxation::new(vec![0.2; rows(&space)]);
    let question = |relaxation: &Relaxation, unrolled| DifferentiateShared {
        supergraph: cells(),
        recipe: recipe(),
        state: SharedState { name: last.name.clone(), kept: None },
        relaxation: relaxation.clone(),
        batch: 2,
        unrolled,
    };
    let mut differentiate = |relaxation: &Relaxation, unrolled| {
        let action = Action::DifferentiateShared(Box::new(question(relaxation, unrolled)));
        let outcome = trainer.act(&action, None, &mut |_, _| {}).unwrap();
        Outcome { seconds: 0.0, ..outcome }
    };
    // Behind a step of the weights the loss is rough: a move so short that rounding decides which units are on says nothing.
    for (unrolled, by) in [(false, 1e-3), (true, 1e-2)] {
        let outcome = differentiate(&uniform, unrolled);
        assert_eq!(outcome.gradient.len(), uniform.probabilities.len());
        assert_eq!(differentiate(&uniform, unrolled), outcome, "it repeats");
        let size: f32 = outcome.gradient.iter().map(|one| one * one).sum();
        let moved = uniform.probabilities.iter().zip(&outcome.gradient).map(|(one, slope)| one - by * slope / size);
        let moved = differentiate(&Relaxation::new(moved.collect()), unrolled);
        let fall = moved.metrics.loss - outcome.metrics.loss;
        let by = f64::from(by);
        assert!((fall + by).abs() < 0.5 * by, "{fall} {unrolled}");
    }
    // Of what is not wanted and has no part nothing is computed.
    let hard = one_hot(&space, &space.sample(3));
    let wanted: Vec<bool> = hard.probabilities.iter().map(|one| *one > 0.0).collect();
    let outcome = differentiate(&Relaxation { wanted: wanted.clone(), ..hard.clone() }, false);
    assert!(outcome.gradient.iter().zip(&wanted).all(|(slope, wanted)| *wanted || *slope == 0.0));
    let all = differentiate(&hard, false);
    assert!(all.gradient.iter().zip(&outcome.gradient).all(|(all, some)| *some == 0.0 || all == some));
    assert!(all.gradient.iter().zip(&wanted).any(|(slope, wanted)| !wanted && *slope != 0.0));
}

#[test]
fn what_is_refused_leaves_the_weights_at_hand() {
    let _turn = alone();
    let mut trainer = trainer();
    let first = training(3);
    train(&mut trainer, &first).unwrap();
    let nowhere = Subject::Architecture(Architecture::Point(vec![Value::Index(9); 6]));
    let wrong = TrainShared { paths: Paths::Given(vec![nowhere]), ..further(&first, None, 1) };
    assert_eq!(train(&mut trainer, &wrong).unwrap_err().kind, FailureKind::Unsupported);
    train(&mut trainer, &further(&first, None, 1)).unwrap();
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let _turn = alone();
    let mut trainer = trainer();
    let mut refused = |change: &dyn Fn(&mut TrainShared)| {
        let mut training = training(1);
        change(&mut training);
        train(&mut trainer, &training).unwrap_err()
    };
    let problem = refused(&|training| training.paths = Paths::Given(Vec::new()));
    assert!(problem.to_string().contains("nothing to train"), "{problem}");
    let problem = refused(&|training| training.supergraph.definition = "name = 3".into());
    assert_eq!(problem.kind, FailureKind::Unsupported);
    assert!(problem.to_string().contains("name"), "{problem}");
    let state = |kept: Option<String>| SharedStart::State(SharedState { name: "lost".into(), kept });
    for kept in [None, Some("0".repeat(64))] {
        let problem = refused(&|training| training.start = state(kept.clone()));
        assert_eq!(problem.kind, FailureKind::UnknownState);
    }
}
