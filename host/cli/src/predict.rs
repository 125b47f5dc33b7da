//! `archwright predict`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use archwright_protocol::Prediction;
use archwright_search::{Found, Predicted, Search, Stop};
use serde_json::{Value, json};

use crate::locations::Locations;
use crate::outcome::{CliError, Output};
use crate::run::stop_on_signals;
use crate::runs::table;

pub(crate) fn predict(what: &[PathBuf], locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let (run, files) = run_and_files(what);
    if files.is_empty() {
        return Err(CliError::input(
            "there is nothing to classify",
            Some("name files: PNG or JPEG images, `.npy` arrays, or `.npz` archives".into()),
        ));
    }
    let store = locations.existing_store()?;
    let record = store.standing(store.run(run)?);
    let environment = locations.environment(true)?;
    let found = Found::of_run(&store, &record, &environment)?;
    let contents = files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    let search = Search::prepare_locked(&found.lock, &environment)?;
    let stop = Stop::default();
    stop_on_signals(&stop)?;
    let predicted = search.predict(&found, &contents, &stop)?;
    tell(files, &predicted, output)?;
    let failed = predicted.predictions.iter().any(|one| matches!(one, Prediction::Problem(_)));
    // A file that cannot be used is a mistake in what was given.
    Ok(if failed { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

/// The run that is named first, where one is, and the files. A file may be called like a run.
fn run_and_files(what: &[PathBuf]) -> (&str, &[PathBuf]) {
    if let [first, files @ ..] = what
        && let Some(name) = first.to_str()
        && (name == "latest" || name.parse::<u64>().is_ok())
        && !first.exists()
    {
        return (name, files);
    }
    ("latest", what)
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    if !path.is_file() {
        let what = if path.exists() { "is no regular file" } else { "does not exist" };
        return Err(CliError::input(format!("{} {what}", path.display()), None));
    }
    std::fs::read(path).map_err(|error| CliError::input(format!("cannot read {}: {error}", path.display()), None))
}

/// The likeliest class of an example.
struct Class {
    index: usize,
    name: String,
    probability: f32,
}

fn class(probabilities: &[f32], names: Option<&[String]>) -> Option<Class> {
    let (index, probability) =
        probabilities.iter().copied().enumerate().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let name = names.and_then(|names| names.get(index)).cloned().unwrap_or_else(|| index.to_string());
    Some(Class { index, name, probability })
}

fn tell(files: &[PathBuf], predicted: &Predicted, output: Output) -> Result<(), CliError> {
    let Predicted { predictions, class_names } = predicted;
    let names = class_names.as_deref();
    if output.json {
        let value = |(file, prediction): (&PathBuf, &Prediction)| match prediction {
            Prediction::Problem(problem) => json!({ "file": file, "problem": problem }),
            Prediction::Probabilities(rows) => {
                let examples: Vec<Value> = rows
                    .iter()
                    .filter_map(|row| Some((row, class(row, names)?)))
                    .map(|(row, Class { index, name, probability })| {
                        json!({ "class": index, "name": name, "probability": probability, "probabilities": row })
                    })
                    .collect();
                json!({ "file": file, "examples": examples })
            }
        };
        let values: Vec<Value> = files.iter().zip(predictions).map(value).collect();
        return output.value(&values);
    }
    let mut table = table(["file", "class", "probability"]);
    for (file, prediction) in files.iter().zip(predictions) {
        let file = file.display().to_string();
        match prediction {
            Prediction::Problem(problem) => {
                eprintln!("archwright: {file}: {problem}");
                table.add_row([file, "?".into(), String::new()]);
            }
            Prediction::Probabilities(rows) => {
                for (index, Class { name, probability, .. }) in
                    rows.iter().filter_map(|row| class(row, names)).enumerate()
                {
                    let file = if rows.len() == 1 { file.clone() } else { format!("{file}[{index}]") };
                    table.add_row([file, name, format!("{probability:.4}")]);
                }
            }
        }
    }
    output.text(&table.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_may_come_first() {
        let paths = |words: &[&str]| words.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(run_and_files(&paths(&["7", "a.png"])), ("7", &paths(&["a.png"])[..]));
        assert_eq!(run_and_files(&paths(&["latest"])), ("latest", &[][..]));
        assert_eq!(run_and_files(&paths(&["a.png", "7"])), ("latest", &paths(&["a.png", "7"])[..]));
    }
}
