//! `archwright runs` and `archwright show`.

use std::fmt::Write;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context;
use archwright_plugin::model::EstimateOutcome;
use archwright_search::{Finalist, Lock, Observed, Report};
use archwright_store::{QueryRecord, RunRecord, Store, StoreError};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use indicatif::{HumanCount, HumanDuration};
use serde_json::{Value, json};

use crate::locations::Locations;
use crate::outcome::{CliError, Output};

pub(crate) fn list(locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let (runs, in_comparisons) =
        if locations.has_store() { standing(&locations.existing_store()?)? } else { (Vec::new(), 0) };
    if output.json {
        output.value(&runs)?;
    } else if runs.is_empty() && in_comparisons > 0 {
        output
            .text(&format!("{in_comparisons} runs, all part of comparisons: `archwright comparisons` lists those"))?;
    } else if runs.is_empty() {
        let what = if locations.has_store() { "runs in" } else { "store" };
        output.text(&format!("no {what} {}: `archwright run FILE` makes one", locations.store.display()))?;
    } else {
        let mut table = table(["run", "started", "status", "space", "strategy", "estimator", "queries", "test"]);
        for run in &runs {
            table.add_row(row(run));
        }
        output.text(&table.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The runs that are part of no comparison, and how many are: those are listed there.
fn standing(store: &Store) -> Result<(Vec<RunRecord>, usize), StoreError> {
    let (compared, runs): (Vec<RunRecord>, _) = store.runs()?.into_iter().partition(|run| run.comparison.is_some());
    let runs: Vec<RunRecord> = runs;
    Ok((runs.into_iter().map(|run| store.standing(run)).collect(), compared.len()))
}

/// A borderless table with these headings.
pub(crate) fn table<const N: usize>(headings: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(headings);
    table
}

fn row(run: &RunRecord) -> [String; 8] {
    let part = |section: &str| text_at(&run.settings, &format!("/experiment/{section}/use"));
    let measured = |name: &str| run.result.as_ref().and_then(|result| result[format!("test_{name}")].as_f64());
    let of_test =
        ["perplexity", "accuracy"].into_iter().find_map(|name| Some(format!("{name} {:.4}", measured(name)?)));
    [
        run.id.to_string(),
        date(run.started),
        run.status.to_string(),
        part("space"),
        part("strategy"),
        part("estimator"),
        run.queries.to_string(),
        of_test.unwrap_or_default(),
    ]
}

fn text_at(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("?").to_owned()
}

/// A time in seconds since 1970 for a person.
pub(crate) fn date(seconds: i64) -> String {
    let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    humantime::format_rfc3339_seconds(time).to_string()
}

pub(crate) fn show(name: &str, queries: bool, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let store = locations.existing_store()?;
    let run = store.standing(store.run(name)?);
    let observed = if output.json || queries { observations(&store, &run, locations)? } else { Vec::new() };
    if output.json {
        let mut value = json!(run);
        if let Value::Object(members) = &mut value {
            // What most readers want stands at the top.
            if let Some(result) = &run.result {
                for key in ["test_accuracy", "test_perplexity"] {
                    members.extend(result.get(key).map(|value| (key.to_owned(), value.clone())));
                }
            }
            members.insert("observations".into(), json!(observed));
        }
        output.value(&value)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = head(&run);
    if let Some(result) = &run.result {
        let report: Report = serde_json::from_value(result.clone()).context("the run's result is damaged")?;
        text.push_str(&report_text(&report));
    }
    if queries {
        text.push('\n');
        text.push_str(&queries_table(&observed));
    } else if run.result.is_none() && run.queries > 0 {
        let _ = writeln!(text, "\nwith --queries: the {} architectures it tried", run.queries);
    }
    output.text(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// What a run observed: from its journal, or as an earlier version recorded it.
fn observations(store: &Store, run: &RunRecord, locations: &Locations) -> Result<Vec<QueryRecord<Observed>>, CliError> {
    let journal = store.journal_path(run.id);
    if !journal.exists() {
        return Ok(store.queries::<Observed>(run.id)?);
    }
    let environment = locations.environment(false)?;
    let space = Lock::of_run(store, run).and_then(|lock| lock.space(store, &environment));
    if let Err(error) = &space {
        tracing::warn!(%error, "architectures are not described");
    }
    Ok(archwright_search::journal::history(&journal, space.as_ref().ok())?)
}

fn head(run: &RunRecord) -> String {
    let part = |section: &str| text_at(&run.settings, &format!("/experiment/{section}/use"));
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<16}{value}");
    };
    line("run", format!("{}, {}, started {}", run.id, run.status, date(run.started)));
    line("search", format!("{} in {}, estimated by {}", part("strategy"), part("space"), part("estimator")));
    line("data", text_at(&run.settings, "/experiment/task/data"));
    line("seed", run.settings.pointer("/experiment/run/seed").map(Value::to_string).unwrap_or_default());
    line("queries", run.queries.to_string());
    if let Some(problem) = &run.problem {
        line("ended by", problem.clone());
    }
    text.push('\n');
    text
}

fn queries_table(observed: &[QueryRecord<Observed>]) -> String {
    let mut table = table(["#", "estimate", "parameters", "cost", "", "decisions"]);
    for QueryRecord { sequence, record } in observed {
        let estimate = match &record.outcome {
            EstimateOutcome::Estimated(estimate) => {
                estimate.objectives.iter().map(|value| estimated(*value)).collect::<Vec<_>>().join(" ")
            }
            EstimateOutcome::Failed(reason) => format!("failed: {reason}"),
        };
        table.add_row([
            (sequence + 1).to_string(),
            estimate,
            record.footprint.map(|footprint| HumanCount(footprint.parameters).to_string()).unwrap_or_default(),
            format!("{:.1} s", record.cost),
            if record.trained == 0 && record.remembered > 0 { "remembered".into() } else { String::new() },
            decisions(&record.decisions),
        ]);
    }
    table.to_string()
}

/// Decisions in a line.
pub(crate) fn decisions(decisions: &[(String, String)]) -> String {
    decisions.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// A finished run for a person.
pub(crate) fn report_text(report: &Report) -> String {
    let Report { run, test_accuracy, test_accuracy_deviation, found, test, finalists, tried, .. } = report;
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<16}{value}");
    };
    line("found", format!("a network with {}, by run {run}", size(found, report)));
    let seeds = match test.len() {
        1 => "one seed".to_owned(),
        seeds => format!("mean of {seeds} seeds"),
    };
    let is_measured = found.weights.is_empty();
    let only_use = match is_measured {
        true => "(as the table has it)".to_owned(),
        false => format!("({seeds}; the test set was used for nothing else)"),
    };
    let accuracy = match test_accuracy {
        Some(accuracy) => with_deviation(*accuracy, *test_accuracy_deviation),
        None => "unknown".to_owned(),
    };
    if let Some(perplexity) = report.test_perplexity {
        let perplexity = with_deviation(perplexity, report.test_perplexity_deviation);
        line("test perplexity", format!("{perplexity} {only_use}"));
        line("test accuracy", format!("{accuracy} of tokens predicted right"));
    } else {
        line("test accuracy", format!("{accuracy} {only_use}"));
    }
    if let Some(seconds) = found.latency {
        let each = if report.test_perplexity.is_some() { "sequence" } else { "image" };
        let batch = report.latency_batch.unwrap_or(1);
        line("latency", format!("{} for {}", latency(seconds), count(batch as usize, each)));
    }
    let validation = match found.validation_perplexity {
        Some(perplexity) => with_deviation(perplexity, found.validation_perplexity_deviation),
        None => with_deviation(found.validation_accuracy, found.validation_accuracy_deviation),
    };
    let which = match is_measured {
        true => "as the search saw it, after a full training".to_owned(),
        false => format!("the best of {} retrained with the full recipe", count(finalists.len(), "finalist")),
    };
    line("validation", format!("{validation}, {which}"));
    line(
        "tried",
        format!(
            "{}{}{}{}{}",
            count((tried.queries - tried.steps.min(tried.queries)) as usize, "architecture"),
            tried.distinct.map(|distinct| format!(" ({distinct} distinct)")).unwrap_or_default(),
            match (tried.median, tried.best) {
                (Some(median), Some(best)) => {
                    format!(": {} median {}, best {}", tried.objective, estimated(median), estimated(best))
                }
                _ => String::new(),
            },
            match tried.steps {
                0 => String::new(),
                steps => format!("; {} of shared weights and mixtures", count(steps as usize, "step")),
            },
            if tried.failed > 0 { format!("; {} failed", tried.failed) } else { String::new() }
        ),
    );
    let work = match is_measured {
        true => format!("{} looked up", count(tried.remembered as usize, "measurement")),
        false => format!("{} and {} remembered", count(tried.trained as usize, "training"), tried.remembered),
    };
    line(
        "work",
        format!(
            "{work}, {:.1} s of training charged, {} of search",
            tried.cost,
            HumanDuration(Duration::from_secs_f64(tried.seconds.max(0.0)))
        ),
    );
    line("decisions", String::new());
    let width = found.decisions.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in &found.decisions {
        let _ = writeln!(text, "  {name:<width$}  {value}");
    }
    for failure in finalists.iter().flat_map(|finalist| &finalist.failures) {
        let _ = writeln!(text, "one retraining failed: {failure}");
    }
    text
}

fn size(finalist: &Finalist, report: &Report) -> String {
    let footprint = finalist.footprint;
    let each = if report.test_perplexity.is_some() { "a token" } else { "an image" };
    format!(
        "{} parameters and {} multiply-adds {each}",
        HumanCount(footprint.parameters),
        HumanCount(footprint.multiply_adds)
    )
}

/// An estimate for a person. Latencies are small numbers of seconds.
pub(crate) fn estimated(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.01 { format!("{value:.3e}") } else { format!("{value:.4}") }
}

/// A latency in seconds for a person.
pub(crate) fn latency(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1e-3 => format!("{:.1} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.3} ms", seconds * 1e3),
        seconds => format!("{seconds:.3} s"),
    }
}

fn with_deviation(mean: f64, deviation: Option<f64>) -> String {
    match deviation {
        Some(deviation) => format!("{mean:.4} ± {deviation:.4}"),
        None => format!("{mean:.4}"),
    }
}

pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", HumanCount(number as u64), if number == 1 { "" } else { "s" })
}
