//! Architectures that papers published, by name: which space they are of, with which options, and where in it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use crate::genotype::Genotype;
use crate::{Architecture, Context, Definition, Scalar, Space, SpaceError, bundled};

/// An architecture of a paper.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// One line for a listing.
    pub summary: String,
    /// Paper or code that it comes from.
    pub reference: String,
    /// The bundled space that it is a point of.
    pub space: String,
    /// The space's options with which it has the paper's size.
    #[serde(default)]
    pub options: BTreeMap<String, i64>,
    /// Millions of parameters, as published, of the network for CIFAR-10 without auxiliary heads; absent where the paper has
    /// none.
    pub parameters: Option<f64>,
    /// In the field's notation.
    genotype: Option<String>,
    /// By readable values, where there is no notation.
    #[serde(default)]
    decisions: BTreeMap<String, toml::Value>,
}

static ALL: LazyLock<BTreeMap<String, Published>> =
    LazyLock::new(|| toml::from_str(include_str!("../architectures.toml")).unwrap_or_default());

/// All names, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.keys().map(String::as_str)
}

/// The architecture `name`.
pub fn get(name: &str) -> Option<&'static Published> {
    ALL.get(name)
}

impl Published {
    /// Its space, for inputs and classes of `context`.
    ///
    /// # Errors
    /// Where the space has no network for the context.
    pub fn space(&self, context: Context) -> Result<Space, SpaceError> {
        let options = self.options.iter().map(|(key, value)| (key.clone(), Scalar::Integer(*value))).collect();
        let text = bundled::source(&self.space).unwrap_or_default();
        let definition = Definition::parse_with(text, &options)
            .map_err(|diagnostic| SpaceError::Unsupported(diagnostic.to_string()))?;
        Space::new(Arc::new(definition), context)
    }

    /// Its point in `space`, which may have other options.
    ///
    /// # Errors
    /// Where it is no point of `space`.
    pub fn locate(&self, space: &Space) -> Result<Architecture, SpaceError> {
        if let Some(text) = &self.genotype {
            let genotype = Genotype::parse(text).map_err(|error| SpaceError::Unsupported(error.to_string()))?;
            return genotype.locate(space);
        }
        let text = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        space.point_of(&self.decisions.iter().map(|(name, value)| (name.clone(), text(value))).collect())
    }
}
