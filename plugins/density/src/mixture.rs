//! The adaptive Parzen estimator of TPE for numbers (Bergstra et al. 2011, section 4).

use archwright_relaxation::draw;
use archwright_sdk::Rng;
use archwright_sdk::distributions::{Normal, log_sum};

use crate::normal::{mass, within};

/// Stretches no longer than this count as points: their share is the density in the middle times their length.
const POINT: f64 = 1e-6;
/// The prior: one normal distribution over all of [0, 1].
const PRIOR: (f64, f64) = (0.5, 1.0);
/// Draws of a mixture that may be outside.
const PATIENCE: u32 = 1_000;

/// A mixture of normal distributions on [0, 1], each cut off at the ends in the same proportion.
#[derive(Clone, Debug)]
pub(crate) struct Mixture {
    parts: Vec<Part>,
    weights: Vec<f64>,
    /// Logarithm of the share that is in [0, 1].
    log_inside: f64,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    mean: f64,
    deviation: f64,
    weight: f64,
    /// Logarithm of its density at the mean.
    log_height: f64,
}

impl Mixture {
    /// A normal distribution around each number, and the prior. Each reaches to the farther of its neighbours, the first and the
    /// last to the only one. The weights are those of the numbers, in their order.
    pub(crate) fn new(numbers: &[f64], weights: &[f64], prior_weight: f64) -> Self {
        let mut parts: Vec<(Part, bool)> = numbers
            .iter()
            .zip(weights)
            .map(|(mean, weight)| (Part { mean: *mean, deviation: 0.0, weight: *weight, log_height: 0.0 }, false))
            .collect();
        parts.sort_by(|left, right| left.0.mean.total_cmp(&right.0.mean));
        let place = parts.partition_point(|(part, _)| part.mean < PRIOR.0);
        parts.insert(place, (Part { mean: PRIOR.0, deviation: PRIOR.1, weight: prior_weight, log_height: 0.0 }, true));
        let means: Vec<f64> = parts.iter().map(|(part, _)| part.mean).collect();
        let least = PRIOR.1 / (1.0 + means.len() as f64).min(100.0);
        let weights: f64 = parts.iter().map(|(part, _)| part.weight).sum();
        for (place, (part, is_prior)) in parts.iter_mut().enumerate() {
            part.weight /= weights;
            let before = place.checked_sub(1).map_or(0.0, |before| part.mean - means[before]);
            let after = means.get(place + 1).map_or(0.0, |after| after - part.mean);
            // One number has nothing to be compared with but the prior.
            let reach = if numbers.len() == 1 { PRIOR.1 / 2.0 } else { f64::max(before, after) };
            if !*is_prior {
                part.deviation = reach.clamp(least, PRIOR.1);
            }
            let normal = Normal { mean: part.mean, deviation: part.deviation };
            part.log_height = part.weight.ln() + normal.log_density(part.mean);
        }
        let parts: Vec<Part> = parts.into_iter().map(|(part, _)| part).collect();
        let inside: f64 = parts.iter().map(|part| part.weight * mass(0.0, 1.0, part.mean, part.deviation)).sum();
        Self { weights: parts.iter().map(|part| part.weight).collect(), parts, log_inside: inside.ln() }
    }

    /// Logarithm of the density at a number.
    pub(crate) fn log_density(&self, number: f64) -> f64 {
        let log = |part: &Part| part.log_height - 0.5 * ((number - part.mean) / part.deviation).powi(2);
        let logs: Vec<f64> = self.parts.iter().map(log).collect();
        log_sum(&logs) - self.log_inside
    }

    /// Logarithm of the share between two numbers; of a point, of its density.
    pub(crate) fn log_mass(&self, (from, to): (f64, f64)) -> f64 {
        if to - from <= POINT {
            let length = if to > from { (to - from).ln() } else { 0.0 };
            return self.log_density((from + to) / 2.0) + length;
        }
        let shares = self.parts.iter().map(|part| part.weight * mass(from, to, part.mean, part.deviation));
        shares.sum::<f64>().ln() - self.log_inside
    }

