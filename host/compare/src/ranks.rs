//! Ranks of methods within blocks.
//!
//! A block is what all methods were tried on under the same conditions: a seed, a data set, a benchmark.

use serde::Serialize;

use crate::data::{DataError, check};

/// Which values are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Large ones, as accuracies.
    Higher,
    /// Small ones, as errors and regrets.
    Lower,
}

impl Better {
    /// Whether `value` is as good as `target` or better.
    pub(crate) fn reaches(self, value: f64, target: f64) -> bool {
        match self {
            Self::Higher => value >= target,
            Self::Lower => value <= target,
        }
    }
}

/// The ranks of methods within blocks: 1 is best, and equals share the mean of their ranks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking {
    ranks: Vec<Vec<f64>>,
    blocks: usize,
    /// Sum of t^3 - t over the groups of t equal values within blocks.
    #[serde(skip)]
    tied: f64,
}

impl Ranking {
    /// Ranks the methods within each block. One row a method, one column a block.
    ///
    /// # Errors
    /// Where there is no value, rows differ in length, or a value is not finite.
    pub fn of(results: &[Vec<f64>], better: Better) -> Result<Self, DataError> {
        let blocks = check(results)?;
        let mut ranks = vec![Vec::with_capacity(blocks); results.len()];
        let mut tied = 0.0;
        for block in 0..blocks {
            let column: Vec<f64> = results
                .iter()
                .map(|row| match better {
                    Better::Higher => -row[block],
                    Better::Lower => row[block],
                })
                .collect();
            let found = tied_ranks(&column);
            ranks.iter_mut().zip(found.ranks).for_each(|(row, rank)| row.push(rank));
            tied += found.tied;
        }
        Ok(Self { ranks, blocks, tied })
    }

    /// The ranks. One row a method, one column a block.
    pub fn ranks(&self) -> &[Vec<f64>] {
        &self.ranks
    }

    /// How many methods there are.
    pub fn methods(&self) -> usize {
        self.ranks.len()
    }

    /// How many blocks there are.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Sum of t^3 - t over the groups of t equal values within blocks.
    pub(crate) fn tied(&self) -> f64 {
        self.tied
    }

    /// Each method's mean rank over the blocks, in [1, methods].
    pub fn mean(&self) -> Vec<f64> {
        self.ranks.iter().map(|row| row.iter().sum::<f64>() / self.blocks as f64).collect()
    }

    /// The methods' places among the rows, by mean rank, the best first. Of equals, the earlier row comes first.
    pub fn order(&self) -> Vec<usize> {
        ordered(&self.mean())
    }

    /// Borda count: how many methods each one beats, summed over the blocks. An equal counts a half.
    pub fn borda(&self) -> Vec<f64> {
        let methods = self.methods() as f64;
        self.ranks.iter().map(|row| row.iter().map(|rank| methods - rank).sum()).collect()
    }

    /// In how many blocks no method was better than this one. Equals are all first.
    pub fn firsts(&self) -> Vec<usize> {
        let best: Vec<f64> = (0..self.blocks)
            .map(|block| self.ranks.iter().map(|row| row[block]).fold(f64::INFINITY, f64::min))
            .collect();
        self.ranks.iter().map(|row| row.iter().zip(&best).filter(|(rank, best)| rank <= best).count()).collect()
    }
}

/// Each method's mean rank at each point of a budget, from values by method, block and point.
///
/// The answer has one row a method and one column a point.
///
/// # Errors
/// Where there is no value, methods or blocks differ in length, or a value is not finite.
pub fn mean_ranks_over_budget(results: &[Vec<Vec<f64>>], better: Better) -> Result<Vec<Vec<f64>>, DataError> {
    let blocks = results.first().ok_or(DataError::Empty)?.len();
    let mut points = 0;
    for (row, method) in results.iter().enumerate() {
        if method.len() != blocks {
            return Err(DataError::Uneven { row, found: method.len(), wanted: blocks });
        }
        let found = check(method)?;
        if row > 0 && found != points {
            return Err(DataError::Uneven { row, found, wanted: points });
        }
        points = found;
    }
    let mut curves = vec![Vec::with_capacity(points); results.len()];
    for point in 0..points {
        let now: Vec<Vec<f64>> =
            results.iter().map(|method| method.iter().map(|block| block[point]).collect()).collect();
        let means = Ranking::of(&now, better)?.mean();
        curves.iter_mut().zip(means).for_each(|(curve, mean)| curve.push(mean));
    }
    Ok(curves)
}

