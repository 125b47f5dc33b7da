//! What a list of values comes to.

use serde::Serialize;

use crate::data::all_finite;

/// The quartiles of values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quartiles {
    /// A quarter of the values lies below.
    pub low: f64,
    /// The median.
    pub median: f64,
    /// A quarter of the values lies above.
    pub high: f64,
}

/// The mean; nothing where there is no value or one is not finite.
pub fn mean(values: &[f64]) -> Option<f64> {
    all_finite(values).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard deviation of the population that the values are a sample of (n - 1 in the denominator); nothing for
/// fewer than two values or where one is not finite.
pub fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() as f64 - 1.0)).sqrt())
}

/// The value below which a share of the values in [0, 1] lies, linear between neighbours (definition 7 of Hyndman and
/// Fan 1996, numpy's default); nothing where there is no value or one is not finite.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    (all_finite(values) && (0.0..=1.0).contains(&share)).then(|| quantile_of_sorted(&sorted(values), share))
}

/// The quartiles, as [`quantile`] defines them; nothing where there is no value or one is not finite.
pub fn quartiles(values: &[f64]) -> Option<Quartiles> {
    let sorted = all_finite(values).then(|| sorted(values))?;
    let [low, median, high] = [0.25, 0.5, 0.75].map(|share| quantile_of_sorted(&sorted, share));
    Some(Quartiles { low, median, high })
}

pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// A quantile of sorted values, of which there is at least one; `share` is in [0, 1].
pub(crate) fn quantile_of_sorted(sorted: &[f64], share: f64) -> f64 {
    let (below, rest) = place(sorted.len(), share);
    between(sorted[below], sorted[(below + 1).min(sorted.len() - 1)], rest)
}

/// [`quantile_of_sorted`] of values in any order, which it changes; faster than to sort them where few quantiles are asked
/// for.
pub(crate) fn quantile_by_selection(values: &mut [f64], share: f64) -> f64 {
    let (below, rest) = place(values.len(), share);
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    between(*low, if high.is_finite() { high } else { *low }, rest)
}

/// The place of the value at or below a quantile, and how far the quantile is on the way to the next value.
fn place(count: usize, share: f64) -> (usize, f64) {
    let place = share * (count - 1) as f64;
    let below = (place.floor() as usize).min(count - 1);
    (below, place - below as f64)
}

fn between(low: f64, high: f64, rest: f64) -> f64 {
    // Not low + (high - low) * rest, which leaves the range of the two for the last bit.
    (low * (1.0 - rest) + high * rest).clamp(low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_values_have_defined_answers() {
        assert_eq!((mean(&[]), deviation(&[1.0]), quartiles(&[])), (None, None, None));
        assert_eq!(quartiles(&[3.0]), Some(Quartiles { low: 3.0, median: 3.0, high: 3.0 }));
        assert_eq!((mean(&[f64::NAN]), quantile(&[1.0], f64::NAN), quantile(&[1.0], 2.0)), (None, None, None));
        assert_eq!(deviation(&[1.0, 3.0]), Some(2.0f64.sqrt()));
    }

    proptest! {
        #[test]
        fn quartiles_are_in_order(values in prop::collection::vec(-1e6f64..1e6, 1..40)) {
            let found = quartiles(&values).unwrap();
            let [least, most] = [0.0, 1.0].map(|share| quantile(&values, share).unwrap());
            for share in [0.0, 0.1, 0.5, 0.975, 1.0] {
                let selected = quantile_by_selection(&mut values.clone(), share);
                prop_assert_eq!(Some(selected), quantile(&values, share));
            }
            prop_assert!(least <= found.low && found.low <= found.median);
            prop_assert!(found.median <= found.high && found.high <= most);
        }
    }
}
