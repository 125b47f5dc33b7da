//! How alike two rankings are.

use chacha20::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde::Serialize;

use crate::interval::Interval;
use crate::ranks::tied_ranks;

/// Resamples of the bootstrap.
const RESAMPLES: usize = 2_000;
/// Fewest things whose order a bootstrap says something about.
const FEWEST: usize = 10;
/// Seed of the resamples: the same numbers always give the same interval.
const SEED: u64 = 0;
/// Shares of the things ranked whose overlap is looked at.
const TOP_SHARES: [f64; 3] = [0.1, 0.25, 0.5];

/// How alike two rankings of the same things are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Things that both rank.
    pub count: usize,
    /// Kendall's tau-b, in [-1, 1]; nothing where one of the two tells none apart.
    pub kendall: Option<f64>,
    /// Interval for Kendall's tau-b at 95 %, by the percentile bootstrap; nothing for fewer than ten things.
    pub kendall_interval: Option<Interval>,
    /// Spearman's rank correlation, in [-1, 1]; nothing where one of the two tells none apart.
    pub spearman: Option<f64>,
    /// How many of the best by one are among the best by the other.
    pub top: Vec<TopOverlap>,
}

/// How many of the best by one are among the best by the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TopOverlap {
    /// How many count as the best.
    pub k: usize,
    /// Share of them that both name, in [0, 1]. Of equals, the earlier ones count.
    pub share: f64,
}

/// Compares the rankings that two lists of values, larger being better, give to the same things. Values are finite.
///
/// The lists are of equal length; what one has beyond the other is left out.
pub fn agreement(left: &[f64], right: &[f64]) -> Agreement {
    let count = left.len().min(right.len());
    let pairs: Vec<(f64, f64)> = left.iter().copied().zip(right.iter().copied()).collect();
    let mut sizes: Vec<usize> = TOP_SHARES
        .iter()
        .map(|share| (count as f64 * share).round() as usize)
        .filter(|k| (1..count).contains(k))
        .collect();
    sizes.dedup();
    Agreement {
        count,
        kendall: kendall(&pairs),
        kendall_interval: interval(&pairs),
        spearman: spearman(&pairs),
        top: sizes.into_iter().map(|k| TopOverlap { k, share: overlap(&pairs, k) }).collect(),
    }
}

/// Kendall's tau-b of pairs of finite values, in [-1, 1]; nothing where the left or the right ones are all equal.
pub fn kendall(pairs: &[(f64, f64)]) -> Option<f64> {
    let (left, right): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (tau, _) =
        kendalls::tau_b_with_comparator(&left, &right, |one: &f64, other: &f64| one.total_cmp(other)).ok()?;
    tau.is_finite().then_some(tau)
}

/// The percentile bootstrap (Efron 1979): values of tau over samples of the things, drawn with repeats.
fn interval(pairs: &[(f64, f64)]) -> Option<Interval> {
    if pairs.len() < FEWEST {
        return None;
    }
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let count = pairs.len() as u64;
    let mut draw =
        || -> Vec<(f64, f64)> { (0..count).map(|_| pairs[(generator.next_u64() % count) as usize]).collect() };
    let mut values: Vec<f64> = (0..RESAMPLES).filter_map(|_| kendall(&draw())).collect();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values.get((share * (values.len().checked_sub(1)?) as f64).round() as usize).copied();
    Some(Interval { low: at(0.025)?, high: at(0.975)? })
}

/// Pearson's correlation of the ranks, of equals their mean.
fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let (left, right): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (left, right) = (tied_ranks(&left).ranks, tied_ranks(&right).ranks);
    let mean = (pairs.len() as f64 + 1.0) / 2.0;
    let product = |one: &[f64], other: &[f64]| -> f64 {
        one.iter().zip(other).map(|(one, other)| (one - mean) * (other - mean)).sum()
    };
    let spread = (product(&left, &left) * product(&right, &right)).sqrt();
    (spread > 0.0).then(|| product(&left, &right) / spread)
}

fn overlap(pairs: &[(f64, f64)], k: usize) -> f64 {
    let best = |value: fn(&(f64, f64)) -> f64| {
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by(|one, other| value(&pairs[*other]).total_cmp(&value(&pairs[*one])));
        order.truncate(k);
        order
    };
    let (left, right) = (best(|pair| pair.0), best(|pair| pair.1));
    left.iter().filter(|place| right.contains(place)).count() as f64 / k as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEFT: [f64; 10] = [0.1, 0.4, 0.2, 0.9, 0.5, 0.5, 0.7, 0.3, 0.8, 0.6];
    const RIGHT: [f64; 10] = [0.2, 0.3, 0.1, 0.8, 0.6, 0.4, 0.9, 0.3, 0.7, 0.5];

    #[test]
    fn values_are_those_of_an_independent_reference() {
        let found = agreement(&LEFT, &RIGHT);
        // Counted from the definitions: 39 pairs in order and 4 out of it, one tie in each list; ranks summed in Python.
        assert!((found.kendall.unwrap() - 35.0 / 44.0).abs() < 1e-12, "{found:?}");
        assert!((found.spearman.unwrap() - 0.926_829_268_292_683).abs() < 1e-12, "{found:?}");
        assert_eq!(
            found.top,
            [TopOverlap { k: 1, share: 0.0 }, TopOverlap { k: 3, share: 1.0 }, TopOverlap { k: 5, share: 1.0 }]
        );
        let interval = found.kendall_interval.unwrap();
        assert!(
            interval.low > 0.3 && interval.low < 0.77 && interval.high > 0.77 && interval.high <= 1.0,
            "{interval:?}"
        );
    }

    #[test]
    fn the_same_order_agrees_and_the_opposite_one_does_not() {
        let reversed: Vec<f64> = LEFT.iter().map(|value| -value).collect();
        let (same, opposite) = (agreement(&LEFT, &LEFT), agreement(&LEFT, &reversed));
        assert_eq!((same.kendall, same.spearman), (Some(1.0), Some(1.0)));
        assert_eq!((opposite.kendall, opposite.spearman), (Some(-1.0), Some(-1.0)));
    }

    #[test]
    fn nothing_to_tell_apart_has_no_correlation() {
        let found = agreement(&[0.5; 6], &LEFT[..6]);
        assert_eq!((found.kendall, found.spearman, found.kendall_interval), (None, None, None));
        assert_eq!(agreement(&[], &[]).count, 0);
    }

    proptest! {
        #[test]
        fn values_stay_in_their_ranges(pairs in prop::collection::vec((-1e3f64..1e3, -1e3f64..1e3), 3..30)) {
            let tau = kendall(&pairs).unwrap();
            prop_assert!((-1.0..=1.0).contains(&tau));
            let rho = spearman(&pairs).unwrap();
            prop_assert!((-1.0 - 1e-12..=1.0 + 1e-12).contains(&rho));
            let swapped: Vec<_> = pairs.iter().map(|(left, right)| (*right, *left)).collect();
            prop_assert_eq!(kendall(&swapped), Some(tau));
        }
    }
}
