//! Reading experiment files: every error points at the place in the file.

use std::ops::RangeInclusive;

use archwright_protocol::{DataFormat, Split};
use toml::de::{DeTable, DeValue};

use super::recipe::recipe_problem;
use super::source::{ExperimentError, Source};
use super::{Budget, Constraints, EngineSettings, Experiment, RunSettings, TaskSettings, TrainerSettings};

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

/// Refuses another number of `betas` than two: reading takes the first two of a longer list.
pub(super) fn betas(root: &DeTable<'_>, source: &Source) -> Option<ExperimentError> {
    let path = ["task", "recipe", "betas"];
    let recipe = root.get(path[0])?.get_ref().get(path[1])?.get_ref();
    match recipe.get(path[2])?.get_ref() {
        DeValue::Array(betas) if betas.len() != 2 => {
            let message = format!("`task.recipe.betas` has to be two numbers, not {}", betas.len());
            Some(source.error(&path, message, None))
        }
        _ => None,
    }
}

/// What the file lacks.
pub(super) fn missing(root: &DeTable<'_>, source: &Source) -> Option<ExperimentError> {
    let list = |names: &[&str]| names.iter().map(|name| format!("`[{name}]`")).collect::<Vec<_>>().join(", ");
    let lacking: Vec<&str> = NEEDED.iter().map(|(name, ..)| *name).filter(|name| !root.contains_key(*name)).collect();
    if !lacking.is_empty() {
        let message = match (root.is_empty(), &lacking[..]) {
            (true, _) => "the file is empty".to_owned(),
            (false, [one]) => format!("the table `[{one}]` is missing"),
            (false, several) => format!("the tables {} are missing", list(several)),
        };
        let help = format!("an experiment has the tables {}", list(&NEEDED.map(|(name, ..)| name)));
        return Some(source.at(None, message, Some(help)));
    }
    let (name, key, meaning) = NEEDED.into_iter().find(|(name, key, _)| {
        let table = root.get(*name).and_then(|value| value.get_ref().as_table());
        !key.is_empty() && table.is_some_and(|table| !table.contains_key(*key))
    })?;
    Some(source.error(&[name], format!("`[{name}]` has no `{key}`: {meaning}"), None))
}

/// For serde's "unknown field/variant `x`, expected one of `a`, `b`": the nearest name.
pub(super) fn suggestion(message: &str) -> Option<String> {
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
