//! Gaussian processes with a constant mean that is estimated, too (Rasmussen & Williams 2006, chapter 2 and section 5.4; Jones,
//! Schonlau & Welch 1998, section 2).

use archwright_sdk::linalg::{Cholesky, dot};

/// What is added to the diagonal besides noise: rounding leaves a covariance short of positive definite.
const JITTER: f64 = 1e-9;

/// Least scale: where all costs are alike, doubt would be 0.
const LEAST_SCALE: f64 = 1e-12;

/// A posterior.
pub(crate) struct Process {
    factor: Cholesky,
    mean: f64,
    /// Variance of the process.
    scale: f64,
    /// The covariance's inverse by the costs less the mean, and by ones.
    weights: Vec<f64>,
    ones: Vec<f64>,
    /// Logarithm of the marginal likelihood, less what is the same for all.
    pub(crate) likelihood: f64,
}

impl Process {
    /// The posterior where the costs at these covariances were observed with noise of a variance of `noise`, both in units of the
    /// process's own variance. Mean and variance of the process are those of the largest likelihood. Nothing where the covariance
    /// is not positive definite.
    pub(crate) fn fit(covariance: &[Vec<f64>], costs: &[f64], noise: f64) -> Option<Self> {
        let factor = Cholesky::factor(covariance.iter().map(Vec::as_slice), noise + JITTER)?;
        let ones = factor.solve(&vec![1.0; costs.len()]);
        let mean = dot(&ones, costs) / ones.iter().sum::<f64>();
        let rest: Vec<f64> = costs.iter().map(|cost| cost - mean).collect();
        let weights = factor.solve(&rest);
        let count = costs.len() as f64;
        let scale = (dot(&rest, &weights) / count).max(LEAST_SCALE);
        let likelihood = -0.5 * (count * scale.ln() + factor.log_determinant());
        (mean.is_finite() && likelihood.is_finite()).then_some(Self { factor, mean, scale, weights, ones, likelihood })
    }

    /// Mean and variance of the cost, without noise, where these are the covariances with the observations, and with itself.
    pub(crate) fn predict(&self, with: &[f64], own: f64) -> (f64, f64) {
        let known = self.factor.forward(with);
        // That the mean is estimated adds to the doubt.
        let apart = 1.0 - dot(&self.ones, with);
        let variance = own - dot(&known, &known) + apart * apart / self.ones.iter().sum::<f64>();
        (self.mean + dot(with, &self.weights), self.scale * variance.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use archwright_sdk::Rng;

    use super::*;

    /// Solves a system by Gaussian elimination with pivots; gives the determinant, too.
    fn eliminate(matrix: &[Vec<f64>], right: &[f64]) -> (Vec<f64>, f64) {
        let size = matrix.len();
        let mut rows: Vec<Vec<f64>> =
            matrix.iter().zip(right).map(|(row, right)| row.iter().copied().chain([*right]).collect()).collect();
        let mut determinant = 1.0;
        for column in 0..size {
            let pivot =
                (column..size).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs())).unwrap();
            if pivot != column {
                rows.swap(pivot, column);
                determinant = -determinant;
            }
            determinant *= rows[column][column];
            let top = rows[column].clone();
            for row in rows.iter_mut().skip(column + 1) {
                let factor = row[column] / top[column];
                row.iter_mut().zip(&top).for_each(|(value, top)| *value -= factor * top);
            }
        }
        let mut solved = vec![0.0; size];
        for row in (0..size).rev() {
            let sum: f64 = (row + 1..size).map(|column| rows[row][column] * solved[column]).sum();
            solved[row] = (rows[row][size] - sum) / rows[row][row];
        }
        (solved, determinant)
    }

    /// Covariances of points on a line.
    fn covariance(left: f64, right: f64) -> f64 {
        (-(left - right).abs() * 2.0).exp()
    }

    #[test]
    fn posterior_and_likelihood_are_those_of_a_dense_solution() {
        let mut rng = Rng::new(4);
        let points: Vec<f64> = (0..15).map(|_| 3.0 * rng.uniform()).collect();
        let costs: Vec<f64> = points.iter().map(|point| point.sin() + 0.1 * rng.uniform()).collect();
        let matrix: Vec<Vec<f64>> =
            points.iter().map(|left| points.iter().map(|right| covariance(*left, *right)).collect()).collect();
        let noise = 0.05;
        let process = Process::fit(&matrix, &costs, noise).unwrap();

        let mut noisy = matrix.clone();
        (0..15).for_each(|place| noisy[place][place] += noise + JITTER);
        let sum = |list: &[f64]| list.iter().sum::<f64>();
        let (by_costs, determinant) = eliminate(&noisy, &costs);
        let (by_ones, _) = eliminate(&noisy, &[1.0; 15]);
        let mean = sum(&by_costs) / sum(&by_ones);
        let rest: Vec<f64> = costs.iter().map(|cost| cost - mean).collect();
        let (by_rest, _) = eliminate(&noisy, &rest);
        let scale = dot(&rest, &by_rest) / 15.0;
        assert!((process.mean - mean).abs() < 1e-9 && (process.scale - scale).abs() < 1e-9);
        let likelihood = -0.5 * (15.0 * scale.ln() + determinant.ln());
        assert!((process.likelihood - likelihood).abs() < 1e-8, "{} {likelihood}", process.likelihood);
        for at in [-1.0, 0.3, 1.7, 5.0] {
            let with: Vec<f64> = points.iter().map(|point| covariance(*point, at)).collect();
            let (by_with, _) = eliminate(&noisy, &with);
            let wanted = mean + dot(&with, &by_rest);
            let variance = scale * (1.0 - dot(&with, &by_with) + (1.0 - sum(&by_with)).powi(2) / sum(&by_ones));
            let found = process.predict(&with, 1.0);
            assert!(
                (found.0 - wanted).abs() < 1e-9 && (found.1 - variance).abs() < 1e-9,
                "{found:?} {wanted} {variance}"
            );
        }
    }

    #[test]
    fn without_noise_it_goes_through_what_was_observed() {
        let points = [0.0, 1.0, 2.5];
        let matrix: Vec<Vec<f64>> =
            points.iter().map(|left| points.iter().map(|right| covariance(*left, *right)).collect()).collect();
        let process = Process::fit(&matrix, &[1.0, -1.0, 0.5], 0.0).unwrap();
        let (mean, variance) = process.predict(&matrix[1], 1.0);
        assert!((mean + 1.0).abs() < 1e-6 && variance < 1e-6, "{mean}, {variance}");
        assert!(process.predict(&[0.0; 3], 1.0).1 > variance);
    }

    #[test]
    fn what_is_no_covariance_is_refused() {
        assert!(Process::fit(&[vec![1.0, 2.0], vec![2.0, 1.0]], &[0.0, 1.0], 0.0).is_none());
        assert!(Process::fit(&[vec![f64::NAN]], &[0.0], 0.1).is_none());
        // Twice the same, and all costs alike.
        let process = Process::fit(&[vec![1.0, 1.0], vec![1.0, 1.0]], &[0.0, 0.0], 0.1).unwrap();
        assert_eq!(process.predict(&[1.0, 1.0], 1.0).0, 0.0);
    }
}
