//! Whether two methods differ, and by how much.

use crate::data::{DataError, all_finite, check};
use crate::omnibus::{Finding, pairs, symmetric};
use crate::range::two_sided;
use crate::ranks::{ordered, tied_ranks};

/// Most pairs for which Wilcoxon's distribution is counted out.
const WILCOXON_EXACT: usize = 50;
/// Most pairs for which it is counted out where there are ties or pairs of equals.
const WILCOXON_EXACT_TIED: usize = 13;
/// Most values in the smaller sample for which Mann and Whitney's distribution is counted out.
const MANN_WHITNEY_EXACT: usize = 8;
/// Most values in the larger one: beyond, counts would no longer fit into an integer.
const MANN_WHITNEY_EXACT_LARGER: usize = 10_000;

/// Wilcoxon's signed-rank test of paired values, two-sided (Wilcoxon 1945). The statistic is the smaller of the two rank
/// sums. Pairs of equals are left out.
///
/// p is exact for at most 50 pairs (13 where there are ties or pairs of equals), and beyond from the normal approximation,
/// corrected for ties but not for continuity. Nothing where the lists differ in length, are empty or have a value that is
/// not finite. Where all pairs are of equals, p is 1.
pub fn wilcoxon(left: &[f64], right: &[f64]) -> Option<Finding> {
    let differences: Vec<f64> = left.iter().zip(right).map(|(left, right)| left - right).collect();
    if left.len() != right.len() || !all_finite(&differences) {
        return None;
    }
    let (all, differences): (usize, Vec<f64>) =
        (differences.len(), differences.into_iter().filter(|difference| *difference != 0.0).collect());
    let found = tied_ranks(&differences.iter().map(|difference| difference.abs()).collect::<Vec<f64>>());
    let n = differences.len() as f64;
    let sum = n * (n + 1.0) / 2.0;
    let up: f64 = differences.iter().zip(&found.ranks).filter(|(step, _)| **step > 0.0).map(|(_, rank)| rank).sum();
    let statistic = up.min(sum - up);
    let plain = found.tied == 0.0 && differences.len() == all;
    let p = if all <= if plain { WILCOXON_EXACT } else { WILCOXON_EXACT_TIED } {
        signed_ranks_at_most(&found.ranks, statistic)
    } else {
        let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - found.tied / 2.0) / 24.0;
        if variance > 0.0 { two_sided((up - sum / 2.0) / variance.sqrt()) } else { 1.0 }
    };
    Some(Finding { statistic, p })
}

/// Twice the share of all choices of signs in which the ranks with a plus sum to at most `statistic`; at most 1.
fn signed_ranks_at_most(ranks: &[f64], statistic: f64) -> f64 {
    // Ranks of equals are halves, so everything is doubled. Counts are whole numbers below 2^53, and exact.
    let doubled: Vec<usize> = ranks.iter().map(|rank| (2.0 * rank) as usize).collect();
    let mut counts = vec![0.0; doubled.iter().sum::<usize>() + 1];
    counts[0] = 1.0;
    for rank in doubled {
        for sum in (rank..counts.len()).rev() {
            counts[sum] += counts[sum - rank];
        }
    }
    let inside: f64 = counts.iter().take((2.0 * statistic) as usize + 1).sum();
    (2.0 * inside / counts.iter().sum::<f64>()).min(1.0)
}

/// Mann and Whitney's test of two independent samples, two-sided (Mann and Whitney 1947). The statistic is U of the left
/// one: in how many pairs it has the larger value, equals counting a half.
///
/// p is exact where the smaller sample has at most 8 values (the larger one at most 10 000) and no two values are equal,
/// and else from the normal approximation, corrected for ties and continuity. Nothing where a sample is empty or has a
/// value that is not finite. Where all values are equal, p is 1.
pub fn mann_whitney(left: &[f64], right: &[f64]) -> Option<Finding> {
    if !all_finite(left) || !all_finite(right) {
        return None;
    }
    let (n, m) = (left.len() as f64, right.len() as f64);
    let found = tied_ranks(&[left, right].concat());
    let statistic = found.ranks[..left.len()].iter().sum::<f64>() - n * (n + 1.0) / 2.0;
    let farther = statistic.max(n * m - statistic);
    let (smaller, larger) = (left.len().min(right.len()), left.len().max(right.len()));
    let p = if smaller <= MANN_WHITNEY_EXACT && larger <= MANN_WHITNEY_EXACT_LARGER && found.tied == 0.0 {
        larger_in_at_most(smaller, larger, (n * m - farther) as usize)
    } else {
        let all = n + m;
        let variance = n * m / 12.0 * (all + 1.0 - found.tied / (all * (all - 1.0)));
        // For continuity; where U is in its middle, it would lead beyond it.
        let away = (farther - n * m / 2.0 - 0.5).max(0.0);
        if variance > 0.0 { two_sided(away / variance.sqrt()) } else { 1.0 }
    };
    Some(Finding { statistic, p })
}

