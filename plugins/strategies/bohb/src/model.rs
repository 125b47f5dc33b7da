//! What was observed at each fidelity, and the model of the highest that has enough of it (Falkner et al. 2018, section 3.2).

use std::collections::BTreeMap;

use archwright_density::{Axis, Kernels};
use archwright_sdk::Rng;

/// The best of the bad observations that are modelled.
const MOST_BAD: usize = 1_000;

/// How a model is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) min_points: usize,
    pub(crate) top_n_percent: usize,
    pub(crate) min_bandwidth: f64,
}

/// Coordinates and losses, by fidelity.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    shape: Shape,
    /// The fidelities as bits: those of positive numbers are in their order.
    by_fidelity: BTreeMap<u64, Vec<Row>>,
    /// The model of what is known, until more is.
    model: Option<Model>,
}

#[derive(Clone, Debug)]
struct Row {
    coordinates: Vec<Option<f64>>,
    loss: f64,
}

/// Where good architectures are, and where the others.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) good: Kernels,
    pub(crate) bad: Kernels,
}

impl Observed {
    pub(crate) fn new(shape: Shape) -> Self {
        Self { shape, by_fidelity: BTreeMap::new(), model: None }
    }

    /// Adds an observation. `fidelity` is above 0.
    pub(crate) fn add(&mut self, fidelity: f64, coordinates: Vec<Option<f64>>, loss: f64) {
        self.by_fidelity.entry(fidelity.to_bits()).or_default().push(Row { coordinates, loss });
        self.model = None;
    }

    /// The model of the highest fidelity with enough observations: two more than a model needs. None where no fidelity has so
    /// many, or nothing at it succeeded.
    pub(crate) fn model(&mut self, axes: &[Axis], rng: &mut Rng) -> Option<&Model> {
        if self.model.is_none() {
            self.model = self.fit(self.rows()?, axes, rng);
        }
        self.model.as_ref()
    }

    /// Observations that the model is made of, at most.
    pub(crate) fn modelled(&self) -> usize {
        self.rows().map_or(0, |rows| {
            let (good, bad) = self.split(rows.len());
            good + bad.min(MOST_BAD)
        })
    }

    /// The observations at the highest fidelity that has enough.
    fn rows(&self) -> Option<&Vec<Row>> {
        self.by_fidelity.values().rev().find(|rows| rows.len() >= self.shape.min_points + 2)
    }

    fn fit(&self, rows: &[Row], axes: &[Axis], rng: &mut Rng) -> Option<Model> {
        let mut order: Vec<&Row> = rows.iter().collect();
        // Stable: of equals the one told first.
        order.sort_by(|left, right| left.loss.total_cmp(&right.loss));
        let (good, bad) = self.split(order.len());
        let good: Vec<&Row> = order[..good].iter().copied().filter(|row| row.loss.is_finite()).collect();
        let bad = &order[order.len() - bad..];
        let bad = &bad[..bad.len().min(MOST_BAD)];
        let kernels = |rows: Vec<Vec<f64>>| Kernels::new(axes, rows, self.shape.min_bandwidth);
        Some(Model { good: kernels(impute(&good, axes, rng))?, bad: kernels(impute(bad, axes, rng))? })
    }

    /// How many of so many observations are good, and how many bad. Where there are few, some are both.
    fn split(&self, count: usize) -> (usize, usize) {
        let good = self.shape.min_points.max(self.shape.top_n_percent * count / 100).min(count);
        (good, self.shape.min_points.max(count - good).min(count))
    }
}

/// Gives decisions that are inactive a coordinate, that of a random one of the rows in which they are active, or any: as in the
/// authors' code. The estimator needs all of them.
fn impute(rows: &[&Row], axes: &[Axis], rng: &mut Rng) -> Vec<Vec<f64>> {
    let known: Vec<Vec<f64>> =
        (0..axes.len()).map(|place| rows.iter().filter_map(|row| row.coordinates[place]).collect()).collect();
    let mut fill = |place: usize| match (rng.choose(&known[place]).copied(), &axes[place]) {
        (Some(known), _) => known,
        (None, Axis::Labels(count)) => rng.below(*count) as f64,
        (None, _) => rng.uniform(),
    };
    let mut filled = Vec::with_capacity(rows.len());
    for row in rows {
        let coordinates = row.coordinates.iter().enumerate();
        filled.push(coordinates.map(|(place, known)| known.unwrap_or_else(|| fill(place))).collect());
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: Axis = Axis::Reals { low: 0.0, high: 1.0, log_scale: false };

    fn observed(min_points: usize) -> Observed {
        Observed::new(Shape { min_points, top_n_percent: 15, min_bandwidth: 1e-3 })
    }

    #[test]
    fn the_split_is_the_papers() {
        // max(N_min, 15 %) good ones, and max(N_min, the others) bad ones.
        let split = |count| observed(7).split(count);
        assert_eq!([9, 20, 100, 1_000].map(split), [(7, 7), (7, 13), (15, 85), (150, 850)]);
    }

    #[test]
    fn the_highest_fidelity_with_two_more_than_needed_is_modelled() {
        let mut rng = Rng::new(0);
        let mut observed = observed(2);
        let add = |observed: &mut Observed, fidelity, at: f64| observed.add(fidelity, vec![Some(at)], at);
        (0..3).for_each(|place| add(&mut observed, 0.1, f64::from(place) / 10.0));
        assert!(observed.model(&[REAL], &mut rng).is_none());
        add(&mut observed, 0.1, 0.3);
        let low = observed.model(&[REAL], &mut rng).unwrap();
        assert!(low.good.log_density(&[0.05]) > low.bad.log_density(&[0.05]));
        // At the full fidelity it is the other way round.
        for place in 0..4 {
            let at = f64::from(place) / 10.0;
            observed.add(1.0, vec![Some(at)], -at);
        }
        let high = observed.model(&[REAL], &mut rng).unwrap();
        assert!(high.good.log_density(&[0.05]) < high.bad.log_density(&[0.05]));
    }

    #[test]
    fn failures_are_bad_and_nothing_else() {
        let mut rng = Rng::new(0);
        let mut observed = observed(2);
        for place in 0..6 {
            observed.add(1.0, vec![Some(0.9)], if place == 0 { 1.0 } else { f64::INFINITY });
        }
        assert!(observed.model(&[REAL], &mut rng).is_some());
        let mut hopeless = self::observed(2);
        (0..6).for_each(|_| hopeless.add(1.0, vec![Some(0.9)], f64::INFINITY));
        assert!(hopeless.model(&[REAL], &mut rng).is_none());
    }

    #[test]
    fn what_is_inactive_is_filled_in_from_the_others() {
        let rows = [
            Row { coordinates: vec![Some(0.1), None, None], loss: 0.0 },
            Row { coordinates: vec![None, Some(2.0), None], loss: 0.0 },
        ];
        let axes = [REAL, Axis::Labels(3), Axis::Labels(4)];
        let filled = impute(&[&rows[0], &rows[1]], &axes, &mut Rng::new(0));
        assert_eq!(filled[0][..2], [0.1, 2.0]);
        assert_eq!(filled[1][..2], [0.1, 2.0]);
        assert!(filled.iter().all(|row| row[2] < 4.0 && row[2].fract() == 0.0));
    }
}
