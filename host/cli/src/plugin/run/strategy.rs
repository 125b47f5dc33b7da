//! Trying a strategy.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use archwright_compare::figure::{Axis, Curve, anytime};
use archwright_compare::{Band, Bootstrap, PlotError, Shown, mean, mean_curve};
use archwright_plugin::Component;
use archwright_search::experiment::ExperimentFile;
use archwright_search::toy::{EPOCHS, Landscape, Looked, ToyExecutor};
use archwright_search::{Event, Observer, Report, Search, Stop};
use archwright_space::{Space, seed};
use serde_json::json;
use toml::{Table, Value};

use super::plot::{Line, drawn};
use super::{choice, find, write_plot};
use crate::args::RunPlugin;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::run::stop_on_signals;
use crate::runs::decisions;
use crate::space::{key_values, open};

/// Architectures whose values random search draws from.
const DRAWN: u64 = 2_000;

/// Random searches whose mean is shown.
const RANDOM_RUNS: u64 = 50;

/// What happened in a search.
#[derive(Default)]
struct Trace {
    /// The incumbent's value after each query.
    best: Vec<Option<f64>>,
    /// The value that each query came to.
    values: Vec<Option<f64>>,
    failed: usize,
}

impl Observer for Trace {
    fn on(&mut self, event: Event<'_>) {
        if let Event::Told { objective, failed, incumbent, .. } = event {
            let before = self.best.last().copied().flatten();
            self.best.push(if incumbent { objective } else { before });
            self.values.push(objective);
            self.failed += usize::from(failed);
        }
    }
}

/// What a search found, and what it is compared with.
struct Found {
    report: Report,
    trace: Trace,
    /// What was looked up on a made-up problem.
    looked: Vec<Looked>,
    /// Values after a full training that random search draws from.
    values: Vec<f64>,
    /// The true value of what was found, on a made-up problem.
    truth: Option<f64>,
}

pub(super) fn run(
    options: &RunPlugin,
    component: &Component,
    locations: &Locations,
    output: Output,
) -> Result<(), CliError> {
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let found = search(options, component, locations, &stop)?;
    let random = random(options, &found.values)?;
    let problem = match &options.table {
        Some(table) => format!("{} by {}", options.space, table.display()),
        None => format!("{}, {}", options.space, options.toy.name()),
    };
    if output.json {
        output.value(&value(options, component, &found, &random))?;
    } else {
        output.text(&told(component, &problem, &found, &random))?;
    }
    if let Some(path) = &options.plot {
        write_plot(path, plot(component, &problem, &found, &random))?;
    }
    Ok(())
}

fn search(options: &RunPlugin, component: &Component, locations: &Locations, stop: &Stop) -> Result<Found, CliError> {
    let environment = locations.environment(false)?;
    let mut trace = Trace::default();
    let prepare = |estimator: &str| -> Result<Search, CliError> {
        let text = experiment(options, estimator, locations)?;
        let file = ExperimentFile::from_text("the settings of this trial", &text, Path::new("."))?;
        Ok(Search::prepare(&file, &environment)?)
    };
    if options.table.is_some() {
        let search = prepare("benchmark-table")?;
        let report = search.rehearse_on_table(stop, &mut trace)?;
        let values = search.table_values();
        return Ok(Found { report, trace, looked: Vec::new(), values, truth: None });
    }
    let needs = &component.description().needs;
    let shared = needs.iter().any(|need| need == "shared-weights" || need == "gradients");
    let search = prepare(if shared { "one-shot" } else { "benchmark-table" })?;
    let space = Arc::new(open(&choice(options), locations)?);
    let landscape = Landscape::new(options.toy, options.seed, &space);
    let context = space.context();
    let ready = ToyExecutor::ready(&context.input, context.classes, shared);
    let mut executor = ToyExecutor::new(landscape.clone(), Arc::clone(&space), options.workers as usize);
    let report = search.rehearse(&mut executor, &ready, stop, &mut trace)?;
    let truth = Some(landscape.truth(&space, &report.found.architecture));
    let looked = executor.looked().to_vec();
    Ok(Found { report, trace, looked, values: drawn_values(options, &landscape, &space), truth })
}