    pub(crate) fn draw(&self, rng: &mut Rng) -> f64 {
        // What is outside is drawn again, whichever part it came from: that is the density above.
        for _ in 0..PATIENCE {
            let part = self.parts[draw(&self.weights, rng)];
            let number = part.mean + part.deviation * archwright_relaxation::normal(rng);
            if (0.0..=1.0).contains(&number) {
                return number;
            }
        }
        within(PRIOR.0, PRIOR.1, rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parzen::forgetting;

    const AT: [f64; 6] = [0.0, 0.05, 0.3, 0.5, 0.77, 1.0];

    fn mixture(numbers: &[f64]) -> Mixture {
        Mixture::new(numbers, &forgetting(numbers.len()), 1.0)
    }

    /// What `GMM1_lpdf` of `adaptive_parzen_normal` gives in hyperopt 0.3.0 for a uniform distribution on [0, 1], and the
    /// logarithms of the shares of the four quarters.
    #[test]
    fn densities_are_those_of_hyperopt() {
        let cases: [(&[f64], [f64; 6], [f64; 4]); 4] = [
            (
                &[],
                [
                    -0.0840221995090499,
                    -0.060272199509049905,
                    0.020977800490950098,
                    0.0409778004909501,
                    0.0045278004909500985,
                    -0.0840221995090499,
                ],
                [-1.4178650940614201, -1.3556899109015277, -1.3556899109015277, -1.417865094061421],
            ),
            (
                &[0.2],
                [
                    0.1014870930928044,
                    0.13286256547565284,
                    0.17626323055857612,
                    0.07993179937289924,
                    -0.20495754960498735,
                    -0.538698448355243,
                ],
                [-1.2281854820088642, -1.239991977243701, -1.4218685275319105, -1.7342800700535412],
            ),
            (
                &[0.9],
                [
                    -0.596805475373563,
                    -0.523733471212443,
                    -0.17260544612621886,
                    0.05469348727090434,
                    0.22159764828621842,
                    0.20249054797526103,
                ],
                [-1.7966257959347174, -1.466289143137916, -1.2366623673716144, -1.1615187440422383],
            ),
            (
                &[0.9, 0.1, 0.15, 0.5],
                [
                    0.2230181222370894,
                    0.3314758512567404,
                    0.19007450403138437,
                    -0.10571583947248353,
                    -0.28497734650192796,
                    -0.5378220726885213,
                ],
                [-1.0378780170176876, -1.3144524461471403, -1.5734452921168918, -1.772877913167876],
            ),
        ];
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        for (numbers, densities, shares) in cases {
            let mixture = mixture(numbers);
            AT.iter().zip(densities).for_each(|(at, expected)| close(mixture.log_density(*at), expected));
            for (quarter, expected) in shares.into_iter().enumerate() {
                let from = quarter as f64 / 4.0;
                close(mixture.log_mass((from, from + 0.25)), expected);
            }
        }
        // More than 25 numbers: the oldest weigh less.
        let many: Vec<f64> = (0..30).map(|place| f64::from(place * 37 % 100) / 100.0 + 0.003).collect();
        let expected = [
            -1.0051517609972145,
            -0.256591240292236,
            -0.029716267665489182,
            0.03368690851971867,
            0.13132435784575058,
            -0.2538727385395324,
        ];
        AT.iter().zip(expected).for_each(|(at, expected)| close(mixture(&many).log_density(*at), expected));
    }

    #[test]
    fn draws_and_shares_agree() {
        let mut rng = Rng::new(1);
        let mixture = mixture(&[0.0, 0.05, 0.1, 0.8]);
        let mut counts = [0_u32; 10];
        (0..20_000).for_each(|_| counts[((mixture.draw(&mut rng) * 10.0) as usize).min(9)] += 1);
        let mut sum = 0.0;
        for (tenth, count) in (0_u32..).zip(counts) {
            let share = mixture.log_mass((f64::from(tenth) / 10.0, f64::from(tenth + 1) / 10.0)).exp();
            // Five standard deviations.
            let deviation = (20_000.0 * share * (1.0 - share)).sqrt();
            assert!((f64::from(count) - 20_000.0 * share).abs() < 5.0 * deviation, "{counts:?}");
            sum += share;
        }
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    }

    #[test]
    fn a_short_stretch_is_a_point() {
        let mixture = mixture(&[0.2, 0.7]);
        let near = |log: f64, other: f64| assert!((log - other).abs() < 1e-5, "{log} {other}");
        near(mixture.log_mass((0.3, 0.3)), mixture.log_density(0.3));
        near(mixture.log_mass((0.3, 0.3 + 9e-7)), mixture.log_density(0.3) + 9e-7_f64.ln());
        near(mixture.log_mass((0.3, 0.3 + 2e-6)), mixture.log_density(0.3) + 2e-6_f64.ln());
    }
}