/// Twice the share of all orders of two samples in which U is at most `most`; at most 1. No two values are equal.
///
/// The counts are the coefficients of a Gaussian binomial, the product of (1 - x^(larger + i)) / (1 - x^i).
fn larger_in_at_most(smaller: usize, larger: usize, most: usize) -> f64 {
    let mut counts = vec![0i128; smaller * larger + 1];
    counts[0] = 1;
    for factor in 1..=smaller {
        for place in (larger + factor..counts.len()).rev() {
            counts[place] -= counts[place - larger - factor];
        }
        for place in factor..counts.len() {
            counts[place] += counts[place - factor];
        }
    }
    let share = |counts: &[i128]| counts.iter().sum::<i128>() as f64;
    (2.0 * share(&counts[..=most.min(smaller * larger)]) / share(&counts)).min(1.0)
}

/// Holm's correction of p-values for their number (Holm 1979): what each would have to be compared with a level as, so
/// that the probability of any false finding stays below it.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut most = 0.0f64;
    for (place, which) in ordered(p).into_iter().enumerate() {
        most = most.max((p.len() - place) as f64 * p[which]).min(1.0);
        adjusted[which] = most;
    }
    adjusted
}

/// Wilcoxon's test of each pair of methods with Holm's correction for the number of pairs: p by one row and one column a
/// method, 1 on the diagonal. One row of `results` a method, one column a block.
///
/// # Errors
/// Where there is no value, rows differ in length, or a value is not finite.
pub fn wilcoxon_holm(results: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, DataError> {
    check(results)?;
    // Values whose difference is beyond all numbers cannot be ranked and prove nothing.
    let p = |(one, other): (usize, usize)| wilcoxon(&results[one], &results[other]).map_or(1.0, |found| found.p);
    Ok(symmetric(results.len(), holm(&pairs(results.len()).map(p).collect::<Vec<f64>>())))
}

/// Vargha and Delaney's A12 (2000): how likely a value of the left sample is to be larger than one of the right, equals
/// counting a half. In [0, 1]; 0.5 is no difference, and 0.56, 0.64 and 0.71 are what they call small, medium and large.
///
/// Nothing where a sample is empty or has a value that is not finite.
pub fn vargha_delaney(left: &[f64], right: &[f64]) -> Option<f64> {
    let found = mann_whitney(left, right)?;
    Some(found.statistic / (left.len() as f64 * right.len() as f64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_tested_has_a_defined_answer() {
        let equal = [0.5; 20];
        assert_eq!(wilcoxon(&equal, &equal), Some(Finding { statistic: 0.0, p: 1.0 }));
        assert_eq!(wilcoxon(&equal[..3], &equal[..3]), Some(Finding { statistic: 0.0, p: 1.0 }));
        assert_eq!(mann_whitney(&equal, &equal), Some(Finding { statistic: 200.0, p: 1.0 }));
        assert_eq!(mann_whitney(&[1.0], &[1.0]), Some(Finding { statistic: 0.5, p: 1.0 }));
        assert_eq!(wilcoxon(&[2.0], &[1.0]).unwrap().p, 1.0);
        assert_eq!(
            (wilcoxon(&[], &[]), wilcoxon(&[1.0], &[1.0, 2.0]), wilcoxon(&[f64::NAN], &[1.0])),
            (None, None, None)
        );
        assert_eq!((mann_whitney(&[], &[1.0]), vargha_delaney(&[1.0], &[f64::INFINITY])), (None, None));
        assert_eq!((holm(&[]), holm(&[0.2])), (vec![], vec![0.2]));
        assert_eq!(wilcoxon_holm(&[vec![1.0, 2.0]]), Ok(vec![vec![1.0]]));
        assert_eq!(wilcoxon_holm(&[vec![f64::MAX], vec![f64::MIN]]).unwrap()[0][1], 1.0);
        assert!(mann_whitney(&[1.0, 2.5, 0.1], &(0..20_000).map(f64::from).collect::<Vec<_>>()).unwrap().p < 0.01);
    }

    proptest! {
        #[test]
        fn sides_can_be_swapped(pairs in prop::collection::vec((0i8..20, 0i8..20), 1..30)) {
            let (left, right): (Vec<f64>, Vec<f64>) =
                pairs.iter().map(|(left, right)| (f64::from(*left), f64::from(*right))).unzip();
            let (one, other) = (wilcoxon(&left, &right).unwrap(), wilcoxon(&right, &left).unwrap());
            prop_assert!((one.p - other.p).abs() < 1e-12 && one.statistic == other.statistic);
            prop_assert!((0.0..=1.0).contains(&one.p));
            let (one, other) = (mann_whitney(&left, &right).unwrap(), mann_whitney(&right, &left).unwrap());
            prop_assert!((one.p - other.p).abs() < 1e-12 && (0.0..=1.0).contains(&one.p));
            prop_assert_eq!(one.statistic + other.statistic, (left.len() * right.len()) as f64);
            let share = vargha_delaney(&left, &right).unwrap() + vargha_delaney(&right, &left).unwrap();
            prop_assert!((share - 1.0).abs() < 1e-12);
        }

        #[test]
        fn corrected_values_are_larger_and_keep_their_order(p in prop::collection::vec(0.0f64..=1.0, 1..20)) {
            let adjusted = holm(&p);
            for (one, adjusted_one) in p.iter().zip(&adjusted) {
                prop_assert!(one <= adjusted_one && *adjusted_one <= 1.0);
                for (other, adjusted_other) in p.iter().zip(&adjusted) {
                    prop_assert!(one > other || adjusted_one <= adjusted_other);
                }
            }
        }
    }
}