/// The settings of the trial, as an experiment.
fn experiment(options: &RunPlugin, estimator: &str, locations: &Locations) -> Result<String, CliError> {
    let table = |pairs: Vec<(&str, Value)>| -> Value {
        Value::Table(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    };
    let path =
        std::path::absolute(find(&options.plugin, locations)?.path).context("cannot tell where the plugin lies")?;
    let mut strategy = Table::from_iter([("use".to_owned(), Value::from(path.display().to_string()))]);
    for (key, value) in key_values(&options.options)? {
        strategy.insert(key, Value::try_from(value).context("an option cannot be written as TOML")?);
    }
    let mut task = vec![("data", Value::from("digits"))];
    match &options.table {
        Some(data) => task[0].1 = Value::from(data.display().to_string()),
        None => task.push(("recipe", table(vec![("epochs", i64::from(EPOCHS).into())]))),
    }
    if let Some(name) = &options.data_set {
        task.push(("data_set", Value::from(name.clone())));
    }
    let seed = i64::try_from(options.seed).context("a seed is at most 2^63 - 1")?;
    let experiment = table(vec![
        ("space", table(vec![("use", Value::from(options.space.clone()))])),
        ("strategy", Value::Table(strategy)),
        ("estimator", table(vec![("use", Value::from(estimator))])),
        ("task", table(task)),
        ("budget", table(vec![("queries", i64::from(options.queries).into())])),
        (
            "run",
            table(vec![
                ("seed", seed.into()),
                ("in_flight", i64::from(options.workers).into()),
                ("workers", i64::from(options.workers).into()),
                ("finalists", 1.into()),
                ("final_seeds", 1.into()),
            ]),
        ),
    ]);
    Ok(toml::to_string(&experiment).context("the settings cannot be written as TOML")?)
}

fn drawn_values(options: &RunPlugin, landscape: &Landscape, space: &Space) -> Vec<f64> {
    let draw = |index| space.sample(seed::derive(options.seed, "random search", index));
    (0..DRAWN).map(|index| landscape.seen(space, &draw(index), EPOCHS, index)).collect()
}

/// What random search has found after each query: the mean over some searches, with its interval.
fn random(options: &RunPlugin, values: &[f64]) -> Result<Band, CliError> {
    let searches: Vec<Vec<f64>> = (0..RANDOM_RUNS)
        .map(|run| {
            let mut best = f64::NEG_INFINITY;
            let draws = (0..u64::from(options.queries)).map(|query| {
                let place = seed::derive(seed::derive(options.seed, "random run", run), "draw", query);
                best = best.max(values[(place % values.len().max(1) as u64) as usize]);
                best
            });
            draws.collect()
        })
        .collect();
    let bootstrap = Bootstrap { level: 0.95, resamples: 200, seed: options.seed };
    Ok(mean_curve(&searches, &bootstrap).context("the mean")?)
}

fn told(component: &Component, problem: &str, found: &Found, random: &Band) -> String {
    let Found { report, trace, truth, values, .. } = found;
    let tried = &report.tried;
    let mut text = format!("{} on {problem}\n", component.name());
    let steps = match tried.steps {
        0 => String::new(),
        steps => format!(", {steps} of them steps of shared weights or mixtures"),
    };
    let _ = writeln!(
        text,
        "{}{steps}, {} failed; they cost as much as {:.1} full trainings",
        if tried.queries == 1 { "1 query".to_owned() } else { format!("{} queries", tried.queries) },
        trace.failed,
        tried.cost
    );
    let random_curve: Vec<Option<f64>> = random.middle.iter().copied().map(Some).collect();
    let mean_name = format!("random search: the best so far, the mean over {RANDOM_RUNS} of them");
    let name = format!("{}: the best so far", component.name());
    let mut lines = vec![
        Line { mark: '*', name: &name, values: &trace.best },
        Line { mark: '.', name: &mean_name, values: &random_curve },
    ];
    lines.retain(|line| line.values.iter().any(Option::is_some));
    let _ = write!(text, "\n{}", drawn(&lines));
    if let Some(best) = trace.best.last().copied().flatten() {
        let _ = write!(text, "\nbest seen      {best:.4}");
        if let Some(random) = random.middle.get(trace.best.len().saturating_sub(1)) {
            let _ = write!(text, "; random search comes to {random:.4} after as many queries");
        }
        // Queries of a lower fidelity cost less than those of random search.
        let trainings = tried.cost.ceil().max(1.0) as usize;
        if let Some(random) = random.middle.get(trainings - 1).filter(|_| trainings < trace.best.len()) {
            let _ = write!(text, ", and to {random:.4} for as much as they cost");
        }
    }
    if let Some(truth) = truth {
        let _ = write!(text, "\nfound          {truth:.4} in truth");
    }
    if let (Some(highest), Some(average)) = (values.iter().copied().reduce(f64::max), mean(values)) {
        let _ = write!(text, "\nof {:<11} mean {average:.4}, highest {highest:.4}", values.len());
    }
    let _ = write!(text, "\narchitecture   {}", decisions(&report.found.decisions));
    text
}

fn value(options: &RunPlugin, component: &Component, found: &Found, random: &Band) -> serde_json::Value {
    let Found { report, trace, looked, truth, values } = found;
    let looked: Vec<_> = looked
        .iter()
        .map(|one| json!({ "architecture": one.architecture, "fidelity": one.share, "value": one.value }))
        .collect();
    json!({
        "plugin": component.name(),
        "kind": component.kind(),
        "digest": component.digest(),
        "space": options.space,
        "problem": if options.table.is_some() { json!({ "table": options.table }) } else { json!({ "toy": options.toy }) },
        "seed": options.seed,
        "workers": options.workers,
        "tried": report.tried,
        "found": { "architecture": report.found.architecture, "decisions": report.found.decisions, "truth": truth },
        "values": trace.values,
        "best": trace.best,
        "random": random,
        "looked_up": looked,
        "highest_drawn": values.iter().copied().reduce(f64::max),
    })
}

fn plot(component: &Component, problem: &str, found: &Found, random: &Band) -> Result<String, PlotError> {
    let shown: Vec<(f64, f64)> =
        (1u32..).map(f64::from).zip(&found.trace.best).filter_map(|(query, best)| Some((query, (*best)?))).collect();
    let (positions, best): (Vec<f64>, Vec<f64>) = shown.into_iter().unzip();
    let band =
        Band { shown: Shown::Mean { level: 0.95 }, runs: 1, middle: best.clone(), low: best.clone(), high: best };
    let queries: Vec<f64> = (1u32..).map(f64::from).take(random.middle.len()).collect();
    let curves = [
        Curve { name: component.name(), positions: &positions, band: &band },
        Curve { name: "random search", positions: &queries, band: random },
    ];
    let title = format!("{} on {problem}", component.name());
    anytime(&title, &Axis::linear("queries"), &Axis::linear("best value so far"), &curves)
}
