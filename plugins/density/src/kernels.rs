//! The multivariate kernel density estimator of BOHB (Falkner et al. 2018, section 3.2).

use archwright_sdk::Rng;
use archwright_sdk::distributions::{Normal, log_sum};

use crate::Axis;
use crate::normal::within;

/// A density over all decisions at once: a product of kernels around each observed point, a normal one for numbers, and for
/// labels one that leaves the observed label with a probability that is its bandwidth (Aitchison & Aitken 1976).
#[derive(Clone, Debug)]
pub struct Kernels {
    axes: Vec<Axis>,
    /// Coordinates of the points.
    rows: Vec<Vec<f64>>,
    bandwidths: Vec<f64>,
}

impl Kernels {
    /// The density of these points, given by a coordinate for each axis. Bandwidths are those of the normal reference rule,
    /// 1.06 times the standard deviation times n^(-1/(4 + d)), but at least `min_bandwidth`; that of labels is at most the one
    /// with which all labels are as likely. None without points.
    pub fn new(axes: &[Axis], rows: Vec<Vec<f64>>, min_bandwidth: f64) -> Option<Self> {
        if rows.is_empty() {
            return None;
        }
        let count = rows.len() as f64;
        let factor = 1.06 * count.powf(-1.0 / (4.0 + axes.len() as f64));
        let bandwidth = |(place, axis): (usize, &Axis)| {
            let column = || rows.iter().map(|row| row[place]);
            let mean = column().sum::<f64>() / count;
            let variance = column().map(|one| (one - mean).powi(2)).sum::<f64>() / count;
            let bandwidth = (factor * variance.sqrt()).max(min_bandwidth);
            match axis.labels() {
                Some(labels) => bandwidth.min(1.0 - 1.0 / labels.max(1) as f64),
                None => bandwidth,
            }
        };
        let bandwidths = axes.iter().enumerate().map(bandwidth).collect();
        Some(Self { axes: axes.to_vec(), rows, bandwidths })
    }

    /// The logarithm of the density at a point.
    pub fn log_density(&self, point: &[f64]) -> f64 {
        let around = |row: &Vec<f64>| -> f64 {
            let kernels = self.axes.iter().zip(&self.bandwidths).zip(row.iter().zip(point));
            kernels.map(|((axis, bandwidth), (center, at))| kernel(axis, *bandwidth, *center, *at)).sum()
        };
        let logs: Vec<f64> = self.rows.iter().map(around).collect();
        log_sum(&logs) - (self.rows.len() as f64).ln()
    }

    /// A point around one of those observed. The bandwidths of numbers are `factor` times as wide; a label is left for any label
    /// with a probability that is its bandwidth.
    pub fn draw(&self, factor: f64, rng: &mut Rng) -> Vec<f64> {
        let row = &self.rows[rng.below(self.rows.len())];
        let mut point = Vec::with_capacity(row.len());
        for ((axis, bandwidth), center) in self.axes.iter().zip(&self.bandwidths).zip(row) {
            point.push(match axis.labels() {
                Some(labels) if rng.uniform() < *bandwidth => rng.below(labels) as f64,
                Some(_) => *center,
                None => within(*center, factor * bandwidth, rng),
            });
        }
        point
    }
}

/// The logarithm of a kernel.
fn kernel(axis: &Axis, bandwidth: f64, center: f64, at: f64) -> f64 {
    match axis.labels() {
        Some(_) if at == center => (1.0 - bandwidth).ln(),
        Some(labels) => (bandwidth / (labels.max(2) - 1) as f64).ln(),
        None => Normal { mean: center, deviation: bandwidth }.log_density(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: Axis = Axis::Reals { low: 0.0, high: 1.0, log_scale: false };

    /// What `KDEMultivariate` of statsmodels 0.15.0 gives with the bandwidths of its `normal_reference`, clipped as here.
    #[test]
    fn densities_are_those_of_statsmodels() {
        let axes = [REAL, REAL, Axis::Labels(3), Axis::Labels(3)];
        let rows = [
            [0.1, 0.5, 0.0, 2.0],
            [0.2, 0.5, 1.0, 2.0],
            [0.9, 0.5, 1.0, 2.0],
            [0.4, 0.5, 2.0, 0.0],
            [0.35, 0.5, 2.0, 2.0],
            [0.6, 0.5, 0.0, 1.0],
            [0.25, 0.5, 0.0, 0.0],
            [0.7, 0.5, 1.0, 1.0],
        ];
        let kernels = Kernels::new(&axes, rows.map(Vec::from).to_vec(), 1e-3).unwrap();
        let expected = [0.2091397773732818, 0.001, 0.6380606080529867, 2.0 / 3.0];
        for (found, expected) in kernels.bandwidths.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{:?}", kernels.bandwidths);
        }
        for (point, expected) in [
            ([0.15, 0.5, 0.0, 2.0], 3.7851934951765203),
            ([0.8, 0.501, 1.0, 0.0], 2.902660508691489),
            ([0.4, 0.5, 2.0, 2.0], 3.9332055533154415),
        ] {
            let found = kernels.log_density(&point);
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn labels_sum_to_1_and_draws_are_points() {
        let axes = [Axis::Labels(4), REAL];
        let rows = vec![vec![0.0, 0.2], vec![0.0, 0.3], vec![3.0, 0.25]];
        let kernels = Kernels::new(&axes, rows, 1e-3).unwrap();
        let at = |label: u32| (0..4_000).map(move |step| [f64::from(label), f64::from(step) / 1_000.0 - 1.5]);
        let sum: f64 = (0..4).flat_map(at).map(|point| kernels.log_density(&point).exp() / 1_000.0).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        let mut rng = Rng::new(0);
        let drawn: Vec<Vec<f64>> = (0..2_000).map(|_| kernels.draw(3.0, &mut rng)).collect();
        assert!(drawn.iter().all(|point| point[0] < 4.0 && (0.0..=1.0).contains(&point[1])));
        let zeros = drawn.iter().filter(|point| point[0] == 0.0).count() as f64 / 2_000.0;
        // A third of the rows has another label, which the others are left for with the bandwidth's probability.
        let left = kernels.bandwidths[0];
        let expected = 2.0 / 3.0 * (1.0 - left) + left / 4.0;
        assert!((zeros - expected).abs() < 0.05, "{zeros} {expected}");
    }

    #[test]
    fn one_label_and_no_points_are_no_trouble() {
        let kernels = Kernels::new(&[Axis::Labels(1)], vec![vec![0.0]], 1e-3).unwrap();
        assert_eq!(kernels.log_density(&[0.0]), 0.0);
        assert_eq!(kernels.draw(3.0, &mut Rng::new(0)), [0.0]);
        assert!(Kernels::new(&[REAL], Vec::new(), 1e-3).is_none());
    }
}
