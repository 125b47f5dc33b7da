//! Domains and their values: which are well formed, which decisions are active, drawing and neighbours.

use std::collections::HashSet;

use crate::seed::Generator;
use crate::{Decision, Domain, SpaceError, Value};

/// Most decisions of a space.
pub const MAX_DECISIONS: usize = 10_000;
/// Values that a real decision's neighbours are taken from, evenly spaced over its range.
const REAL_STEPS: usize = 8;

pub(crate) fn check_decisions(decisions: &[Decision]) -> Result<(), SpaceError> {
    if decisions.len() > MAX_DECISIONS {
        return Err(SpaceError::Limit {
            what: "decisions of a space".into(),
            found: decisions.len() as u64,
            limit: MAX_DECISIONS as u64,
        });
    }
    let mut names = HashSet::new();
    for (index, decision) in decisions.iter().enumerate() {
        let problem =
            |problem: &str| Err(SpaceError::Value { decision: decision.name.clone(), problem: problem.to_owned() });
        if decision.name.is_empty() || !names.insert(decision.name.as_str()) {
            return problem("names of decisions have to be unique and not empty");
        }
        if let Some(wrong) = domain_problem(&decision.domain) {
            return problem(wrong);
        }
        for condition in &decision.active_when {
            let Some(other) = decisions[..index].get(condition.decision) else {
                return problem("a condition has to be on an earlier decision");
            };
            match count(&other.domain) {
                Some(count) if condition.any_of.iter().all(|value| u128::from(*value) < count) => {}
                Some(_) => return problem("a condition names a value that its decision does not have"),
                None => return problem("a condition cannot be on a real decision"),
            }
        }
    }
    Ok(())
}

pub(crate) fn domain_problem(domain: &Domain) -> Option<&'static str> {
    match domain {
        Domain::Categorical(labels) if labels.is_empty() => Some("a domain has at least one value"),
        Domain::Categorical(labels) if labels.iter().collect::<HashSet<_>>().len() < labels.len() => {
            Some("the labels have to differ")
        }
        Domain::Ordinal(numbers) if numbers.is_empty() => Some("a domain has at least one value"),
        Domain::Ordinal(numbers) if !numbers.iter().all(|number| number.is_finite()) => {
            Some("the numbers have to be finite")
        }
        Domain::Ordinal(numbers) if !numbers.is_sorted_by(|left, right| left < right) => {
            Some("the numbers have to increase")
        }
        Domain::Integer { low, high, .. } if low > high => Some("`low` exceeds `high`"),
        Domain::Integer { low, high, .. } if high.checked_sub(*low).is_none_or(|range| range > 1 << 52) => {
            Some("the range is too large")
        }
        Domain::Integer { low, log_scale: true, .. } if *low <= 0 => Some("a log scale needs `low` above 0"),
        Domain::Real { low, high, .. } if !(low.is_finite() && high.is_finite() && low <= high) => {
            Some("`low` and `high` have to be finite, and `low` at most `high`")
        }
        Domain::Real { low, high, .. } if !(high - low).is_finite() => Some("the range is too large"),
        Domain::Real { low, log_scale: true, .. } if *low <= 0.0 => Some("a log scale needs `low` above 0"),
        _ => None,
    }
}

