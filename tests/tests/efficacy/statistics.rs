//! How sure a difference is, and how good a set of trade-offs.

use archwright_sdk::Rng;

/// Ways to divide the searches at random that the observed one is compared with.
const DIVISIONS: usize = 20_000;

pub(crate) fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Standard error of the mean.
pub(crate) fn error(numbers: &[f64]) -> f64 {
    let (mean, count) = (mean(numbers), numbers.len() as f64);
    (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / (count - 1.0) / count).sqrt()
}

/// One-sided permutation test: how probable it is that the mean of `left` exceeds that of `right` by as much, if who found what
/// were chance.
pub(crate) fn chance(left: &[f64], right: &[f64]) -> f64 {
    let mut all = [left, right].concat();
    // The means' difference grows with this sum, as that of all is the same.
    let observed: f64 = left.iter().sum();
    let mut rng = Rng::new(0);
    let as_large = (0..DIVISIONS).filter(|_| {
        rng.shuffle(&mut all);
        // Sums in another order differ by rounding.
        all[..left.len()].iter().sum::<f64>() >= observed - 1e-9
    });
    (1 + as_large.count()) as f64 / (1 + DIVISIONS) as f64
}

/// The area that points (gain, cost) dominate, both in [0, 1]: of all pairs there are, the share of those with no more gain
/// and no less cost than some point (Zitzler & Thiele 1999).
pub(crate) fn hypervolume(mut points: Vec<(f64, f64)>) -> f64 {
    points.sort_by(|left, right| left.1.total_cmp(&right.1));
    let ends = points.iter().skip(1).map(|point| point.1).chain([1.0]);
    let mut gain = 0.0_f64;
    let strips = points.iter().zip(ends).map(|(point, end)| {
        gain = gain.max(point.0);
        gain * (end - point.1)
    });
    strips.sum()
}

/// Kendall's tau of two rankings without ties.
pub(crate) fn kendall(left: &[f64], right: &[f64]) -> f64 {
    let mut sum = 0i64;
    for one in 0..left.len() {
        for other in 0..one {
            let agree = (left[one] > left[other]) == (right[one] > right[other]);
            sum += if agree { 1 } else { -1 };
        }
    }
    sum as f64 / (left.len() * (left.len() - 1) / 2) as f64
}

#[test]
fn chance_is_that_of_small_cases() {
    // Of the 6 ways to divide four numbers in pairs, one has a sum as large.
    let found = chance(&[3.0, 4.0], &[1.0, 2.0]);
    assert!((found - 1.0 / 6.0).abs() < 0.02, "{found}");
    assert_eq!(chance(&[1.0; 3], &[1.0; 3]), 1.0);
}

#[test]
fn hypervolume_is_the_area_of_the_union() {
    assert_eq!(hypervolume(vec![]), 0.0);
    assert_eq!(hypervolume(vec![(0.5, 0.25)]), 0.375);
    // One that is dominated adds nothing; two that are not share a part.
    assert_eq!(hypervolume(vec![(0.5, 0.25), (0.25, 0.5)]), 0.375);
    assert_eq!(hypervolume(vec![(1.0, 0.5), (0.5, 0.25)]), 0.625);
}

#[test]
fn kendall_is_that_of_small_cases() {
    assert_eq!(kendall(&[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0]), 1.0);
    assert_eq!(kendall(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), -1.0);
    assert_eq!(kendall(&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]), 1.0 / 3.0);
}
