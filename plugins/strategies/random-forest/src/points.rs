//! Points of a space by its decisions alone, whether they meet its constraints or not.
//!
//! A forest looks at thousands, of which a few are asked for: to have the space draw them would take the fuel of a network each
//! where an experiment limits sizes. [`Space::admits`] is asked of the best alone.

use archwright_sdk::encoding::is_active;
use archwright_sdk::prelude::*;

/// Neighbours by each number, and how far off they are as a share of its range (Hutter, Hoos & Leyton-Brown 2011, section 4.3).
const STEPS: usize = 4;
const DEVIATION: f64 = 0.2;

/// A uniformly random point; on a log scale where a domain says so.
pub(crate) fn random(decisions: &[Decision], rng: &mut Rng) -> Vec<Value> {
    let mut values = Vec::with_capacity(decisions.len());
    for (place, decision) in decisions.iter().enumerate() {
        let value = match &decision.domain {
            _ if !is_active(decisions, place, &values) => Value::Inactive,
            Domain::Categorical(labels) => index(rng.below(labels.len())),
            Domain::Ordinal(numbers) => index(rng.below(numbers.len())),
            domain => at(domain, rng.uniform()),
        };
        values.push(value);
    }
    values
}

/// All points with another label for one decision, and some with another number, near the present one (section 4.3). What a change
/// activates has its first value.
pub(crate) fn neighbors(of: &[Value], decisions: &[Decision], rng: &mut Rng) -> Vec<Vec<Value>> {
    let mut neighbors = Vec::new();
    for (place, (value, decision)) in of.iter().zip(decisions).enumerate() {
        let others: Vec<Value> = match (value, &decision.domain) {
            (Value::Inactive, _) => Vec::new(),
            (_, Domain::Categorical(labels)) => (0..labels.len()).map(index).collect(),
            (_, domain) => {
                let here = share(domain, *value);
                (0..STEPS).map(|_| at(domain, (here + DEVIATION * rng.normal()).clamp(0.0, 1.0))).collect()
            }
        };
        for other in others.into_iter().filter(|other| other != value) {
            let mut changed = of.to_vec();
            changed[place] = other;
            settle(&mut changed, decisions);
            neighbors.push(changed);
        }
    }
    neighbors
}

/// Makes values a point again after one of them changed.
fn settle(values: &mut [Value], decisions: &[Decision]) {
    for (place, decision) in decisions.iter().enumerate() {
        if !is_active(decisions, place, values) {
            values[place] = Value::Inactive;
        } else if values[place] == Value::Inactive {
            values[place] = at(&decision.domain, 0.0);
        }
    }
}

fn index(place: usize) -> Value {
    Value::Index(u32::try_from(place).unwrap_or(u32::MAX))
}

/// The value at a share, in [0, 1], of a domain's range; the first label.
fn at(domain: &Domain, share: f64) -> Value {
    let between = |low: f64, high: f64, log_scale: bool| {
        if log_scale { (low.ln() + (high.ln() - low.ln()) * share).exp() } else { low + (high - low) * share }
    };
    match domain {
        Domain::Categorical(_) => Value::Index(0),
        Domain::Ordinal(numbers) => index((numbers.len().saturating_sub(1) as f64 * share).round() as usize),
        Domain::Integer { low, high, log_scale } => {
            // Each integer has the stretch from itself to the next.
            let drawn = between(*low as f64, *high as f64 + 1.0, *log_scale).floor();
            Value::Integer((drawn as i64).clamp(*low, *high))
        }
        Domain::Real { low, high, log_scale } => Value::Real(between(*low, *high, *log_scale).clamp(*low, *high)),
    }
}

