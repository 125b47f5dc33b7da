//! The network that a finished run found.

use archwright_protocol::{DataSummary, Recipe};
use archwright_space::{Architecture, CellGraph, Network, Space};
use archwright_store::{RunRecord, RunStatus, Store};

use crate::action::recipe_of;
use crate::error::SearchError;
use crate::lock::Lock;
use crate::report::Report;
use crate::search::Environment;

/// A found network and what belongs to it.
#[derive(Clone, Debug)]
pub struct Found {
    /// What the run found.
    pub report: Report,
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
    /// Digest of its weights: those of the first seed.
    pub weights: String,
}

impl Found {
    /// What a run found.
    ///
    /// # Errors
    /// Where the run is not finished, its space is gone, or it was recorded by a version that kept too little.
    pub fn of_run(store: &Store, record: &RunRecord, environment: &Environment) -> Result<Self, SearchError> {
        let run = record.id;
        let (RunStatus::Finished, Some(result)) = (record.status, &record.result) else {
            return Err(SearchError::Unfinished { run, status: record.status });
        };
        let older = |problem: String| SearchError::Older { run, problem };
        let report: Report = serde_json::from_value(result.clone()).map_err(|error| older(error.to_string()))?;
        let lock = Lock::of_run(store, record)?;
        let space = lock.space(store, environment)?;
        let architecture = &report.found.architecture;
        let recipe = recipe_of(&space, &lock.head.experiment.task.recipe, architecture).map_err(older)?;
        let weights = report
            .found
            .weights
            .first()
            .cloned()
            .ok_or_else(|| SearchError::WeightsGone { run, problem: "the trainer kept none".into() })?;
        Ok(Self {
            network: space.build(architecture)?,
            recipe,
            cells: cells(&space, architecture)?,
            data: lock.head.trainer.data.clone(),
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

fn cells(space: &Space, architecture: &Architecture) -> Result<Vec<CellGraph>, SearchError> {
    match architecture {
        Architecture::Point(values) => Ok(space.definition().cells(values)?),
        Architecture::Network(_) => Ok(Vec::new()),
    }
}
