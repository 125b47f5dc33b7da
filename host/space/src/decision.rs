//! What a search space leaves open, and the values that settle it.

use serde::{Deserialize, Serialize};

use crate::Network;

/// One point of variation in a search space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Path-like and unique in its space, e.g. `normal/edge-0-2/op`.
    pub name: String,
    /// The values to choose from.
    pub domain: Domain,
    /// The decision exists only where every condition holds (empty: always).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub active_when: Vec<Condition>,
}

/// The values a decision can take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Domain {
    /// Unordered labels, e.g. operations. Never empty.
    Categorical(Vec<String>),
    /// Ordered numbers, e.g. channel counts. Never empty, strictly increasing.
    Ordinal(Vec<f64>),
    /// Integers, both ends included.
    Integer {
        /// Smallest value.
        low: i64,
        /// Largest value.
        high: i64,
        /// Whether ratios, not differences, measure how far two values are apart. Needs `low > 0`.
        log_scale: bool,
    },
    /// Reals, both ends included.
    Real {
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
        /// Whether ratios, not differences, measure how far two values are apart. Needs `low > 0`.
        log_scale: bool,
    },
}

/// Holds where decision `decision`, an earlier one and itself active, has one of the values `any_of`: indices of a
/// categorical or ordinal domain, offsets from `low` of an integer one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Index of an earlier decision.
    pub decision: usize,
    /// The values under which the condition holds.
    pub any_of: Vec<u32>,
}

/// The value of one decision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Index into a categorical or ordinal domain.
    Index(u32),
    /// Value of an integer domain.
    Integer(i64),
    /// Value of a real domain.
    Real(f64),
    /// The decision's conditions do not hold.
    Inactive,
}

/// An architecture: a point of a search space or, for spaces without an upper bound, a network given outright.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// One value per decision, in decision order.
    Point(Vec<Value>),
    /// The network itself.
    Network(Network),
}
