//! `archwright verify`.

use std::fmt::Write;
use std::process::ExitCode;

use archwright_search::experiment::ExperimentFile;
use archwright_search::{Stop, Verification, Verified};
use archwright_store::RunRecord;

use crate::args;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::run::{program, stop_on_signals};
use crate::runs::count;

pub(crate) fn verify(options: &args::Verify, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let store = locations.existing_store()?;
    let record = store.run(&options.run)?;
    let experiment = options.experiment.as_deref().map(ExperimentFile::read).transpose()?;
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let environment = locations.environment(false)?;
    let repeat = options.deep.unwrap_or(0);
    let verification = Verification { store: &store, record: &record, environment: &environment, experiment, repeat };
    let verified = verification.verify(&stop, &mut ())?;
    if output.json {
        output.value(&verified)?;
    } else {
        output.text(&told(&record, &verified))?;
    }
    Ok(if verified.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(record: &RunRecord, verified: &Verified) -> String {
    let Verified { records, complete, repeated, differences } = verified;
    let run = record.id;
    let mut text = String::new();
    if let Some((first, others)) = differences.split_first() {
        let _ = writeln!(text, "run {run} differs");
        let _ = writeln!(text, "  first     {first}");
        for other in others {
            let _ = writeln!(text, "  then      {other}");
        }
        if differences.iter().all(|one| one.record.is_none()) {
            let _ = writeln!(text, "  and yet   all {records} records are played back alike");
        }
        return text;
    }
    let end = if *complete { "to its end" } else { "as far as it went" };
    let _ = writeln!(text, "run {run} is identical {end}: {records} records, every answer and its fuel bit for bit");
    if *repeated > 0 {
        let verb = if *repeated == 1 { "was" } else { "were" };
        let actions = count(usize::try_from(*repeated).unwrap_or(usize::MAX), "action");
        let _ = writeln!(text, "{actions} {verb} carried out again, with the same outcomes");
    }
    if !complete {
        let _ = writeln!(text, "`{} resume {run}` goes on with it", program());
    }
    text
}
