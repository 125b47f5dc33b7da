//! Reading experiment files: every error points at the place in the file.

use std::fs::File;
use std::io::Read;
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use archwright_protocol::{DataFormat, Split};
use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::recipe::recipe_problem;
use super::words::plain;
use super::{Budget, Constraints, EngineSettings, Experiment, RunSettings, TaskSettings, TrainerSettings};

/// Largest experiment file, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// Tables that an experiment needs, and the key that each of them needs.
const NEEDED: [(&str, &str, &str); 5] = [
    ("space", "use", "the name or path of a search space"),
    ("strategy", "use", "the name or path of a strategy"),
    ("estimator", "use", "the name or path of an estimator"),
    ("task", "data", "`digits`, or the path of the data"),
    ("budget", "", ""),
];
/// Stack that an engine gives plugins, in bytes.
const STACK_BYTES: RangeInclusive<usize> = 64 << 10..=1 << 20;
/// Most different tokens that a text has.
const MAX_VOCABULARY: u32 = 300_000;
/// Shortest patience of an engine, in seconds.
const LEAST_PATIENCE: f64 = 1e-3;

/// What is wrong with an experiment file, and where.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
pub struct ExperimentError(Box<Detail>);

#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
struct Detail {
    message: String,
    #[source_code]
    text: NamedSource<String>,
    #[label("here")]
    span: Option<SourceSpan>,
    #[help]
    help: Option<String>,
    line: Option<(usize, usize)>,
}

impl ExperimentError {
    /// Line and column, from 1, where the error has a place.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.0.line
    }
}

/// The text of an experiment file.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    name: String,
    text: String,
}

impl Source {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn read(path: &Path) -> Result<Self, ExperimentError> {
        let name = path.display().to_string();
        let empty = Self::new(&name, "");
        let unreadable =
            |problem: String| empty.at(None, format!("cannot read the experiment {name}: {problem}"), None);
        // A pipe would be waited for, and a device may have no end.
        let metadata = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "it is a folder" } else { "it is a pipe or device" };
            return Err(unreadable(format!("{what}, not a regular file")));
        }
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(FILE_LIMIT + 1).read_to_end(&mut bytes))
            .map_err(|error| unreadable(error.to_string()))?;
        if bytes.len() as u64 > FILE_LIMIT {
            return Err(unreadable(format!("it has more than {FILE_LIMIT} bytes, the most that an experiment has")));
        }
        let text = String::from_utf8(bytes)
            .map_err(|error| unreadable(format!("byte {} is not UTF-8 text", error.utf8_error().valid_up_to())))?;
        Ok(Self { name: name.clone(), text })
    }

    pub(crate) fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ExperimentError> {
        if let Some(problem) = self.betas() {
            return Err(problem);
        }
        toml::from_str(&self.text).map_err(|error| {
            let message = error.message().to_owned();
            if message.starts_with("missing field")
                && let Some(missing) = self.missing()
            {
                return missing;
            }
            let key = error.span().and_then(|span| self.key_at(&span));
            self.at(error.span(), plain(&message, key.as_deref()), suggestion(&message))
        })
    }

    /// Refuses another number of `betas` than two: reading takes the first two of a longer list.
    fn betas(&self) -> Option<ExperimentError> {
        let path = ["task", "recipe", "betas"];
        let table = DeTable::parse(&self.text).ok()?;
        let recipe = table.get_ref().get(path[0])?.get_ref().get(path[1])?.get_ref();
        match recipe.get(path[2])?.get_ref() {
            DeValue::Array(betas) if betas.len() != 2 => {
                let message = format!("`task.recipe.betas` has to be two numbers, not {}", betas.len());
                Some(self.error(&path, message, None))
            }
            _ => None,
        }
    }

    /// What the file lacks.
    fn missing(&self) -> Option<ExperimentError> {
        let table = DeTable::parse(&self.text).ok()?;
        let root = table.get_ref();
        let list = |names: &[&str]| names.iter().map(|name| format!("`[{name}]`")).collect::<Vec<_>>().join(", ");
        let lacking: Vec<&str> =
            NEEDED.iter().map(|(name, ..)| *name).filter(|name| !root.contains_key(*name)).collect();
        if !lacking.is_empty() {
            let message = match (root.is_empty(), &lacking[..]) {
                (true, _) => "the file is empty".to_owned(),
                (false, [one]) => format!("the table `[{one}]` is missing"),
                (false, several) => format!("the tables {} are missing", list(several)),
            };
            let help = format!("an experiment has the tables {}", list(&NEEDED.map(|(name, ..)| name)));
            return Some(self.at(None, message, Some(help)));
        }
        let (name, key, meaning) = NEEDED.into_iter().find(|(name, key, _)| {
            let table = root.get(*name).and_then(|value| value.get_ref().as_table());
            !key.is_empty() && table.is_some_and(|table| !table.contains_key(*key))
        })?;
        Some(self.error(&[name], format!("`[{name}]` has no `{key}`: {meaning}"), None))
    }

    /// The path of the innermost value that a place in the file belongs to.
    fn key_at(&self, place: &Range<usize>) -> Option<String> {
        let table = DeTable::parse(&self.text).ok()?;
        key_within(table.get_ref(), place)
    }

    pub(crate) fn error(&self, path: &[&str], message: impl Into<String>, help: Option<String>) -> ExperimentError {
        self.at(self.locate(path), message.into(), help)
    }

    fn at(&self, span: Option<Range<usize>>, message: String, help: Option<String>) -> ExperimentError {
        ExperimentError(Box::new(Detail {
            message,
            text: NamedSource::new(&self.name, self.text.clone()),
            line: span.as_ref().map(|span| line_and_column(&self.text, span.start)),
            span: span.map(Into::into),
            help,
        }))
    }

    /// Whether a value under this path is written down.
    pub(crate) fn has(&self, path: [&str; 2]) -> bool {
        let table = DeTable::parse(&self.text).ok();
        let outer = table.as_ref().and_then(|table| table.get_ref().get(path[0])?.get_ref().as_table());
        outer.is_some_and(|outer| outer.contains_key(path[1]))
    }

    /// Where the value under `path` stands, or the last part of the path that is there.
    fn locate(&self, path: &[&str]) -> Option<Range<usize>> {
        let table = DeTable::parse(&self.text).ok()?;
        let mut span = None;
        let mut value = Some(table.get_ref());
        for key in path {
            let Some((name, found)) = value.and_then(|table| table.get_key_value(*key)) else { break };
            span = Some(if matches!(found.get_ref(), DeValue::Table(_)) { name.span() } else { found.span() });
            value = match Spanned::get_ref(found) {
                DeValue::Table(table) => Some(table),
                _ => None,
            };
        }
        span
    }
}

