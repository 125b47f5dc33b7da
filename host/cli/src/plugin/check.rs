//! Whether a plugin keeps the contract.

use std::fmt::Write as _;
use std::process::{Command, ExitCode};

use archwright_plugin::conformance::{self, Check, Group, Outcome, Report, Settings};
use archwright_plugin::{Engine, Limits};

use super::{find, kind_name, load};
use crate::args;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::runs::count;
use crate::space::key_values;

/// Spaces in front of what was seen and what to do.
const INDENT: &str = "          ";

pub(super) fn check(options: &args::Check, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let limits = Limits::default();
    let found = find(&options.plugin, locations)?;
    let engine = locations.engine()?;
    // A file that is too large is not read whole.
    let bytes = Engine::read(&found.path, &limits)?;
    found.check(&bytes)?;
    let elsewhere = || elsewhere(options);
    let settings = Settings {
        options: key_values(&options.options)?,
        only: (!options.only.is_empty()).then(|| options.only.clone()),
        quick: options.quick,
        elsewhere: Some(&elsewhere),
    };
    let report = conformance::check_file(&engine, &found.path.display().to_string(), &bytes, &limits, &settings);
    if output.json {
        output.value(&report)?;
    } else {
        output.text(&told(&report))?;
    }
    Ok(if report.passed { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Prints the plugin's transcript, for another process that compares it with its own.
pub(super) fn transcript(
    plugin: &str,
    options: &[String],
    locations: &Locations,
    output: Output,
) -> Result<ExitCode, CliError> {
    let component = load(&locations.engine()?, plugin, locations)?;
    let digest = conformance::transcript(&component, &Limits::default(), &key_values(options)?);
    if output.json {
        output.value(&digest)?;
    } else {
        output.text(&digest)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The plugin's transcript by another process of this program.
fn elsewhere(options: &args::Check) -> Result<String, String> {
    let program = std::env::current_exe().map_err(|error| format!("cannot tell where this program lies: {error}"))?;
    let mut command = Command::new(program);
    command.args(["plugin", "transcript", &options.plugin]);
    for option in &options.options {
        command.args(["--option", option]);
    }
    let output = command.output().map_err(|error| format!("cannot start another process: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("it ended with {}: {said}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The report for a person: what failed first, then everything group by group.
fn told(report: &Report) -> String {
    let plugin = &report.plugin;
    let mut text = String::new();
    match (&plugin.name, &plugin.version, plugin.kind) {
        (Some(name), Some(version), Some(kind)) => {
            let _ = writeln!(text, "{name} {version}, a plugin of the kind {} ({})", kind_name(kind), plugin.file);
        }
        _ => {
            let _ = writeln!(text, "{}", plugin.file);
        }
    }
    for (outcome, heading) in [(Outcome::Failed, "FAILED"), (Outcome::Warning, "Warnings")] {
        let checks: Vec<_> = report.with(outcome).collect();
        if checks.is_empty() {
            continue;
        }
        let _ = write!(text, "\n{heading}\n");
        for alike in alike(&checks) {
            explain(&mut text, &alike);
        }
    }
    for group in Group::ALL {
        let checks: Vec<_> = report.checks.iter().filter(|check| check.group == group).collect();
        if checks.is_empty() {
            continue;
        }
        let _ = write!(text, "\n{}\n", group.name());
        for Check { id, outcome, seen, statement, .. } in checks {
            let seen = match outcome {
                // Said above.
                Outcome::Failed | Outcome::Warning => String::new(),
                // Of the others the statement says enough; `--json` has it all.
                Outcome::Passed
                    if *id != "seed" && !matches!(group, Group::File | Group::Resources | Group::Claims) =>
                {
                    String::new()
                }
                Outcome::Passed => format!(": {seen}"),
                Outcome::Skipped => format!(": not tried, because {seen}"),
            };
            let line = format!("{id}: {statement}{seen}");
            push(&mut text, &format!("  {:<6}  ", mark(*outcome)), &line);
        }
    }
    let counted = |outcome, word: &str| match report.with(outcome).count() {
        0 => String::new(),
        number => format!(", {number} {word}"),
    };
    let _ = write!(
        text,
        "\n{}: {} passed{}{}{}",
        count(report.checks.len(), "check"),
        report.with(Outcome::Passed).count(),
        counted(Outcome::Warning, "with a warning"),
        counted(Outcome::Skipped, "not tried"),
        counted(Outcome::Failed, "FAILED"),
    );
    text
}

/// Checks that ended in the same way, together: one mistake shows in many spaces.
fn alike<'a>(checks: &[&'a Check]) -> Vec<Vec<&'a Check>> {
    let mut groups: Vec<Vec<&Check>> = Vec::new();
    for check in checks {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| anywhere(first) == anywhere(check))) {
            Some(group) => group.push(check),
            None => groups.push(vec![check]),
        }
    }
    groups
}

/// What was seen, without the space that it was seen in.
fn anywhere(check: &Check) -> &str {
    match check.seen.split_once(" space: ") {
        Some((place, seen)) if place.starts_with("in the ") => seen,
        _ => &check.seen,
    }
}

fn explain(text: &mut String, alike: &[&Check]) {
    let Some((check, others)) = alike.split_first() else { return };
    push(text, "  ", &format!("{}: it should hold that the plugin {}", check.id, check.statement));
    push(text, &format!("{INDENT}seen  "), &check.seen);
    if !others.is_empty() {
        let others: Vec<_> = others.iter().map(|check| check.id).collect();
        push(text, &format!("{INDENT}also  "), &others.join(", "));
    }
    if let Some(advice) = &check.advice {
        push(text, &format!("{INDENT}do    "), advice);
    }
}

fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "ok",
        Outcome::Warning => "warn",
        Outcome::Skipped => "-",
        Outcome::Failed => "FAILED",
    }
}

fn push(text: &mut String, first: &str, line: &str) {
    let others = " ".repeat(first.chars().count());
    let options = textwrap::Options::with_termwidth()
        .initial_indent(first)
        .subsequent_indent(&others)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    text.push_str(&textwrap::fill(line, options));
    text.push('\n');
}
