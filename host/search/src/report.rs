//! What a run tells while it goes on and when it ends.

use archwright_plugin::model::EstimateOutcome;
use archwright_protocol::{Failure, Metrics, Ready};
use archwright_space::{Architecture, Footprint};
use archwright_store::RunId;
use serde::{Deserialize, Serialize};

/// One query and what came of it, as recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// The strategy's number for the query.
    pub query: u64,
    /// The architecture, where the query was about one.
    pub architecture: Option<Architecture>,
    /// The architecture's decisions, readable.
    pub decisions: Vec<(String, String)>,
    /// Equal for isomorphic networks.
    pub fingerprint: Option<String>,
    /// Size and work of the network.
    pub footprint: Option<Footprint>,
    /// Share of the full budget that the strategy asked for.
    pub fidelity: f64,
    /// What the strategy was told.
    pub outcome: EstimateOutcome,
    /// Actions carried out for it.
    pub trained: u32,
    /// Actions whose outcome was remembered.
    pub remembered: u32,
    /// Seconds charged to the budget.
    pub cost: f64,
}

impl Observed {
    /// The estimated value of objective `index`, where the query was estimated.
    pub fn objective(&self, index: usize) -> Option<f64> {
        match &self.outcome {
            EstimateOutcome::Estimated(estimate) => estimate.objectives.get(index).copied(),
            EstimateOutcome::Failed(_) => None,
        }
    }
}

/// What a finished run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// Accuracy of the found network on the test set, the mean over its seeds, in [0, 1]; absent where a table of measurements
    /// does not have it.
    pub test_accuracy: Option<f64>,
    /// Sample standard deviation of the test accuracy over the seeds; absent with one seed.
    pub test_accuracy_deviation: Option<f64>,
    /// Perplexity of the found network on the test part of a text, the mean over its seeds; absent for images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_perplexity: Option<f64>,
    /// Sample standard deviation of the test perplexity over the seeds; absent with one seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_perplexity_deviation: Option<f64>,
    /// The found network: the finalist with the best mean validation accuracy, of a text perplexity.
    pub found: Finalist,
    /// Test metrics of the found network, one entry a seed. The test set is used for nothing else.
    pub test: Vec<Metrics>,
    /// Every finalist, the best first.
    pub finalists: Vec<Finalist>,
    /// The architectures tried.
    pub tried: Tried,
    /// Inputs in the batches whose latency was measured, of a text sequences; absent where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_batch: Option<u32>,
}

/// What the search itself did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Queries told.
    pub queries: u64,
    /// Those of them that judge no single architecture: steps of shared weights, and mixtures.
    #[serde(default)]
    pub steps: u64,
    /// Distinct networks among them, by the fingerprints of what was trained or remembered; absent where the estimator has
    /// nothing trained.
    pub distinct: Option<u64>,
    /// Queries that failed.
    pub failed: u64,
    /// Trainings carried out.
    pub trained: u64,
    /// Outcomes that were remembered.
    pub remembered: u64,
    /// The first objective: its name.
    pub objective: String,
    /// Best estimate of the first objective; absent where the strategy knew what it would pick without any.
    pub best: Option<f64>,
    /// Median estimate of the first objective.
    pub median: Option<f64>,
    /// Seconds of training charged.
    pub cost: f64,
    /// Wall time of the search in seconds.
    pub seconds: f64,
}

/// An architecture retrained with the full recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finalist {
    /// The architecture.
    pub architecture: Architecture,
    /// Its decisions, readable.
    pub decisions: Vec<(String, String)>,
    /// Equal for isomorphic networks.
    pub fingerprint: String,
    /// Size and work of the network.
    pub footprint: Footprint,
    /// Validation accuracy, the mean over the seeds that trained.
    pub validation_accuracy: f64,
    /// Sample standard deviation over those seeds; absent with one.
    pub validation_accuracy_deviation: Option<f64>,
    /// Validation perplexity of a text, the mean over the seeds that trained; absent for images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_perplexity: Option<f64>,
    /// Sample standard deviation over those seeds; absent with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_perplexity_deviation: Option<f64>,
    /// Latency in seconds for a batch, the median over the trainings; absent where none was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<f64>,
    /// Digests of the trained weights, one a seed.
    pub weights: Vec<String>,
    /// Why trainings failed, where some did.
    pub failures: Vec<String>,
}

/// What a person sees of a run's parts before it starts.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The run.
    pub run: RunId,
    /// Every setting, defaults included.
    pub settings: serde_json::Value,
    /// The first trainer's answer.
    pub trainer: Ready,
    /// Size of the search space, readable.
    pub space_size: String,
    /// Trainers at work at the same time.
    pub workers: usize,
    /// Whether it goes on from its journal.
    pub resumed: bool,
}

/// Something that happened in a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run starts.
    Started(&'a Summary),
    /// Query number `sequence` (from 0) is being looked at.
    Asked {
        /// Its place in the run.
        sequence: u64,
    },
    /// A training goes on.
    Progress {
        /// Epochs finished.
        epoch: f64,
        /// Metrics of the last finished epoch.
        metrics: Option<Metrics>,
        /// Where it is of shared weights: the epochs of all their training.
        shared: Option<u32>,
    },
    /// A trainer was lost; its action is tried again.
    Retried(&'a Failure),
    /// The strategy was told.
    Told {
        /// The query's place in the run, from 0.
        sequence: u64,
        /// The estimated first objective of an architecture; absent where the query failed or was about none.
        objective: Option<f64>,
        /// Whether the query failed.
        failed: bool,
        /// Whether it is the new incumbent.
        incumbent: bool,
        /// Size and work of the network, of an incumbent.
        footprint: Option<Footprint>,
    },
    /// The search is over; so many trainings of finalists follow.
    Retraining {
        /// Number of trainings.
        trainings: u64,
    },
    /// One of those trainings ended.
    Retrained,
}

/// Is told what happens in a run.
pub trait Observer {
    /// Something happened.
    fn on(&mut self, event: Event<'_>);
}

impl Observer for () {
    fn on(&mut self, _: Event<'_>) {}
}

/// Mean, and sample standard deviation where there are two values or more.
pub(crate) fn mean_and_deviation(values: &[f64]) -> (f64, Option<f64>) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()))
}

/// The median; nothing for no values.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(match below.iter().copied().max_by(f64::total_cmp) {
        Some(lower) if even => f64::midpoint(lower, *upper),
        _ => *upper,
    })
}