fn key_within(table: &DeTable<'_>, place: &Range<usize>) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let key = key.get_ref();
        let inner = value.get_ref().as_table().and_then(|table| key_within(table, place));
        let Range { start, end } = value.span();
        match inner {
            Some(inner) => Some(format!("{key}.{inner}")),
            None => (start <= place.start && place.end <= end).then(|| key.to_string()),
        }
    })
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// For serde's "unknown field/variant `x`, expected one of `a`, `b`": the nearest name.
fn suggestion(message: &str) -> Option<String> {
    let mut quoted = message.strip_prefix("unknown ")?.split('`').skip(1).step_by(2);
    let given = quoted.next()?;
    nearest(given, quoted).map(|name| format!("did you mean `{name}`?"))
}

/// The candidate most like `given`, where one is alike enough to be a slip.
pub(crate) fn nearest<'a>(given: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

/// Checks ranges that types do not.
pub(super) fn check(experiment: &Experiment, source: &Source) -> Result<(), ExperimentError> {
    let ranges = budget_ranges(&experiment.budget)
        .or_else(|| experiment.constraints.as_ref().and_then(constraint_ranges))
        .or_else(|| run_ranges(&experiment.run))
        .or_else(|| trainer_ranges(&experiment.trainer))
        .or_else(|| engine_ranges(&experiment.engine))
        .or_else(|| task_ranges(&experiment.task));
    match ranges {
        None => Ok(()),
        Some(Problem { path, message }) => Err(source.error(&path, message, None)),
    }
}

/// A value out of range: the path of its key, and what would be right.
struct Problem {
    path: Vec<&'static str>,
    message: String,
}

