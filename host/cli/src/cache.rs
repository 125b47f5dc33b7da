//! `archwright cache` and `archwright remove`: what the store keeps, and how to be rid of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use archwright_protocol::Outcome;
use archwright_store::{
    Amount, CacheEntry, CacheStats, Damage, Filter, Item, JournalError, JournalReader, Prune, Pruned, RunId, RunRecord,
    RunStatus, Store, StoreError, is_being_written,
};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;
use serde_json::json;

use crate::args::{Cache, CacheFilter, PruneChoice};
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::runs::{date, table};

/// Characters of a digest that tables show.
const SHORT: usize = 12;

pub(crate) fn cache(command: &Cache, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let store = locations.existing_store()?;
    match command {
        Cache::Stats => stats(&store, output),
        Cache::List { filter, limit } => list(&store, filter, *limit, output),
        Cache::Prune(choice) => prune(&store, choice, output),
        Cache::Export { filter, output: file } => export(&store, filter, file.as_deref(), output),
        Cache::Check => check(&store, output),
    }
}

fn stats(store: &Store, output: Output) -> Result<ExitCode, CliError> {
    let stats = store.cache_stats()?;
    if output.json {
        output.value(&stats)?;
    } else {
        output.text(&stats_text(&stats))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn stats_text(stats: &CacheStats) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<16}{value}");
    };
    line("outcomes", HumanCount(stats.outcomes.values().sum()).to_string());
    for (action, count) in &stats.outcomes {
        line(&format!("  {action}"), HumanCount(*count).to_string());
    }
    line("training", format!("{}, which it took to make them", span(stats.seconds)));
    line("saved", format!("{}, by using them again", span(stats.seconds_saved)));
    line("uses", format!("{}, one for each outcome and run that used it", HumanCount(stats.uses)));
    line("networks", HumanCount(stats.networks).to_string());
    line("data sets", HumanCount(stats.data_sets).to_string());
    line("weights", files(&stats.weights));
    line("checkpoints", files(&stats.checkpoints));
    line("parts", files(&stats.parts));
    line("database", HumanBytes(stats.database_bytes).to_string());
    text
}

fn files(amount: &Amount) -> String {
    let noun = if amount.count == 1 { "file" } else { "files" };
    format!("{} {noun}, {}", HumanCount(amount.count), HumanBytes(amount.bytes))
}

fn span(seconds: f64) -> String {
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if seconds >= 60.0 => {
            humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
        }
        _ => format!("{seconds:.1} s"),
    }
}

