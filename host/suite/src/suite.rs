//! Suite files, and the experiments that they stand for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use archwright_protocol::Ready;
use archwright_search::experiment::{Excerpt, ExperimentFile, ObjectiveName, Source};
use archwright_search::{Environment, Search, SearchError, Stop};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use toml::Table;

use crate::part::{Misplaced, Part, parts};
use crate::report::folder_of;

use crate::SuiteError;

/// Most runs of a suite.
const MAX_RUNS: usize = 1_000_000;
/// The parts whose product is run.
const FACTORS: [&str; 4] = ["space", "strategy", "estimator", "task"];
/// What of a suite is said of the whole.
const WHOLE: [&str; 3] = ["name", "seeds", "report"];
/// What of its parts is no part of an experiment.
const OF_PARTS: [(&str, &str); 5] =
    [("space", "label"), ("strategy", "label"), ("estimator", "label"), ("task", "label"), ("task", "spaces")];
/// Tables of an experiment that all combinations share.
const SHARED: [&str; 6] = ["budget", "constraints", "run", "trainer", "limits", "engine"];

/// A suite that is read and whose combinations all fit together.
pub struct Suite {
    /// What it is called.
    pub name: String,
    /// The file it was read from.
    pub path: PathBuf,
    /// The seeds of each combination.
    pub seeds: Vec<u64>,
    /// The product of its parts, tasks and spaces outermost.
    pub combinations: Vec<Combination>,
    /// How it is reported.
    pub reporting: Reporting,
}

/// What a report is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reporting {
    /// Value of the first objective that counts as reached; default: the median of what all runs came to in the end.
    pub target: Option<f64>,
    /// What a search that found its network still has to do, in seconds of the task's clock: training and test of the network.
    pub final_cost: Option<f64>,
}

/// One of each part, ready to run from any seed.
pub struct Combination {
    /// Labels of space, strategy, estimator and task.
    pub labels: Labels,
    /// The search, from the first seed.
    pub search: Search,
    /// What it works on, as its table or its trainer says.
    pub ready: Ready,
}

/// What the parts of a combination are called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Labels {
    /// The space.
    pub space: String,
    /// The strategy.
    pub strategy: String,
    /// The estimator.
    pub estimator: String,
    /// The task.
    pub task: String,
}

impl std::fmt::Display for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {} in {}, {}", self.task, self.strategy, self.space, self.estimator)
    }
}

impl Suite {
    /// Reads a suite and loads everything that it names: what does not fit together is told before anything runs.
    ///
    /// # Errors
    /// Where the file cannot be read, is no suite, or a combination is no experiment.
    pub fn read(path: &Path, environment: &Environment, stop: &Stop) -> Result<Self, SuiteError> {
        if path.extension().is_some_and(|ending| ending == "lock") {
            let problem = "a suite is not named as its lock is: name the `.toml` file".into();
            return Err(SuiteError::Form { path: path.to_owned(), problem });
        }
        let source = Source::read(path, "suite").map_err(SuiteError::Suite)?;
        let mut suite: Table = source.deserialize().map_err(SuiteError::Suite)?;
        let wrong = |path: &[&str], problem: String| SuiteError::Suite(source.error(path, problem, None));
        let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let name = match suite.remove("name") {
            None => stem(),
            Some(toml::Value::String(name)) => name,
            Some(_) => return Err(wrong(&["name"], "`name` has to be text".into())),
        };
        let seeds = seeds(suite.remove("seeds")).map_err(|problem| wrong(&["seeds"], problem))?;
        let reporting = match suite.remove("report") {
            None => Reporting::default(),
            Some(value) => {
                value.try_into().map_err(|error| wrong(&["report"], format!("`[report]`: {}", error.message())))?
            }
        };
        let mut factors = Vec::new();
        for factor in FACTORS {
            let parts = parts(factor, suite.remove(factor));
            factors.push(parts.map_err(|Misplaced { path, problem }| {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                wrong(&path, problem)
            })?);
        }
        if suite.get("run").is_some_and(|run| run.get("seed").is_some()) {
            return Err(wrong(&["run", "seed"], "`run.seed` has no place in a suite: give `seeds`".into()));
        }
        if let Some(unknown) = suite.keys().find(|key| !SHARED.contains(&key.as_str())) {
            let known: Vec<&str> = WHOLE.into_iter().chain(SHARED).collect();
            let tables = FACTORS.map(|factor| format!("[[{factor}]]")).join(", ");
            let problem = format!("unknown key `{unknown}`; a suite has {} and {tables}", known.join(", "));
            return Err(wrong(&[unknown], problem));
        }
        let folder = folder_of(path);
        let labels: BTreeSet<&String> = factors[0].iter().map(|space| &space.label).collect();
        for (number, task) in factors[3].iter().enumerate() {
            if let Some(unknown) = task.spaces.iter().flatten().find(|space| !labels.contains(space)) {
                let problem = format!("a [[task]] is for the space `{unknown}`, and no [[space]] has this label");
                return Err(wrong(&["task", &number.to_string(), "spaces"], problem));
            }
        }
        let combinations = product(&factors, &source, &seeds, folder, environment, stop)?;
        if combinations.is_empty() {
            return Err(wrong(&["task"], "no task is for any of the spaces".into()));
        }
        if combinations.len().saturating_mul(seeds.len()) > MAX_RUNS {
            return Err(wrong(&["seeds"], format!("more than {MAX_RUNS} runs are too many")));
        }
        let is_share = |one: &Combination| one.search.experiment().task.objectives[0] == ObjectiveName::Accuracy;
        if reporting.target.is_some_and(|target| target > 1.0) && combinations.iter().any(is_share) {
            let problem = "`report.target` of an accuracy is a share, in [0, 1]";
            return Err(wrong(&["report", "target"], problem.into()));
        }
        Ok(Self { name, path: path.to_owned(), seeds, combinations, reporting })
    }