impl Domain {
    /// A value for people to read; nothing for one of another kind of domain.
    pub fn text(&self, value: Value) -> Option<String> {
        match (self, value) {
            (Self::Categorical(labels), Value::Index(index)) => labels.get(index as usize).cloned(),
            (Self::Ordinal(numbers), Value::Index(index)) => numbers.get(index as usize).map(ToString::to_string),
            (_, Value::Integer(value)) => Some(value.to_string()),
            (_, Value::Real(value)) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The value of this domain that reads as `text`, where it has one: the way back from [`Domain::text`].
    pub fn read(&self, text: &str) -> Option<Value> {
        let place = |found: Option<usize>| Some(Value::Index(u32::try_from(found?).ok()?));
        match self {
            Self::Categorical(labels) => place(labels.iter().position(|label| label == text)),
            Self::Ordinal(numbers) => {
                let number: f64 = text.parse().ok()?;
                place(numbers.iter().position(|known| *known == number))
            }
            Self::Integer { low, high, .. } => {
                let number: i64 = text.parse().ok()?;
                (*low..=*high).contains(&number).then_some(Value::Integer(number))
            }
            Self::Real { low, high, .. } => {
                let number: f64 = text.parse().ok()?;
                (*low..=*high).contains(&number).then_some(Value::Real(number))
            }
        }
    }
}

/// Number of values; none for a real domain.
pub(crate) fn count(domain: &Domain) -> Option<u128> {
    match domain {
        Domain::Categorical(labels) => Some(labels.len() as u128),
        Domain::Ordinal(numbers) => Some(numbers.len() as u128),
        Domain::Integer { low, high, .. } => Some((i128::from(*high) - i128::from(*low) + 1).unsigned_abs()),
        Domain::Real { .. } => None,
    }
}

pub(crate) fn has_choice(domain: &Domain) -> bool {
    match domain {
        Domain::Real { low, high, .. } => low < high,
        domain => count(domain).is_some_and(|count| count > 1),
    }
}

/// A value as conditions count it.
fn offset(domain: &Domain, value: Value) -> Option<u32> {
    match (domain, value) {
        (_, Value::Index(index)) => Some(index),
        (Domain::Integer { low, .. }, Value::Integer(value)) => u32::try_from(value.checked_sub(*low)?).ok(),
        _ => None,
    }
}

/// Whether the conditions of one of a space's decisions hold, given the values of all earlier ones. They do not where one is
/// about a decision that is not there.
pub fn is_active(decisions: &[Decision], decision: &Decision, values: &[Value]) -> bool {
    decision.active_when.iter().all(|condition| {
        let value = values.get(condition.decision).copied().unwrap_or(Value::Inactive);
        let offset = decisions.get(condition.decision).and_then(|other| offset(&other.domain, value));
        offset.is_some_and(|offset| condition.any_of.contains(&offset))
    })
}

/// Checks that values are a point of a space with these decisions.
pub(crate) fn check_point(decisions: &[Decision], values: &[Value]) -> Result<(), SpaceError> {
    if values.len() != decisions.len() {
        return Err(SpaceError::Length { expected: decisions.len(), found: values.len() });
    }
    for (decision, value) in decisions.iter().zip(values) {
        let problem = |problem: String| Err(SpaceError::Value { decision: decision.name.clone(), problem });
        let active = is_active(decisions, decision, values);
        match (&decision.domain, value) {
            (_, Value::Inactive) if !active => {}
            (_, Value::Inactive) => return problem("it is inactive although its conditions hold".into()),
            _ if !active => return problem("it has a value although its conditions do not hold".into()),
            (Domain::Categorical(_) | Domain::Ordinal(_), Value::Index(index)) => {
                let count = count(&decision.domain).unwrap_or(0);
                if u128::from(*index) >= count {
                    return problem(format!("index {index} is not below {count}"));
                }
            }
            (Domain::Integer { low, high, .. }, Value::Integer(value)) => {
                if !(low..=high).contains(&value) {
                    return problem(format!("{value} is not in {low} to {high}"));
                }
            }
            (Domain::Real { low, high, .. }, Value::Real(value)) => {
                if !(*low..=*high).contains(value) {
                    return problem(format!("{value} is not in {low} to {high}"));
                }
            }
            (_, value) => return problem(format!("{value:?} is not a value of its kind of domain")),
        }
    }
    Ok(())
}

pub(crate) fn draw(domain: &Domain, generator: &mut Generator) -> Value {
    match domain {
        Domain::Categorical(labels) => Value::Index(generator.below(labels.len() as u64) as u32),
        Domain::Ordinal(numbers) => Value::Index(generator.below(numbers.len() as u64) as u32),
        Domain::Integer { low, high, log_scale: false } => {
            let offset = generator.below(high.abs_diff(*low) + 1);
            Value::Integer(low.saturating_add_unsigned(offset))
        }
        Domain::Integer { low, high, log_scale: true } => {
            // Each integer owns the stretch of the log scale from itself to the next.
            let drawn = log_between(*low as f64, *high as f64 + 1.0, generator.unit());
            Value::Integer((drawn.floor() as i64).clamp(*low, *high))
        }
        Domain::Real { low, high, log_scale } => {
            let unit = generator.unit();
            let drawn = if *log_scale { log_between(*low, *high, unit) } else { low + (high - low) * unit };
            Value::Real(drawn.clamp(*low, *high))
        }
    }
}

/// The number at this share of the way from `low` to `high` on a log scale. The standard library's logarithms need not be the same
/// on every machine, nor in a component.
fn log_between(low: f64, high: f64, unit: f64) -> f64 {
    libm::exp(libm::log(low) + (libm::log(high) - libm::log(low)) * unit)
}

/// A value other than `than`, from a domain with several.
pub(crate) fn draw_other(domain: &Domain, than: Value, generator: &mut Generator) -> Value {
    let mut draws = (0..1_000).map(|_| draw(domain, generator));
    match draws.find(|value| *value != than) {
        Some(value) => value,
        // A range so narrow that rounding leaves few of its values.
        None => beside(domain, than).first().copied().unwrap_or(than),
    }
}

/// All values of a finite domain.
pub(crate) fn all_values(domain: &Domain) -> Vec<Value> {
    match domain {
        Domain::Categorical(labels) => (0..labels.len() as u32).map(Value::Index).collect(),
        Domain::Ordinal(numbers) => (0..numbers.len() as u32).map(Value::Index).collect(),
        Domain::Integer { low, high, .. } => (*low..=*high).map(Value::Integer).collect(),
        Domain::Real { .. } => Vec::new(),
    }
}

pub(crate) fn first_value(domain: &Domain) -> Value {
    match domain {
        Domain::Categorical(_) | Domain::Ordinal(_) => Value::Index(0),
        Domain::Integer { low, .. } => Value::Integer(*low),
        Domain::Real { low, .. } => Value::Real(*low),
    }
}

/// The first and the last value.
pub(crate) fn extremes(domain: &Domain) -> [Value; 2] {
    let last = match domain {
        Domain::Categorical(labels) => Value::Index(labels.len().saturating_sub(1) as u32),
        Domain::Ordinal(numbers) => Value::Index(numbers.len().saturating_sub(1) as u32),
        Domain::Integer { high, .. } => Value::Integer(*high),
        Domain::Real { high, .. } => Value::Real(*high),
    };
    [first_value(domain), last]
}

/// Values that count as one step away.
pub(crate) fn beside(domain: &Domain, value: Value) -> Vec<Value> {
    match (domain, value) {
        (Domain::Categorical(labels), Value::Index(index)) => {
            (0..labels.len() as u32).filter(|other| *other != index).map(Value::Index).collect()
        }
        (Domain::Ordinal(numbers), Value::Index(index)) => [index.checked_sub(1), index.checked_add(1)]
            .into_iter()
            .flatten()
            .filter(|other| (*other as usize) < numbers.len())
            .map(Value::Index)
            .collect(),
        (Domain::Integer { low, high, .. }, Value::Integer(value)) => [value.checked_sub(1), value.checked_add(1)]
            .into_iter()
            .flatten()
            .filter(|other| (low..=high).contains(&other))
            .map(Value::Integer)
            .collect(),
        (Domain::Real { low, high, log_scale }, Value::Real(value)) => (0..=REAL_STEPS)
            .map(|step| {
                let unit = step as f64 / REAL_STEPS as f64;
                let at = if *log_scale { log_between(*low, *high, unit) } else { low + (high - low) * unit };
                at.clamp(*low, *high)
            })
            .filter(|other| *other != value)
            .map(Value::Real)
            .collect(),
        _ => Vec::new(),
    }
}
