//! What is damaged in a store, and what mends it.

use std::fmt;

use serde::Serialize;

use crate::RunId;

/// A thing in the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Item {
    /// The database as a whole.
    Database,
    /// The outcome with this key.
    Outcome(String),
    /// A run.
    Run(RunId),
    /// The weights with this digest.
    Weights(String),
    /// The part with this digest.
    Part(String),
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database => f.write_str("the database"),
            Self::Outcome(key) => write!(f, "the outcome {key}"),
            Self::Run(run) => write!(f, "run {run}"),
            Self::Weights(digest) => write!(f, "the weights {digest}"),
            Self::Part(digest) => write!(f, "the part {digest}"),
        }
    }
}

/// Something that is not what was put there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// What is damaged.
    pub item: Item,
    /// What is wrong with it.
    pub problem: String,
    /// What mends it.
    pub remedy: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if matches!(self.item, Item::Weights(_)) { "are" } else { "is" };
        write!(f, "{} {verb} damaged: {}. {}", self.item, self.problem, self.remedy)
    }
}

impl Damage {
    pub(crate) fn outcome(key: &str, problem: impl fmt::Display) -> Self {
        Self {
            item: Item::Outcome(key.to_owned()),
            problem: problem.to_string(),
            remedy: "`archwright cache prune --damaged` forgets it; its training is done again when it is next needed"
                .to_owned(),
        }
    }

    pub(crate) fn run(run: RunId, problem: impl fmt::Display) -> Self {
        Self {
            item: Item::Run(run),
            problem: problem.to_string(),
            remedy:
                "`archwright cache prune --damaged` removes its record; what it trained is remembered, so that its \
                     experiment can be run again"
                    .to_owned(),
        }
    }

    pub(crate) fn weights(digest: &str, problem: impl fmt::Display) -> Self {
        Self {
            item: Item::Weights(digest.to_owned()),
            problem: problem.to_string(),
            remedy: "`archwright cache prune --damaged` deletes them; they are trained again when they are next needed"
                .to_owned(),
        }
    }

    /// Weights that are not there, though a run's result names them.
    pub(crate) fn missing_weights(digest: &str, run: RunId) -> Self {
        Self {
            item: Item::Weights(digest.to_owned()),
            problem: format!("they are missing, though the result of run {run} names them"),
            remedy: "Run its experiment again: they are trained again, everything else is remembered".to_owned(),
        }
    }

    pub(crate) fn part(digest: &str, problem: impl fmt::Display) -> Self {
        Self {
            item: Item::Part(digest.to_owned()),
            problem: problem.to_string(),
            remedy: "`archwright cache prune --damaged` deletes it; it is kept again by the next run that uses it"
                .to_owned(),
        }
    }

    pub(crate) fn database(problem: impl fmt::Display) -> Self {
        Self { item: Item::Database, problem: problem.to_string(), remedy: DATABASE_REMEDY.to_owned() }
    }
}

/// What mends a damaged database.
pub(crate) const DATABASE_REMEDY: &str = "Put a copy of `archwright.db` back, or move it away with the `-wal` and \
     `-shm` beside it: the next run begins a new one; recorded runs and remembered outcomes are then gone, weights and \
     journals stay";

/// What is wrong with a file whose name is the digest of other content.
pub(crate) const OTHER_CONTENT: &str = "the content does not have the digest that names it";
