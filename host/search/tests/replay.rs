//! However a run is cut short, played back and gone on with, it is the run that was never interrupted.
//!
//! Needs the bundled plugins, which `cargo xtask build` makes.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use archwright_protocol::{
    Action, DataSummary, DeviceSummary, Epoch, Failure, FailureKind, Metrics, Outcome, Ready, VERSION,
};
use archwright_registry::Kept;
use archwright_search::experiment::ExperimentFile;
use archwright_search::{
    Catalogue, Environment, Event, Executor, ExecutorEvent, Observer, Resumption, Search, SearchError, Stop,
    Verification, Work, journal,
};
use archwright_store::Store;
use proptest::prelude::*;

/// Ends actions in an order of its own, each always with the same outcome; every tenth of the search's fails.
#[derive(Default)]
struct Shuffled {
    under_way: Vec<(u64, Action)>,
    turns: usize,
    carried_out: usize,
}

impl Executor for Shuffled {
    fn submit(&mut self, ticket: u64, work: Work) {
        self.under_way.push((ticket, work.action));
    }

    fn next(&mut self, _: Duration) -> Option<ExecutorEvent> {
        if self.under_way.is_empty() {
            return None;
        }
        self.turns += 1;
        self.carried_out += 1;
        let (ticket, action) = self.under_way.remove(self.turns * 7 % self.under_way.len());
        Some(ExecutorEvent::Ended { ticket, result: outcome(&action) })
    }
}

fn outcome(action: &Action) -> Result<Outcome, Failure> {
    let digest = blake3::hash(serde_json::to_string(action).unwrap().as_bytes());
    let byte = digest.as_bytes()[0];
    let in_search = matches!(action, Action::Train(train) if !train.keep_weights);
    if in_search && byte.is_multiple_of(10) {
        return Err(Failure { kind: FailureKind::Diverged, message: "as the test wants".into() });
    }
    let latency = match action {
        Action::Train(train) => train.latency.clone(),
        _ => None,
    };
    let measured = 1e-3 * f64::from(digest.as_bytes()[1]);
    if latency.as_ref().and_then(|latency| latency.limit).is_some_and(|limit| measured > limit) {
        return Err(Failure { kind: FailureKind::Infeasible, message: "it is too slow".into() });
    }
    let metrics = Metrics { accuracy: f64::from(byte) / 255.0, loss: 0.5 };
    let epochs = if let Action::Train(train) = action { train.until_epoch } else { 0 };
    let curve = (1..=epochs).map(|epoch| Epoch { epoch, train_loss: 1.0, metrics }).collect();
    let weights = Some(digest.to_hex().to_string());
    Ok(Outcome { curve, weights, latency: latency.map(|_| measured), ..Outcome::of(metrics, f64::from(byte)) })
}

fn ready() -> Ready {
    Ready {
        protocol: VERSION,
        name: "shuffled".into(),
        version: "0".into(),
        numerics: "none".into(),
        actions: vec!["train".into(), "evaluate".into(), "latency".into()],
        device: DeviceSummary { name: "none".into(), memory: None },
        data: DataSummary {
            digest: "0".into(),
            input: vec![1, 8, 8],
            classes: 10,
            train: 8,
            validation: 1,
            test: 1,
            normalisation: None,
            class_names: None,
        },
    }
}

/// An experiment in which latency is an objective, and latency and size are constrained.
fn constrained(text: &str) -> String {
    let objectives = "data = \"digits\"\nobjectives = [\"accuracy\", \"latency\"]";
    format!(
        "{}\n[constraints]\nparameters = 20000\nlatency = \"200ms\"\n",
        text.replace("data = \"digits\"", objectives)
    )
}

fn experiment(strategy: &str, tell: &str, cache: bool) -> String {
    format!(
        "[space]\nuse = \"chain\"\n\n[strategy]\n{strategy}\n\n[estimator]\nuse = \"full-training\"\nrepeats = 2\n\n\
         [task]\ndata = \"digits\"\n\n[task.recipe]\nepochs = 3\n\n[budget]\nqueries = 25\n\n\
         [run]\ntell = \"{tell}\"\ncache = {cache}\nfinalists = 2\nfinal_seeds = 2\n"
    )
}

const STRATEGIES: [&str; 3] = [
    "use = \"random\"",
    "use = \"regularized-evolution\"\npopulation_size = 5\nsample_size = 2",
    "use = \"local-search\"",
];

