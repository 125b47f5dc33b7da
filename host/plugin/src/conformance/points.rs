//! Points of a space that have given values.

use archwright_space::{Decision, Domain, Value};

/// The values of a decision that are tried: all of a choice that is not too long, both ends of a range.
pub(super) fn values(domain: &Domain) -> Vec<Value> {
    /// Labels that are tried at most.
    const LABELS: usize = 64;
    let indices = |count: usize| (0..count.min(LABELS)).map(|index| Value::Index(index as u32)).collect();
    match domain {
        Domain::Categorical(labels) => indices(labels.len()),
        Domain::Ordinal(numbers) => indices(numbers.len()),
        Domain::Integer { low, high, .. } if low == high => vec![Value::Integer(*low)],
        Domain::Integer { low, high, .. } => vec![Value::Integer(*low), Value::Integer(*high)],
        Domain::Real { low, high, .. } if low == high => vec![Value::Real(*low)],
        Domain::Real { low, high, .. } => vec![Value::Real(*low), Value::Real(*high)],
    }
}

/// A point whose decision `index` has `value`, and that is `base` wherever this allows; nothing where the decision's
/// conditions contradict each other.
pub(super) fn with(decisions: &[Decision], base: &[Value], index: usize, value: Value) -> Option<Vec<Value>> {
    let mut point = base.to_vec();
    let mut wanted = vec![(index, value)];
    // Conditions are on earlier decisions: what is wanted goes towards the first one.
    while let Some((index, value)) = wanted.pop() {
        point[index] = value;
        for condition in &decisions.get(index)?.active_when {
            let other = decisions.get(condition.decision)?;
            if condition.any_of.iter().any(|one| at(&other.domain, *one) == Some(point[condition.decision])) {
                // It has the right value already, but may not be active itself.
                wanted.push((condition.decision, point[condition.decision]));
            } else {
                wanted.push((condition.decision, at(&other.domain, *condition.any_of.first()?)?));
            }
        }
    }
    let settled = settle(decisions, point);
    (settled[index] == value).then_some(settled)
}

/// The value that a condition names by its place.
fn at(domain: &Domain, place: u32) -> Option<Value> {
    match domain {
        Domain::Categorical(_) | Domain::Ordinal(_) => Some(Value::Index(place)),
        Domain::Integer { low, .. } => Some(Value::Integer(low.checked_add(place.into())?)),
        Domain::Real { .. } => None,
    }
}

/// The same with what its conditions make active or inactive.
fn settle(decisions: &[Decision], mut point: Vec<Value>) -> Vec<Value> {
    for (index, decision) in decisions.iter().enumerate() {
        let holds = decision.active_when.iter().all(|condition| {
            let domain = &decisions[condition.decision].domain;
            condition.any_of.iter().any(|one| at(domain, *one) == Some(point[condition.decision]))
        });
        point[index] = match (holds, point[index]) {
            (false, _) => Value::Inactive,
            (true, Value::Inactive) => values(&decision.domain).first().copied().unwrap_or(Value::Inactive),
            (true, value) => value,
        };
    }
    point
}
