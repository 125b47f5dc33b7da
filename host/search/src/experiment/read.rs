//! Reading experiment files: every error points at the place in the file.

use std::ops::Range;
use std::path::Path;

use archwright_protocol::{Recipe, Split};
use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Budget, Experiment, RunSettings, TaskSettings, TrainerSettings};

/// Largest experiment file, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

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
        let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
        if size > FILE_LIMIT {
            return Err(unreadable(format!("it has {size} bytes, an experiment at most {FILE_LIMIT}")));
        }
        let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        let text = String::from_utf8(bytes)
            .map_err(|error| unreadable(format!("byte {} is not UTF-8 text", error.utf8_error().valid_up_to())))?;
        Ok(Self { name: name.clone(), text })
    }

    pub(crate) fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ExperimentError> {
        toml::from_str(&self.text).map_err(|error| {
            let message = error.message().to_owned();
            let help = suggestion(&message);
            self.at(error.span(), message, help)
        })
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
        .or_else(|| run_ranges(&experiment.run))
        .or_else(|| trainer_ranges(&experiment.trainer))
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
    must((1..=1024).contains(&trainer.threads), &["trainer", "threads"], "1 to 1024")
        .or_else(|| must(!trainer.devices.is_empty(), &["trainer", "devices"], "a list of at least one device"))
}

fn task_ranges(task: &TaskSettings) -> Option<Problem> {
    let Split { seed: _, validation, test } = task.split;
    let share = |share: f64| share > 0.0 && share < 1.0;
    must(!task.objectives.is_empty(), &["task", "objectives"], "a list of at least one objective")
        .or_else(|| must(share(validation), &["task", "split", "validation"], "above 0 and below 1"))
        .or_else(|| must(share(test), &["task", "split", "test"], "above 0 and below 1"))
        .or_else(|| {
            must(task.image_size.is_none_or(|size| (1..=4096).contains(&size)), &["task", "image_size"], "1 to 4096")
        })
        .or_else(|| {
            recipe_problem(&task.recipe).map(|(key, should)| Problem {
                path: vec!["task", "recipe", key],
                message: format!("`task.recipe.{key}` has to be {should}"),
            })
        })
}

/// The first key of a recipe that is out of range, and what it has to be.
pub(crate) fn recipe_problem(recipe: &Recipe) -> Option<(&'static str, &'static str)> {
    let Recipe {
        epochs,
        batch_size,
        optimizer: _,
        learning_rate,
        momentum,
        nesterov: _,
        betas,
        epsilon,
        weight_decay,
        schedule: _,
        final_learning_rate,
        step_epochs,
        step_factor,
        warmup_epochs,
        label_smoothing,
        gradient_clip,
        drop_path,
        auxiliary_weight,
        crop_padding,
        flip: _,
        cutout,
        mixup,
        bf16: _,
        channels_last: _,
    } = recipe;
    let below_one = |value: f64| (0.0..1.0).contains(&value);
    let not_negative = |value: f64| value.is_finite() && value >= 0.0;
    let positive = |value: f64| value.is_finite() && value > 0.0;
    let checks = [
        ("epochs", (1..=1_000_000).contains(epochs), "1 to 10^6"),
        ("batch_size", (1..=1_000_000).contains(batch_size), "1 to 10^6"),
        ("learning_rate", positive(*learning_rate), "above 0"),
        ("momentum", below_one(*momentum), "at least 0 and below 1"),
        ("betas", betas.iter().all(|beta| below_one(*beta)), "two numbers, each at least 0 and below 1"),
        ("epsilon", positive(*epsilon), "above 0"),
        ("weight_decay", not_negative(*weight_decay), "at least 0"),
        ("final_learning_rate", not_negative(*final_learning_rate), "at least 0"),
        ("step_epochs", *step_epochs >= 1, "at least 1"),
        ("step_factor", *step_factor > 0.0 && *step_factor <= 1.0, "above 0 and at most 1"),
        ("warmup_epochs", not_negative(*warmup_epochs), "at least 0"),
        ("label_smoothing", below_one(*label_smoothing), "at least 0 and below 1"),
        ("gradient_clip", not_negative(*gradient_clip), "at least 0"),
        ("drop_path", below_one(*drop_path), "at least 0 and below 1"),
        ("auxiliary_weight", not_negative(*auxiliary_weight), "at least 0"),
        ("crop_padding", *crop_padding <= 4096, "at most 4096"),
        ("cutout", *cutout <= 4096, "at most 4096"),
        ("mixup", not_negative(*mixup), "at least 0"),
    ];
    checks.into_iter().find(|(_, holds, _)| !holds).map(|(key, _, should)| (key, should))
}
