//! Trainings that were interrupted go on from their checkpoint as if they had not been.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod digits;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use archwright_protocol::{
    Action, Checkpoint, FailureKind, Metrics, Optimizer, Outcome, Recipe, Schedule, Start, Train, WEIGHTS_DIR,
};
use archwright_trainer::{Problem, Trainer};

use digits::{alone, conv, noisy, train, trainer};

/// A checkpoint after every step.
fn always(name: &str) -> Checkpoint {
    Checkpoint { name: name.into(), seconds: 1e-9 }
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(WEIGHTS_DIR).unwrap()).join(format!("checkpoints/{name}.safetensors"))
}

/// A short training, 15 steps an epoch, with everything random at once.
fn short(optimizer: Optimizer) -> Train {
    let recipe = Recipe { optimizer, learning_rate: 0.01, batch_size: 16, ..noisy() };
    Train { data_share: 0.2, keep_weights: true, ..train(recipe) }
}

fn act(trainer: &mut Trainer, train: &Train, checkpoint: Option<&Checkpoint>) -> Result<Outcome, Problem> {
    let outcome = trainer.act(&Action::Train(train.clone()), checkpoint, &mut |_, _| {})?;
    // Time alone may differ between repetitions.
    Ok(Outcome { seconds: 0.0, ..outcome })
}

/// Trains until the progress is enough, and no further. Gives the first progress.
fn interrupted(
    trainer: &mut Trainer,
    train: &Train,
    checkpoint: &Checkpoint,
    enough: impl Fn(f64, Option<Metrics>) -> bool,
) -> f64 {
    let mut first = None;
    let mut progress = |epoch, metrics| {
        first.get_or_insert(epoch);
        if enough(epoch, metrics) {
            resume_unwind(Box::new("enough"));
        }
    };
    let action = Action::Train(train.clone());
    let result = catch_unwind(AssertUnwindSafe(|| trainer.act(&action, Some(checkpoint), &mut progress)));
    assert!(result.is_err(), "the training was over before it was enough");
    first.unwrap()
}

/// Where a training with this checkpoint starts: its progress after one step.
fn starts_at(trainer: &mut Trainer, train: &Train, checkpoint: &Checkpoint) -> f64 {
    interrupted(trainer, train, checkpoint, |_, _| true)
}

#[test]
fn goes_on_from_anywhere_with_the_same_outcome() {
    let _turn = alone();
    for optimizer in [Optimizer::Sgd, Optimizer::Adamw] {
        let mut trainer = trainer();
        let train = short(optimizer);
        let whole = act(&mut trainer, &train, None).unwrap();
        for (index, at) in [0.01, 0.5, 1.0, 1.01, 1.7, 2.99, 3.0].into_iter().enumerate() {
            let checkpoint = always(&format!("anywhere-{optimizer:?}-{index}"));
            interrupted(&mut trainer, &train, &checkpoint, |epoch, _| epoch >= at);
            let mut first = None;
            let outcome = trainer.act(&Action::Train(train.clone()), Some(&checkpoint), &mut |epoch, _| {
                first.get_or_insert(epoch);
            });
            assert_eq!(Outcome { seconds: 0.0, ..outcome.unwrap() }, whole, "{optimizer:?} interrupted at {at}");
            assert!(first.unwrap() >= at, "it started at {first:?}, not at {at}");
        }
    }
}

#[test]
fn goes_on_between_epochs_and_after_the_last() {
    let _turn = alone();
    let mut trainer = trainer();
    let train = short(Optimizer::Sgd);
    let whole = act(&mut trainer, &train, None).unwrap();
    for epochs in [1.0, 2.0, 3.0] {
        let checkpoint = always(&format!("between-{epochs}"));
        interrupted(&mut trainer, &train, &checkpoint, |epoch, metrics| epoch >= epochs && metrics.is_some());
        assert_eq!(act(&mut trainer, &train, Some(&checkpoint)).unwrap(), whole, "after {epochs} epochs");
        // A checkpoint stays until the host removes it.
        assert!(file(&checkpoint.name).is_file());
        assert_eq!(act(&mut trainer, &train, Some(&checkpoint)).unwrap(), whole);
    }
}

