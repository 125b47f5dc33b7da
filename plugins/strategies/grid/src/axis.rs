//! The values of one decision that are on the grid.

use archwright_sdk::{Condition, Decision, Domain, Value};

/// A decision with its values on the grid, numbered from 0. There is always one.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    values: Values,
    /// When the decision exists.
    pub(crate) conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
enum Values {
    /// All indices below this.
    Indices(u32),
    /// These, in rising order.
    Listed(Vec<Value>),
}

impl Axis {
    /// The grid of a decision: all labels and listed numbers, and of a range `steps` evenly spaced values, both ends among
    /// them, or all there are.
    pub(crate) fn new(decision: &Decision, steps: u32) -> Self {
        let values = match &decision.domain {
            Domain::Categorical(labels) => Values::Indices(u32::try_from(labels.len()).unwrap_or(u32::MAX)),
            Domain::Ordinal(numbers) => Values::Indices(u32::try_from(numbers.len()).unwrap_or(u32::MAX)),
            Domain::Integer { low, high, .. } if high.abs_diff(*low) < u64::from(steps) => {
                Values::Listed((*low..=*high).map(Value::Integer).collect())
            }
            Domain::Integer { low, high, log_scale } => {
                let at = |share| between(*low as f64, *high as f64, *log_scale, share).round() as i64;
                let mut list: Vec<i64> = shares(steps).map(|share| at(share).clamp(*low, *high)).collect();
                // On a log scale small integers may come twice.
                list.dedup();
                Values::Listed(list.into_iter().map(Value::Integer).collect())
            }
            Domain::Real { low, high, log_scale } => {
                let mut list: Vec<f64> =
                    shares(steps).map(|share| between(*low, *high, *log_scale, share).clamp(*low, *high)).collect();
                list.dedup();
                Values::Listed(list.into_iter().map(Value::Real).collect())
            }
        };
        Self { values, conditions: decision.active_when.clone() }
    }

    /// Number of values.
    pub(crate) fn len(&self) -> u32 {
        match &self.values {
            Values::Indices(count) => *count,
            Values::Listed(list) => list.len() as u32,
        }
    }

    /// A value by its number.
    pub(crate) fn value(&self, number: u32) -> Value {
        match &self.values {
            Values::Indices(_) => Value::Index(number),
            Values::Listed(list) => list.get(number as usize).copied().unwrap_or(Value::Inactive),
        }
    }
}

/// Evenly spaced from 0 to 1; the middle alone of one.
fn shares(steps: u32) -> impl Iterator<Item = f64> {
    (0..steps).map(move |step| if steps == 1 { 0.5 } else { f64::from(step) / f64::from(steps - 1) })
}

fn between(low: f64, high: f64, log_scale: bool, share: f64) -> f64 {
    if share == 0.0 {
        low
    } else if share == 1.0 {
        high
    } else if log_scale {
        (low.ln() + (high.ln() - low.ln()) * share).exp()
    } else {
        low + (high - low) * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(domain: Domain, steps: u32) -> Vec<Value> {
        let axis = Axis::new(&Decision { name: "x".into(), domain, active_when: Vec::new() }, steps);
        (0..axis.len()).map(|number| axis.value(number)).collect()
    }

    #[test]
    fn ranges_are_evenly_spaced_on_their_scale() {
        let real = |low, high, log_scale, steps| -> Vec<f64> {
            let number = |value| if let Value::Real(number) = value { number } else { panic!("{value:?}") };
            values(Domain::Real { low, high, log_scale }, steps).into_iter().map(number).collect()
        };
        assert_eq!(real(0.0, 1.0, false, 5), [0.0, 0.25, 0.5, 0.75, 1.0]);
        let log = real(1e-4, 1.0, true, 3);
        assert!((log[1] - 1e-2).abs() < 1e-12 && log[0] == 1e-4 && log[2] == 1.0, "{log:?}");
        assert_eq!(real(0.0, 1.0, false, 1), [0.5]);
        assert_eq!(real(0.5, 0.5, false, 4), [0.5]);
        let integer = |low, high, log_scale, steps| -> Vec<i64> {
            let number = |value| if let Value::Integer(number) = value { number } else { panic!("{value:?}") };
            values(Domain::Integer { low, high, log_scale }, steps).into_iter().map(number).collect()
        };
        assert_eq!(integer(1, 4, false, 10), [1, 2, 3, 4]);
        assert_eq!(integer(0, 100, false, 3), [0, 50, 100]);
        assert_eq!(integer(1, 64, true, 4), [1, 4, 16, 64]);
        assert_eq!(integer(1, 10, true, 9), [1, 2, 3, 4, 6, 7, 10]);
    }

    #[test]
    fn lists_are_taken_whole() {
        let labels = ["a", "b", "c"].map(String::from).to_vec();
        assert_eq!(values(Domain::Categorical(labels), 2), [0, 1, 2].map(Value::Index));
        assert_eq!(values(Domain::Ordinal(vec![1.0, 7.0]), 1), [0, 1].map(Value::Index));
    }
}
