//! The normal distribution.

use archwright_sdk::Rng;

/// The standard normal density at `x`.
pub fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The probability that a standard normal variable is below `x`.
pub fn cumulative(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// A draw from the standard normal distribution (Box & Muller 1958).
pub fn draw(rng: &mut Rng) -> f64 {
    // In (0, 1]: the logarithm is finite.
    let radius = (-2.0 * (1.0 - rng.uniform()).ln()).sqrt();
    radius * (2.0 * std::f64::consts::PI * rng.uniform()).cos()
}

/// By how much a cost, thought to be normal with this mean and standard deviation (at least 0), is expected to be below `best`
/// (Jones, Schonlau & Welch 1998, equation 15). At least 0; 0 where a number is NaN.
pub fn expected_improvement(mean: f64, deviation: f64, best: f64) -> f64 {
    let gain = best - mean;
    // A deviation that is nothing beside the gain: the formula would divide by it.
    if deviation <= 1e-12 * gain.abs() || deviation <= 0.0 {
        return gain.max(0.0);
    }
    let scaled = gain / deviation;
    (gain * cumulative(scaled) + deviation * density(scaled)).max(0.0)
}
