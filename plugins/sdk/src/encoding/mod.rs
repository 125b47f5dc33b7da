//! Points of a space as numbers and back, by their decisions alone. [`Space::encode`](crate::Space::encode) has the encodings of
//! whole networks, one-hot among them.

mod axis;

use archwright_space::{Decision, Domain, Value};

pub use axis::Axis;

/// A number for each decision, its coordinate on its [`Axis`]: of numbers within [0, 1], of a label its index. Inactive decisions
/// have `inactive`.
pub fn ordinal(decisions: &[Decision], values: &[Value], inactive: f64) -> Vec<f64> {
    let coordinate = |(decision, value): (&Decision, &Value)| Axis::new(&decision.domain).coordinate(*value);
    decisions.iter().zip(values).map(|pair| coordinate(pair).unwrap_or(inactive)).collect()
}

/// The place of each decision's value among all of its values, from 0. Inactive decisions have `inactive`. Nothing where a
/// decision is real, or a value is not one of its decision's.
pub fn integer(decisions: &[Decision], values: &[Value], inactive: i64) -> Option<Vec<i64>> {
    let place = |(decision, value): (&Decision, &Value)| match (&decision.domain, value) {
        (_, Value::Inactive) => Some(inactive),
        (Domain::Categorical(_) | Domain::Ordinal(_), Value::Index(index)) => Some(i64::from(*index)),
        (Domain::Integer { low, .. }, Value::Integer(value)) => value.checked_sub(*low),
        _ => None,
    };
    decisions.iter().zip(values).map(place).collect()
}

/// The point with these coordinates, the way back from [`ordinal`]: whatever the numbers are, the values are within their
/// domains and inactive where conditions do not hold. Numbers that are missing count as 0. Whether the point meets the
/// constraints of the space is for [`Space::admits`](crate::Space::admits) to say.
pub fn point(decisions: &[Decision], coordinates: &[f64]) -> Vec<Value> {
    let mut values = Vec::with_capacity(decisions.len());
    for (place, decision) in decisions.iter().enumerate() {
        let coordinate = coordinates.get(place).copied().filter(|coordinate| !coordinate.is_nan()).unwrap_or(0.0);
        let value = if is_active(decisions, place, &values) {
            Axis::new(&decision.domain).value(coordinate.clamp(0.0, f64::MAX))
        } else {
            Value::Inactive
        };
        values.push(value);
    }
    values
}

/// Whether the conditions of the decision at `index` hold, given the values of all earlier ones.
pub fn is_active(decisions: &[Decision], index: usize, values: &[Value]) -> bool {
    decisions.get(index).is_some_and(|decision| archwright_space::is_active(decisions, decision, values))
}
