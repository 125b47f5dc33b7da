//! Classifying examples that are not part of the data.

use archwright_space::Network;
use serde::{Deserialize, Serialize};

/// Classifies examples with kept weights. Examples are prepared as those of the data are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predict {
    /// The network the weights belong to.
    pub network: Network,
    /// Shape of one input (channels, height, width).
    pub input: Vec<u32>,
    /// Digest of the weights.
    pub weights: String,
    /// Contents of files, in Base64: PNG or JPEG images, `.npy` arrays, or `.npz` archives.
    pub files: Vec<String>,
}

/// What a file's examples are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prediction {
    /// A probability for each class, for each example of the file: one for an image.
    Probabilities(Vec<Vec<f32>>),
    /// Why the file cannot be used, for a person.
    Problem(String),
}
