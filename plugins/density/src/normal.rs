//! Normal distributions, cut off at 0 and 1.

use archwright_relaxation::normal;
use archwright_sdk::Rng;

/// Draws from a normal distribution that may be outside before the mean is taken.
const PATIENCE: u32 = 1_000;

/// The share of a normal distribution below a number.
pub(crate) fn below(number: f64, mean: f64, deviation: f64) -> f64 {
    0.5 * libm::erfc((mean - number) / (deviation * std::f64::consts::SQRT_2))
}

/// The share of a normal distribution between two numbers in rising order.
pub(crate) fn mass(from: f64, to: f64, mean: f64, deviation: f64) -> f64 {
    // In the upper tail two shares close to 1 would leave nothing of their difference.
    if from > mean {
        below(2.0 * mean - from, mean, deviation) - below(2.0 * mean - to, mean, deviation)
    } else {
        below(to, mean, deviation) - below(from, mean, deviation)
    }
}

/// The logarithm of the density of a normal distribution.
pub(crate) fn log_density(number: f64, mean: f64, deviation: f64) -> f64 {
    let distance = (number - mean) / deviation;
    -0.5 * distance * distance - deviation.ln() - 0.5 * std::f64::consts::TAU.ln()
}

/// A draw from a normal distribution, given that it is in [0, 1], where the mean is, too.
pub(crate) fn within(mean: f64, deviation: f64, rng: &mut Rng) -> f64 {
    let mut draws = (0..PATIENCE).map(|_| mean + deviation * normal(rng));
    draws.find(|draw| (0.0..=1.0).contains(draw)).unwrap_or(mean.clamp(0.0, 1.0))
}

/// The logarithm of the sum of numbers whose logarithms these are.
pub(crate) fn log_sum(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_densities_agree() {
        assert!((below(1.0, 0.0, 1.0) - 0.841_344_746_068_542_9).abs() < 1e-15);
        assert!((mass(9.0, 10.0, 0.0, 1.0) / 1.128_512_207_423_6e-19 - 1.0).abs() < 1e-9);
        let sum: f64 = (0..1_000).map(|step| log_density((f64::from(step) + 0.5) / 1_000.0, 0.3, 0.2).exp()).sum();
        assert!((sum / 1_000.0 - mass(0.0, 1.0, 0.3, 0.2)).abs() < 1e-6);
        assert!((log_sum(&[0.5_f64.ln(), 0.25_f64.ln()]) - 0.75_f64.ln()).abs() < 1e-15);
        assert_eq!(log_sum(&[]), f64::NEG_INFINITY);
    }

    #[test]
    fn draws_stay_within() {
        let mut rng = Rng::new(0);
        for (mean, deviation) in [(0.0, 1e-3), (1.0, 5.0), (0.5, 0.3), (0.0, 1e9)] {
            assert!((0..500).all(|_| (0.0..=1.0).contains(&within(mean, deviation, &mut rng))));
        }
    }
}
