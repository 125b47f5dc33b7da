//! The network and where it comes from, as JSON.

use archwright_protocol::{Normalisation, Recipe};
use archwright_space::{Footprint, Network};
use serde::Serialize;

use crate::{ExportError, Exported};

#[derive(Serialize)]
struct Document<'a> {
    origin: &'a str,
    decisions: Vec<Decision<'a>>,
    recipe: &'a Recipe,
    footprint: Footprint,
    #[serde(skip_serializing_if = "Option::is_none")]
    normalisation: &'a Option<Normalisation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class_names: &'a Option<Vec<String>>,
    network: &'a Network,
}

#[derive(Serialize)]
struct Decision<'a> {
    name: &'a str,
    value: &'a str,
}

/// Writes a network, its origin, its decisions and its recipe as JSON. Nodes are as in components and messages: an
/// operation with its attributes, and the indices of its inputs.
///
/// # Errors
/// Where the network is malformed.
pub fn json(exported: &Exported) -> Result<String, ExportError> {
    let Exported { network, origin, decisions, recipe, normalisation, class_names, .. } = exported;
    let decisions = decisions.iter().map(|(name, value)| Decision { name, value }).collect();
    let footprint = network.footprint()?;
    let document = Document { origin, decisions, recipe, footprint, normalisation, class_names, network };
    let mut text = serde_json::to_string_pretty(&document).map_err(|error| ExportError::Text(error.to_string()))?;
    text.push('\n');
    Ok(text)
}
