//! Whether methods differ at all, and which of them do, by their mean ranks.

use serde::Serialize;
use statrs::distribution::{ChiSquared, ContinuousCDF as _};

use crate::range;
use crate::ranks::{Ranking, ordered};

/// What a test found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The test's statistic.
    pub statistic: f64,
    /// How likely a statistic this far out is where there is no difference, in [0, 1].
    pub p: f64,
}

/// Friedman's test of whether methods differ: chi-square with methods - 1 degrees of freedom, corrected for ties (Demsar
/// 2006, section 3.2.2; the correction as in Conover 1999, section 5.8). Good for more than ten blocks and five methods.
///
/// Nothing for fewer than two methods. Where all values of each block are equal, the statistic is 0 and p is 1.
pub fn friedman(ranking: &Ranking) -> Option<Finding> {
    let (k, n) = (ranking.methods() as f64, ranking.blocks() as f64);
    let distribution = (ranking.methods() > 1).then(|| ChiSquared::new(k - 1.0).ok())??;
    let correction = 1.0 - ranking.tied() / (n * k * (k * k - 1.0));
    if correction <= 0.0 {
        return Some(Finding { statistic: 0.0, p: 1.0 });
    }
    // As squares of what differs from the mean, since the difference of two large sums would lose digits.
    let spread: f64 = ranking.mean().iter().map(|mean| (mean - (k + 1.0) / 2.0).powi(2)).sum();
    let statistic = 12.0 * n / (k * (k + 1.0)) * spread / correction;
    Some(Finding { statistic, p: if statistic > 0.0 { distribution.sf(statistic) } else { 1.0 } })
}

/// Nemenyi's test of each pair of methods: p by one row and one column a method, 1 on the diagonal (Demsar 2006, section
/// 3.2.2). It corrects for the number of pairs.
pub fn nemenyi(ranking: &Ranking) -> Vec<Vec<f64>> {
    let (means, methods) = (ranking.mean(), ranking.methods());
    let unit = difference_unit(methods, ranking.blocks());
    let apart = pairs(methods).map(|(one, other)| (means[one] - means[other]).abs());
    symmetric(methods, apart.map(|apart| range::beyond(apart / unit, methods)))
}

/// The least difference of mean ranks that Nemenyi's test calls significant at level `alpha` (Demsar 2006, section 3.2.2:
/// q times the square root of k (k + 1) / 6 N); nothing for fewer than two methods, no block, or a level not above 0 and
/// below 1.
pub fn critical_difference(methods: usize, blocks: usize, alpha: f64) -> Option<f64> {
    (methods > 1 && blocks > 0 && alpha > 0.0 && alpha < 1.0)
        .then(|| range::critical(methods, alpha) * difference_unit(methods, blocks))
}

/// The standard deviation that the studentized range measures mean ranks in: the square root of k (k + 1) / 12 N.
fn difference_unit(methods: usize, blocks: usize) -> f64 {
    let k = methods as f64;
    (k * (k + 1.0) / (12.0 * blocks as f64)).sqrt()
}

/// All pairs of methods, the earlier one first.
pub(crate) fn pairs(methods: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..methods).flat_map(move |one| (one + 1..methods).map(move |other| (one, other)))
}

/// A symmetric matrix of what was found of [`pairs`], in their order, 1 on the diagonal.
pub(crate) fn symmetric(methods: usize, found: impl IntoIterator<Item = f64>) -> Vec<Vec<f64>> {
    let mut matrix = vec![vec![1.0; methods]; methods];
    for ((one, other), p) in pairs(methods).zip(found) {
        matrix[one][other] = p;
        matrix[other][one] = p;
    }
    matrix
}

