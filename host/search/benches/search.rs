//! What the search itself costs, with an estimator that trains nothing: queries a second with the journal on, without it,
//! and played back; and whether that stays the same up to a million queries.
//!
//! Runs the bundled plugins as `cargo xtask build` makes them; without them there is nothing to measure.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use archwright_protocol::{DataSummary, DeviceSummary, Metrics, Outcome, Ready, VERSION};
use archwright_registry::Kept;
use archwright_search::experiment::ExperimentFile;
use archwright_search::{
    Catalogue, Environment, Event, Executor, ExecutorEvent, Observer, Resumption, Search, Stop, Work,
};
use archwright_store::{RunStatus, Store};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Failure = Box<dyn std::error::Error>;

/// Queries of a measured run.
const QUERIES: u64 = 100_000;

fn experiment(strategy: &str, queries: u64) -> String {
    format!(
        "[space]\nuse = \"nas-bench-201\"\n\n[strategy]\n{strategy}\n\n[estimator]\nuse = \"synthetic\"\n\n\
         [task]\ndata = \"digits\"\n\n[budget]\nqueries = {queries}\n\n[run]\nfinalists = 1\nfinal_seeds = 1\n"
    )
}

const RANDOM: &str = "use = \"random\"\nwithout_repeats = false";
const EVOLUTION: &str = "use = \"regularized-evolution\"";

/// Carries out everything at once and alike.
#[derive(Default)]
struct Immediate(Vec<u64>);

impl Executor for Immediate {
    fn submit(&mut self, ticket: u64, _: Work) {
        self.0.push(ticket);
    }

    fn next(&mut self, _: Duration) -> Option<ExecutorEvent> {
        let metrics = Metrics { accuracy: 0.5, loss: 1.0 };
        let weights = Some("0".repeat(64));
        let outcome = Outcome { weights, ..Outcome::of(metrics, 1.0) };
        self.0.pop().map(|ticket| ExecutorEvent::Ended { ticket, result: Ok(outcome) })
    }
}

fn ready() -> Ready {
    let (input, digest) = (vec![3, 32, 32], "0".repeat(64));
    Ready {
        protocol: VERSION,
        name: "none".into(),
        version: "0".into(),
        numerics: "none".into(),
        actions: vec!["train".into(), "evaluate".into()],
        device: DeviceSummary { name: "none".into(), memory: None },
        data: DataSummary {
            digest,
            input,
            classes: 10,
            train: 8,
            validation: 1,
            test: 1,
            normalisation: None,
            class_names: None,
        },
    }
}

fn release() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release")
}

fn environment(store: &Path) -> Environment {
    Environment {
        store: store.to_owned(),
        catalogue: Catalogue::new(release().join("plugins"), Kept::new(PathBuf::new())),
        compiled: Some(store.join("compiled")),
        trainer: release().join("archwright-trainer"),
        auto_devices: vec!["cpu".into()],
    }
}

fn prepare(strategy: &str, queries: u64, store: &Path) -> Result<Search, Failure> {
    let file = ExperimentFile::from_text("bench", &experiment(strategy, queries), Path::new("."))?;
    Ok(Search::prepare(&file, &environment(store))?)
}

fn run(search: &Search, store: &Path, observer: &mut dyn Observer) -> Result<(), Failure> {
    let store = Store::open(store)?;
    search.run_on(&mut Immediate::default(), &ready(), 1, &store, &Stop::default(), observer)?;
    Ok(())
}

fn measured(criterion: &mut Criterion) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    for (name, strategy) in [("random", RANDOM), ("regularized-evolution", EVOLUTION)] {
        let search = prepare(strategy, QUERIES, folder.path())?;
        let mut group = criterion.benchmark_group(format!("search by {name}"));
        group.sample_size(10).throughput(Throughput::Elements(QUERIES));
        let mut failure = None;
        group.bench_function("with its journal", |bencher| {
            bencher.iter(|| failure = failure.take().or(run(&search, folder.path(), &mut ()).err()));
        });
        group.bench_function("without a journal", |bencher| {
            bencher.iter(|| failure = failure.take().or(rehearse(&search).err()));
        });
        group.bench_function("played back to its end", |bencher| {
            bencher.iter(|| failure = failure.take().or(play_back(folder.path()).err()));
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        group.finish();
    }
    Ok(())
}

fn rehearse(search: &Search) -> Result<(), Failure> {
    search.rehearse(&mut Immediate::default(), &ready(), &Stop::default(), &mut ())?;
    Ok(())
}

/// Resumes the latest run as if its host had been killed at the very end of its search.
fn play_back(store: &Path) -> Result<(), Failure> {
    let environment = environment(store);
    let store = Store::open(store)?;
    let mut record = store.run("latest")?;
    record.status = RunStatus::Interrupted;
    Resumption::prepare(&record, &environment)?.run_on(
        &mut Immediate::default(),
        &ready(),
        1,
        &Stop::default(),
        &mut (),
    )?;
    Ok(())
}

/// Writes down how long each tenth of a run took, and what memory it added.
struct Tenths {
    queries: u64,
    since: Instant,
    tenths: Vec<(f64, u64)>,
}

impl Observer for Tenths {
    fn on(&mut self, event: Event<'_>) {
        if let Event::Told { sequence, .. } = event
            && (sequence + 1).is_multiple_of(self.queries / 10)
        {
            self.tenths.push((self.since.elapsed().as_secs_f64(), resident()));
            self.since = Instant::now();
        }
    }
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

fn flat() -> Result<(), Failure> {
    let queries = 1_000_000;
    let folder = tempfile::tempdir()?;
    for (name, strategy) in [("random", RANDOM), ("regularized-evolution", EVOLUTION)] {
        let search = prepare(strategy, queries, folder.path())?;
        let before = resident();
        let mut tenths = Tenths { queries, since: Instant::now(), tenths: Vec::new() };
        run(&search, folder.path(), &mut tenths)?;
        let (Some(first), Some(last)) = (tenths.tenths.first(), tenths.tenths.last()) else { continue };
        let each = queries as f64 / 10.0;
        println!(
            "a million queries by {name}: {:.2} us each in the first tenth, {:.2} us in the last; {:.0} bytes of memory \
             each after the first, {:.0} after the last",
            first.0 / each * 1e6,
            last.0 / each * 1e6,
            first.1.saturating_sub(before) as f64 / each,
            last.1.saturating_sub(before) as f64 / queries as f64,
        );
    }
    Ok(())
}

fn bench(criterion: &mut Criterion) {
    if !release().join("plugins/estimators/synthetic.wasm").exists() {
        println!("nothing to measure: `cargo xtask build` makes the plugins");
        return;
    }
    if let Err(error) = measured(criterion).and_then(|()| flat()) {
        println!("nothing measured: {error}");
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
