//! The declarative format: search spaces as TOML files. `docs/space-format.md` describes it for authors.
//!
//! A file is read into modules (`read`, `parse`), whose decisions are then numbered (`compile`). The result answers for
//! any values of the decisions (`build`).

mod build;
mod cells;
mod compile;
mod constraint;
mod diagnostic;
mod edges;
mod highway;
mod inputs;
mod matrix;
mod mixture;
mod model;
mod nodes;
mod parse;
mod parse_item;
mod range;
mod read;
mod scope;
mod skips;

use std::collections::BTreeMap;

use crate::domain::check_point;
use crate::{CellGraph, Context, Decision, Domain, Network, OpenNetwork, Scalar, SearchSpace, SpaceError, Value};

use constraint::Constraint;
pub use diagnostic::Diagnostic;
use model::{Compiled, Setting};

/// Largest file, in bytes.
const FILE_LIMIT: usize = 1 << 20;

/// A search space read from a file.
#[derive(Clone, Debug)]
pub struct Definition {
    name: String,
    summary: String,
    references: Vec<String>,
    options: BTreeMap<String, Scalar>,
    decisions: Vec<Decision>,
    network: Compiled,
    recipe: Vec<(String, Setting)>,
    constraints: Vec<Constraint>,
}

impl Definition {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Says what is wrong, where, and what would be right.
    pub fn parse(source: &str) -> Result<Self, Diagnostic> {
        Self::parse_with(source, &BTreeMap::new())
    }

    /// Reads a file's text with other values for some of the file's `[options]`.
    ///
    /// # Errors
    /// As [`Definition::parse`]; also where the file has no such option, or one of another type.
    pub fn parse_with(source: &str, options: &BTreeMap<String, Scalar>) -> Result<Self, Diagnostic> {
        if source.len() > FILE_LIMIT {
            let problem = format!("the file has {} bytes, a search space at most {FILE_LIMIT}", source.len());
            return Err(Diagnostic::new(source, 0..0, problem, None));
        }
        let file = parse::file(source, options)?;
        compile::compile(source, file)
    }

    /// The space's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One line for a listing.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Papers and code that the space comes from.
    pub fn references(&self) -> &[String] {
        &self.references
    }

    /// The options in force.
    pub fn options(&self) -> &BTreeMap<String, Scalar> {
        &self.options
    }
}

impl SearchSpace for Definition {
    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn admits(&self, values: &[Value]) -> Result<(), SpaceError> {
        self.constraints.iter().try_for_each(|constraint| constraint.check(&self.decisions, values))
    }

    fn is_constrained(&self) -> bool {
        !self.constraints.is_empty()
    }

    fn build(&self, values: &[Value], context: &Context) -> Result<Network, SpaceError> {
        let network = self.build_whole(values, context)?.simplify();
        network.validate()?;
        Ok(network)
    }

    fn build_whole(&self, values: &[Value], context: &Context) -> Result<Network, SpaceError> {
        check_point(&self.decisions, values)?;
        self.admits(values)?;
        build::build(&self.network, &self.decisions, values, context)
    }

    fn open(&self, context: &Context) -> Result<OpenNetwork, SpaceError> {
        build::open(&self.network, &self.decisions, context)
    }

    fn recipe(&self, values: &[Value]) -> Result<BTreeMap<String, Scalar>, SpaceError> {
        check_point(&self.decisions, values)?;
        let settle = |setting: &Setting| match setting {
            Setting::Fixed(scalar) => Some(scalar.clone()),
            Setting::Decided(index, labels) => match (&self.decisions[*index].domain, values[*index]) {
                (Domain::Categorical(_), Value::Index(value)) => labels.get(value as usize).cloned(),
                (Domain::Ordinal(numbers), Value::Index(value)) => {
                    numbers.get(value as usize).map(|number| number_scalar(*number))
                }
                (_, Value::Integer(value)) => Some(Scalar::Integer(value)),
                (_, Value::Real(value)) => Some(Scalar::Real(value)),
                _ => None,
            },
        };
        Ok(self.recipe.iter().filter_map(|(key, setting)| Some((key.clone(), settle(setting)?))).collect())
    }

    fn recipe_extremes(&self) -> Vec<(String, Vec<Scalar>)> {
        let extremes = |setting: &Setting| match setting {
            Setting::Fixed(scalar) => vec![scalar.clone()],
            Setting::Decided(index, labels) => match &self.decisions[*index].domain {
                Domain::Categorical(_) => labels.clone(),
                Domain::Ordinal(numbers) => numbers.iter().copied().map(number_scalar).collect(),
                Domain::Integer { low, high, .. } => vec![Scalar::Integer(*low), Scalar::Integer(*high)],
                Domain::Real { low, high, .. } => vec![Scalar::Real(*low), Scalar::Real(*high)],
            },
        };
        self.recipe.iter().map(|(key, setting)| (key.clone(), extremes(setting))).collect()
    }

    fn cells(&self, values: &[Value]) -> Result<Vec<CellGraph>, SpaceError> {
        check_point(&self.decisions, values)?;
        Ok(cells::cells(&self.network, &self.decisions, values))
    }
}

/// Whole numbers stay whole: a recipe's `batch_size` does not take 64.0.
fn number_scalar(number: f64) -> Scalar {
    if number.fract() == 0.0 && number.abs() < 1e15 { Scalar::Integer(number as i64) } else { Scalar::Real(number) }
}
