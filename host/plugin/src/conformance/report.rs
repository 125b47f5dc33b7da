//! What came of the checks.

use serde::Serialize;

use super::advice;
use super::catalogue::{CATALOGUE, Entry};
use crate::{Kind, PluginError};

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// The file, before anything of it runs.
    File,
    /// What the plugin says of itself, and its options.
    Describe,
    /// Which decisions it copes with.
    Spaces,
    /// What a strategy answers.
    Strategy,
    /// What an estimator answers.
    Estimator,
    /// What a search space answers.
    SearchSpace,
    /// Whether the same calls give the same answers.
    Deterministic,
    /// Fuel, memory and log.
    Resources,
    /// Whether what it says it needs and gives is so.
    Claims,
}

impl Group {
    /// All groups, in the order in which they are checked.
    pub const ALL: [Self; 9] = [
        Self::File,
        Self::Describe,
        Self::Spaces,
        Self::Strategy,
        Self::Estimator,
        Self::SearchSpace,
        Self::Deterministic,
        Self::Resources,
        Self::Claims,
    ];

    /// The group's name, in kebab-case.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Describe => "describe",
            Self::Spaces => "spaces",
            Self::Strategy => "strategy",
            Self::Estimator => "estimator",
            Self::SearchSpace => "search-space",
            Self::Deterministic => "deterministic",
            Self::Resources => "resources",
            Self::Claims => "claims",
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The statement holds.
    Passed,
    /// It holds, or cannot be told; there is something that its author should know.
    Warning,
    /// It was not tried: what was seen says why.
    Skipped,
    /// It does not hold.
    Failed,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Names the check, for good: kebab-case, unique in a report.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// What holds where the check passed.
    pub statement: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen.
    pub seen: String,
    /// What to do about it, where something should be done.
    pub advice: Option<String>,
}

/// The plugin that was checked, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The file, or the name that stands for it.
    pub file: String,
    /// BLAKE3 of the file, in hexadecimal.
    pub digest: String,
    /// Size of the file.
    pub bytes: u64,
    /// The plugin's own name.
    pub name: Option<String>,
    /// The plugin's version.
    pub version: Option<String>,
    /// Its kind.
    pub kind: Option<Kind>,
}

/// What came of all checks of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Version of the report's form: fields are added to it, and none changes or goes.
    pub schema: u32,
    /// What was checked.
    pub plugin: Checked,
    /// Whether no check failed.
    pub passed: bool,
    /// The checks, group by group.
    pub checks: Vec<Check>,
}

impl Report {
    /// The version of a report's form.
    pub const SCHEMA: u32 = 1;

    /// The checks that ended so.
    pub fn with(&self, outcome: Outcome) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |check| check.outcome == outcome)
    }
}

/// Why a statement does not hold.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) seen: String,
    pub(super) advice: String,
}

impl Fault {
    pub(super) fn new(seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { seen: seen.into(), advice: advice.into() }
    }

    /// The same, seen at `place`.
    pub(super) fn at(self, place: &str) -> Self {
        Self { seen: format!("{place}: {}", self.seen), ..self }
    }
}

impl From<PluginError> for Fault {
    fn from(error: PluginError) -> Self {
        Self { advice: advice::on(&error), seen: error.to_string() }
    }
}

/// What is seen, or why the statement does not hold.
pub(super) type Seen = Result<String, Fault>;

/// Gathers checks.
pub(super) struct Checks {
    pub(super) list: Vec<Check>,
    only: Option<Vec<Group>>,
}

impl Checks {
    pub(super) fn new(only: Option<&[Group]>) -> Self {
        Self { list: Vec::new(), only: only.map(<[Group]>::to_vec) }
    }

    /// Whether checks of a group are wanted.
    pub(super) fn wants(&self, group: Group) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&group))
    }

    /// Takes down what came of a check.
    pub(super) fn add(&mut self, id: &str, seen: Seen) {
        match seen {
            Ok(seen) => self.put(id, Outcome::Passed, seen, None),
            Err(Fault { seen, advice }) => self.put(id, Outcome::Failed, seen, Some(advice)),
        }
    }

    /// As [`Checks::add`], where what does not hold is worth a warning and no failure.
    pub(super) fn advise(&mut self, id: &str, seen: Seen) {
        match seen {
            Ok(seen) => self.put(id, Outcome::Passed, seen, None),
            Err(Fault { seen, advice }) => self.put(id, Outcome::Warning, seen, Some(advice)),
        }
    }

    /// Makes the check where its group is wanted.
    pub(super) fn check(&mut self, id: &str, check: impl FnOnce() -> Seen) {
        if entry(id).is_some_and(|entry| self.wants(entry.group)) {
            let seen = check();
            self.add(id, seen);
        }
    }

    /// As [`Checks::check`], for a warning.
    pub(super) fn consider(&mut self, id: &str, check: impl FnOnce() -> Seen) {
        if entry(id).is_some_and(|entry| self.wants(entry.group)) {
            let seen = check();
            self.advise(id, seen);
        }
    }

    pub(super) fn skip(&mut self, id: &str, why: impl Into<String>) {
        self.put(id, Outcome::Skipped, why.into(), None);
    }

    /// Takes down that what has not been tried of a kind's checks is not tried.
    pub(super) fn skip_rest(&mut self, kind: Option<Kind>, why: &str) {
        for Entry { id, kinds, .. } in CATALOGUE {
            let is_of_kind = kind.is_some_and(|kind| kinds.contains(&kind));
            if (is_of_kind || kind.is_none() && kinds.len() == 3) && self.list.iter().all(|check| check.id != *id) {
                self.skip(id, why);
            }
        }
    }

    fn put(&mut self, id: &str, outcome: Outcome, seen: String, advice: Option<String>) {
        let Some(Entry { id, group, statement, .. }) = entry(id) else {
            debug_assert!(false, "`{id}` is in no catalogue");
            return;
        };
        if self.wants(*group) {
            self.list.push(Check { id, group: *group, statement, outcome, seen, advice });
        }
    }

    pub(super) fn report(mut self, plugin: Checked) -> Report {
        let place = |check: &Check| CATALOGUE.iter().position(|entry| entry.id == check.id);
        self.list.sort_by_key(place);
        let passed = self.list.iter().all(|check| check.outcome != Outcome::Failed);
        Report { schema: Report::SCHEMA, plugin, passed, checks: self.list }
    }
}

fn entry(id: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.id == id)
}