fn list(store: &Store, filter: &CacheFilter, limit: Option<u64>, output: Output) -> Result<ExitCode, CliError> {
    let entries = store.cache_list(&Filter { limit, ..read(store, filter)? })?;
    if output.json {
        output.value(&entries)?;
    } else if entries.is_empty() {
        output.text("no such outcomes")?;
    } else {
        let mut table =
            table(["key", "recorded", "action", "network", "data", "accuracy", "seconds", "runs", "weights"]);
        for entry in &entries {
            table.add_row(row(store, entry));
        }
        output.text(&table.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(store: &Store, entry: &CacheEntry) -> [String; 9] {
    let CacheEntry { key, recorded, runs, action, fingerprint, data, seconds, accuracy, weights, used: _ } = entry;
    let known = |digest: &Option<String>| digest.as_deref().map_or_else(|| "?".to_owned(), short);
    let weights = match weights {
        Some(digest) if store.has_weights(digest) => short(digest),
        Some(digest) => format!("{} (deleted)", short(digest)),
        None => String::new(),
    };
    [
        short(key),
        date(*recorded),
        action.clone().unwrap_or_else(|| "?".to_owned()),
        known(fingerprint),
        known(data),
        accuracy.map(|accuracy| format!("{accuracy:.4}")).unwrap_or_default(),
        seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default(),
        runs.to_string(),
        weights,
    ]
}

fn short(digest: &str) -> String {
    digest.chars().take(SHORT).collect()
}

/// The outcomes that are meant; a mistake where the data or the run is not there.
fn read(store: &Store, filter: &CacheFilter) -> Result<Filter, CliError> {
    let CacheFilter { data, fingerprint, run, older_than } = filter;
    if let Some(prefix) = data {
        data_sets(store, prefix, Some(1))?;
    }
    Ok(Filter {
        data: data.clone(),
        fingerprint: fingerprint.clone(),
        run: run.as_deref().map(|name| run_id(store, name)).transpose()?,
        older_than: *older_than,
        limit: None,
    })
}

/// Digests of the data that outcomes are about and that start with `prefix`, looked for among `limit` outcomes; an error
/// where there are none.
fn data_sets(store: &Store, prefix: &str, limit: Option<u64>) -> Result<BTreeSet<String>, CliError> {
    let found = store.cache_list(&Filter { data: Some(prefix.to_owned()), limit, ..Filter::default() })?;
    let digests: BTreeSet<String> = found.into_iter().filter_map(|entry| entry.data).collect();
    if digests.is_empty() {
        return Err(CliError::input(
            format!("no outcome is about data whose digest starts with `{prefix}`"),
            Some("`archwright cache list` shows the data's digests".into()),
        ));
    }
    Ok(digests)
}

/// The run that `name` names, also where its record is damaged.
fn run_id(store: &Store, name: &str) -> Result<RunId, CliError> {
    match (store.run(name), name.parse()) {
        (Err(StoreError::Damaged(_)), Ok(id)) => Ok(RunId(id)),
        (record, _) => Ok(record?.id),
    }
}

fn prune(store: &Store, choice: &PruneChoice, output: Output) -> Result<ExitCode, CliError> {
    let pruned = store.prune(&what(store, choice)?, choice.dry_run)?;
    if output.json {
        output.value(&pruned)?;
    } else {
        output.text(&pruned_text(&pruned, choice.dry_run))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn what(store: &Store, choice: &PruneChoice) -> Result<Prune, CliError> {
    let what = Prune {
        older_than: choice.older_than,
        outcomes_of_data: choice.data.as_deref().map(|prefix| one_data_set(store, prefix)).transpose()?,
        unused_weights: choice.unused_weights,
        remembered_weights: choice.remembered_weights,
        checkpoints: choice.checkpoints,
        unused_parts: choice.unused_parts,
        damaged: choice.damaged,
    };
    if what == Prune::default() {
        return Err(CliError::input("nothing says what may go", Some(CHOICES.to_owned())));
    }
    Ok(what)
}

const CHOICES: &str = "choose among these; with --dry-run nothing is deleted
    --older-than 30d       outcomes that were neither recorded nor used for so long
    --data DIGEST          outcomes on this data
    --unused-weights       trained weights that no outcome names
    --remembered-weights   trained weights that outcomes name; the outcomes stay
    --checkpoints          states of trainings that are done, with --older-than also of those that were given up
    --unused-parts         plugins and space files that no run names
    --damaged              whatever `archwright cache check` finds damaged";

/// The one data set whose digest starts with `prefix`: what is deleted should be what was meant.
fn one_data_set(store: &Store, prefix: &str) -> Result<String, CliError> {
    let mut digests = data_sets(store, prefix, None)?;
    match digests.pop_first() {
        Some(digest) if digests.is_empty() => Ok(digest),
        _ => Err(CliError::input(
            format!("the digests of {} data sets start with `{prefix}`", digests.len() + 1),
            Some("give more of the digest: `archwright cache list --json` has it in full".into()),
        )),
    }
}

fn pruned_text(pruned: &Pruned, dry_run: bool) -> String {
    let Pruned { runs, outcomes, weights, checkpoints, parts, leftovers } = pruned;
    if *pruned == Pruned::default() {
        return "nothing to delete".to_owned();
    }
    let mut text = String::from(if dry_run { "to be deleted\n" } else { "deleted\n" });
    if *runs > 0 {
        let _ = writeln!(text, "  {:<14}{}", "runs", HumanCount(*runs));
    }
    if outcomes.count > 0 {
        let size = HumanBytes(outcomes.bytes);
        let _ = writeln!(
            text,
            "  {:<14}{}, {size}, which the database uses again; its file does not shrink",
            "outcomes",
            HumanCount(outcomes.count)
        );
    }
    let of_files = [("weights", weights), ("checkpoints", checkpoints), ("parts", parts), ("leftovers", leftovers)];
    for (name, amount) in of_files.into_iter().filter(|(_, amount)| amount.count > 0) {
        let _ = writeln!(text, "  {name:<14}{}", files(amount));
    }
    text
}

/// An outcome as it is exported.
#[derive(Serialize)]
struct Exported {
    #[serde(flatten)]
    entry: CacheEntry,
    outcome: Outcome,
}

/// Why an export ends early.
enum ExportError {
    /// The reader has seen enough.
    Closed,
    Failed(CliError),
}

impl From<StoreError> for ExportError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<std::io::Error> for ExportError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(anyhow::Error::from(error).context("cannot write the outcomes").into()),
        }
    }
}

fn export(store: &Store, filter: &CacheFilter, file: Option<&Path>, output: Output) -> Result<ExitCode, CliError> {
    let filter = read(store, filter)?;
    let Some(path) = file else {
        export_to(store, &filter, std::io::stdout().lock())?;
        return Ok(ExitCode::SUCCESS);
    };
    let writer = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let outcomes = export_to(store, &filter, writer)?;
    if output.json {
        output.value(&json!({ "outcomes": outcomes, "file": path }))?;
    } else {
        let noun = if outcomes == 1 { "outcome" } else { "outcomes" };
        output.text(&format!("{} {noun} written to {}", HumanCount(outcomes), path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes outcomes, one a line; gives how many.
fn export_to(store: &Store, filter: &Filter, writer: impl Write) -> Result<u64, CliError> {
    let mut writer = BufWriter::new(writer);
    let mut outcomes = 0;
    let exported = store
        .cache_export(filter, &mut |entry, outcome| {
            let line = serde_json::to_string(&Exported { entry, outcome }).map_err(std::io::Error::from)?;
            writeln!(writer, "{line}")?;
            outcomes += 1;
            Ok::<_, ExportError>(())
        })
        .and_then(|()| Ok(writer.flush()?));
    match exported {
        Err(ExportError::Failed(error)) => Err(error),
        Ok(()) | Err(ExportError::Closed) => Ok(outcomes),
    }
}

fn check(store: &Store, output: Output) -> Result<ExitCode, CliError> {
    let damages = damages(store)?;
    if output.json {
        output.value(&damages)?;
    } else if damages.is_empty() {
        output.text(&format!("nothing in {} is damaged", store.folder().display()))?;
    } else {
        let lines: Vec<String> = damages.iter().map(Damage::to_string).collect();
        output.text(&lines.join("\n"))?;
    }
    Ok(if damages.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything in the store that is damaged, journals included.
pub(crate) fn damages(store: &Store) -> Result<Vec<Damage>, StoreError> {
    let mut damages = store.check()?;
    match store.runs() {
        Ok(runs) => damages.extend(runs.into_iter().filter_map(|run| journal_damage(store, run))),
        // Named already.
        Err(StoreError::Damaged(_) | StoreError::Corrupt { .. }) if !damages.is_empty() => {}
        Err(error) => return Err(error),
    }
    Ok(damages)
}

fn journal_damage(store: &Store, run: RunRecord) -> Option<Damage> {
    let path = store.journal_path(run.id);
    let problem = match JournalReader::open(&path).and_then(JournalReader::last) {
        // An earlier version kept none.
        Ok(_) | Err(JournalError::Absent { .. }) => return None,
        // Who is writing it is in the middle of it, and `resume` cuts off what a killed host left.
        Err(JournalError::Torn { .. } | JournalError::Unbegun { .. }) if run.status != RunStatus::Finished => {
            return None;
        }
        Err(error) => error.to_string(),
    };
    let id = run.id;
    let remedy = format!(
        "What it trained is not affected: run its experiment again, which trains nothing twice; `archwright remove {id}` \
         removes this one"
    );
    Some(Damage { item: Item::Run(id), problem, remedy })
}

/// Removes runs from the record. All of them are looked at first: a mistake in one removes none.
pub(crate) fn remove(names: &[String], locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let store = locations.existing_store()?;
    let runs = names.iter().map(|name| run_id(&store, name)).collect::<Result<BTreeSet<RunId>, _>>()?;
    for run in &runs {
        if is_being_written(&store.journal_path(*run)).is_ok_and(|is| is) {
            return Err(CliError::input(format!("run {run} is under way"), Some("stop it first, with Ctrl-C".into())));
        }
    }
    for run in &runs {
        store.remove_run(*run)?;
    }
    if output.json {
        output.value(&json!({ "removed": runs }))?;
    } else {
        let listed = runs.iter().map(RunId::to_string).collect::<Vec<_>>().join(", ");
        let noun = if runs.len() == 1 { "run" } else { "runs" };
        output.text(&format!(
            "removed {noun} {listed}; what was trained is still remembered: `archwright cache prune` forgets it"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
