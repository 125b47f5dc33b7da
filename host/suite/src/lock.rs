//! What a comparison was made of and came to, to make it again elsewhere.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::difference::differences;
use crate::report::folder_of;
use crate::results::{Method, Results};
use crate::suite::Labels;
use crate::{Suite, SuiteError};

/// Differences that are told.
const TOLD: usize = 20;

/// A lock file, as JSON.
#[derive(Serialize, Deserialize)]
struct Lock {
    /// What determines the comparison.
    settings: Value,
    /// What each method came to.
    outcomes: Vec<Outcome>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Outcome {
    labels: Labels,
    /// Name, version and numerics of what the runs worked on.
    trainer: [String; 3],
    /// Digest of the data.
    data: String,
    /// Mean of what the runs came to.
    mean: Option<f64>,
    /// BLAKE3 of every observation of every run.
    observations: String,
}

impl Suite {
    /// Writes a lock.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_lock(&self, path: &Path, results: &Results) -> Result<(), SuiteError> {
        let lock = Lock { settings: settings(self), outcomes: outcomes(results) };
        let text = serde_json::to_string_pretty(&lock).map_err(std::io::Error::from);
        let written = text.and_then(|text| std::fs::write(path, text + "\n"));
        written.map_err(SuiteError::file("write", path))
    }

    /// Checks that a lock can be written, before anything runs. A lock that is there stays as it is.
    ///
    /// # Errors
    /// Where it cannot.
    pub fn check_lock_place(path: &Path) -> Result<(), SuiteError> {
        let tried = match path.exists() {
            true => std::fs::OpenOptions::new().append(true).open(path).map(drop),
            false => tempfile::tempfile_in(folder_of(path)).map(drop),
        };
        tried.map_err(SuiteError::file("write", path))
    }

    /// Checks that this is what a lock says, before anything runs: settings, plugins, spaces, tables.
    ///
    /// # Errors
    /// Where there is no lock, or something differs, which is named.
    pub fn check_lock(&self, path: &Path) -> Result<(), SuiteError> {
        let lock = read(path)?;
        told(path, differences(&lock.settings, &settings(self)))
    }

    /// Checks that what came of the suite is what a lock says.
    ///
    /// # Errors
    /// As [`Suite::check_lock`].
    pub fn check_outcomes(&self, path: &Path, results: &Results) -> Result<(), SuiteError> {
        let lock = read(path)?;
        told(path, differences(&json!(lock.outcomes), &json!(outcomes(results))))
    }
}

fn told(path: &Path, mut differences: Vec<String>) -> Result<(), SuiteError> {
    if differences.is_empty() {
        return Ok(());
    }
    if differences.len() > TOLD {
        let more = differences.len() - TOLD;
        differences.truncate(TOLD);
        differences.push(format!("and {more} more"));
    }
    Err(SuiteError::Changed { path: path.to_owned(), differences })
}

fn read(path: &Path) -> Result<Lock, SuiteError> {
    let text = std::fs::read_to_string(path).map_err(SuiteError::file("read", path))?;
    let problem = |error: serde_json::Error| SuiteError::Form {
        path: path.to_owned(),
        problem: format!("it is no lock: {error}"),
    };
    serde_json::from_str(&text).map_err(problem)
}

/// A suite's settings, but for how this machine executes plugins, which changes no answer.
fn settings(suite: &Suite) -> Value {
    let mut settings = suite.settings();
    for combination in settings["combinations"].as_array_mut().into_iter().flatten() {
        if let Some(parts) = combination["parts"].as_object_mut() {
            parts.remove("engine");
        }
    }
    settings
}

fn outcomes(results: &Results) -> Vec<Outcome> {
    let methods = results.problems.iter().flat_map(|problem| &problem.methods);
    let outcome = |method: &Method| {
        let trainer = &method.trainer;
        let values: Vec<f64> = method.runs.iter().map(|run| run.value).collect();
        Outcome {
            labels: method.labels.clone(),
            trainer: [trainer.name.clone(), trainer.version.clone(), trainer.numerics.clone()],
            data: trainer.data.digest.clone(),
            mean: archwright_compare::mean(&values).filter(|mean| mean.is_finite()),
            observations: digest(method).to_hex().to_string(),
        }
    };
    methods.map(outcome).collect()
}

/// A digest of everything that a method's runs observed, measured times apart where networks were trained.
fn digest(method: &Method) -> blake3::Hash {
    let is_measured = method.trainer.data.train > 0;
    let mut hasher = blake3::Hasher::new();
    let mut number = |value: f64| {
        hasher.update(&value.to_bits().to_le_bytes());
    };
    for run in &method.runs {
        number(run.seed as f64);
        number(run.value);
        for one in &run.observations {
            number(one.sequence as f64);
            number(one.fidelity);
            one.objectives.iter().for_each(|value| number(*value));
            number(one.test.map_or(f64::NAN, |test| test.accuracy));
            if !is_measured {
                number(one.cost);
                number(one.at);
            }
        }
    }
    hasher.finalize()
}
