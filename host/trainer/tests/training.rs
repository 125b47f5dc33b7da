//! Trainings learn, repeat bit for bit, go on where they stopped, and fail with their reason.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod digits;

use archwright_protocol::{
    Action, Evaluate, FailureKind, Latency, Measure, Optimizer, Outcome, Recipe, Schedule, Start, Subset, Train,
};
use archwright_space::{Network, Op};
use archwright_trainer::{Problem, Trainer};

use digits::{alone, conv, network, noisy, train, trainer};

fn act(trainer: &mut Trainer, train: &Train) -> Result<Outcome, Problem> {
    let outcome = trainer.act(&Action::Train(train.clone()), None, &mut |_, _| {})?;
    // Time alone may differ between repetitions.
    Ok(Outcome { seconds: 0.0, ..outcome })
}

#[test]
fn learns_digits() {
    let _turn = alone();
    let outcome = act(&mut trainer(), &train(Recipe { learning_rate: 0.1, ..Recipe::default() })).unwrap();
    assert!(outcome.metrics.accuracy > 0.97, "{:?}", outcome.metrics);
    assert_eq!(outcome.curve.len(), 20);
    assert!(outcome.curve[19].train_loss < outcome.curve[0].train_loss);
}

#[test]
fn repeats_bit_for_bit_whatever_came_before() {
    let _turn = alone();
    for optimizer in [Optimizer::Sgd, Optimizer::Adamw] {
        let recipe = Recipe { optimizer, learning_rate: 0.01, ..noisy() };
        let mut fresh = trainer();
        let first = act(&mut fresh, &train(recipe.clone())).unwrap();
        let other = act(&mut fresh, &Train { seed: 6, ..train(recipe.clone()) }).unwrap();
        assert_ne!(first, other);
        assert_eq!(first, act(&mut fresh, &train(recipe.clone())).unwrap());
        assert_eq!(first, act(&mut trainer(), &train(recipe)).unwrap());
    }
}

#[test]
fn goes_on_as_if_it_had_not_stopped() {
    let _turn = alone();
    for optimizer in [Optimizer::Sgd, Optimizer::Adamw] {
        let recipe = Recipe {
            optimizer,
            learning_rate: 0.01,
            schedule: Schedule::Constant,
            drop_path: 0.0,
            warmup_epochs: 0.0,
            ..noisy()
        };
        let mut trainer = trainer();
        let keep = Train { keep_weights: true, ..train(recipe) };
        let whole = act(&mut trainer, &Train { until_epoch: 4, ..keep.clone() }).unwrap();
        let half = act(&mut trainer, &Train { until_epoch: 2, ..keep.clone() }).unwrap();
        let start = Start::Resume(half.weights.unwrap());
        let resumed = act(&mut trainer, &Train { until_epoch: 4, start, seed: 0, ..keep }).unwrap();
        assert_eq!(whole, resumed, "{optimizer:?}: the weights' digests are equal, too");
    }
}

#[test]
fn kept_weights_evaluate_as_they_did() {
    let _turn = alone();
    let mut trainer = trainer();
    let trained =
        act(&mut trainer, &Train { keep_weights: true, ..train(Recipe { epochs: 2, ..Recipe::default() }) }).unwrap();
    let weights = trained.weights.unwrap();
    let mut evaluate = |network, subset| {
        let evaluate = Evaluate { network, input: vec![1, 8, 8], weights: weights.clone(), subset };
        trainer.act(&Action::Evaluate(evaluate), None, &mut |_, _| {})
    };
    assert_eq!(evaluate(network(), Subset::Validation).unwrap().metrics, trained.metrics);
    assert!(evaluate(network(), Subset::Test).unwrap().metrics.accuracy > 0.5);
    let mut other = network();
    other.nodes[1].op = conv(8, 1);
    let problem = evaluate(other, Subset::Test).unwrap_err();
    assert_eq!(problem.kind, FailureKind::Data);
    assert!(problem.message.contains("another network's"), "{problem}");
}

#[test]
fn a_smaller_share_and_resolution_train_too() {
    let _turn = alone();
    let mut shrunk = train(Recipe { epochs: 2, ..Recipe::default() });
    shrunk.network.nodes[0].op = Op::Input { shape: vec![1, 4, 4] };
    shrunk.input = vec![1, 4, 4];
    shrunk.data_share = 0.1;
    assert!(act(&mut trainer(), &shrunk).unwrap().metrics.accuracy > 0.1);
    shrunk.input = vec![1, 8, 8];
    assert_eq!(act(&mut trainer(), &shrunk).unwrap_err().kind, FailureKind::Unsupported);
}

