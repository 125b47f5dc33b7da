//! Two densities for each decision: of the best architectures and of the others.

use archwright_density::{Axis, Parzen};
use archwright_relaxation::Points;
use archwright_sdk::encoding::is_active;
use archwright_sdk::{Rng, Value};

/// The latest of the bad observations that are modelled; older ones weigh little in the model anyway.
const MOST_BAD: usize = 1_000;

/// A point with its loss.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) values: Vec<Value>,
    pub(crate) loss: f64,
}

/// A density of good values, and one of the others, for each decision, from the points in which it is active.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    densities: Vec<(Parzen, Parzen)>,
}

impl Model {
    /// The model of points with their losses in the order they were asked for, the `good` best of which are good. None where
    /// none has a finite loss.
    pub(crate) fn new(axes: &[Axis], seen: &[(u64, &[Value], f64)], good: usize) -> Option<Self> {
        let mut ranks: Vec<usize> = (0..seen.len()).collect();
        ranks.sort_by(|left, right| seen[*left].2.total_cmp(&seen[*right].2).then(left.cmp(right)));
        let mut is_good = vec![false; seen.len()];
        for rank in ranks.into_iter().take(good).filter(|rank| seen[*rank].2.is_finite()) {
            is_good[rank] = true;
        }
        if !is_good.contains(&true) {
            return None;
        }
        let points = |wanted: bool| seen.iter().zip(&is_good).filter(move |(_, good)| **good == wanted);
        let bad: Vec<&[Value]> = points(false).map(|((_, values, _), _)| *values).collect();
        let bad = &bad[bad.len().saturating_sub(MOST_BAD)..];
        let good: Vec<&[Value]> = points(true).map(|((_, values, _), _)| *values).collect();
        let density = |place: usize, axis: &Axis, points: &[&[Value]]| {
            let observed: Vec<f64> = points.iter().filter_map(|values| axis.coordinate(values[place])).collect();
            Parzen::new(axis, &observed)
        };
        let both = |(place, axis)| (density(place, axis, &good), density(place, axis, bad));
        Some(Self { densities: axes.iter().enumerate().map(both).collect() })
    }

    /// A point: for each decision that is active, of so many values drawn from the good density the one with the largest
    /// ratio of the good to the bad one, the first of equals.
    pub(crate) fn draw(&self, points: &Points, candidates: u32, rng: &mut Rng) -> Vec<Value> {
        let mut values = Vec::with_capacity(self.densities.len());
        for (place, (good, bad)) in self.densities.iter().enumerate() {
            if !is_active(points.decisions(), place, &values) {
                values.push(Value::Inactive);
                continue;
            }
            let drawn = (0..candidates).map(|_| {
                let value = good.draw(rng);
                (value, good.log_probability(value) - bad.log_probability(value))
            });
            let best = drawn.reduce(|best, one| if one.1 > best.1 { one } else { best });
            values.push(best.map_or(Value::Inactive, |(value, _)| value));
        }
        values
    }
}