fn must(holds: bool, path: &[&'static str], should: &str) -> Option<Problem> {
    (!holds).then(|| Problem { path: path.to_vec(), message: format!("`{}` has to be {should}", path.join(".")) })
}

fn budget_ranges(budget: &Budget) -> Option<Problem> {
    let Budget { queries, cost, time } = budget;
    if queries.is_none() && cost.is_none() && time.is_none() {
        return Some(Problem {
            path: vec!["budget"],
            message: "the budget is empty: give `queries`, `cost` or `time`".into(),
        });
    }
    must(queries.is_none_or(|queries| (1..=1_000_000_000).contains(&queries)), &["budget", "queries"], "1 to 10^9")
}

fn constraint_ranges(constraints: &Constraints) -> Option<Problem> {
    let Constraints { parameters, multiply_adds, activation_bytes, latency: _ } = *constraints;
    if *constraints == Constraints::default() {
        let message = "`[constraints]` is empty: give `parameters`, `multiply_adds`, `activation_bytes` or `latency`";
        return Some(Problem { path: vec!["constraints"], message: message.into() });
    }
    [("parameters", parameters), ("multiply_adds", multiply_adds), ("activation_bytes", activation_bytes)]
        .into_iter()
        .find_map(|(key, limit)| must(limit != Some(0), &["constraints", key], "at least 1"))
}

fn run_ranges(run: &RunSettings) -> Option<Problem> {
    // The database and TOML hold signed 64-bit integers.
    must(i64::try_from(run.seed).is_ok(), &["run", "seed"], "at most 9223372036854775807")
        .or_else(|| {
            must(run.workers.is_none_or(|workers| (1..=1024).contains(&workers)), &["run", "workers"], "1 to 1024")
        })
        .or_else(|| must((1..=10_000).contains(&run.in_flight), &["run", "in_flight"], "1 to 10000"))
        .or_else(|| must((1..=1000).contains(&run.finalists), &["run", "finalists"], "1 to 1000"))
        .or_else(|| must((1..=1000).contains(&run.final_seeds), &["run", "final_seeds"], "1 to 1000"))
        .or_else(|| must(run.retries <= 100, &["run", "retries"], "at most 100"))
}

fn trainer_ranges(trainer: &TrainerSettings) -> Option<Problem> {
    let named = |program: &String| !program.trim().is_empty();
    must((1..=1024).contains(&trainer.threads), &["trainer", "threads"], "1 to 1024")
        .or_else(|| must(!trainer.devices.is_empty(), &["trainer", "devices"], "a list of at least one device"))
        .or_else(|| {
            must(trainer.command.first().is_none_or(named), &["trainer", "command"], "a program and its arguments")
        })
        .or_else(|| {
            // A trainer of one's own may know other devices.
            let known = |device: &&String| {
                if trainer.command.is_empty() { is_device(device) } else { !device.trim().is_empty() }
            };
            let unknown = trainer.devices.iter().find(|device| !known(device))?;
            let message =
                format!("unknown device `{unknown}`: a device is `auto`, `cpu` or a GPU as `cuda:0`, `cuda:1`, ...");
            Some(Problem { path: vec!["trainer", "devices"], message })
        })
}

fn is_device(name: &str) -> bool {
    let gpu = name.strip_prefix("cuda:").is_some_and(|index| index.parse::<u16>().is_ok());
    gpu || matches!(name, "auto" | "cpu")
}

fn engine_ranges(engine: &EngineSettings) -> Option<Problem> {
    must(STACK_BYTES.contains(&engine.stack_bytes), &["engine", "stack_bytes"], "65536 to 1048576")
        .or_else(|| must(engine.patience.0 >= LEAST_PATIENCE, &["engine", "patience"], "at least 0.001 seconds"))
}

fn task_ranges(task: &TaskSettings) -> Option<Problem> {
    let Split { seed: _, validation, test } = task.split;
    let share = |share: f64| share > 0.0 && share < 1.0;
    let objectives = &task.objectives;
    let differ = (1..objectives.len()).all(|index| !objectives[..index].contains(&objectives[index]));
    must(!objectives.is_empty(), &["task", "objectives"], "a list of at least one objective")
        .or_else(|| must(differ, &["task", "objectives"], "a list of objectives that differ"))
        .or_else(|| must((1..=1_000_000).contains(&task.latency_batch), &["task", "latency_batch"], "1 to 10^6"))
        .or_else(|| data_problem(task))
        .or_else(|| must(share(validation), &["task", "split", "validation"], "above 0 and below 1"))
        .or_else(|| must(share(test), &["task", "split", "test"], "above 0 and below 1"))
        .or_else(|| {
            must(task.image_size.is_none_or(|size| (1..=4096).contains(&size)), &["task", "image_size"], "1 to 4096")
        })
        .or_else(|| {
            let fits = |size: u32| (2..=MAX_VOCABULARY).contains(&size);
            must(task.vocabulary.is_none_or(fits), &["task", "vocabulary"], "2 to 300000")
        })
        .or_else(|| {
            recipe_problem(&task.recipe).map(|(key, should)| Problem {
                path: vec!["task", "recipe", key],
                message: format!("`task.recipe.{key}` has to be {should}"),
            })
        })
}

/// Settings of the data that nothing would come of.
fn data_problem(task: &TaskSettings) -> Option<Problem> {
    let problem = |key, message: &str| Some(Problem { path: vec!["task", key], message: message.into() });
    let digits = task.data == "digits";
    match task.format {
        Some(DataFormat::Digits) if !digits => {
            problem("format", "`digits` is no format of files: it goes with `data = \"digits\"`, the embedded images")
        }
        Some(format) if digits && format != DataFormat::Digits => problem(
            "format",
            "`data = \"digits\"` are the embedded images, which have no `format`: a folder of this name is `./digits`",
        ),
        _ if digits && task.image_size.is_some() => problem(
            "image_size",
            "`data = \"digits\"` are embedded images of 8x8 pixels: `image_size` is for image folders",
        ),
        Some(format) if format != DataFormat::Images && task.image_size.is_some() => {
            problem("image_size", "images of this `format` have a size of their own: `image_size` is for `images`")
        }
        _ => None,
    }
}
