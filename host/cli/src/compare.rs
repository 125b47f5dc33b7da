//! `archwright compare`, `archwright report` and `archwright comparisons`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use archwright_search::Stop;
use archwright_store::Store;
use archwright_suite::{Event, Results, Suite, SuiteError, report as reports};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::args;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::run::stop_on_signals;
use crate::runs::{date, table};

pub(crate) fn compare(options: &args::Compare, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let environment = locations.environment(false)?;
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let suite = Suite::read(&options.suite, &environment, &stop).map_err(refused)?;
    if options.dry_run {
        return dry_run(&suite, output);
    }
    let lock = options.suite.with_extension("lock");
    let folder = options.output.clone().unwrap_or_else(|| beside(&options.suite));
    reports::check(&folder).map_err(refused)?;
    if options.locked {
        suite.check_lock(&lock).map_err(refused)?;
    } else {
        Suite::check_lock_place(&lock).map_err(refused)?;
        if lock.exists() {
            warn_of_other(suite.check_lock(&lock));
        }
    }
    let bar = ProgressBar::new(suite.runs() as u64);
    bar.set_style(
        ProgressStyle::with_template("{wide_bar} {pos} of {len} runs, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let conducted = suite.run(&environment, &stop, &mut |event| match event {
        Event::Started { there, .. } => bar.set_position(there as u64),
        Event::Ended(count) => bar.inc(count as u64),
        _ => {}
    });
    bar.finish_and_clear();
    let conducted = conducted.map_err(refused)?;
    let store = Store::open(&locations.store)?;
    let comparison = store.comparison(&conducted.comparison.to_string())?;
    let results = match Results::read(&store, &comparison) {
        Err(SuiteError::Empty(problem)) if !conducted.failed.is_empty() => {
            tell_failed(&conducted.failed);
            return Err(anyhow::Error::msg(format!("all runs failed: {problem}")).into());
        }
        read => read.map_err(refused)?,
    };
    let told = tell(&results, &folder, conducted.comparison.to_string(), output)?;
    if !conducted.failed.is_empty() {
        // What is left of the comparison is not what a lock would promise.
        tell_failed(&conducted.failed);
        return Ok(ExitCode::FAILURE);
    }
    if options.locked {
        suite.check_outcomes(&lock, &results).map_err(refused)?;
    } else {
        if lock.exists() && suite.check_lock(&lock).is_ok() {
            warn_of_other(suite.check_outcomes(&lock, &results));
        }
        suite.write_lock(&lock, &results).map_err(refused)?;
    }
    Ok(told)
}

pub(crate) fn report(options: &args::Report, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let store = locations.existing_store()?;
    let comparison = store.comparison(&options.comparison)?;
    let results = Results::read(&store, &comparison).map_err(refused)?;
    tell(&results, &options.output, comparison.id.to_string(), output)
}

pub(crate) fn list(locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let comparisons = if locations.has_store() { locations.existing_store()?.comparisons()? } else { Vec::new() };
    if output.json {
        let list: Vec<_> = comparisons
            .iter()
            .map(|one| json!({ "comparison": one.id, "started": one.started, "name": one.name }))
            .collect();
        output.value(&list)?;
    } else if comparisons.is_empty() {
        output.text("no comparisons: `archwright compare SUITE` makes one")?;
    } else {
        let mut table = table(["comparison", "started", "name"]);
        for one in &comparisons {
            table.add_row([one.id.to_string(), date(one.started), one.name.clone()]);
        }
        output.text(&table.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn dry_run(suite: &Suite, output: Output) -> Result<ExitCode, CliError> {
    if output.json {
        output.value(&suite.settings())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!("{}: {} runs, {} seeds each of\n", suite.name, suite.runs(), suite.seeds.len());
    for combination in &suite.combinations {
        text += &format!("  {}\n", combination.labels);
    }
    output.text(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn tell_failed(failed: &[SuiteError]) {
    for error in failed {
        eprintln!("archwright: {error}");
    }
}

/// A lock that says something else than what runs is written anew, but not unsaid.
fn warn_of_other(checked: Result<(), SuiteError>) {
    if let Err(error) = checked {
        tracing::warn!("{error}\nThe lock is written anew; `--locked` refuses to run anything else");
    }
}

/// The folder of a suite's report.
fn beside(suite: &Path) -> PathBuf {
    let stem = suite.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    suite.with_file_name(format!("{stem}-report"))
}

fn tell(results: &Results, folder: &Path, comparison: String, output: Output) -> Result<ExitCode, CliError> {
    let written = reports::write(results, folder).map_err(refused)?;
    if output.json {
        let missing: Vec<_> = results
            .missing
            .iter()
            .map(|one| json!({ "labels": one.labels, "seed": one.seed, "problem": one.problem }))
            .collect();
        output.value(&json!({
            "comparison": comparison,
            "page": written.page,
            "problems": written.summary,
            "missing": missing,
        }))?;
    } else {
        output.text(&format!("{}\ncomparison {comparison}, reported in {}", written.text, written.page.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(error: SuiteError) -> CliError {
    let message = error.to_string();
    match error {
        SuiteError::Combination { source, combination } => match CliError::from(*source) {
            CliError::Search { error, .. } => CliError::Search { error, of: Some(combination) },
            other => other,
        },
        SuiteError::Suite(error) => CliError::from(error),
        SuiteError::Journal(source) => CliError::from(*source),
        SuiteError::Store(error) => error.into(),
        SuiteError::Stopped { .. } => CliError::Interrupted(message),
        SuiteError::Form { .. } | SuiteError::Empty(_) => CliError::input(message, None),
        SuiteError::File { doing: "read", .. } => CliError::input(message, None),
        // The text says what the cause says.
        _ => anyhow::Error::msg(message).into(),
    }
}
