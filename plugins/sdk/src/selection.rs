//! Who becomes a parent, by values alone: each function gives places in a list of values. [`Population`](crate::Population) has
//! the same for its members.

use crate::{Goal, Rng};

/// Places from the best value to the worst; of equals the first one comes first, and NaN comes last.
pub fn ranking(values: &[f64], goal: Goal) -> Vec<usize> {
    let costs: Vec<f64> = values.iter().map(|value| cost(*value, goal)).collect();
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|left, right| costs[*left].total_cmp(&costs[*right]));
    places
}

/// The `count` best, the best first: truncation selection (Mühlenbein & Schlierkamp-Voosen 1993). All where there are fewer.
pub fn truncation(values: &[f64], goal: Goal, count: usize) -> Vec<usize> {
    let mut places = ranking(values, goal);
    places.truncate(count);
    places
}

/// The best of `size` draws (at least 1), each from all (Goldberg & Deb 1991; Real et al. 2019, algorithm 1); of equals the first
/// drawn. Nothing of no values.
pub fn tournament(values: &[f64], goal: Goal, size: usize, rng: &mut Rng) -> Option<usize> {
    best_of_draws(values.len(), size, |left, right| goal.is_better(values[left], values[right]), rng)
}

/// One with a probability that is proportional to how much better it is than the worst: fitness-proportionate selection
/// (Holland 1975) with the worst as zero. Any, evenly, where all are alike; nothing of no values. An infinite value or NaN is
/// never drawn while there are others.
pub fn roulette(values: &[f64], goal: Goal, rng: &mut Rng) -> Option<usize> {
    let finite = || values.iter().map(|value| cost(*value, goal)).filter(|cost| cost.is_finite());
    let worst = finite().fold(f64::NEG_INFINITY, f64::max);
    let best = finite().fold(f64::INFINITY, f64::min);
    // Halves, since the range of finite numbers need not be finite.
    let range = worst / 2.0 - best / 2.0;
    let share = |value: &f64| {
        let share = (worst / 2.0 - cost(*value, goal) / 2.0) / range;
        if share.is_finite() { share } else { 0.0 }
    };
    let shares: Vec<f64> = if range > 0.0 {
        values.iter().map(share).collect()
    } else {
        values.iter().map(|value| if value.is_finite() { 1.0 } else { 0.0 }).collect()
    };
    rng.choose_weighted(&shares)
}

/// One by linear ranking (Baker 1985): the best of n is drawn with a probability of `pressure` / n, the worst with
/// (2 - `pressure`) / n, those between evenly between. `pressure` is in [1, 2], 1 drawing evenly; values outside are taken for
/// the nearest within. Nothing of no values.
pub fn rank(values: &[f64], goal: Goal, pressure: f64, rng: &mut Rng) -> Option<usize> {
    let places = ranking(values, goal);
    let pressure = if pressure >= 1.0 { pressure.min(2.0) } else { 1.0 };
    let last = values.len().saturating_sub(1).max(1) as f64;
    let weights: Vec<f64> =
        (0..values.len()).map(|rank| pressure - (2.0 * pressure - 2.0) * rank as f64 / last).collect();
    places.get(rng.choose_weighted(&weights)?).copied()
}

/// The best of `size` places below `count`, drawn with replacement.
pub(crate) fn best_of_draws(
    count: usize,
    size: usize,
    is_better: impl Fn(usize, usize) -> bool,
    rng: &mut Rng,
) -> Option<usize> {
    if count == 0 {
        return None;
    }
    let drawn = (0..size.max(1)).map(|_| rng.below(count));
    drawn.reduce(|best, place| if is_better(place, best) { place } else { best })
}

/// A number that is the smaller the better, and NaN where it is NaN, which comes behind all.
fn cost(value: f64, goal: Goal) -> f64 {
    if value.is_nan() {
        return f64::NAN;
    }
    // The sum makes one zero of both.
    if goal == Goal::Minimize { value + 0.0 } else { 0.0 - value }
}
