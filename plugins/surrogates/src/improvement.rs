//! What is to be expected of what is not known for sure.

use archwright_sdk::distributions::Normal;

/// By how much a cost, thought to be normal with this mean and standard deviation (at least 0), is expected to be below `best`
/// (Jones, Schonlau & Welch 1998, equation 15). At least 0; 0 where a number is NaN.
pub fn expected_improvement(mean: f64, deviation: f64, best: f64) -> f64 {
    let gain = best - mean;
    // A deviation that is nothing beside the gain: the formula would divide by it.
    if deviation <= 1e-12 * gain.abs() || deviation <= 0.0 {
        return gain.max(0.0);
    }
    let scaled = gain / deviation;
    (gain * Normal::STANDARD.cumulative(scaled) + deviation * Normal::STANDARD.density(scaled)).max(0.0)
}