/// The groups of methods that a critical-difference diagram joins: the longest runs in the order of mean ranks, of at
/// least two methods, in which no pair differs significantly (p at most `alpha`). Methods are places among the rows, those
/// of a group best first.
///
/// `p` is a symmetric matrix, as from [`nemenyi`] or [`wilcoxon_holm`](crate::wilcoxon_holm). A pair that it does not have
/// counts as different.
pub fn groups(mean_ranks: &[f64], p: &[Vec<f64>], alpha: f64) -> Vec<Vec<usize>> {
    let order = ordered(mean_ranks);
    let alike = |one: usize, other: usize| p.get(one).and_then(|row| row.get(other)).is_some_and(|p| *p > alpha);
    let mut groups = Vec::new();
    let mut covered = 0;
    for (start, first) in order.iter().enumerate() {
        let mut end = start + 1;
        while end < order.len() && order[start..end].iter().all(|one| alike(*one, order[end])) {
            end += 1;
        }
        // A run that ends where an earlier one did is part of that one.
        if end > covered && end - start > 1 {
            groups.push(std::iter::once(*first).chain(order[start + 1..end].iter().copied()).collect());
            covered = end;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ranks::Better;

    fn ranking(rows: &[&[f64]]) -> Ranking {
        Ranking::of(&rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>(), Better::Lower).unwrap()
    }

    #[test]
    fn published_critical_values_are_met() {
        // Demsar 2006, table 5 (a), which is rounded to three digits after the point.
        let published = [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (8, 3.031), (10, 3.164)];
        for (methods, q) in published {
            let k = methods as f64;
            // With this many blocks, the square root is 1.
            let found = critical_difference(methods, 1, 0.05).unwrap() / (k * (k + 1.0) / 6.0).sqrt();
            assert!((found - q).abs() < 1e-3, "{methods}: {found}");
        }
    }

    #[test]
    fn what_cannot_be_tested_has_a_defined_answer() {
        assert_eq!(friedman(&ranking(&[&[1.0, 2.0]])), None);
        let equal = ranking(&[&[1.0, 2.0], &[1.0, 2.0], &[1.0, 2.0]]);
        assert_eq!(friedman(&equal), Some(Finding { statistic: 0.0, p: 1.0 }));
        assert_eq!(nemenyi(&equal), vec![vec![1.0; 3]; 3]);
        assert_eq!(nemenyi(&ranking(&[&[1.0]])), [[1.0]]);
        let one_block = friedman(&ranking(&[&[1.0], &[2.0], &[3.0]])).unwrap();
        assert!((one_block.statistic - 2.0).abs() < 1e-12 && one_block.p > 0.3);
        for (methods, blocks, alpha) in [(1, 5, 0.05), (3, 0, 0.05), (3, 5, 0.0), (3, 5, f64::NAN)] {
            assert_eq!(critical_difference(methods, blocks, alpha), None);
        }
    }

    #[test]
    fn groups_are_the_longest_runs_without_a_difference() {
        let mut p = vec![vec![0.5; 4]; 4];
        let differ = |p: &mut Vec<Vec<f64>>, one: usize, other: usize| (p[one][other], p[other][one]) = (0.01, 0.01);
        let means = [3.0, 1.0, 2.0, 4.0];
        assert_eq!(groups(&means, &p, 0.05), [[1, 2, 0, 3]]);
        differ(&mut p, 1, 3);
        assert_eq!(groups(&means, &p, 0.05), [[1, 2, 0], [2, 0, 3]]);
        differ(&mut p, 2, 0);
        assert_eq!(groups(&means, &p, 0.05), [[1, 2], [0, 3]]);
        assert_eq!(groups(&means, &p, 0.5), Vec::<Vec<usize>>::new());
        assert_eq!(groups(&means, &[], 0.05), Vec::<Vec<usize>>::new());
        assert_eq!(groups(&[], &[], 0.05), Vec::<Vec<usize>>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn nemenyi_and_the_critical_difference_agree(
            rows in prop::collection::vec(prop::collection::vec(0u8..9, 12), 2..9)
        ) {
            let rows: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().copied().map(f64::from).collect()).collect();
            let ranking = Ranking::of(&rows, Better::Higher).unwrap();
            let (means, p) = (ranking.mean(), nemenyi(&ranking));
            let difference = critical_difference(rows.len(), 12, 0.05).unwrap();
            for one in 0..rows.len() {
                for other in (0..rows.len()).filter(|other| *other != one) {
                    let apart = (means[one] - means[other]).abs();
                    prop_assert!((apart - difference).abs() < 1e-9 || (apart > difference) == (p[one][other] < 0.05));
                }
            }
            for group in groups(&means, &p, 0.05) {
                prop_assert!(group.len() > 1 && means[group[group.len() - 1]] - means[group[0]] < difference);
            }
            let found = friedman(&ranking).unwrap();
            prop_assert!(found.statistic >= 0.0 && (0.0..=1.0).contains(&found.p));
        }
    }
}