    /// Runs in all.
    pub fn runs(&self) -> usize {
        self.combinations.len() * self.seeds.len()
    }

    /// Everything that determines what its runs come to, and nothing else: two suites for which it is the same have the same runs.
    pub fn digest(&self) -> String {
        let mut settings = self.settings();
        if let Some(settings) = settings.as_object_mut() {
            settings.remove("name");
            settings.remove("report");
        }
        blake3::hash(settings.to_string().as_bytes()).to_hex().to_string()
    }

    /// Settings, and digests of what is not in them.
    pub fn settings(&self) -> Value {
        let combinations = self.combinations.iter().map(|combination| {
            let Combination { labels, search, ready } = combination;
            json!({
                "labels": labels,
                "experiment": search.experiment(),
                "parts": search.parts(),
                "trainer": [ready.name, ready.version, ready.numerics],
                "data": ready.data.digest,
                "optimum": search.optimum(),
            })
        });
        json!({
            "name": self.name,
            "seeds": self.seeds,
            "report": self.reporting,
            "combinations": combinations.collect::<Vec<_>>(),
        })
    }
}

/// A number of seeds, from 0, or a list of them.
fn seeds(given: Option<toml::Value>) -> Result<Vec<u64>, String> {
    let should = "`seeds` is their number, at least 1, or a list of different ones, each at most 2^63 - 1";
    let seeds: Vec<u64> = match given {
        None => return Err(format!("there are no seeds: {should}")),
        Some(toml::Value::Integer(count)) => (0..u64::try_from(count).unwrap_or(0).min(MAX_RUNS as u64 + 1)).collect(),
        Some(toml::Value::Array(list)) => {
            let seed = |value: toml::Value| value.as_integer().and_then(|seed| u64::try_from(seed).ok());
            list.into_iter().map(seed).collect::<Option<_>>().ok_or(should)?
        }
        Some(_) => return Err(should.into()),
    };
    let different: BTreeSet<&u64> = seeds.iter().collect();
    if seeds.is_empty() || different.len() < seeds.len() { Err(should.into()) } else { Ok(seeds) }
}

fn product(
    factors: &[Vec<Part>],
    source: &Source,
    seeds: &[u64],
    folder: &Path,
    environment: &Environment,
    stop: &Stop,
) -> Result<Vec<Combination>, SuiteError> {
    let [spaces, strategies, estimators, tasks] = factors else { return Ok(Vec::new()) };
    let mut combinations = Vec::new();
    for task in tasks {
        // Whoever trains is asked once what it works on.
        let mut known: Option<Ready> = None;
        for space in spaces.iter().filter(|space| task.spaces.as_ref().is_none_or(|all| all.contains(&space.label))) {
            for estimator in estimators {
                for strategy in strategies {
                    let parts = [space, strategy, estimator, task];
                    let [space, strategy, estimator, task] = parts.map(|part| part.label.clone());
                    let labels = Labels { space, strategy, estimator, task };
                    let refused = |source: SearchError| SuiteError::Combination {
                        combination: labels.to_string(),
                        source: Box::new(source),
                    };
                    let excerpt = Excerpt {
                        chosen: FACTORS.into_iter().zip(parts.map(|part| part.number)).collect(),
                        left_out: &WHOLE,
                        left_out_within: &OF_PARTS,
                    };
                    let mut file = ExperimentFile::from_source(source.excerpt(excerpt), folder)
                        .map_err(|error| refused(error.into()))?;
                    file.experiment.run.seed = seeds[0];
                    let search = Search::prepare(&file, environment).map_err(refused)?;
                    let ready = match &known {
                        Some(ready) => search.check_on(ready).map(|()| ready.clone()),
                        None => search.probe(stop),
                    };
                    let ready = ready.map_err(refused)?;
                    known = Some(ready.clone());
                    combinations.push(Combination { labels, search, ready });
                }
            }
        }
    }
    Ok(combinations)
}
