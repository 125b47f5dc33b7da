//! Found networks in forms that others read: a PyTorch module, an ONNX model, JSON and drawings.
//!
//! Pure: it takes an [`Exported`] network and [`Weights`], and gives text and bytes. It links no libtorch and writes no
//! files.

mod drawing;
mod error;
mod hierarchy;
mod json;
mod onnx;
mod pytorch;
mod sequence;
mod weights;

use archwright_protocol::{Normalisation, Recipe};
use archwright_space::{CellGraph, Network};

pub use drawing::{Drawing, draw, png};
pub use error::ExportError;
pub use json::json;
pub use onnx::onnx;
pub use pytorch::{PyTorch, pytorch};
pub use weights::Weights;

/// A network and what there is to say about it.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The network; valid, as spaces build them.
    pub network: Network,
    /// Where it comes from, for a person, e.g. `run 3 (regularized-evolution in darts)`.
    pub origin: String,
    /// Its decisions, readable; empty for a network given outright.
    pub decisions: Vec<(String, String)>,
    /// How it was trained.
    pub recipe: Recipe,
    /// Cells to draw.
    pub cells: Vec<CellGraph>,
    /// How the data was normalised, where the trainer said so.
    pub normalisation: Option<Normalisation>,
    /// Names of the classes, in the order of the scores, where the data has them.
    pub class_names: Option<Vec<String>>,
}

impl Exported {
    /// A network of which nothing else is known.
    pub fn new(network: Network, origin: impl Into<String>) -> Self {
        let (decisions, cells) = (Vec::new(), Vec::new());
        let (origin, recipe) = (origin.into(), Recipe::default());
        Self { network, origin, decisions, recipe, cells, normalisation: None, class_names: None }
    }
}
