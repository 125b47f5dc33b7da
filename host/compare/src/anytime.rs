//! What runs had found by when.
//!
//! A run is a list of positions (queries, or cost in the budget's unit), ascending, and the best value known from each of
//! them on.

use serde::Serialize;

use crate::ranks::Better;
use crate::summary::sorted;

/// When runs reached a target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TimeToTarget {
    /// How many runs there are.
    pub runs: usize,
    /// How many of them reached it.
    pub reached: usize,
    /// Share of them that did, in [0, 1]; 0 for no runs.
    pub share: f64,
    /// Median over all runs of the position where it was reached, in the positions' unit. A run that did not reach it counts
    /// as later than all others, so there is no median where half of the runs did not.
    pub median: Option<f64>,
}

/// The first position from which a run's value is as good as `target`; nothing where it never is.
pub fn first_reaching(positions: &[f64], values: &[f64], target: f64, better: Better) -> Option<f64> {
    positions.iter().zip(values).find(|(_, value)| better.reaches(**value, target)).map(|(position, _)| *position)
}

/// Sums up when each run reached a target, as [`first_reaching`] tells.
pub fn time_to_target(first: &[Option<f64>]) -> TimeToTarget {
    let times = sorted(&first.iter().copied().flatten().collect::<Vec<f64>>());
    let (runs, reached) = (first.len(), times.len());
    let middle = |place: usize| times.get(place).copied();
    let median = match runs {
        0 => None,
        runs if runs % 2 == 1 => middle(runs / 2),
        runs => middle(runs / 2 - 1).zip(middle(runs / 2)).map(|(low, high)| f64::midpoint(low, high)),
    };
    let share = if runs > 0 { reached as f64 / runs as f64 } else { 0.0 };
    TimeToTarget { runs, reached, share, median }
}

/// The values that a run had at other positions, both ascending: at each the value of the last position not above it, and
/// before the first position nothing.
pub fn values_at(positions: &[f64], values: &[f64], grid: &[f64]) -> Vec<Option<f64>> {
    let count = positions.len().min(values.len());
    let at = |position: &f64| positions[..count].partition_point(|known| known <= position).checked_sub(1);
    grid.iter().map(|position| at(position).map(|place| values[place])).collect()
}

/// Positions at even distances where all runs have a value: from where the last run begins to where the first one ends.
///
/// Nothing where there is no such stretch, or a run has no position.
pub fn common_grid(runs: &[&[f64]], points: usize) -> Vec<f64> {
    let ends: Option<Vec<(f64, f64)>> =
        runs.iter().map(|positions| Some((*positions.first()?, *positions.last()?))).collect();
    let ends = ends.unwrap_or_default();
    let start = ends.iter().map(|ends| ends.0).fold(f64::NEG_INFINITY, f64::max);
    let end = ends.iter().map(|ends| ends.1).fold(f64::INFINITY, f64::min);
    if ends.is_empty() || !(start <= end && start.is_finite() && end.is_finite()) {
        return Vec::new();
    }
    let last = points.saturating_sub(1).max(1) as f64;
    (0..points).map(|point| (start + (end - start) * (point as f64 / last)).min(end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_reached_at_the_first_value_as_good() {
        let (positions, values) = ([1.0, 2.0, 5.0], [0.5, 0.7, 0.9]);
        assert_eq!(first_reaching(&positions, &values, 0.7, Better::Higher), Some(2.0));
        assert_eq!(first_reaching(&positions, &values, 0.95, Better::Higher), None);
        assert_eq!(first_reaching(&positions, &values, 0.5, Better::Lower), Some(1.0));
    }

    #[test]
    fn a_run_that_missed_the_target_counts_as_later() {
        let found = time_to_target(&[Some(4.0), None, Some(2.0), Some(9.0)]);
        assert_eq!(found, TimeToTarget { runs: 4, reached: 3, share: 0.75, median: Some(6.5) });
        assert_eq!(time_to_target(&[Some(4.0), None]).median, None);
        assert_eq!(time_to_target(&[Some(4.0), None, Some(1.0)]).median, Some(4.0));
        assert_eq!(time_to_target(&[]), TimeToTarget { runs: 0, reached: 0, share: 0.0, median: None });
    }

    #[test]
    fn values_hold_until_the_next_position() {
        let found = values_at(&[1.0, 3.0], &[0.5, 0.7], &[0.5, 1.0, 2.9, 3.0, 8.0]);
        assert_eq!(found, [None, Some(0.5), Some(0.5), Some(0.7), Some(0.7)]);
        assert_eq!(values_at(&[], &[], &[1.0]), [None]);
    }

    #[test]
    fn a_grid_is_where_all_runs_have_values() {
        assert_eq!(common_grid(&[&[0.0, 4.0], &[1.0, 2.0, 3.0]], 3), [1.0, 2.0, 3.0]);
        assert_eq!(common_grid(&[&[0.0, 4.0]], 1), [0.0]);
        assert!(common_grid(&[&[0.0, 1.0], &[2.0, 3.0]], 3).is_empty());
        assert!(common_grid(&[&[0.0, 1.0], &[]], 3).is_empty() && common_grid(&[], 3).is_empty());
    }
}
