//! Texts are read, learned, gone on with and refused.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use archwright_protocol::{
    Action, Checkpoint, DATA_DIR, DataFormat, DataSource, Evaluate, FailureKind, Latency, Optimizer, Outcome, Recipe,
    Schedule, Setup, Split, Start, Subset, Task, Tokens, Train, VERSION, WEIGHTS_DIR,
};
use archwright_space::{Context, Definition, Network, Node, Op, Scalar, Space, bundled};
use archwright_trainer::data::{Text, read_text};
use archwright_trainer::{Problem, Trainer};
use tempfile::TempDir;

/// The turn to train: libtorch has one generator a process, and trainers read the environment.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn source() -> DataSource {
    DataSource::of(DataFormat::Text)
}

fn task(data: DataSource) -> Task {
    Task { data, split: Split::default() }
}

/// Sentences of a small language: what an animal likes follows from the animal, not from the verb between.
fn corpus(sentences: u32) -> String {
    let mut state = 1u32;
    let mut draw = |most: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) % most) as usize
    };
    let likes = [("cats", "mice"), ("dogs", "bones"), ("birds", "worms"), ("cows", "grass")];
    let verbs = ["see", "like", "want"];
    let mut clause = || {
        let (animal, food) = likes[draw(4)];
        format!("{animal} {} {food}", verbs[draw(3)])
    };
    (0..sentences).map(|_| format!("{} and {}\n", clause(), clause())).collect()
}

/// A trainer on a text, in a process whose trainings take turns.
fn trainer(text: &str) -> Trainer {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path();
    let path = folder.join("corpus.txt");
    std::fs::write(&path, text).unwrap();
    // SAFETY: tests take turns, so nobody reads the environment at this moment.
    unsafe {
        std::env::set_var(WEIGHTS_DIR, folder.join("weights"));
        std::env::set_var(DATA_DIR, &path);
    }
    let setup = Setup { protocol: VERSION, task: task(source()), device: "cpu".into(), threads: 1 };
    let (ready, trainer) = Trainer::new(&setup).unwrap();
    assert_eq!(ready.data.input, [1]);
    trainer
}

/// Different tokens of the corpus: twelve words, `<eos>` and `<unk>`.
const VOCABULARY: u32 = 14;

fn cell() -> Network {
    let options = [("hidden_size", 24), ("embedding_size", 24), ("output_dropout", 10), ("hidden_dropout", 5)];
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), Scalar::Integer(*value))).collect();
    let definition = Definition::parse_with(bundled::source("rnn-cell").unwrap(), &options).unwrap();
    let space = Space::new(Arc::new(definition), Context::full(vec![1], VOCABULARY)).unwrap();
    space.build(&space.sample(3)).unwrap()
}

