//! `archwright run`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use archwright_search::experiment::ExperimentFile;
use archwright_search::{Experiment, Lock, Report, Resumption, Search, Stop};
use archwright_store::RunStatus;

use crate::args;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::progress::Progress;
use crate::runs;

pub(crate) fn run(options: &args::Run, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let search = match (&options.locked, &options.experiment) {
        (Some(name), _) => locked(name, options.workers, locations)?,
        (None, Some(path)) => prepare(&from_file(path, options)?, options.dry_run, locations)?,
        (None, None) => return Err(CliError::input("there is nothing to run: name an experiment file", None)),
    };
    conduct(&search, options.dry_run, output)
}

/// Runs what a file says, or with `dry_run` prints its full settings.
pub(crate) fn search(
    file: &ExperimentFile,
    dry_run: bool,
    locations: &Locations,
    output: Output,
) -> Result<ExitCode, CliError> {
    conduct(&prepare(file, dry_run, locations)?, dry_run, output)
}

fn conduct(search: &Search, dry_run: bool, output: Output) -> Result<ExitCode, CliError> {
    if dry_run {
        return settings(search, output);
    }
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let mut progress = Progress::new(search);
    let result = search.run(&stop, &mut progress);
    progress.close();
    tell(&result?, output)?;
    Ok(ExitCode::SUCCESS)
}

fn from_file(path: &Path, options: &args::Run) -> Result<ExperimentFile, CliError> {
    let mut file = ExperimentFile::read(path)?;
    if let Some(seed) = options.seed {
        file.experiment.run.seed = seed;
    }
    if options.workers.is_some() {
        file.experiment.run.workers = options.workers;
    }
    file.check()?;
    Ok(file)
}

fn prepare(file: &ExperimentFile, dry_run: bool, locations: &Locations) -> Result<Search, CliError> {
    let environment = locations.environment(wants_auto(&file.experiment) && !dry_run)?;
    Ok(Search::prepare(file, &environment)?)
}

/// The search of a recorded run, by its name, or of a lock file.
fn locked(name: &str, workers: Option<u32>, locations: &Locations) -> Result<Search, CliError> {
    let mut lock = if name == "latest" || name.parse::<u64>().is_ok() {
        let store = locations.existing_store()?;
        Lock::of_run(&store, &store.run(name)?)?
    } else {
        Lock::read(Path::new(name))?
    };
    if workers.is_some() {
        // Results do not depend on it.
        lock.experiment_mut().run.workers = workers;
    }
    let environment = locations.environment(wants_auto(lock.experiment_mut()))?;
    Ok(Search::prepare_locked(&lock, &environment)?)
}

/// Whether an experiment asks what devices there are.
fn wants_auto(experiment: &Experiment) -> bool {
    let trainer = &experiment.trainer;
    trainer.command.is_empty() && trainer.devices.iter().any(|device| device == "auto")
}

pub(crate) fn resume(name: &str, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let record = locations.existing_store()?.run(name)?;
    if let (RunStatus::Finished, Some(result)) = (record.status, &record.result) {
        eprintln!("run {} is finished; this is what it found", record.id);
        tell(&serde_json::from_value(result.clone()).context("the run's result is damaged")?, output)?;
        return Ok(ExitCode::SUCCESS);
    }
    let resumption = Resumption::prepare(&record, &locations.environment(true)?)?;
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let mut progress = Progress::new(resumption.search());
    let result = resumption.run(&stop, &mut progress);
    progress.close();
    tell(&result?, output)?;
    Ok(ExitCode::SUCCESS)
}

fn settings(search: &Search, output: Output) -> Result<ExitCode, CliError> {
    if output.json {
        output.value(search.experiment())?;
    } else {
        let text = search.experiment().to_toml().context("the settings cannot be written as TOML")?;
        output.text(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The first Ctrl-C or SIGTERM asks the run to stop, the second ends the program.
pub(crate) fn stop_on_signals(stop: &Stop) -> Result<(), CliError> {
    stop_saying(stop, "stopping: what is trained is kept")
}

/// The same for what is no run: says this.
pub(crate) fn stop_saying(stop: &Stop, message: &'static str) -> Result<(), CliError> {
    let stop = stop.clone();
    ctrlc::set_handler(move || {
        if stop.requested() {
            std::process::exit(130);
        }
        stop.request();
        eprintln!("{message} (once more to end at once)");
    })
    .context("cannot listen for signals")?;
    Ok(())
}

fn tell(report: &Report, output: Output) -> Result<(), CliError> {
    if output.json {
        return output.value(report);
    }
    let mut text = runs::report_text(report);
    let program = program();
    let run = report.run;
    let next = [
        (format!("{program} show {run} --queries"), "every architecture tried"),
        (format!("{program} show {run} --json"), "the same for a program"),
        (format!("{program} verify {run}"), "does it repeat, bit for bit?"),
        (format!("{program} runs"), "all runs of the store"),
        (format!("{program} plugin list"), "strategies and estimators to put into the experiment file"),
    ];
    let width = next.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    text.push_str("\nNext\n");
    for (command, gives) in next {
        text.push_str(&format!("  {command:<width$}  {gives}\n"));
    }
    output.text(&text)
}

/// This program as the user would call it from here.
pub(crate) fn program() -> String {
    let called = std::env::args().next().unwrap_or_else(|| "archwright".into());
    let here = std::env::current_dir().unwrap_or_default();
    Path::new(&called).strip_prefix(here).map_or(called.clone(), |path| path.display().to_string())
}
