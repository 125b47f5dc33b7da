//! The operator set: every operation a network can be made of.

use serde::{Deserialize, Serialize};

/// An operation on feature maps (channels, height, width) or feature vectors. The batch dimension is implied; a network
/// for sequences describes one step.
///
/// In JSON an operation is its kebab-case name under `op` with its attributes beside it:
/// `{"op": "conv2d", "out-channels": 16, "kernel": [3, 3], "padding": [1, 1]}`. Attributes left out have the defaults
/// given here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Op {
    /// The network's input; the first node and the only one of its kind.
    Input {
        /// Shape of one input: channels, height, width; or 1, where that is a token, a whole number below the vocabulary's
        /// size that embeddings alone can read.
        shape: Vec<u32>,
    },
    /// Two-dimensional convolution.
    Conv2d {
        /// Channels of the result.
        out_channels: u32,
        /// Height and width of the kernel.
        kernel: [u32; 2],
        /// Stride by rows and columns; default 1.
        #[serde(default = "ones")]
        stride: [u32; 2],
        /// Zeros added on each side; default 0.
        #[serde(default)]
        padding: [u32; 2],
        /// Distance between the kernel's taps; default 1.
        #[serde(default = "ones")]
        dilation: [u32; 2],
        /// Groups of channels convolved separately; divides both channel counts; default 1.
        #[serde(default = "one")]
        groups: u32,
        /// Whether a bias is added; default false.
        #[serde(default)]
        bias: bool,
    },
    /// Batch normalisation over channels (momentum 0.1, epsilon 1e-5).
    BatchNorm {
        /// Whether scale and shift are learned; default true.
        #[serde(default = "yes")]
        affine: bool,
    },
    /// Fully connected layer on a feature vector.
    Linear {
        /// Length of the result.
        out_features: u32,
        /// Whether a bias is added; default true.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// The vector of a token. Reads the input, which is one token.
    Embedding {
        /// Number of different tokens.
        vocabulary: u32,
        /// Length of a token's vector.
        features: u32,
    },
    /// A fully connected layer whose weights are those of the network's only embedding, one score for each of its tokens
    /// (Press & Wolf 2017; Inan, Khosravi & Socher 2017).
    TiedLinear {
        /// Length of the result: the embedding's vocabulary.
        out_features: u32,
        /// Whether a bias is added; default true.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// What [`Op::SetState`] of this slot took in the step before; zeros in a sequence's first step. Takes no input.
    State {
        /// Names the state within the network.
        slot: u32,
        /// Length of the vector.
        features: u32,
    },
    /// Keeps its input, a vector, for [`Op::State`] of this slot in the next step. Nothing consumes it.
    SetState {
        /// Names the state within the network.
        slot: u32,
    },
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    /// x times the normal distribution function of x.
    Gelu,
    /// x times sigmoid(x), also called swish.
    Silu,
    /// x times min(max(x + 3, 0), 6) / 6.
    HardSwish,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// 1 - x: what a gate of x leaves (highway networks, Srivastava, Greff & Schmidhuber 2015).
    Complement,
    /// Maximum over windows.
    MaxPool {
        /// Height and width of the window.
        kernel: [u32; 2],
        /// Stride by rows and columns; default 1.
        #[serde(default = "ones")]
        stride: [u32; 2],
        /// Padding on each side, at most half the window; default 0.
        #[serde(default)]
        padding: [u32; 2],
    },
    /// Mean over windows.
    AvgPool {
        /// Height and width of the window.
        kernel: [u32; 2],
        /// Stride by rows and columns; default 1.
        #[serde(default = "ones")]
        stride: [u32; 2],
        /// Zeros added on each side, at most half the window; default 0.
        #[serde(default)]
        padding: [u32; 2],
        /// Whether the added zeros count in the mean; default false.
        #[serde(default)]
        count_include_pad: bool,
    },
    /// Mean over height and width: a feature map becomes a feature vector.
    GlobalAvgPool,
    /// A feature map becomes a feature vector of all its values.
    Flatten,
    /// Sum of one or more inputs of equal shape.
    Add,
    /// Product of one or more inputs of equal shape.
    Multiply,
    /// Mean of one or more inputs of equal shape.
    Mean,
    /// Inputs stacked along the channels; height and width agree.
    Concat,
    /// The input unchanged.
    Identity,
    /// Zeros in the input's shape, height and width divided by the stride (rounded up).
    Zero {
        /// Stride by rows and columns; default 1.
        #[serde(default = "ones")]
        stride: [u32; 2],
    },
    /// Moves a feature map up and left, filling with zeros; the shape stays. With a strided 1x1 convolution it reads
    /// the pixels that the unshifted one skips (factorized reduction, NASNet).
    Shift {
        /// Rows up.
        rows: u32,
        /// Columns left.
        columns: u32,
    },
    /// The first channels of a map, or values of a vector (NAS-Bench-101).
    Truncate {
        /// How many; at most as many as there are.
        channels: u32,
    },
    /// Sets single values to zero in training, with this probability.
    Dropout {
        /// Probability in [0, 1).
        rate: f64,
    },
    /// Sets single values to zero in training, with this probability: the same ones in all steps that are trained at once
    /// (variational dropout, Gal & Ghahramani 2016).
    LockedDropout {
        /// Probability in [0, 1).
        rate: f64,
    },
    /// Sets whole examples to zero in training, with the recipe's drop-path probability.
    DropPath,
    /// Marks its input, class scores, as an auxiliary output whose loss is added in training with the recipe's weight.
    /// Nothing consumes it.
    Auxiliary,
}

fn one() -> u32 {
    1
}

fn ones() -> [u32; 2] {
    [1, 1]
}

fn yes() -> bool {
    true
}

impl Op {
    /// The operation's name in files and messages, e.g. `conv2d`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Input { .. } => "input",
            Self::Conv2d { .. } => "conv2d",
            Self::BatchNorm { .. } => "batch-norm",
            Self::Linear { .. } => "linear",
            Self::Embedding { .. } => "embedding",
            Self::TiedLinear { .. } => "tied-linear",
            Self::State { .. } => "state",
            Self::SetState { .. } => "set-state",
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::HardSwish => "hard-swish",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Complement => "complement",
            Self::MaxPool { .. } => "max-pool",
            Self::AvgPool { .. } => "avg-pool",
            Self::GlobalAvgPool => "global-avg-pool",
            Self::Flatten => "flatten",
            Self::Add => "add",
            Self::Multiply => "multiply",
            Self::Mean => "mean",
            Self::Concat => "concat",
            Self::Identity => "identity",
            Self::Zero { .. } => "zero",
            Self::Shift { .. } => "shift",
            Self::Truncate { .. } => "truncate",
            Self::Dropout { .. } => "dropout",
            Self::LockedDropout { .. } => "locked-dropout",
            Self::DropPath => "drop-path",
            Self::Auxiliary => "auxiliary",
        }
    }
}
