//! The network that a finished run found.

use archwright_protocol::{DataSummary, Recipe};
use archwright_space::{Architecture, CellGraph, Network, Space};
use archwright_store::{RunRecord, RunStatus, Store};

use crate::action::recipe_of;
use crate::error::SearchError;
use crate::lock::Lock;
use crate::report::{Finalist, Report};
use crate::search::Environment;

/// A found network and what belongs to it.
#[derive(Clone, Debug)]
pub struct Found {
    /// What the run found.
    pub report: Report,
    /// The retrained architecture that it is.
    pub finalist: Finalist,
    /// Which one of the run's, and whose weights.
    pub choice: Choice,
    /// The network, for the data's own inputs.
    pub network: Network,
    /// The recipe that it was trained with.
    pub recipe: Recipe,
    /// Its cells, where the space has some.
    pub cells: Vec<CellGraph>,
    /// The data.
    pub data: DataSummary,
    /// What the run was made of.
    pub lock: Lock,
    /// Digest of its weights.
    pub weights: String,
}

/// One of the networks that a run retrained, with the weights of one of its trainings. Both are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Place among the finalists, the best on validation first.
    pub finalist: u32,
    /// Place among the seeds whose weights were kept.
    pub seed: u32,
}

impl Default for Choice {
    /// What the run found, by the first seed.
    fn default() -> Self {
        Self { finalist: 1, seed: 1 }
    }
}

impl Found {
    /// What a run found.
    ///
    /// # Errors
    /// Where the run is not finished, its space is gone, or it was recorded by a version that kept too little.
    pub fn of_run(store: &Store, record: &RunRecord, environment: &Environment) -> Result<Self, SearchError> {
        Self::chosen(store, record, environment, Choice::default())
    }

    /// One of the networks that a run retrained.
    ///
    /// # Errors
    /// As [`Found::of_run`], and where the run has no such finalist or seed.
    pub fn chosen(
        store: &Store,
        record: &RunRecord,
        environment: &Environment,
        choice: Choice,
    ) -> Result<Self, SearchError> {
        let run = record.id;
        let (RunStatus::Finished, Some(result)) = (record.status, &record.result) else {
            return Err(SearchError::Unfinished { run, status: record.status });
        };
        let older = |problem: String| SearchError::Older { run, problem };
        let report: Report = serde_json::from_value(result.clone()).map_err(|error| older(error.to_string()))?;
        let lock = Lock::of_run(store, record)?;
        let space = lock.space(store, environment)?;
        let finalist = place(choice.finalist).and_then(|place| report.finalists.get(place)).cloned();
        let finalist = finalist.ok_or_else(|| SearchError::NotThere { run, problem: no_finalist(&report, choice) })?;
        let architecture = &finalist.architecture;
        let recipe = recipe_of(&space, &lock.head.experiment.task.recipe, architecture).map_err(older)?;
        if finalist.weights.is_empty() {
            return Err(SearchError::WeightsGone { run, problem: "the trainer kept none".into() });
        }
        let weights = place(choice.seed).and_then(|place| finalist.weights.get(place)).cloned();
        let weights = weights.ok_or_else(|| {
            let Choice { finalist: number, seed } = choice;
            let kept = counted(finalist.weights.len(), "seed");
            let problem = format!("seed {seed} of its finalist {number}, which has the weights of {kept}");
            SearchError::NotThere { run, problem }
        })?;
        Ok(Self {
            network: space.build(architecture)?,
            recipe,
            cells: cells(&space, architecture)?,
            data: lock.head.trainer.data.clone(),
            finalist,
            choice,
            weights,
            report,
            lock,
        })
    }

    /// Checks that the store has the weights.
    pub(crate) fn check_weights(&self, store: &Store) -> Result<(), SearchError> {
        if store.has_weights(&self.weights) {
            return Ok(());
        }
        let problem = format!("the store has no {}", self.weights);
        Err(SearchError::WeightsGone { run: self.report.run, problem })
    }

    /// The content of the weights' file.
    ///
    /// # Errors
    /// Where the weights were pruned, or are not what they were.
    pub fn read_weights(&self, store: &Store) -> Result<Vec<u8>, SearchError> {
        self.check_weights(store)?;
        let gone = |problem: String| SearchError::WeightsGone { run: self.report.run, problem };
        let path = store.weights_path(&self.weights);
        let content = std::fs::read(&path).map_err(|error| gone(format!("cannot read {}: {error}", path.display())))?;
        if blake3::hash(&content).to_hex().as_str() == self.weights {
            return Ok(content);
        }
        Err(gone(format!("the content of {} does not have the digest that names it", path.display())))
    }
}

/// The place of what is counted from 1.
fn place(number: u32) -> Option<usize> {
    usize::try_from(number).ok()?.checked_sub(1)
}

/// `1 seed`, or `3 seeds: 1, 2 and 3`.
fn counted(count: usize, what: &str) -> String {
    let numbers: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
    match &numbers[..] {
        [before @ .., last] if !before.is_empty() => format!("{count} {what}s: {} and {last}", before.join(", ")),
        _ => format!("{count} {what}"),
    }
}

fn no_finalist(report: &Report, choice: Choice) -> String {
    let standing = |(index, one): (usize, &Finalist)| {
        let number = index + 1;
        match one.validation_perplexity {
            Some(perplexity) => format!("{number} (validation perplexity {perplexity:.4})"),
            None => format!("{number} (validation accuracy {:.4})", one.validation_accuracy),
        }
    };
    let known: Vec<String> = report.finalists.iter().enumerate().map(standing).collect();
    format!("finalist {}: there are {}", choice.finalist, known.join(", "))
}

fn cells(space: &Space, architecture: &Architecture) -> Result<Vec<CellGraph>, SearchError> {
    match architecture {
        Architecture::Point(values) => Ok(space.definition().cells(values)?),
        Architecture::Network(_) => Ok(Vec::new()),
    }
}
