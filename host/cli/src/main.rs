//! The command line of Archwright.

mod args;
mod cache;
mod compare;
mod correlate;
mod doctor;
mod export;
mod locate;
mod locations;
mod options;
mod outcome;
mod plugin;
mod predict;
mod profile;
mod progress;
mod recorded;
mod run;
mod runs;
mod space;
mod table;
mod train;
mod verify;

use std::io::IsTerminal;
use std::process::ExitCode;

use archwright_build::manifest::Manifest;
use archwright_registry::Project;
use archwright_search::experiment;
use clap::{CommandFactory, Parser};
use clap_complete::Shell;
use tracing_subscriber::EnvFilter;

use args::{Arguments, Command, SchemaOf};
use outcome::{CliError, Output};

/// A search makes and drops many small lists.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(arguments.verbose);
    let output = Output { json: arguments.json };
    match dispatch(&arguments, output) {
        Ok(code) => code,
        Err(error) => error.report(output),
    }
}

fn dispatch(arguments: &Arguments, output: Output) -> Result<ExitCode, CliError> {
    let locations = locations::Locations::find(arguments.store.as_deref())?;
    match &arguments.command {
        Command::Run(options) => run::run(options, &locations, output),
        Command::Train(options) => train::train(options, &locations, output),
        Command::Resume { run } => run::resume(run, &locations, output),
        Command::Verify(options) => verify::verify(options, &locations, output),
        Command::Correlate(options) => correlate::correlate(options, &locations, output),
        Command::Lock { run, output: file } => recorded::lock(run, file.as_deref(), &locations, output),
        Command::Journal { run, timeless } => recorded::journal(run, *timeless, &locations, output),
        Command::Runs => runs::list(&locations, output),
        Command::Show { run, queries } => runs::show(run, *queries, &locations, output),
        Command::Export(options) => export::export(options, &locations, output),
        Command::Predict { what } => predict::predict(what, &locations, output),
        Command::Remove { runs } => cache::remove(runs, &locations, output),
        Command::Cache(command) => cache::cache(command, &locations, output),
        Command::Plugin(command) => plugin::plugin(command, &locations, output),
        Command::Space(command) => space::space(command, &locations, output),
        Command::Compare(options) => compare::compare(options, &locations, output),
        Command::Report(options) => compare::report(options, &locations, output),
        Command::Comparisons => compare::list(&locations, output),
        Command::Table(command) => table::table(command, &locations, output),
        Command::Doctor => doctor::doctor(&locations, output),
        Command::Schema { of } => {
            output.value(&match of {
                SchemaOf::Experiment => experiment::schema(),
                SchemaOf::Plugin => Manifest::schema(),
                SchemaOf::Plugins => Project::schema(),
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => completions(*shell, output),
    }
}

fn completions(shell: Shell, output: Output) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "archwright", &mut script);
    let script = String::from_utf8_lossy(&script);
    if output.json {
        output.value(&script)?;
    } else {
        output.text(&script)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Logs to standard error: warnings by default, more with `-v`, anything with `ARCHWRIGHT_LOG`.
fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("ARCHWRIGHT_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let plain = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(progress::log_writer)
        .with_ansi(!plain && std::io::stderr().is_terminal())
        .without_time()
        .init();
}