/// Places of values, smallest first. Of equals, the earlier one comes first.
pub(crate) fn ordered(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    order
}

/// Ranks of values.
pub(crate) struct TiedRanks {
    /// A rank for each value: 1 for the smallest, and for equals the mean of their ranks.
    pub(crate) ranks: Vec<f64>,
    /// Sum of t^3 - t over the groups of t equal values.
    pub(crate) tied: f64,
}

/// Ranks values, none of which is NaN.
pub(crate) fn tied_ranks(values: &[f64]) -> TiedRanks {
    let order = ordered(&values.iter().map(|value| value + 0.0).collect::<Vec<f64>>());
    let mut ranks = vec![0.0; values.len()];
    let (mut first, mut tied) = (0, 0.0);
    for group in order.chunk_by(|one, other| values[*one] == values[*other]) {
        let size = group.len() as f64;
        group.iter().for_each(|place| ranks[*place] = first as f64 + (size + 1.0) / 2.0);
        first += group.len();
        tied += size * size * size - size;
    }
    TiedRanks { ranks, tied }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equals_share_the_mean_of_their_ranks() {
        let results = [vec![0.9, 0.5], vec![0.9, 0.7], vec![0.1, 0.5]];
        let ranking = Ranking::of(&results, Better::Higher).unwrap();
        assert_eq!(ranking.ranks(), [vec![1.5, 2.5], vec![1.5, 1.0], vec![3.0, 2.5]]);
        assert_eq!(ranking.mean(), [2.0, 1.25, 2.75]);
        assert_eq!(ranking.order(), [1, 0, 2]);
        assert_eq!(ranking.borda(), [2.0, 3.5, 0.5]);
        assert_eq!(ranking.firsts(), [1, 2, 0]);
        assert_eq!(Ranking::of(&results, Better::Lower).unwrap().mean(), [2.0, 2.75, 1.25]);
    }

    #[test]
    fn zero_equals_its_negative() {
        assert_eq!(tied_ranks(&[0.0, -0.0, 1.0]).ranks, [1.5, 1.5, 3.0]);
    }

    #[test]
    fn ranks_over_a_budget_are_those_of_each_point() {
        let results = [vec![vec![1.0, 5.0], vec![1.0, 1.0]], vec![vec![2.0, 3.0], vec![2.0, 2.0]]];
        let curves = mean_ranks_over_budget(&results, Better::Lower).unwrap();
        assert_eq!(curves, [vec![1.0, 1.5], vec![2.0, 1.5]]);
        let uneven = [vec![vec![1.0, 5.0]], vec![vec![2.0]]];
        assert!(matches!(mean_ranks_over_budget(&uneven, Better::Lower), Err(DataError::Uneven { row: 1, .. })));
        assert!(matches!(mean_ranks_over_budget(&[], Better::Lower), Err(DataError::Empty)));
    }

    proptest! {
        #[test]
        fn ranks_of_a_block_sum_to_the_same(rows in prop::collection::vec(prop::collection::vec(0u8..5, 6), 1..9)) {
            let results: Vec<Vec<f64>> =
                rows.iter().map(|row| row.iter().copied().map(f64::from).collect()).collect();
            let ranking = Ranking::of(&results, Better::Lower).unwrap();
            let k = results.len() as f64;
            for block in 0..6 {
                let sum: f64 = ranking.ranks().iter().map(|row| row[block]).sum();
                prop_assert_eq!(sum, k * (k + 1.0) / 2.0);
            }
            prop_assert_eq!(ranking.borda().iter().sum::<f64>(), 6.0 * k * (k - 1.0) / 2.0);
            prop_assert!(ranking.firsts().iter().sum::<usize>() >= 6);
            let upside_down = Ranking::of(&results, Better::Higher).unwrap();
            for (one, other) in ranking.mean().iter().zip(upside_down.mean()) {
                prop_assert!((one + other - (k + 1.0)).abs() < 1e-12);
            }
        }
    }
}
