//! `archwright run`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use archwright_search::experiment::ExperimentFile;
use archwright_search::{Report, Search, Stop};

use crate::args;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::progress::Progress;
use crate::runs;

pub(crate) fn run(options: &args::Run, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let mut file = ExperimentFile::read(&options.experiment)?;
    if let Some(seed) = options.seed {
        file.experiment.run.seed = seed;
    }
    if options.workers.is_some() {
        file.experiment.run.workers = options.workers;
    }
    file.check()?;
    let trainer = &file.experiment.trainer;
    let auto = trainer.command.is_empty() && trainer.devices.iter().any(|device| device == "auto");
    let search = Search::prepare(&file, &locations.environment(auto && !options.dry_run)?)?;
    if options.dry_run {
        return settings(&search, output);
    }
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let mut progress = Progress::new(&search, output);
    let result = search.run(&stop, &mut progress);
    progress.close();
    let report = result?;
    tell(&report, output)?;
    Ok(ExitCode::SUCCESS)
}

fn settings(search: &Search, output: Output) -> Result<ExitCode, CliError> {
    if output.json {
        output.value(search.experiment())?;
    } else {
        let text = toml::to_string(search.experiment()).context("the settings cannot be written as TOML")?;
        output.text(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The first Ctrl-C or SIGTERM asks the run to stop, the second ends the program.
fn stop_on_signals(stop: &Stop) -> Result<(), CliError> {
    let stop = stop.clone();
    ctrlc::set_handler(move || {
        if stop.requested() {
            std::process::exit(130);
        }
        stop.request();
        eprintln!("stopping: what is trained is kept (once more to end at once)");
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
fn program() -> String {
    let called = std::env::args().next().unwrap_or_else(|| "archwright".into());
    let here = std::env::current_dir().unwrap_or_default();
    Path::new(&called).strip_prefix(here).map_or(called.clone(), |path| path.display().to_string())
}