/// Where in a domain's range a value is; the way back from [`at`].
fn share(domain: &Domain, value: Value) -> f64 {
    let within = |low: f64, high: f64, value: f64, log_scale: bool| {
        let (low, high, value) = if log_scale { (low.ln(), high.ln(), value.ln()) } else { (low, high, value) };
        if high > low { (value - low) / (high - low) } else { 0.0 }
    };
    match (domain, value) {
        (Domain::Ordinal(numbers), Value::Index(index)) => {
            within(0.0, numbers.len().saturating_sub(1) as f64, f64::from(index), false)
        }
        (Domain::Integer { low, high, log_scale }, Value::Integer(value)) => {
            within(*low as f64, *high as f64 + 1.0, value as f64 + 0.5, *log_scale)
        }
        (Domain::Real { low, high, log_scale }, Value::Real(value)) => within(*low, *high, value, *log_scale),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use archwright_sdk::Condition;
    use archwright_sdk::testing::{bundled_space, setup};

    use super::*;

    fn decision(domain: Domain, active_when: Vec<Condition>) -> Decision {
        Decision { name: "one".into(), domain, active_when }
    }

    fn mixed() -> Vec<Decision> {
        let labels = Domain::Categorical(vec!["a".into(), "b".into(), "c".into()]);
        vec![
            decision(labels, Vec::new()),
            decision(Domain::Integer { low: 4, high: 64, log_scale: true }, Vec::new()),
            decision(
                Domain::Real { low: 1e-4, high: 1.0, log_scale: true },
                vec![Condition { decision: 0, any_of: vec![1, 2] }],
            ),
            decision(Domain::Ordinal(vec![1.0, 2.0, 8.0]), vec![Condition { decision: 1, any_of: (0..12).collect() }]),
        ]
    }

    fn is_point(values: &[Value], decisions: &[Decision]) -> bool {
        let fits = |place: usize| match (&values[place], &decisions[place].domain) {
            (Value::Inactive, _) => !is_active(decisions, place, values),
            _ if !is_active(decisions, place, values) => false,
            (Value::Index(index), Domain::Categorical(labels)) => (*index as usize) < labels.len(),
            (Value::Index(index), Domain::Ordinal(numbers)) => (*index as usize) < numbers.len(),
            (Value::Integer(value), Domain::Integer { low, high, .. }) => (low..=high).contains(&value),
            (Value::Real(value), Domain::Real { low, high, .. }) => (*low..=*high).contains(value),
            _ => false,
        };
        values.len() == decisions.len() && (0..values.len()).all(fits)
    }

    #[test]
    fn what_is_drawn_is_a_point() {
        let decisions = mixed();
        let mut rng = Rng::new(0);
        let mut inactive = [0; 4];
        for _ in 0..500 {
            let values = random(&decisions, &mut rng);
            assert!(is_point(&values, &decisions), "{values:?}");
            for (count, value) in inactive.iter_mut().zip(&values) {
                *count += usize::from(*value == Value::Inactive);
            }
            for neighbor in neighbors(&values, &decisions, &mut rng) {
                assert!(is_point(&neighbor, &decisions), "{neighbor:?}");
                assert_ne!(neighbor, values);
            }
        }
        // A third of the labels, and the integers from 16 to 64 by their logarithm: half. Four standard errors of 0.022.
        assert!(inactive[..2] == [0, 0] && (inactive[2] as f64 / 500.0 - 1.0 / 3.0).abs() < 0.09, "{inactive:?}");
        assert!((inactive[3] as f64 / 500.0 - (65_f64 / 16.0).ln() / (65_f64 / 4.0).ln()).abs() < 0.09, "{inactive:?}");
    }

    #[test]
    fn spaces_take_them_and_labels_have_all_neighbors() {
        for name in ["nas-bench-201", "residual", "darts"] {
            let space = bundled_space(name);
            let decisions = setup(&space, 0).decisions;
            let mut rng = Rng::new(1);
            let values: Vec<Vec<Value>> = (0..50).map(|_| random(&decisions, &mut rng)).collect();
            let admitted = values.iter().filter(|values| space.admits(&Architecture::Point(values.to_vec()))).count();
            assert!(admitted > 0, "{name}");
            if name == "nas-bench-201" {
                assert_eq!(admitted, 50);
                assert_eq!(neighbors(&values[0], &decisions, &mut rng).len(), 24);
            }
        }
    }

    #[test]
    fn shares_are_where_values_are() {
        for decision in &mixed()[1..] {
            for place in 0..=10 {
                let value = at(&decision.domain, f64::from(place) / 10.0);
                match (value, at(&decision.domain, share(&decision.domain, value))) {
                    (Value::Real(value), Value::Real(again)) => assert!((value - again).abs() < 1e-12),
                    (value, again) => assert_eq!(value, again),
                }
            }
        }
    }
}
