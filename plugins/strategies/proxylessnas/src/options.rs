use archwright_sdk::prelude::*;

/// Options of ProxylessNAS.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// How the architecture's parameters learn: by the derivatives of binary gates, or by rewards for sampled paths.
    pub update: Update,
    /// Learning rate of the architecture's parameters (Adam). 1e-3 in the authors' code.
    #[schemars(range(min = 1e-6, max = 1.0))]
    pub learning_rate: f64,
    /// Share of the training before the first step of the architecture's parameters: 40 of 160 epochs in the authors' code.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub warmup: f64,
    /// Training steps before each step of the architecture's parameters. 5 in the authors' code.
    #[schemars(range(min = 1, max = 10_000))]
    pub update_every: u32,
    /// Paths that a step by rewards samples. 10 in the authors' code.
    #[schemars(range(min = 1, max = 1000))]
    pub samples: u32,
    /// What is to be cheap besides good. "latency" needs `latency` among the task's objectives, behind the first.
    pub cost: Cost,
    /// Random architectures whose measured latencies the costs of labels are fitted to, for "latency": more than there are
    /// labels tell them apart best.
    #[schemars(range(min = 2, max = 1000))]
    pub latency_samples: u32,
    /// Weight of the cost, λ₂: of the expected cost over the target, added to the loss; by rewards, the exponent of the target
    /// over a path's cost, by which its value is multiplied. 0.1 in the authors' code.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub cost_weight: f64,
    /// The cost that counts as 1, in multiply-adds, parameters or seconds; absent, what is expected at the start.
    #[schemars(range(min = 1e-9, max = 1e15))]
    pub cost_target: Option<f64>,
    /// Edges kept into each vertex of a cell, all others become `none`, as in DARTS. With 0, as in the paper, every
    /// decision takes its most probable label.
    #[schemars(range(min = 0, max = 100))]
    pub inputs_per_node: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            update: Update::Gradient,
            learning_rate: 1e-3,
            warmup: 0.25,
            update_every: 5,
            samples: 10,
            cost: Cost::None,
            latency_samples: 200,
            cost_weight: 0.1,
            cost_target: None,
            inputs_per_node: 0,
        }
    }
}

/// How the architecture's parameters learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// By the derivatives of two binary gates of each decision (section 3.2.1).
    Gradient,
    /// By rewards for sampled paths (section 3.3.2).
    Reinforce,
}

/// What is to be cheap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// Nothing.
    None,
    /// Multiply-adds of the network.
    MultiplyAdds,
    /// Parameters of the network.
    Parameters,
    /// Measured latency, by a linear model over labels (section 3.3).
    Latency,
}
