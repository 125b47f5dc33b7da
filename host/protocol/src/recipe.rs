//! How a network is trained.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a network is trained, in full. All keys are flat, so that a search space can decide any of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Epochs of a full training, at least 1.
    pub epochs: u32,
    /// Images a step, or sequences side by side, at least 1.
    pub batch_size: u32,
    /// Tokens of each sequence a step, at least 1: gradients go back so far, the state goes on (truncated back-propagation
    /// through time). Of texts alone.
    pub sequence_length: u32,
    /// How weights follow the gradient.
    pub optimizer: Optimizer,
    /// Peak learning rate, above 0.
    pub learning_rate: f64,
    /// Momentum of `sgd`, in [0, 1).
    pub momentum: f64,
    /// Nesterov's momentum for `sgd`.
    pub nesterov: bool,
    /// First and second moment decay of `adamw`, in [0, 1).
    pub betas: [f64; 2],
    /// Added to the denominator of `adamw`, above 0.
    pub epsilon: f64,
    /// Weight decay: added to the gradient by `sgd`, decoupled in `adamw`. Batch-norm parameters and biases decay too,
    /// as in the papers.
    pub weight_decay: f64,
    /// How the learning rate falls.
    pub schedule: Schedule,
    /// Learning rate at the end of `cosine`, at least 0.
    pub final_learning_rate: f64,
    /// Epochs between falls of `step`, at least 1.
    pub step_epochs: u32,
    /// Factor of each fall of `step`, in (0, 1].
    pub step_factor: f64,
    /// Epochs of linear warm-up from 0, at least 0; fractions are allowed.
    pub warmup_epochs: f64,
    /// Share of the target spread over all classes, in [0, 1).
    pub label_smoothing: f64,
    /// Largest norm of the whole gradient; 0 for no clipping.
    pub gradient_clip: f64,
    /// Probability of dropping a path at the end of training, rising linearly from 0 (DARTS), in [0, 1).
    pub drop_path: f64,
    /// Weight of the auxiliary loss, where the network has an auxiliary head, at least 0.
    pub auxiliary_weight: f64,
    /// Random crop: zeros added on each side before it, in pixels; 0 for no crop.
    pub crop_padding: u32,
    /// Random horizontal flip.
    pub flip: bool,
    /// Side of the square cut out of each image, in pixels; 0 for none (DeVries & Taylor 2017).
    pub cutout: u32,
    /// Parameter of the Beta distribution that mixup draws from; 0 for none (Zhang et al. 2018).
    pub mixup: f64,
    /// bfloat16 autocast, on CUDA only; elsewhere without effect.
    pub bf16: bool,
    /// Channels-last memory layout, which computes convolutions and batch norms faster.
    pub channels_last: bool,
}

/// How weights follow the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    Adamw,
}

/// How the learning rate falls after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// Half a cosine down to `final_learning_rate`, set anew each step (Loshchilov & Hutter 2017, without restarts).
    Cosine,
    /// By `step_factor` every `step_epochs` epochs.
    Step,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch_size: 64,
            sequence_length: 35,
            optimizer: Optimizer::Sgd,
            learning_rate: 0.05,
            momentum: 0.9,
            nesterov: true,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 5e-4,
            schedule: Schedule::Cosine,
            final_learning_rate: 0.0,
            step_epochs: 10,
            step_factor: 0.1,
            warmup_epochs: 0.0,
            label_smoothing: 0.0,
            gradient_clip: 5.0,
            drop_path: 0.0,
            auxiliary_weight: 0.4,
            crop_padding: 0,
            flip: false,
            cutout: 0,
            mixup: 0.0,
            bf16: true,
            channels_last: true,
        }
    }
}