#[test]
fn goes_on_however_often_it_is_interrupted() {
    let _turn = alone();
    let checkpoint = always("often");
    let train = short(Optimizer::Adamw);
    let whole = act(&mut trainer(), &train, None).unwrap();
    // Whether weights are kept is nothing to the state.
    let unkept = Train { keep_weights: false, ..train.clone() };
    let mut last = 0.0;
    for at in [0.3, 0.9, 1.1, 1.5, 2.6] {
        let first = interrupted(&mut trainer(), &unkept, &checkpoint, |epoch, _| epoch >= at);
        assert!(first > last, "{first} {last}");
        last = at;
    }
    assert_eq!(act(&mut trainer(), &train, Some(&checkpoint)).unwrap(), whole);
}

#[test]
fn trainings_of_kept_weights_go_on_too() {
    let _turn = alone();
    let mut trainer = trainer();
    let mut keep = short(Optimizer::Adamw);
    keep.recipe.schedule = Schedule::Constant;
    let half = act(&mut trainer, &Train { until_epoch: 2, ..keep.clone() }, None).unwrap();
    let resumed = Train { until_epoch: 4, start: Start::Resume(half.weights.unwrap()), seed: 0, ..keep };
    let whole = act(&mut trainer, &resumed, None).unwrap();
    for (index, at) in [2.3, 3.0, 3.5].into_iter().enumerate() {
        let checkpoint = always(&format!("kept-{index}"));
        let first = interrupted(&mut trainer, &resumed, &checkpoint, |epoch, _| epoch >= at);
        assert!(first > 2.0);
        assert!(starts_at(&mut trainer, &resumed, &checkpoint) >= at);
        assert_eq!(act(&mut trainer, &resumed, Some(&checkpoint)).unwrap(), whole);
    }
}

#[test]
fn seconds_include_those_before() {
    let _turn = alone();
    let mut trainer = trainer();
    let (train, checkpoint) = (Action::Train(short(Optimizer::Sgd)), always("seconds"));
    let (mut begun, mut before) = (None, Duration::ZERO);
    let mut progress = |epoch: f64, _| {
        let begun = begun.get_or_insert_with(Instant::now);
        if epoch > 2.9 {
            resume_unwind(Box::new("enough"));
        }
        before = begun.elapsed();
    };
    assert!(catch_unwind(AssertUnwindSafe(|| trainer.act(&train, Some(&checkpoint), &mut progress))).is_err());
    let outcome = trainer.act(&train, Some(&checkpoint), &mut |_, _| {}).unwrap();
    assert!(outcome.seconds >= before.as_secs_f64(), "{} {before:?}", outcome.seconds);
}

#[test]
fn a_damaged_checkpoint_is_not_used() {
    let _turn = alone();
    let mut trainer = trainer();
    let (train, checkpoint) = (short(Optimizer::Sgd), always("damaged"));
    interrupted(&mut trainer, &train, &checkpoint, |epoch, _| epoch >= 1.5);
    let good = std::fs::read(file("damaged")).unwrap();
    let mut damaged: Vec<Vec<u8>> =
        [0, 1, 7, 8, 100, good.len() / 2, good.len() - 1].iter().map(|length| good[..*length].to_vec()).collect();
    damaged.push([good.as_slice(), &[0]].concat());
    damaged.push(vec![0; good.len()]);
    for place in (0..good.len()).step_by(good.len() / 60).chain([good.len() - 1]) {
        let mut flipped = good.clone();
        flipped[place] ^= 1 << (place % 8);
        damaged.push(flipped);
    }
    for content in damaged {
        std::fs::write(file("damaged"), &content).unwrap();
        assert!(starts_at(&mut trainer, &train, &checkpoint) < 0.1, "{} bytes", content.len());
    }
    std::fs::write(file("damaged"), &good[1..]).unwrap();
    let outcome = act(&mut trainer, &train, Some(&checkpoint)).unwrap();
    assert_eq!(outcome, act(&mut trainer, &train, None).unwrap());
    std::fs::write(file("damaged"), good).unwrap();
    assert!(starts_at(&mut trainer, &train, &checkpoint) > 1.5);
}

