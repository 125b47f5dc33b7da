//! `archwright train`: one architecture, trained in full and tested.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use archwright_search::experiment::ExperimentFile;
use archwright_space::bundled;
use toml::{Table, Value};

use crate::args::{self, SpaceChoice};
use crate::locate::Wanted;
use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::{run, space};

pub(crate) fn train(options: &args::Train, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let (experiment, folder) = experiment(options, locations)?;
    let text = toml::to_string(&experiment).context("the settings cannot be written as TOML")?;
    let file = ExperimentFile::from_text("the settings of this training", &text, &folder)?;
    run::search(&file, options.dry_run, locations, output)
}

/// What is run: a search whose strategy knows what it will find. With the folder that its paths start from.
fn experiment(options: &args::Train, locations: &Locations) -> Result<(Table, PathBuf), CliError> {
    let wanted = Wanted::read(&options.architecture)?;
    let choice = SpaceChoice {
        space: match (&options.space, wanted.space()) {
            (Some(space), _) => space.clone(),
            (None, Some(space)) => space.to_owned(),
            (None, None) => {
                let help = Some("say of which space it is a point: --space darts".to_owned());
                return Err(CliError::input("a genotype alone does not say what it is trained as", help));
            }
        },
        options: options.options.clone(),
        input: None,
        classes: 10,
    };
    let (choice, space, point) = wanted.locate(&choice, locations)?;
    let labels: BTreeMap<String, String> = space.label(&point).into_iter().collect();
    let (mut experiment, folder) = task(&options.task)?;
    let mut part = |key: &str, value: Table| experiment.insert(key.to_owned(), Value::Table(value));
    let mut used = Table::from_iter([("use".to_owned(), Value::from(from_anywhere(&choice.space)?))]);
    for (key, value) in space::options(&choice)? {
        used.insert(key, Value::try_from(value).context("an option of the space is no single value")?);
    }
    part("space", used);
    let mut strategy = Table::new();
    strategy.insert("use".into(), "fixed".into());
    strategy.insert("untried".into(), true.into());
    strategy
        .insert("architectures".into(), vec![Table::from_iter(labels.into_iter().map(|(k, v)| (k, v.into())))].into());
    part("strategy", strategy);
    part("estimator", Table::from_iter([("use".to_owned(), "full-training".into())]));
    part("budget", Table::from_iter([("queries".to_owned(), 1.into())]));
    let inner = inner(&mut experiment, "run")?;
    inner.insert("finalists".into(), 1.into());
    inner.insert("final_seeds".into(), i64::from(options.seeds).into());
    if let Some(seed) = options.seed {
        let seed = i64::try_from(seed).map_err(|_| CliError::input("--seed: it is above 2^63 - 1", None))?;
        inner.insert("seed".into(), seed.into());
    }
    if let Some(epochs) = options.epochs {
        let task = self::inner(&mut experiment, "task")?;
        self::inner(task, "recipe")?.insert("epochs".into(), i64::from(epochs).into());
    }
    Ok((experiment, folder))
}

/// A space as an experiment in whatever folder names it.
fn from_anywhere(space: &str) -> Result<String, CliError> {
    if bundled::source(space).is_some() || !Path::new(space).is_file() {
        return Ok(space.to_owned());
    }
    let path = std::path::absolute(space).with_context(|| format!("cannot tell where {space} lies"))?;
    path.into_os_string().into_string().map_err(|_| CliError::input(format!("the path of {space} is no text"), None))
}

/// Data by its name or path, or what an experiment file says of it.
fn task(given: &str) -> Result<(Table, PathBuf), CliError> {
    let path = Path::new(given);
    if path.extension().is_none_or(|extension| extension != "toml") {
        let task = Table::from_iter([("data".to_owned(), Value::from(given))]);
        return Ok((Table::from_iter([("task".to_owned(), Value::Table(task))]), PathBuf::from(".")));
    }
    let file = ExperimentFile::read(path)?;
    let text = file.experiment.to_toml().context("the settings cannot be written as TOML")?;
    let mut all: Table = toml::from_str(&text).context("the settings cannot be read again")?;
    all.retain(|key, _| ["task", "trainer", "run", "limits"].contains(&key));
    Ok((all, file.folder))
}

/// A table within another.
fn inner<'a>(table: &'a mut Table, key: &str) -> Result<&'a mut Table, CliError> {
    let entry = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
    entry.as_table_mut().ok_or_else(|| CliError::input(format!("`{key}` is no table"), None))
}