fn environment(folder: &Path) -> Option<Environment> {
    let release = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/release");
    if !release.join("plugins/strategies/random.wasm").exists() {
        println!("SKIPPED: there are no bundled plugins; `cargo xtask build` makes them");
        return None;
    }
    Some(Environment {
        store: folder.join("store"),
        catalogue: Catalogue::new(release.join("plugins"), Kept::new(PathBuf::new())),
        compiled: Some(std::env::temp_dir().join("archwright-test-cache/replay")),
        trainer: release.join("archwright-trainer"),
        auto_devices: vec!["cpu".into()],
    })
}

/// A finished run in a store of its own; its environment.
fn run(folder: &Path, text: &str) -> Option<Environment> {
    let environment = environment(folder)?;
    let file = ExperimentFile::from_text("test", text, folder).unwrap();
    let search = Search::prepare(&file, &environment).unwrap();
    let store = Store::open(&environment.store).unwrap();
    search.run_on(&mut Shuffled::default(), &ready(), 1, &store, &Stop::default(), &mut ()).unwrap();
    Some(environment)
}

/// A run's journal without what depends on the clock.
fn course(store: &Store) -> Vec<String> {
    let path = store.journal_path(store.run("1").unwrap().id);
    let mut lines = Vec::new();
    journal::list::<SearchError>(&path, true, &mut |record| {
        lines.push(record.to_string());
        Ok(())
    })
    .unwrap();
    lines
}

/// Cuts the finished run's journal at `share` of its length and goes on from there; gives the actions carried out again.
fn go_on_from(environment: &Environment, share: f64) -> usize {
    let store = Store::open(&environment.store).unwrap();
    let mut record = store.run("1").unwrap();
    let path = store.journal_path(record.id);
    let length = fs::metadata(&path).unwrap().len();
    // Half of a header is no journal, which is a case of its own.
    let cut = (length as f64 * share) as u64;
    OpenOptions::new().write(true).open(&path).unwrap().set_len(cut).unwrap();
    store.reopen_run(record.id).unwrap();
    record = store.run("1").unwrap();
    let resumption = Resumption::prepare(&record, environment).unwrap();
    let mut executor = Shuffled::default();
    resumption.run_on(&mut executor, &ready(), 1, &Stop::default(), &mut ()).unwrap();
    executor.carried_out
}

