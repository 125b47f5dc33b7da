//! Handwritten digits, a trainer of them and something to train.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use archwright_protocol::{
    DataFormat, DataSource, Recipe, Setup, Split, Start, Subset, Task, Train, VERSION, WEIGHTS_DIR,
};
use archwright_space::{Network, Node, Op};
use archwright_trainer::Trainer;
use tempfile::TempDir;

/// The turn to train: libtorch has one generator a process, as a trainer is one process.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn trainer() -> Trainer {
    static WEIGHTS: OnceLock<TempDir> = OnceLock::new();
    let weights = WEIGHTS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        // SAFETY: tests take turns, so nobody reads the environment at this moment.
        unsafe { std::env::set_var(WEIGHTS_DIR, folder.path()) };
        folder
    });
    assert!(weights.path().is_dir());
    let task = Task { data: DataSource::of(DataFormat::Digits), split: Split::default() };
    let setup = Setup { protocol: VERSION, task, device: "cpu".into(), threads: 1 };
    let (ready, trainer) = Trainer::new(&setup).unwrap();
    assert_eq!((ready.data.classes, ready.data.input), (10, vec![1, 8, 8]));
    trainer
}

fn node(name: &str, op: Op, input: usize) -> Node {
    Node { name: name.into(), op, inputs: vec![input] }
}

pub(crate) fn conv(channels: u32, stride: u32) -> Op {
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
pub(crate) fn network() -> Network {
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

pub(crate) fn train(recipe: Recipe) -> Train {
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
        latency: None,
    }
}

/// Everything random at once.
pub(crate) fn noisy() -> Recipe {
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
