//! Weights that all architectures of a space share.
//!
//! Shared weights go from state to state. A state is named after what led to it, so that it can be had anywhere again; now and
//! then one is kept in the weights folder, too.

use std::collections::BTreeMap;

use archwright_space::{Architecture, Relaxation, Scalar, SizeLimits};
use serde::{Deserialize, Serialize};

use crate::{Latency, Recipe};

/// A search space whose architectures share weights: nodes of the same name have the same parameters, where these have the
/// same shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Supergraph {
    /// The space in the declarative format.
    pub definition: String,
    /// Options of the definition, all of them.
    pub options: BTreeMap<String, Scalar>,
    /// Shape of one input (channels, height, width; 1 for a token).
    pub input: Vec<u32>,
    /// Number of classes; of a text the size of its vocabulary.
    pub classes: u32,
}

/// A state of shared weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedState {
    /// Its name.
    pub name: String,
    /// Digest of the weights in the weights folder, where they are kept.
    #[serde(default)]
    pub kept: Option<String>,
}

/// What shared training starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharedStart {
    /// Fresh weights from this seed, which also decides paths, the order of examples and augmentation.
    Fresh(u64),
    /// A state that an earlier action led to.
    State(SharedState),
}

/// Trains shared weights for some steps of the optimizer.
///
/// Weights that no path has come to yet start as in a stand-alone network. The outcome's metrics are of the batches that the
/// weights learned from, before each step. Where the last step ends an epoch, the outcome holds the weights' digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainShared {
    /// What shares the weights.
    pub supergraph: Supergraph,
    /// How to train; the schedule spans `recipe.epochs`. Hyperparameters that an architecture decides do not count.
    pub recipe: Recipe,
    /// Which weights to start from.
    pub start: SharedStart,
    /// Steps to take, from 1 to those of an epoch.
    pub steps: u32,
    /// What learns in each step.
    pub paths: Paths,
    /// What `uniform` paths are drawn within: an architecture beyond it is drawn again. Without any it says nothing.
    #[serde(default, skip_serializing_if = "SizeLimits::are_unset")]
    pub limits: SizeLimits,
    /// Name of the state after the last step.
    pub name: String,
}

/// What of a supergraph learns in a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paths {
    /// So many random architectures, as `sample` draws them, one after the other; the step follows the mean of their
    /// gradients (Guo et al. 2020 take one). At least 1.
    Uniform(u32),
    /// One of these, in turn; never empty.
    Given(Vec<Subject>),
    /// The mixture of all labels alike, each left out with this probability, in [0, 1) (Bender et al. 2018). A decision that
    /// would lose all keeps them.
    Mixture(f64),
}

/// What a supergraph is used as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// One architecture: a path.
    Architecture(Architecture),
    /// A mixture.
    Relaxation(Relaxation),
}

/// Evaluates an architecture with shared weights, on validation examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluateShared {
    /// What shares the weights.
    pub supergraph: Supergraph,
    /// How batches are made.
    pub recipe: Recipe,
    /// The weights.
    pub state: SharedState,
    /// The architecture.
    pub subject: Architecture,
    /// Batches of training examples over which the statistics of batch norms are estimated anew for this architecture; 0:
    /// the running statistics of all paths are used.
    pub calibration: u32,
    /// The number of one batch, counted through all passes over the validation examples; without it all are evaluated.
    #[serde(default)]
    pub batch: Option<u64>,
    /// What to find out of the latency of the architecture's network before it is evaluated. Only for trainers whose actions
    /// hold `latency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

/// Differentiates the loss of a relaxation on a batch of validation examples by every probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferentiateShared {
    /// What shares the weights.
    pub supergraph: Supergraph,
    /// How batches are made; for `unrolled` also how the weights step.
    pub recipe: Recipe,
    /// The weights.
    pub state: SharedState,
    /// The relaxation.
    pub relaxation: Relaxation,
    /// The number of the batch, counted through all passes over the validation examples.
    pub batch: u64,
    /// Differentiate after one step of the weights on the next training batch (Liu, Simonyan & Yang 2019, equation 7).
    pub unrolled: bool,
}
