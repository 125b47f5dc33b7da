//! `archwright space profile`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use archwright_protocol::{FailureKind, Measure, Recipe};
use archwright_search::{SearchError, Stop, measure};
use archwright_space::{Architecture, Footprint, Space, WholeWork};
use indicatif::HumanCount;
use serde_json::json;

use crate::args::{Profile, SpaceChoice};
use crate::locate::Wanted;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::run::stop_on_signals;
use crate::runs::{count, latency};
use crate::space::open;

pub(crate) fn profile(options: &Profile, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let (choice, space, architecture) = architecture(options, locations)?;
    let input = |error: archwright_space::SpaceError| CliError::input(error.to_string(), None);
    let network = space.build(&architecture).map_err(input)?;
    let size = network.footprint().map_err(input)?;
    let whole = space.whole_work(&architecture).map_err(input)?;
    let fingerprint = space.fingerprint(&architecture).map_err(input)?;
    let recipe = Recipe::default();
    let is_of_steps = network.vocabulary().is_some();
    let sequence = is_of_steps.then_some(recipe.sequence_length);
    let measured = if options.latency {
        let asked = Measure { network, batch_size: options.batch, recipe };
        Some(measured(options, asked, locations)?)
    } else {
        None
    };
    let decisions = space.label(&architecture);
    if output.json {
        let mut value = json!({
            "space": choice.space,
            "options": choice.options,
            "architecture": architecture,
            "decisions": decisions.into_iter().collect::<BTreeMap<_, _>>(),
            "fingerprint": fingerprint,
            "profile": size,
            "whole": whole,
        });
        if let Some(seconds) = measured {
            value["latency"] = json!({
                "seconds": seconds,
                "batch": options.batch,
                "sequence_length": sequence,
                "device": options.device,
                "threads": options.threads,
            });
        }
        output.value(&value)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    if options.architecture.is_none() {
        let decisions: Vec<String> = decisions.iter().map(|(name, value)| format!("{name}={value}")).collect();
        text += &format!("seed {}: {}\n", options.seed, decisions.join(" "));
    }
    let each = if is_of_steps { "for one token" } else { "for one image" };
    text += &format!("parameters        {}\n", HumanCount(size.parameters));
    text += &format!("multiply-adds     {} {each}\n", HumanCount(size.multiply_adds));
    if let Some(unused) = with_unused(&size, &whole) {
        text += &format!("                  {unused}\n");
    }
    text += &format!("depth             {}\n", size.depth);
    text += &format!("activation bytes  {} {each}\n", HumanCount(size.activation_bytes));
    if let Some(seconds) = measured {
        let what = match sequence {
            Some(length) => format!("{} of {length} tokens", count(options.batch as usize, "sequence")),
            None => count(options.batch as usize, "image"),
        };
        let threads = match options.device.as_str() {
            "cpu" => format!(", {}", count(options.threads as usize, "thread")),
            _ => String::new(),
        };
        text += &format!("latency           {} for {what} ({}{threads})\n", latency(seconds), options.device);
    }
    text += &format!("fingerprint       {fingerprint}");
    output.text(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// What the network comes to as it is written, where that is more than what its scores depend on.
pub(crate) fn with_unused(size: &Footprint, whole: &WholeWork) -> Option<String> {
    let WholeWork { parameters, multiply_adds } = *whole;
    ((size.parameters, size.multiply_adds) != (parameters, multiply_adds)).then(|| {
        format!(
            "({} parameters and {} multiply-adds with operations that no score depends on, as benchmarks count them)",
            HumanCount(parameters),
            HumanCount(multiply_adds)
        )
    })
}

/// What is looked at: what was named, or a random architecture.
fn architecture(options: &Profile, locations: &Locations) -> Result<(SpaceChoice, Space, Architecture), CliError> {
    let Profile { choice, architecture, seed, .. } = options;
    match architecture {
        Some(named) => Wanted::read(named)?.locate(choice, locations),
        None => {
            let space = open(choice, locations)?;
            let sampled = space.sample(*seed);
            Ok((choice.clone(), space, sampled))
        }
    }
}

fn measured(options: &Profile, asked: Measure, locations: &Locations) -> Result<f64, CliError> {
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let environment = locations.environment(false)?;
    match measure(&environment, &options.device, options.threads, asked, &stop) {
        Ok(seconds) => Ok(seconds),
        // More than there is room for was asked for.
        Err(SearchError::Measurement(failure)) if failure.kind == FailureKind::TooLarge => {
            Err(CliError::input(failure.message, None))
        }
        Err(error) => Err(error.into()),
    }
}