fn verify(environment: &Environment) {
    let store = Store::open(&environment.store).unwrap();
    let record = store.run("1").unwrap();
    let verification = Verification { store: &store, record: &record, environment, experiment: None, repeat: 0 };
    let verified = verification.verify(&Stop::default(), &mut ()).unwrap();
    assert_eq!((verified.differences, verified.complete), (Vec::new(), true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_run_that_is_cut_anywhere_ends_the_same(
        strategy in 0..STRATEGIES.len(),
        cache in any::<bool>(),
        measured in any::<bool>(),
        cuts in prop::collection::vec(0.0..1.0f64, 1..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let text = experiment(STRATEGIES[strategy], "query", cache);
        let text = if measured { constrained(&text) } else { text };
        let Some(environment) = run(folder.path(), &text) else { return Ok(()) };
        let store = Store::open(&environment.store).unwrap();
        let whole = course(&store);
        let report = store.run("1").unwrap().result.unwrap();
        for cut in cuts {
            let again = go_on_from(&environment, cut);
            prop_assert!(cache || cut < 1.0 || again == 0);
            prop_assert_eq!(&course(&store), &whole);
            let resumed = store.run("1").unwrap().result.unwrap();
            for equal in ["found", "test", "finalists"] {
                prop_assert_eq!(&resumed[equal], &report[equal]);
            }
            for equal in ["trained", "remembered", "cost", "distinct", "failed"] {
                prop_assert_eq!(&resumed["tried"][equal], &report["tried"][equal], "{}", equal);
            }
            verify(&environment);
        }
    }
}

/// Asks to stop once so many queries were asked.
struct StopsAfter(u64, Stop);

impl Observer for StopsAfter {
    fn on(&mut self, event: Event<'_>) {
        if matches!(event, Event::Asked { sequence } if sequence >= self.0) {
            self.1.request();
        }
    }
}

#[test]
fn a_run_that_is_stopped_at_any_query_ends_the_same() {
    for (strategy, estimator) in STRATEGIES.iter().flat_map(|one| [(one, "full-training"), (one, "synthetic")]) {
        let text = experiment(strategy, "query", true)
            .replace("use = \"full-training\"\nrepeats = 2", &format!("use = \"{estimator}\""));
        let undisturbed = tempfile::tempdir().unwrap();
        let Some(first) = run(undisturbed.path(), &text) else { return };
        let whole = course(&Store::open(&first.store).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let Some(environment) = environment(folder.path()) else { return };
        let file = ExperimentFile::from_text("test", &text, folder.path()).unwrap();
        let search = Search::prepare(&file, &environment).unwrap();
        let store = Store::open(&environment.store).unwrap();
        let mut stops = StopsAfter(0, Stop::default());
        let stop = stops.1.clone();
        let mut ended = search.run_on(&mut Shuffled::default(), &ready(), 1, &store, &stop, &mut stops).err();
        while let Some(SearchError::Interrupted { .. }) = ended {
            stops = StopsAfter(stops.0 + 1, Stop::default());
            let resumption = Resumption::prepare(&store.run("1").unwrap(), &environment).unwrap();
            let stop = stops.1.clone();
            ended = resumption.run_on(&mut Shuffled::default(), &ready(), 1, &stop, &mut stops).err();
        }
        assert!(ended.is_none(), "{strategy}, {estimator}, stopped after {} queries: {ended:?}", stops.0);
        assert!(stops.0 > 5, "{strategy}, {estimator}: only {} stops", stops.0);
        assert_eq!(course(&store), whole, "{strategy}, {estimator}");
    }
}

#[test]
fn a_run_that_tells_in_order_of_arrival_is_played_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let text = experiment(STRATEGIES[1], "arrival", true);
    let Some(environment) = run(folder.path(), &text) else { return };
    let store = Store::open(&environment.store).unwrap();
    let whole = course(&store);
    verify(&environment);
    // What was delivered stays as it was, whatever comes first now.
    go_on_from(&environment, 0.5);
    let resumed = course(&store);
    assert_eq!(resumed[..whole.len() / 4], whole[..whole.len() / 4]);
    verify(&environment);
}

#[test]
fn what_is_on_record_is_not_carried_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(environment) = run(folder.path(), &experiment(STRATEGIES[0], "query", false)) else { return };
    assert_eq!(go_on_from(&environment, 0.9999), 0);
    assert!(go_on_from(&environment, 0.5) > 0);
}

#[test]
fn a_trainer_that_measures_no_latency_is_refused_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let Some(environment) = environment(folder.path()) else { return };
    let text = constrained(&experiment(STRATEGIES[0], "query", true));
    let file = ExperimentFile::from_text("test", &text, folder.path()).unwrap();
    let search = Search::prepare(&file, &environment).unwrap();
    let store = Store::open(&environment.store).unwrap();
    let without = Ready { actions: vec!["train".into(), "evaluate".into()], ..ready() };
    let error = search.run_on(&mut Shuffled::default(), &without, 1, &store, &Stop::default(), &mut ()).unwrap_err();
    assert!(matches!(&error, SearchError::CannotMeasure(name) if name == "shuffled"), "{error}");
    assert!(error.to_string().contains("it does not name `latency` among its actions"), "{error}");
    assert!(store.runs().unwrap().is_empty());
}

#[test]
fn a_smaller_network_is_trained_and_the_full_one_measured() {
    /// Looks at what is to be measured.
    #[derive(Default)]
    struct Looking(Shuffled, Vec<(bool, bool)>);

    impl Executor for Looking {
        fn submit(&mut self, ticket: u64, work: Work) {
            if let Action::Train(train) = &work.action {
                let latency = train.latency.as_ref().unwrap();
                self.1.push((train.keep_weights, latency.network.as_ref().is_some_and(|full| **full != train.network)));
            }
            self.0.submit(ticket, work);
        }

        fn next(&mut self, patience: Duration) -> Option<ExecutorEvent> {
            self.0.next(patience)
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let Some(environment) = environment(folder.path()) else { return };
    let low = "use = \"low-fidelity\"\nresolution_share = 0.5";
    let text =
        constrained(&experiment(STRATEGIES[0], "query", true).replace("use = \"full-training\"\nrepeats = 2", low));
    let file = ExperimentFile::from_text("test", &text, folder.path()).unwrap();
    let search = Search::prepare(&file, &environment).unwrap();
    let store = Store::open(&environment.store).unwrap();
    let mut looking = Looking::default();
    search.run_on(&mut looking, &ready(), 1, &store, &Stop::default(), &mut ()).unwrap();
    assert!(looking.1.iter().all(|(is_final, other)| is_final != other), "{:?}", looking.1);
}
