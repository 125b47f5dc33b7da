//! Shared weights learn, go on where they stopped, and serve every architecture.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[expect(dead_code, reason = "each test takes what it needs")]
mod digits;

use std::collections::BTreeMap;
use std::sync::Arc;

use archwright_protocol::{
    Action, EvaluateShared, FailureKind, Optimizer, Outcome, Paths, Recipe, Schedule, Start, Subset, Supergraph,
    TrainShared,
};
use archwright_space::{Architecture, Context, Definition, Scalar, Space};
use archwright_trainer::{Problem, Trainer};

use digits::{alone, trainer};

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

fn training(epochs: u32) -> TrainShared {
    TrainShared {
        supergraph: cells(),
        recipe: recipe(),
        epochs,
        until_epoch: epochs,
        seed: 5,
        start: Start::Fresh,
        paths: Paths::Uniform,
    }
}

fn train(trainer: &mut Trainer, train: &TrainShared) -> Result<Outcome, Problem> {
    let outcome = trainer.act(&Action::TrainShared(Box::new(train.clone())), None, &mut |_, _| {})?;
    Ok(Outcome { seconds: 0.0, ..outcome })
}

fn evaluate(trainer: &mut Trainer, weights: &str, subject: &Architecture, calibration: u32) -> Outcome {
    let evaluate = EvaluateShared {
        supergraph: cells(),
        recipe: recipe(),
        weights: weights.to_owned(),
        subject: subject.clone(),
        calibration,
        subset: Subset::Validation,
    };
    let outcome = trainer.act(&Action::EvaluateShared(Box::new(evaluate)), None, &mut |_, _| {}).unwrap();
    Outcome { seconds: 0.0, ..outcome }
}

#[test]
fn paths_train_weights_that_good_architectures_are_told_by() {
    let _turn = alone();
    let mut trainer = trainer();
    let outcome = train(&mut trainer, &training(15)).unwrap();
    assert!(outcome.curve[14].train_loss < 0.7 * outcome.curve[0].train_loss, "{:?}", outcome.curve);
    let weights = outcome.weights.unwrap();
    let space = space(&cells());
    let cell = |operation: &str| {
        let labels = space.decisions().iter().map(|decision| (decision.name.clone(), operation.to_owned()));
        space.point_of(&labels.collect::<BTreeMap<_, _>>()).unwrap()
    };
    let good = evaluate(&mut trainer, &weights, &cell("nor_conv_3x3"), 4).metrics.accuracy;
    let nothing = evaluate(&mut trainer, &weights, &cell("none"), 4).metrics.accuracy;
    assert!(good > 0.5 && nothing < 0.2, "{good} {nothing}");
}

#[test]
fn goes_on_as_if_it_had_not_stopped_in_any_process() {
    let _turn = alone();
    for optimizer in [Optimizer::Sgd, Optimizer::Adamw] {
        let base = training(3);
        let base = TrainShared { recipe: Recipe { optimizer, ..base.recipe.clone() }, ..base };
        let mut first = trainer();
        let whole = train(&mut first, &base).unwrap();
        let one = train(&mut first, &TrainShared { until_epoch: 1, ..base.clone() }).unwrap();
        let two = Start::Resume(one.weights.unwrap());
        // What was evaluated in between leaves no trace.
        evaluate(&mut first, whole.weights.as_deref().unwrap(), &space(&cells()).sample(1), 2);
        let two = train(&mut trainer(), &TrainShared { until_epoch: 2, start: two, ..base.clone() }).unwrap();
        let mut last = trainer();
        evaluate(&mut last, two.weights.as_deref().unwrap(), &space(&cells()).sample(3), 2);
        let start = Start::Resume(two.weights.unwrap());
        assert_eq!(train(&mut last, &TrainShared { start, ..base.clone() }).unwrap(), whole);
    }
}

#[test]
fn evaluations_depend_on_nothing_that_came_before() {
    let _turn = alone();
    let mut one = trainer();
    let weights = train(&mut one, &training(1)).unwrap().weights.unwrap();
    let space = space(&cells());
    let all: Vec<Outcome> = (0..6).map(|seed| evaluate(&mut one, &weights, &space.sample(seed), 3)).collect();
    let mut other = trainer();
    for seed in (0..6).rev() {
        assert_eq!(evaluate(&mut other, &weights, &space.sample(seed), 3), all[seed as usize]);
    }
    assert_ne!(evaluate(&mut other, &weights, &space.sample(0), 0), all[0]);
}

#[test]
fn given_paths_are_taken_in_turn() {
    let _turn = alone();
    let space = space(&cells());
    let given = Paths::Given((0..3).map(|seed| space.sample(seed)).collect());
    let outcome = train(&mut trainer(), &TrainShared { paths: given, ..training(8) }).unwrap();
    assert!(outcome.curve[7].train_loss < outcome.curve[0].train_loss);
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
    assert!(problem.to_string().contains("no path"), "{problem}");
    let problem = refused(&|training| training.supergraph.definition = "name = 3".into());
    assert_eq!(problem.kind, FailureKind::Unsupported);
    assert!(problem.to_string().contains("name"), "{problem}");
    let problem = refused(&|training| training.start = Start::Resume("0".repeat(64)));
    assert_eq!(problem.kind, FailureKind::Data);
    let problem = refused(&|training| training.epochs = 0);
    assert!(problem.to_string().contains("asked for"), "{problem}");
}
