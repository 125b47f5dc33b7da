//! A density over the values of one decision, as TPE has it.

use archwright_relaxation::draw;
use archwright_sdk::{Rng, Value};

use crate::Axis;
use crate::mixture::Mixture;

/// How much the prior weighs: as much as one observation. 1 in hyperopt.
pub const PRIOR_WEIGHT: f64 = 1.0;
/// The latest observations, which weigh the same; older ones weigh the less the older they are. 25 in hyperopt.
const REMEMBERED: usize = 25;

/// Most values of a decision on numbers whose probabilities are listed.
const TABLED: usize = 64;

/// A density over the values of one decision, from values that were observed (Bergstra et al. 2011, section 4, with the
/// constants of hyperopt).
#[derive(Clone, Debug)]
pub struct Parzen {
    axis: Axis,
    density: Density,
}

#[derive(Clone, Debug)]
enum Density {
    /// Probabilities of all values, in order: of labels how often each was observed, and once more.
    Shares(Vec<f64>),
    Numbers(Mixture),
}

impl Parzen {
    /// The density of these coordinates, the oldest first. Without any it is the prior.
    pub fn new(axis: &Axis, observed: &[f64]) -> Self {
        let weights = forgetting(observed.len());
        let density = match axis.labels() {
            Some(count) => {
                let mut shares = vec![PRIOR_WEIGHT; count];
                for (label, weight) in observed.iter().zip(&weights) {
                    if let Some(share) = shares.get_mut(*label as usize) {
                        *share += weight;
                    }
                }
                let sum: f64 = shares.iter().sum();
                shares.iter_mut().for_each(|share| *share /= sum);
                Density::Shares(shares)
            }
            None => {
                let mixture = Mixture::new(observed, &weights, PRIOR_WEIGHT);
                // Few values are worth a table: it is the same density, computed once.
                let share = |value: &Value| mixture.log_mass(axis.stretch(*value)).exp();
                match axis.values(TABLED) {
                    Some(values) => Density::Shares(values.iter().map(share).collect()),
                    None => Density::Numbers(mixture),
                }
            }
        };
        Self { axis: axis.clone(), density }
    }

    /// A value.
    pub fn draw(&self, rng: &mut Rng) -> Value {
        match (&self.density, &self.axis) {
            (Density::Shares(shares), Axis::Integers { low, .. }) => Value::Integer(low + draw(shares, rng) as i64),
            (Density::Shares(shares), _) => Value::Index(draw(shares, rng) as u32),
            (Density::Numbers(mixture), axis) => axis.value(mixture.draw(rng)),
        }
    }

    /// The logarithm of a value's probability, of a real's density.
    pub fn log_probability(&self, value: Value) -> f64 {
        let shares = match &self.density {
            Density::Shares(shares) => shares,
            Density::Numbers(mixture) => return mixture.log_mass(self.axis.stretch(value)),
        };
        let place = match (value, &self.axis) {
            (Value::Index(index), _) => Some(index as usize),
            (Value::Integer(number), Axis::Integers { low, .. }) => {
                number.checked_sub(*low).and_then(|place| usize::try_from(place).ok())
            }
            _ => None,
        };
        place.and_then(|place| shares.get(place)).map_or(f64::NEG_INFINITY, |share| share.ln())
    }
}

/// Weights of observations, the oldest first: the latest 25 weigh 1, those before ramp down to one in their number.
pub(crate) fn forgetting(count: usize) -> Vec<f64> {
    let old = count.saturating_sub(REMEMBERED);
    let oldest = 1.0 / count as f64;
    let ramp = |place: usize| match old {
        1 => oldest,
        _ => oldest + (1.0 - oldest) * place as f64 / (old - 1) as f64,
    };
    (0..count).map(|place| if place < old { ramp(place) } else { 1.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_weigh_as_in_hyperopt() {
        let observed = [0.0, 1.0, 1.0, 3.0].repeat(8);
        let parzen = Parzen::new(&Axis::Labels(5), &observed);
        let expected =
            [0.22935068960173566, 0.45777157911049127, 0.029753602975360297, 0.2533705253370525, 0.029753602975360297];
        for (index, expected) in (0..).zip(expected) {
            assert!((parzen.log_probability(Value::Index(index)).exp() - expected).abs() < 1e-12);
        }
        assert_eq!(forgetting(26)[..2], [1.0 / 26.0, 1.0]);
        let ramp = forgetting(30);
        assert!((ramp[1] - 0.275).abs() < 1e-12 && ramp[4] == 1.0 && ramp.len() == 30, "{ramp:?}");
        assert_eq!(forgetting(3), [1.0; 3]);
    }

    #[test]
    fn probabilities_of_all_values_sum_to_1_and_draws_have_them() {
        let mut rng = Rng::new(2);
        for (axis, observed) in [
            (Axis::Labels(4), vec![1.0, 1.0, 2.0]),
            (Axis::Ordered(6), vec![0.25, 0.75, 0.9]),
            (Axis::Integers { low: 1, high: 20, log_scale: true }, vec![0.1, 0.2, 0.15, 0.6]),
            (Axis::Integers { low: -50, high: 50, log_scale: false }, vec![0.1, 0.2, 0.15, 0.6]),
        ] {
            let parzen = Parzen::new(&axis, &observed);
            let values: Vec<Value> = match axis {
                Axis::Integers { low, high, .. } => (low..=high).map(Value::Integer).collect(),
                Axis::Labels(count) | Axis::Ordered(count) => (0..count as u32).map(Value::Index).collect(),
                Axis::Reals { .. } => panic!("endless"),
            };
            let drawn: Vec<Value> = (0..10_000).map(|_| parzen.draw(&mut rng)).collect();
            let mut sum = 0.0;
            for value in values {
                let share = parzen.log_probability(value).exp();
                let count = drawn.iter().filter(|one| **one == value).count() as f64;
                let deviation = (10_000.0 * share * (1.0 - share)).sqrt();
                assert!((count - 10_000.0 * share).abs() < 5.0 * deviation, "{axis:?} {value:?}");
                sum += share;
            }
            assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        }
    }

    #[test]
    fn the_prior_alone_covers_the_range() {
        let parzen = Parzen::new(&Axis::Reals { low: 1e-4, high: 1.0, log_scale: true }, &[]);
        let mut rng = Rng::new(3);
        let small = (0..1_000).filter(|_| matches!(parzen.draw(&mut rng), Value::Real(value) if value < 1e-2)).count();
        assert!((420..580).contains(&small), "{small}");
        assert_eq!(parzen.log_probability(Value::Inactive), parzen.log_probability(Value::Real(1e-2)));
    }
}
