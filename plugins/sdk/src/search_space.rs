use std::collections::BTreeMap;

use archwright_space::{Context, Decision, Network, Scalar, Value};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::Error;

/// A search space written as a program.
pub trait SearchSpace: Sized + 'static {
    /// Name under which it is used, in kebab-case.
    const NAME: &'static str;
    /// One line for a listing.
    const SUMMARY: &'static str;
    /// Papers and code that the space comes from.
    const REFERENCES: &'static [&'static str] = &[];
    /// Its options.
    type Options: DeserializeOwned + JsonSchema;

    /// The space with these options.
    ///
    /// # Errors
    /// Where options are out of range.
    fn open(options: Self::Options) -> Result<Self, Error>;

    /// The decisions; the same on every call.
    fn decisions(&self) -> Vec<Decision>;

    /// The network of a point.
    ///
    /// # Errors
    /// Where it cannot be built for this context.
    fn build(&self, values: &[Value], context: &Context) -> Result<Network, Error>;

    /// Training hyperparameters that the point decides, by their names in the recipe.
    ///
    /// # Errors
    /// Where the values are no point of the space.
    fn recipe(&self, values: &[Value]) -> Result<BTreeMap<String, Scalar>, Error> {
        let _ = values;
        Ok(BTreeMap::new())
    }
}
