//! Normal distributions, cut off at 0 and 1.

use archwright_relaxation::normal;
use archwright_sdk::Rng;
use archwright_sdk::distributions::Normal;

/// Draws from a normal distribution that may be outside before the mean is taken.
const PATIENCE: u32 = 1_000;

/// The share of a normal distribution between two numbers in rising order.
pub(crate) fn mass(from: f64, to: f64, mean: f64, deviation: f64) -> f64 {
    let normal = Normal { mean, deviation };
    // In the upper tail two shares close to 1 would leave nothing of their difference.
    if from > mean {
        normal.cumulative(2.0 * mean - from) - normal.cumulative(2.0 * mean - to)
    } else {
        normal.cumulative(to) - normal.cumulative(from)
    }
}

/// A draw from a normal distribution, given that it is in [0, 1], where the mean is, too.
pub(crate) fn within(mean: f64, deviation: f64, rng: &mut Rng) -> f64 {
    let mut draws = (0..PATIENCE).map(|_| mean + deviation * normal(rng));
    draws.find(|draw| (0.0..=1.0).contains(draw)).unwrap_or(mean.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_densities_agree() {
        assert!((mass(9.0, 10.0, 0.0, 1.0) / 1.128_512_207_423_6e-19 - 1.0).abs() < 1e-9);
        let normal = Normal { mean: 0.3, deviation: 0.2 };
        let sum: f64 = (0..1_000).map(|step| normal.density((f64::from(step) + 0.5) / 1_000.0)).sum();
        assert!((sum / 1_000.0 - mass(0.0, 1.0, 0.3, 0.2)).abs() < 1e-6);
    }

    #[test]
    fn draws_stay_within() {
        let mut rng = Rng::new(0);
        for (mean, deviation) in [(0.0, 1e-3), (1.0, 5.0), (0.5, 0.3), (0.0, 1e9)] {
            assert!((0..500).all(|_| (0.0..=1.0).contains(&within(mean, deviation, &mut rng))));
        }
    }
}
