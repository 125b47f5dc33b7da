//! What every search space answers, whether declared in a file or written as a plugin.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Decision, Network, OpenNetwork, Value};

/// A search space: decisions, and the network that values for them stand for.
///
/// Implementations are pure: the same arguments always give the same answer.
pub trait SearchSpace: Send + Sync {
    /// The decisions, in a fixed order; conditions refer to earlier ones.
    fn decisions(&self) -> &[Decision];

    /// Checks that values of the right kinds and ranges are a point of the space, where that takes more.
    ///
    /// # Errors
    /// Names the constraint that the values do not meet.
    fn admits(&self, values: &[Value]) -> Result<(), SpaceError> {
        let _ = values;
        Ok(())
    }

    /// Whether [`SearchSpace::admits`] ever refuses values.
    fn is_constrained(&self) -> bool {
        false
    }

    /// The network of a point, simplified (see `Network::simplify`) and with shapes that agree.
    ///
    /// # Errors
    /// Where `values` is not a point of this space, or the point's network cannot be built for `context` (an input
    /// smaller than the network needs, say).
    fn build(&self, values: &[Value], context: &Context) -> Result<Network, SpaceError>;

    /// The network as it is written: with operations that lead nowhere or work on zeros, where [`SearchSpace::build`] leaves
    /// them out.
    ///
    /// # Errors
    /// As [`SearchSpace::build`].
    fn build_whole(&self, values: &[Value], context: &Context) -> Result<Network, SpaceError> {
        self.build(values, context)
    }

    /// The network of all alternatives, whose categorical decisions are left open.
    ///
    /// # Errors
    /// Where the space cannot be opened, as by default, or not this one: a number decides about the network, or alternatives
    /// cannot be added up. Names the decision.
    fn open(&self, context: &Context) -> Result<OpenNetwork, SpaceError> {
        let _ = context;
        Err(SpaceError::Unsupported("a space of this kind has no mixture of its networks".into()))
    }

    /// Training hyperparameters that the point decides, by their names in the recipe.
    ///
    /// # Errors
    /// Where `values` is not a point of this space.
    fn recipe(&self, values: &[Value]) -> Result<BTreeMap<String, Scalar>, SpaceError>;

    /// Training hyperparameters that points may decide, by their names in the recipe, each with the values that show
    /// whether a recipe can have it: all of a choice, both ends of a range. Empty also where the space cannot tell.
    fn recipe_extremes(&self) -> Vec<(String, Vec<Scalar>)> {
        Vec::new()
    }

    /// The directed graphs with operations on their edges or nodes that adjacency and path encodings describe: one per
    /// `edges` or `nodes` module. Empty where the space has none.
    ///
    /// # Errors
    /// Where `values` is not a point of this space.
    fn cells(&self, values: &[Value]) -> Result<Vec<CellGraph>, SpaceError> {
        let _ = values;
        Ok(Vec::new())
    }
}

/// What a network is built for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Shape of one input: channels, height, width.
    pub input: Vec<u32>,
    /// Number of classes to tell apart.
    pub classes: u32,
    /// Share of the full channel counts to build with, in (0, 1].
    pub width_share: f64,
    /// Share of the full number of repeated parts to build with, in (0, 1].
    pub depth_share: f64,
}

impl Context {
    /// Networks in full width and depth for inputs of shape `input` and `classes` classes.
    pub fn full(input: Vec<u32>, classes: u32) -> Self {
        Self { input, classes, width_share: 1.0, depth_share: 1.0 }
    }
}

/// The value of a training hyperparameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A real number.
    Real(f64),
    /// A label.
    Text(String),
}

/// A cell as encodings see it: a DAG whose edges carry operations.
#[derive(Clone, Debug, PartialEq)]
pub struct CellGraph {
    /// The module's name in its space.
    pub name: String,
    /// Number of vertices. The inputs come first; edges go from earlier to later vertices.
    pub vertices: usize,
    /// Number of input vertices, at least 1.
    pub inputs: usize,
    /// The vertices that the cell's output is made of.
    pub outputs: Vec<usize>,
    /// Names of the operations that `edges` refers to.
    pub operations: Vec<String>,
    /// (from, to, operation); edges that carry nothing (zero operations) are left out.
    pub edges: Vec<(usize, usize, usize)>,
}

/// Why a question about a search space has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// The values are not a point of the space.
    #[error("decision `{decision}`: {problem}")]
    Value {
        /// Name of the decision.
        decision: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// Wrong number of values.
    #[error("a point of this space has {expected} values, this one has {found}")]
    Length {
        /// Number of decisions.
        expected: usize,
        /// Number of values given.
        found: usize,
    },
    /// A node of a network is malformed or its input shapes do not fit.
    #[error("node `{node}` ({op}): {problem}")]
    Node {
        /// Name of the node.
        node: String,
        /// Name of its operation.
        op: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The network as a whole is malformed.
    #[error("network: {0}")]
    Network(String),
    /// A limit is exceeded.
    #[error("{what}: {found} exceeds the limit of {limit}")]
    Limit {
        /// What is limited.
        what: String,
        /// The size found.
        found: u64,
        /// The largest size allowed.
        limit: u64,
    },
    /// The values are right one by one, but not together.
    #[error("constraint: {0}")]
    Constraint(String),
    /// The question does not apply to this space or architecture.
    #[error("{0}")]
    Unsupported(String),
}

impl SpaceError {
    /// A network where a point is needed.
    pub(crate) fn no_point() -> Self {
        Self::Unsupported("a network given outright is no point of this space".into())
    }
}
