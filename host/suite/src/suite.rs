//! Suite files, and the experiments that they stand for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use archwright_protocol::Ready;
use archwright_search::experiment::{ExperimentFile, ObjectiveName};
use archwright_search::{Environment, Search, SearchError, Stop};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use toml::Table;

use crate::SuiteError;

/// Largest suite file, in bytes.
const FILE_LIMIT: u64 = 1 << 20;
/// Most runs of a suite.
const MAX_RUNS: usize = 1_000_000;
/// The parts whose product is run.
const FACTORS: [&str; 4] = ["space", "strategy", "estimator", "task"];
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

/// One of the alternatives of a part.
struct Part {
    label: String,
    settings: Table,
    /// For a task, the spaces that it is for; all where it says nothing.
    spaces: Option<BTreeSet<String>>,
}

impl Suite {
    /// Reads a suite and loads everything that it names: what does not fit together is told before anything runs.
    ///
    /// # Errors
    /// Where the file cannot be read, is no suite, or a combination is no experiment.
    pub fn read(path: &Path, environment: &Environment, stop: &Stop) -> Result<Self, SuiteError> {
        let problem = |problem: String| SuiteError::Form { path: path.to_owned(), problem };
        if path.extension().is_some_and(|ending| ending == "lock") {
            return Err(problem("a suite is not named as its lock is: name the `.toml` file".into()));
        }
        let length = std::fs::metadata(path).map_err(SuiteError::file("read", path))?.len();
        if length > FILE_LIMIT {
            return Err(problem(format!("it has more than {FILE_LIMIT} bytes, the most that a suite has")));
        }
        let text = std::fs::read_to_string(path).map_err(SuiteError::file("read", path))?;
        let mut suite: Table = text.parse().map_err(|error: toml::de::Error| problem(error.to_string()))?;
        let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let name = match suite.remove("name") {
            None => stem(),
            Some(toml::Value::String(name)) => name,
            Some(_) => return Err(problem("`name` has to be text".into())),
        };
        let seeds = seeds(suite.remove("seeds")).map_err(problem)?;
        let reporting = match suite.remove("report") {
            None => Reporting::default(),
            Some(value) => value.try_into().map_err(|error| problem(format!("[report]: {error}")))?,
        };
        let mut factors = Vec::new();
        for factor in FACTORS {
            factors.push(parts(factor, suite.remove(factor)).map_err(problem)?);
        }
        let mut shared = Table::new();
        for key in SHARED {
            shared.extend(suite.remove(key).map(|value| (key.to_owned(), value)));
        }
        if let Some(unknown) = suite.keys().next() {
            let known = ["name", "seeds", "report"].iter().chain(&SHARED);
            let tables = FACTORS.map(|factor| format!("[[{factor}]]")).join(", ");
            let known: Vec<&str> = known.copied().collect();
            return Err(problem(format!("unknown key `{unknown}`; a suite has {} and {tables}", known.join(", "))));
        }
        if shared.get("run").is_some_and(|run| run.get("seed").is_some()) {
            return Err(problem("`run.seed` has no place in a suite: give `seeds`".into()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let labels: BTreeSet<&String> = factors[0].iter().map(|space| &space.label).collect();
        let wanted = factors[3].iter().filter_map(|task| task.spaces.as_ref()).flatten();
        if let Some(unknown) = wanted.clone().find(|space| !labels.contains(space)) {
            return Err(problem(format!("a [[task]] is for the space `{unknown}`, and no [[space]] has this label")));
        }
        let combinations = product(&factors, &shared, &seeds, (path, folder), environment, stop)?;
        if combinations.is_empty() {
            return Err(problem("no task is for any of the spaces".into()));
        }
        if combinations.len().saturating_mul(seeds.len()) > MAX_RUNS {
            return Err(problem(format!("more than {MAX_RUNS} runs are too many")));
        }
        let is_share = |one: &Combination| one.search.experiment().task.objectives[0] == ObjectiveName::Accuracy;
        if reporting.target.is_some_and(|target| target > 1.0) && combinations.iter().any(is_share) {
            return Err(problem("`report.target` of an accuracy is a share, in [0, 1]".into()));
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

fn parts(factor: &str, given: Option<toml::Value>) -> Result<Vec<Part>, String> {
    let list = match given {
        Some(toml::Value::Array(list)) if !list.is_empty() => list,
        // One of them may be written as in an experiment.
        Some(toml::Value::Table(one)) => vec![toml::Value::Table(one)],
        _ => return Err(format!("there is no [[{factor}]]")),
    };
    let mut parts = Vec::new();
    for value in list {
        let toml::Value::Table(mut settings) = value else {
            return Err(format!("each [[{factor}]] has to be a table"));
        };
        let label = match settings.remove("label") {
            None => None,
            Some(toml::Value::String(label)) if !label.is_empty() => Some(label),
            Some(_) => return Err(format!("`label` of a [[{factor}]] has to be text")),
        };
        let spaces = match if factor == "task" { settings.remove("spaces") } else { None } {
            None => None,
            Some(value) => {
                let labels: Result<BTreeSet<String>, _> = value.try_into();
                Some(labels.map_err(|_| "`spaces` of a [[task]] has to be a list of labels of spaces".to_owned())?)
            }
        };
        parts.push((label, settings, spaces));
    }
    let by_default = |settings: &Table| {
        let keys: &[&str] = if factor == "task" { &["data_set", "data"] } else { &["use"] };
        let name = keys.iter().find_map(|key| settings.get(*key)?.as_str()).unwrap_or("?");
        let file = Path::new(name).file_stem().map_or(name.into(), |stem| stem.to_string_lossy());
        if name.contains('/') { file.into_owned() } else { name.to_owned() }
    };
    let names: Vec<String> = parts.iter().map(|(_, settings, _)| by_default(settings)).collect();
    let mut labelled = Vec::new();
    for ((label, settings, spaces), name) in parts.into_iter().zip(&names) {
        let label = label.unwrap_or_else(|| {
            // Twins differ in their options.
            let twins = names.iter().filter(|other| *other == name).count() > 1;
            let options = settings.iter().filter(|(key, _)| !["use", "data", "data_set"].contains(&key.as_str()));
            let options: Vec<String> = options.map(|(key, value)| format!("{key}={value}")).collect();
            if twins && !options.is_empty() { format!("{name} ({})", options.join(", ")) } else { name.clone() }
        });
        labelled.push(Part { label, settings, spaces });
    }
    let different: BTreeSet<&String> = labelled.iter().map(|part| &part.label).collect();
    if different.len() < labelled.len() {
        return Err(format!("two [[{factor}]] have the same label: give each a `label` of its own"));
    }
    Ok(labelled)
}

fn product(
    factors: &[Vec<Part>],
    shared: &Table,
    seeds: &[u64],
    (path, folder): (&Path, &Path),
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
                    let label = |part: &Part| part.label.clone();
                    let labels = Labels {
                        space: label(space),
                        strategy: label(strategy),
                        estimator: label(estimator),
                        task: label(task),
                    };
                    let mut settings = shared.clone();
                    let parts = [("space", space), ("strategy", strategy), ("estimator", estimator), ("task", task)];
                    for (key, part) in parts {
                        settings.insert(key.to_owned(), part.settings.clone().into());
                    }
                    let source = |source: SearchError| SuiteError::Combination {
                        combination: labels.to_string(),
                        source: Box::new(source),
                    };
                    let text = settings.to_string();
                    let name = format!("{}, {labels}", path.display());
                    let mut file =
                        ExperimentFile::from_text(&name, &text, folder).map_err(|error| source(error.into()))?;
                    file.experiment.run.seed = seeds[0];
                    let search = Search::prepare(&file, environment).map_err(source)?;
                    let ready = match &known {
                        Some(ready) => search.check_on(ready).map(|()| ready.clone()),
                        None => search.probe(stop),
                    };
                    let ready = ready.map_err(source)?;
                    known = Some(ready.clone());
                    combinations.push(Combination { labels, search, ready });
                }
            }
        }
    }
    Ok(combinations)
}
