//! `archwright correlate`.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Context;
use archwright_compare::{Agreement, Interval, agreement, scatter};
use archwright_search::experiment::Choice;
use archwright_search::{Correlated, Correlation, Stop};
use serde_json::json;

use crate::args;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::run::stop_on_signals;
use crate::space::key_values;

pub(crate) fn correlate(
    options: &args::Correlate,
    locations: &Locations,
    output: Output,
) -> Result<ExitCode, CliError> {
    let folder =
        options.plot.as_deref().and_then(std::path::Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(CliError::input(format!("there is no folder {} to draw into", folder.display()), None));
    }
    let store = locations.existing_store()?;
    let record = store.run(&options.run)?;
    let environment = locations.environment(false)?;
    let estimator = options.estimator.as_ref().map(|name| choice(name, &options.options)).transpose()?;
    let correlation = Correlation {
        store: &store,
        record: &record,
        environment: &environment,
        sample: options.sample,
        seed: options.seed,
        estimator,
        against: choice(&options.against, &options.against_options)?,
    };
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let correlated = correlation.judge(&stop, &mut ())?;
    let values = |which: usize| -> Vec<f64> {
        // Ranks, and so what correlates, are those of larger being better.
        let sign = if correlated.maximize { 1.0 } else { -1.0 };
        correlated.judged.iter().map(|judged| sign * judged.values[which]).collect()
    };
    let found = agreement(&values(0), &values(1));
    if output.json {
        output.value(&json!({"agreement": found, "estimates": correlated}))?;
    } else {
        output.text(&told(&correlated, &found, options.sample))?;
    }
    if let Some(path) = &options.plot {
        let title = format!("{} by run {}", correlated.objective, record.id);
        let pairs: Vec<(f64, f64)> = correlated.judged.iter().map(|judged| judged.values.into()).collect();
        let [one, other] = &correlated.estimators;
        let drawn = scatter(&title, [one, other], &pairs).context("the plot")?;
        std::fs::write(path, drawn).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn choice(name: &str, options: &[String]) -> Result<Choice, CliError> {
    Ok(Choice { name: name.to_owned(), options: key_values(options)? })
}

fn told(correlated: &Correlated, found: &Agreement, asked: u32) -> String {
    let Correlated { objective, estimators: [one, other], failed, last_failure, cost, .. } = correlated;
    let number = |value: Option<f64>| {
        value.map_or("none: one of the two tells none apart".into(), |value| format!("{value:.3}"))
    };
    let mut text = String::new();
    let _ = writeln!(text, "compared      {one} with {other} on {} architectures, by {objective}", found.count);
    let interval = found.kendall_interval.map(|Interval { low, high }| format!(" (95 % from {low:.3} to {high:.3})"));
    let _ = writeln!(text, "Kendall tau   {}{}", number(found.kendall), interval.unwrap_or_default());
    let _ = writeln!(text, "Spearman      {}", number(found.spearman));
    if found.count < asked as usize && correlated.last_failure.is_none() {
        let _ = writeln!(text, "asked for     {asked}: no more with different networks were drawn");
    }
    for top in &found.top {
        let _ = writeln!(text, "top {:<9} {:.0} % in common", top.k, 100.0 * top.share);
    }
    let _ = writeln!(text, "cost          {:.1} s and {:.1} s of the task's clock", cost[0], cost[1]);
    if let Some(reason) = last_failure {
        let _ = writeln!(text, "failed        {} and {} estimates, the last: {reason}", failed[0], failed[1]);
    }
    text
}