#[test]
fn a_checkpoint_of_something_else_is_not_used() {
    let _turn = alone();
    let mut trainer = trainer();
    let train = short(Optimizer::Sgd);
    let mut wider = train.clone();
    wider.network.nodes[1].op = conv(8, 1);
    let mut others = vec![
        Train { seed: 6, ..train.clone() },
        Train { until_epoch: 4, ..train.clone() },
        Train { data_share: 0.19, ..train.clone() },
        short(Optimizer::Adamw),
        wider,
    ];
    others[0].recipe.learning_rate = 0.02;
    let weights = act(&mut trainer, &train, None).unwrap().weights.unwrap();
    let kept = file("x").parent().unwrap().with_file_name(format!("{weights}.safetensors"));
    let checkpoint = always("foreign");
    for other in others {
        interrupted(&mut trainer, &other, &checkpoint, |epoch, _| epoch >= 1.5);
        assert!(starts_at(&mut trainer, &train, &checkpoint) < 0.1);
    }
    std::fs::copy(kept, file("foreign")).unwrap();
    assert!(starts_at(&mut trainer, &train, &checkpoint) < 0.1);
    std::fs::remove_file(file("foreign")).unwrap();
    std::fs::create_dir(file("foreign")).unwrap();
    assert!(act(&mut trainer, &train, Some(&checkpoint)).is_ok());
}

#[test]
fn nothing_is_written_before_it_is_time() {
    let _turn = alone();
    let mut trainer = trainer();
    let checkpoint = Checkpoint { name: "early".into(), seconds: 1e9 };
    let outcome = act(&mut trainer, &short(Optimizer::Sgd), Some(&checkpoint)).unwrap();
    assert!(!file("early").exists());
    assert_eq!(outcome, act(&mut trainer, &short(Optimizer::Sgd), None).unwrap());
}

#[test]
fn what_killed_writers_left_is_removed() {
    let _turn = alone();
    let mut trainer = trainer();
    let train = short(Optimizer::Sgd);
    interrupted(&mut trainer, &train, &always("left"), |_, _| true);
    let (left, others) = (file(".left.safetensors.0123"), file(".leftmost.safetensors.0123"));
    let (left, others) = (left.with_extension(""), others.with_extension(""));
    std::fs::write(&left, "part").unwrap();
    std::fs::write(&others, "part").unwrap();
    interrupted(&mut trainer, &train, &always("left"), |_, _| true);
    assert!(!left.exists());
    assert!(others.exists());
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let _turn = alone();
    let mut trainer = trainer();
    let train = short(Optimizer::Sgd);
    let names = ["", ".", "..", "../x", "/tmp/x", "a/b", "a\\b", "a b", "a.b", "a\0", "a\nb", "ä", &"a".repeat(129)];
    for name in names {
        let problem = act(&mut trainer, &train, Some(&always(name))).unwrap_err();
        assert_eq!(problem.kind, FailureKind::Unsupported, "{name:?}");
        assert!(problem.message.contains("checkpoint's name"), "{problem}");
    }
    for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let checkpoint = Checkpoint { name: "a".into(), seconds };
        let problem = act(&mut trainer, &train, Some(&checkpoint)).unwrap_err();
        assert_eq!(problem.kind, FailureKind::Unsupported, "{seconds}");
    }
    assert!(act(&mut trainer, &train, Some(&always(&"aZ0-_".repeat(25)))).is_ok());
}
