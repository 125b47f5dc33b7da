//! The studentized range with infinite degrees of freedom: the range of independent standard normal values.
//!
//! The error function is libm's, which is good to the last digits; that of statrs is off by up to 5e-11.

use std::f64::consts::{PI, SQRT_2};

use libm::{erfc, exp};

/// Beyond this, a normal density is less than the last digit of 1.
const FAR: f64 = 9.0;
/// Steps of the integral for each unit.
const STEPS: i32 = 32;

/// How likely the range of `count` standard normal values is to be above `range`, in [0, 1].
///
/// 1 - k times the integral of phi(z) (Phi(z) - Phi(z - q))^(k - 1), z being the largest value (Tukey 1953). For a function
/// that is smooth and falls off as a normal density, the trapezoidal rule converges exponentially (Trefethen and Weideman
/// 2014, section 5): at these steps its error is below rounding for up to hundreds of values.
pub(crate) fn beyond(range: f64, count: usize) -> f64 {
    if range <= 0.0 || count < 2 {
        return 1.0;
    }
    let others = i32::try_from(count - 1).unwrap_or(i32::MAX);
    let step = 1.0 / f64::from(STEPS);
    let end = FAR as i32 * STEPS;
    let sum: f64 = (-end..=end)
        .map(|place| {
            let z = f64::from(place) * step;
            exp(-z * z / 2.0) * (below(z) - below(z - range)).powi(others)
        })
        .sum();
    (1.0 - count as f64 * sum * step / (2.0 * PI).sqrt()).clamp(0.0, 1.0)
}

/// The range that `count` standard normal values exceed with probability `alpha`, which is above 0 and below 1.
pub(crate) fn critical(count: usize, alpha: f64) -> f64 {
    let (mut low, mut high) = (0.0, 2.0 * FAR);
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if beyond(middle, count) > alpha { low = middle } else { high = middle }
    }
}

/// How likely a standard normal value is to be below `z`.
fn below(z: f64) -> f64 {
    0.5 * erfc(-z / SQRT_2)
}

/// How likely a standard normal value is to be farther from 0 than `z`.
pub(crate) fn two_sided(z: f64) -> f64 {
    erfc(z.abs() / SQRT_2).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_values_are_as_far_apart_as_a_normal_value_is_from_its_mean() {
        for range in [0.1, 1.0, 2.5, 5.0] {
            assert!((beyond(range, 2) - two_sided(range / SQRT_2)).abs() < 1e-14, "{range}");
        }
    }

    #[test]
    fn critical_values_undo_the_probability() {
        for count in [2, 3, 20, 300] {
            for alpha in [0.01, 0.05, 0.5, 0.99] {
                assert!((beyond(critical(count, alpha), count) - alpha).abs() < 1e-13, "{count} {alpha}");
            }
        }
        assert_eq!((beyond(0.0, 5), beyond(3.0, 1), beyond(f64::INFINITY, 3) < 1e-12), (1.0, 1.0, true));
    }
}