#[test]
fn failures_have_their_reason() {
    let _turn = alone();
    let mut trainer = trainer();
    let diverged = train(Recipe { learning_rate: 1e30, gradient_clip: 0.0, epochs: 2, ..Recipe::default() });
    assert_eq!(act(&mut trainer, &diverged).unwrap_err().kind, FailureKind::Diverged);
    let mut large = train(Recipe::default());
    large.network.nodes[1].op = conv(20_000, 1);
    large.network.nodes[4].op = conv(100_000, 1);
    let problem = act(&mut trainer, &large).unwrap_err();
    assert_eq!(problem.kind, FailureKind::TooLarge, "{problem}");
    let unknown = Train { start: Start::Resume("0".repeat(64)), ..train(Recipe::default()) };
    assert_eq!(act(&mut trainer, &unknown).unwrap_err().kind, FailureKind::Data);
    let test = Train { evaluate: Subset::Test, ..train(Recipe::default()) };
    assert_eq!(act(&mut trainer, &test).unwrap_err().kind, FailureKind::Unsupported);
    // After all that it still works.
    assert!(act(&mut trainer, &train(Recipe { epochs: 1, ..Recipe::default() })).is_ok());
}

#[test]
fn a_latency_is_measured_before_the_training_and_changes_nothing_of_it() {
    let _turn = alone();
    let mut trainer = trainer();
    let plain = train(Recipe { epochs: 1, ..Recipe::default() });
    let latency =
        |batch_size, limit| Train { latency: Some(Latency { batch_size, limit, network: None }), ..plain.clone() };
    let untimed = act(&mut trainer, &plain).unwrap();
    assert_eq!(untimed.latency, None);
    for batch_size in [1, 3] {
        let measured = act(&mut trainer, &latency(batch_size, Some(1e6))).unwrap();
        assert!(measured.latency.unwrap() > 0.0);
        assert_eq!(Outcome { latency: None, ..measured }, untimed);
    }
    let mut epochs = 0;
    let action = Action::Train(latency(2, Some(1e-12)));
    let mut count = |epoch: f64, _| epochs += usize::from(epoch > 0.0);
    let problem = trainer.act(&action, None, &mut count).unwrap_err();
    assert_eq!((problem.kind, epochs), (FailureKind::Infeasible, 0), "{problem}");
    for part in ["for a batch of 2", "1.000e-12 s at most", "not trained"] {
        assert!(problem.message.contains(part), "{problem}");
    }
    assert_eq!(act(&mut trainer, &latency(0, None)).unwrap_err().kind, FailureKind::Unsupported);
    // Millions of images of 16 channels need some GiB each thousand.
    assert_eq!(act(&mut trainer, &latency(u32::MAX, None)).unwrap_err().kind, FailureKind::TooLarge);
}

#[test]
fn the_latency_of_the_full_network_counts_where_a_smaller_one_is_trained() {
    let _turn = alone();
    let mut full = network();
    full.nodes[1].op = conv(0, 1);
    let mut smaller = train(Recipe { epochs: 1, ..Recipe::default() });
    smaller.latency = Some(Latency { batch_size: 1, limit: None, network: Some(Box::new(full)) });
    // A network that is not valid shows which one is measured.
    assert_eq!(act(&mut trainer(), &smaller).unwrap_err().kind, FailureKind::Unsupported);
    smaller.latency = Some(Latency { batch_size: 1, limit: None, network: Some(Box::new(network())) });
    assert!(act(&mut trainer(), &smaller).unwrap().latency.is_some());
}

#[test]
fn a_network_is_measured_without_the_data_that_it_is_for() {
    let _turn = alone();
    let mut colour = network();
    colour.nodes[0].op = Op::Input { shape: vec![3, 32, 32] };
    let measure = |network, batch_size| Measure { network, batch_size, recipe: Recipe::default() };
    assert!(trainer().measure_latency(&measure(colour, 2), &mut |_, _| {}).unwrap() > 0.0);
    let nothing = measure(Network { nodes: Vec::new() }, 1);
    assert_eq!(trainer().measure_latency(&nothing, &mut |_, _| {}).unwrap_err().kind, FailureKind::Unsupported);
}
