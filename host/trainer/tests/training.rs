//! Trainings learn, repeat bit for bit, go on where they stopped, and fail with their reason.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use archwright_protocol::{
    Action, DataFormat, DataSource, Evaluate, FailureKind, Optimizer, Outcome, Recipe, Schedule, Setup, Split, Start,
    Subset, Task, Train, VERSION, WEIGHTS_DIR,
};
use archwright_space::{Network, Node, Op};
use archwright_trainer::{Problem, Trainer};
use tempfile::TempDir;

/// The turn to train: libtorch has one generator a process, as a trainer is one process.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn trainer() -> Trainer {
    static WEIGHTS: OnceLock<TempDir> = OnceLock::new();
    let weights = WEIGHTS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        // SAFETY: tests take turns, so nobody reads the environment at this moment.
        unsafe { std::env::set_var(WEIGHTS_DIR, folder.path()) };
        folder
    });
    assert!(weights.path().is_dir());
    let task = Task { data: DataSource { format: DataFormat::Digits, image_size: None }, split: Split::default() };
    let setup = Setup { protocol: VERSION, task, device: "cpu".into(), threads: 1 };
    let (ready, trainer) = Trainer::new(&setup).unwrap();
    assert_eq!((ready.data.classes, ready.data.input), (10, vec![1, 8, 8]));
    trainer
}

fn node(name: &str, op: Op, input: usize) -> Node {
    Node { name: name.into(), op, inputs: vec![input] }
}

fn conv(channels: u32, stride: u32) -> Op {
    Op::Conv2d {
        out_channels: channels,
        kernel: [3, 3],
        stride: [stride; 2],
        padding: [1, 1],
        dilation: [1, 1],
        groups: 1,
        bias: false,
    }
}

/// A small convolutional network with dropout.
fn network() -> Network {
    Network {
        nodes: vec![
            Node { name: "input".into(), op: Op::Input { shape: vec![1, 8, 8] }, inputs: vec![] },
            node("conv-1", conv(16, 1), 0),
            node("norm-1", Op::BatchNorm { affine: true }, 1),
            node("relu-1", Op::Relu, 2),
            node("conv-2", conv(32, 2), 3),
            node("norm-2", Op::BatchNorm { affine: true }, 4),
            node("relu-2", Op::Relu, 5),
            node("drop", Op::DropPath, 6),
            node("pool", Op::GlobalAvgPool, 7),
            node("dropout", Op::Dropout { rate: 0.1 }, 8),
            node("scores", Op::Linear { out_features: 10, bias: true }, 9),
        ],
    }
}

fn train(recipe: Recipe) -> Train {
    Train {
        network: network(),
        input: vec![1, 8, 8],
        until_epoch: recipe.epochs,
        recipe,
        seed: 5,
        data_share: 1.0,
        start: Start::Fresh,
        evaluate: Subset::Validation,
        keep_weights: false,
    }
}

fn act(trainer: &mut Trainer, train: &Train) -> Result<Outcome, Problem> {
    let outcome = trainer.act(&Action::Train(train.clone()), &mut |_, _| {})?;
    // Time alone may differ between repetitions.
    Ok(Outcome { seconds: 0.0, ..outcome })
}

/// Everything random at once.
fn noisy() -> Recipe {
    Recipe {
        epochs: 3,
        label_smoothing: 0.1,
        drop_path: 0.2,
        crop_padding: 1,
        flip: true,
        cutout: 2,
        mixup: 0.2,
        warmup_epochs: 1.0,
        ..Recipe::default()
    }
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
        trainer.act(&Action::Evaluate(evaluate), &mut |_, _| {})
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