fn train(recipe: Recipe) -> Train {
    Train {
        network: cell(),
        input: vec![1],
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

fn recipe() -> Recipe {
    Recipe {
        epochs: 3,
        batch_size: 8,
        sequence_length: 20,
        optimizer: Optimizer::Adamw,
        learning_rate: 0.01,
        weight_decay: 1e-5,
        gradient_clip: 0.25,
        ..Recipe::default()
    }
}

fn act(trainer: &mut Trainer, train: &Train, checkpoint: Option<&Checkpoint>) -> Result<Outcome, Problem> {
    let outcome = trainer.act(&Action::Train(train.clone()), checkpoint, &mut |_, _| {})?;
    // Time alone may differ between repetitions.
    Ok(Outcome { seconds: 0.0, ..outcome })
}

/// Perplexity on the validation part of a model that knows how often each token comes.
fn unigram(text: &Text) -> f64 {
    let mut counts: HashMap<u32, f64> = HashMap::new();
    text.train.iter().for_each(|token| *counts.entry(*token).or_insert(0.0) += 1.0);
    let total = text.train.len() as f64;
    let losses = text.validation[1..].iter().map(|token| -(counts[token] / total).ln());
    (losses.sum::<f64>() / (text.validation.len() - 1) as f64).exp()
}

#[test]
fn learns_what_words_follow() {
    let _turn = alone();
    let text = corpus(600);
    let mut trainer = trainer(&text);
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "corpus.txt", &text);
    let unigram = unigram(&read_text(&task(source()), Some(&path)).unwrap());
    let outcome = act(&mut trainer, &train(Recipe { epochs: 25, learning_rate: 0.02, ..recipe() }), None).unwrap();
    let perplexity = outcome.metrics.loss.exp();
    // Of a sentence's 8 tokens two are drawn of 4 and two of 3. Who has forgotten the animals draws what they like as well.
    let [best, forgetful] = [144.0, 16.0 * 144.0].map(|draws: f64| draws.powf(1.0 / 8.0));
    assert!(unigram > 9.0, "{unigram}");
    let found = format!("{perplexity}; {best} at best, {forgetful} if forgetful, {unigram} without context");
    assert!(perplexity < (0.95 * forgetful).min(unigram / 4.0), "{found}");
    assert!(outcome.metrics.accuracy > 0.5, "{:?}", outcome.metrics);
    assert!(outcome.curve[0].metrics.loss > outcome.metrics.loss);
}

#[test]
fn repeats_bit_for_bit_whatever_came_before() {
    let _turn = alone();
    let text = corpus(80);
    let mut fresh = trainer(&text);
    let first = act(&mut fresh, &train(recipe()), None).unwrap();
    assert_ne!(first, act(&mut fresh, &Train { seed: 6, ..train(recipe()) }, None).unwrap());
    assert_ne!(first, act(&mut fresh, &Train { data_share: 0.5, ..train(recipe()) }, None).unwrap());
    let short = Recipe { sequence_length: 7, ..recipe() };
    assert_ne!(first, act(&mut fresh, &train(short), None).unwrap());
    assert_eq!(first, act(&mut fresh, &train(recipe()), None).unwrap());
    assert_eq!(first, act(&mut trainer(&text), &train(recipe()), None).unwrap());
}

#[test]
fn goes_on_from_anywhere_with_the_same_outcome() {
    let _turn = alone();
    let text = corpus(60);
    for optimizer in [Optimizer::Sgd, Optimizer::Adamw] {
        let mut trainer = trainer(&text);
        let train = Train { keep_weights: true, ..train(Recipe { optimizer, epochs: 2, ..recipe() }) };
        let whole = act(&mut trainer, &train, None).unwrap();
        for (index, at) in [0.01, 0.5, 0.99, 1.01, 1.6, 2.0].into_iter().enumerate() {
            let checkpoint = Checkpoint { name: format!("text-{optimizer:?}-{index}"), seconds: 1e-9 };
            let mut stop = |epoch: f64, _| {
                if epoch >= at {
                    resume_unwind(Box::new("enough"));
                }
            };
            let action = Action::Train(train.clone());
            let stopped = catch_unwind(AssertUnwindSafe(|| trainer.act(&action, Some(&checkpoint), &mut stop)));
            assert!(stopped.is_err(), "the training was over before {at}");
            let mut first = None;
            let outcome = trainer.act(&action, Some(&checkpoint), &mut |epoch, _| {
                first.get_or_insert(epoch);
            });
            assert_eq!(Outcome { seconds: 0.0, ..outcome.unwrap() }, whole, "{optimizer:?} interrupted at {at}");
            assert!(first.unwrap() >= at, "it started at {first:?}, not at {at}");
        }
    }
}

#[test]
fn kept_weights_go_on_and_evaluate_as_they_did() {
    let _turn = alone();
    let mut trainer = trainer(&corpus(80));
    let keep = Train { keep_weights: true, ..train(Recipe { schedule: Schedule::Constant, epochs: 2, ..recipe() }) };
    let whole = act(&mut trainer, &keep, None).unwrap();
    let half = act(&mut trainer, &Train { until_epoch: 1, ..keep.clone() }, None).unwrap();
    let start = Start::Resume(half.weights.unwrap());
    assert_eq!(act(&mut trainer, &Train { start, seed: 0, ..keep }, None).unwrap(), whole);
    let weights = whole.weights.unwrap();
    let mut evaluate = |subset| {
        let evaluate = Evaluate { network: cell(), input: vec![1], weights: weights.clone(), subset };
        trainer.act(&Action::Evaluate(evaluate), None, &mut |_, _| {}).unwrap().metrics
    };
    assert_eq!(evaluate(Subset::Validation), whole.metrics);
    let test = evaluate(Subset::Test);
    assert!(test != whole.metrics && test.loss < f64::from(VOCABULARY).ln(), "{test:?}");
}

#[test]
fn what_does_not_go_with_a_text_is_refused() {
    let _turn = alone();
    let mut trainer = trainer(&corpus(30));
    let mut refused = |train: &Train, kind: FailureKind| {
        let problem = act(&mut trainer, train, None).unwrap_err();
        assert_eq!(problem.kind, kind, "{problem}");
        problem.message
    };
    for (key, recipe) in [
        ("flip", Recipe { flip: true, ..recipe() }),
        ("cutout", Recipe { cutout: 2, ..recipe() }),
        ("mixup", Recipe { mixup: 0.2, ..recipe() }),
        ("crop_padding", Recipe { crop_padding: 2, ..recipe() }),
    ] {
        let message = refused(&train(recipe), FailureKind::Unsupported);
        assert!(message.contains(&format!("`{key}` changes images")), "{message}");
    }
    let message = refused(&train(Recipe { batch_size: 300, ..recipe() }), FailureKind::Data);
    assert!(message.contains("154 tokens") && message.contains("301 at least: lower `batch_size`"), "{message}");
    let mut blind = train(recipe());
    let node = |name: &str, op, inputs: &[usize]| Node { name: name.into(), op, inputs: inputs.to_vec() };
    blind.network = Network {
        nodes: vec![
            node("input", Op::Input { shape: vec![1] }, &[]),
            node("scores", Op::Linear { out_features: VOCABULARY, bias: true }, &[0]),
        ],
    };
    let message = refused(&blind, FailureKind::Unsupported);
    assert!(message.contains("read by an `embedding`"), "{message}");
    let mut image = train(recipe());
    image.input = vec![1, 8, 8];
    image.network.nodes[0].op = Op::Input { shape: vec![1, 8, 8] };
    refused(&image, FailureKind::Unsupported);
    let mut large = train(Recipe { batch_size: 20, sequence_length: 1_000_000, ..recipe() });
    large.recipe.batch_size = 100;
    let message = refused(&large, FailureKind::TooLarge);
    assert!(message.contains("MiB"), "{message}");
}

#[test]
fn images_have_no_steps() {
    let _turn = alone();
    let digits = task(DataSource::of(DataFormat::Digits));
    let setup = Setup { protocol: VERSION, task: digits, device: "cpu".into(), threads: 1 };
    let (_, mut trainer) = Trainer::new(&setup).unwrap();
    let node = |name: &str, op, inputs: &[usize]| Node { name: name.into(), op, inputs: inputs.to_vec() };
    let nodes = vec![
        node("input", Op::Input { shape: vec![1, 8, 8] }, &[]),
        node("flatten", Op::Flatten, &[0]),
        node("state", Op::State { slot: 0, features: 64 }, &[]),
        node("sum", Op::Add, &[1, 2]),
        node("set", Op::SetState { slot: 0 }, &[3]),
        node("scores", Op::Linear { out_features: 10, bias: true }, &[3]),
    ];
    let images = Train { network: Network { nodes }, input: vec![1, 8, 8], ..train(Recipe::default()) };
    let problem = act(&mut trainer, &images, None).unwrap_err();
    assert!(problem.message.contains("which an image is not"), "{problem}");
}

fn write(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path
}

/// The tokens of a part, readable.
fn readable(text: &Text, part: &[u32]) -> String {
    part.iter().map(|token| text.vocabulary[*token as usize].as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn words_and_characters_are_counted_in_the_training_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "corpus.txt", "\u{feff}b a b\r\nb  c\n\na b\nd a\ne a\n");
    let words = read_text(&task(source()), Some(&path)).unwrap();
    // Of 17 tokens a fifth is for the test, and a fifth of the other 14 for validation.
    assert_eq!(readable(&words, &words.train), "b a b <eos> b c <eos> <eos> a b <eos>");
    assert_eq!(readable(&words, &words.validation), "<unk> a <eos>");
    assert_eq!(readable(&words, &words.test), "<unk> a <eos>");
    assert_eq!(words.vocabulary, ["<unk>", "<eos>", "b", "a", "c"]);
    let few = DataSource { vocabulary: Some(3), ..source() };
    let few = read_text(&task(few), Some(&path)).unwrap();
    assert_eq!(few.vocabulary, ["<unk>", "<eos>", "b"]);
    assert_eq!(readable(&few, &few.train), "b <unk> b <eos> b <unk> <eos> <eos> <unk> b <eos>");
    let characters = DataSource { tokens: Some(Tokens::Characters), ..source() };
    let path = write(&folder, "characters.txt", "äb ä\näb äääb b");
    let characters = read_text(&task(characters), Some(&path)).unwrap();
    assert_eq!(characters.vocabulary, ["<unk>", "ä", " ", "b", "\n"]);
    assert_eq!([&characters.train, &characters.validation, &characters.test].map(Vec::len), [9, 2, 3]);
}

#[test]
fn a_folder_may_have_its_own_parts() {
    let folder = tempfile::tempdir().unwrap();
    // Penn Treebank has its rare words replaced already.
    write(&folder, "train.txt", "a <unk> b\na a\n");
    write(&folder, "valid.txt", "b c\n");
    write(&folder, "test.txt", "c\nb\n");
    let text = read_text(&task(source()), Some(folder.path())).unwrap();
    assert_eq!(text.vocabulary, ["<unk>", "a", "<eos>", "b"]);
    assert_eq!(readable(&text, &text.train), "a <unk> b <eos> a a <eos>");
    assert_eq!(readable(&text, &text.validation), "b <unk> <eos>");
    assert_eq!(readable(&text, &text.test), "<unk> <eos> b <eos>");
    std::fs::remove_file(folder.path().join("valid.txt")).unwrap();
    let text = read_text(
        &Task { split: Split { validation: 0.4, ..Split::default() }, ..task(source()) },
        Some(folder.path()),
    );
    assert_eq!(text.unwrap().validation.len(), 3);
}

#[test]
fn what_is_no_text_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path, source: DataSource| {
        let problem = read_text(&task(source), Some(path)).unwrap_err();
        assert_eq!(problem.kind, FailureKind::Data, "{problem}");
        assert!(problem.message.contains(&folder.path().display().to_string()), "{problem}");
        problem.message
    };
    let many: String = (0..500_000).map(|word| format!("{word} ")).collect();
    for (name, content, expected) in [
        ("empty.txt", &b""[..], "it is empty"),
        ("blank.txt", b" \n\n ", "it is empty"),
        ("latin.txt", b"caf\xe9 is not", "byte 3 is not UTF-8 text"),
        ("short.txt", b"one two", "0 tokens are left for validation, at least 2 are needed"),
        ("same.txt", b"\xef\xbb\xbfa a a a a a a a a a a a a a a a", "no two different tokens, only \"a\""),
        ("many.txt", many.as_bytes(), "different tokens, more than 300000: give `vocabulary`"),
    ] {
        let path = write(&folder, name, content);
        let message = refused(&path, source());
        assert!(message.contains(expected), "{message}");
    }
    let limited = DataSource { vocabulary: Some(100), ..source() };
    assert_eq!(read_text(&task(limited), Some(&folder.path().join("many.txt"))).unwrap().vocabulary.len(), 100);
    assert!(refused(&folder.path().join("none.txt"), source()).contains("cannot read"));
    assert!(refused(folder.path(), source()).contains("it holds no train.txt"));
}

#[test]
fn the_latency_of_a_sequence_is_measured_over_its_steps() {
    let _turn = alone();
    let mut trainer = trainer(&corpus(100));
    let plain = train(Recipe { epochs: 1, ..recipe() });
    let latency = |limit| Train { latency: Some(Latency { batch_size: 2, limit, network: None }), ..plain.clone() };
    let measured = act(&mut trainer, &latency(None), None).unwrap();
    assert!(measured.latency.unwrap() > 0.0);
    assert_eq!(Outcome { latency: None, ..measured }, act(&mut trainer, &plain, None).unwrap());
    assert_eq!(act(&mut trainer, &latency(Some(1e-12)), None).unwrap_err().kind, FailureKind::Infeasible);
}
