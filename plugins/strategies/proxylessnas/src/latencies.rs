//! A linear model of latencies over labels.

use archwright_relaxation::Rows;
use archwright_sdk::Value;

/// What is added to the diagonal of the equations, in samples: where labels are rarer than that, noise would decide.
const RIDGE: f64 = 1.0;

/// What is fitted to measured latencies: `base` and what each label adds to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fitted {
    pub(crate) base: f64,
    pub(crate) added: Vec<f64>,
}

/// Fits latencies of points by ridge regression over the labels of their active decisions. Nothing for fewer than two points.
///
/// It is solved for the points instead of the labels, which are often more.
pub(crate) fn fit(rows: &Rows, samples: &[(Vec<Value>, f64)]) -> Option<Fitted> {
    let count = samples.len();
    if count < 2 {
        return None;
    }
    let places: Vec<Vec<usize>> = samples.iter().map(|(values, _)| places(rows, values)).collect();
    let mean = samples.iter().map(|(_, latency)| latency).sum::<f64>() / count as f64;
    // Labels that two points have in common, each point about the mean of all.
    let common = |one: &[usize], other: &[usize]| one.iter().filter(|place| other.contains(place)).count() as f64;
    let mut kernel: Vec<Vec<f64>> =
        places.iter().map(|one| places.iter().map(|other| common(one, other)).collect()).collect();
    let means: Vec<f64> = kernel.iter().map(|row| row.iter().sum::<f64>() / count as f64).collect();
    let whole = means.iter().sum::<f64>() / count as f64;
    for (one, row) in kernel.iter_mut().enumerate() {
        for (other, entry) in row.iter_mut().enumerate() {
            *entry += whole - means[one] - means[other] + if one == other { RIDGE } else { 0.0 };
        }
    }
    let weights = solve(kernel, samples.iter().map(|(_, latency)| latency - mean).collect());
    let mut fitted = Fitted { base: mean, added: vec![0.0; rows.labels()] };
    for (places, weight) in places.iter().zip(&weights) {
        places.iter().for_each(|place| fitted.added[*place] += weight);
    }
    let expected = places.iter().flatten().map(|place| fitted.added[*place]).sum::<f64>() / count as f64;
    fitted.base -= expected;
    Some(fitted)
}

/// The labels of a point's active decisions, as places among all labels.
fn places(rows: &Rows, values: &[Value]) -> Vec<usize> {
    let place = |row: &archwright_relaxation::Row| match values.get(row.decision) {
        Some(Value::Index(label)) => Some(row.start + *label as usize),
        _ => None,
    };
    rows.iter().filter_map(place).collect()
}

/// Solves a system of equations that is symmetric and positive definite, by its Cholesky factor.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let count = right.len();
    for row in 0..count {
        for column in 0..=row {
            let sum: f64 = (0..column).map(|place| matrix[row][place] * matrix[column][place]).sum();
            let rest = matrix[row][column] - sum;
            // The diagonal is at least the ridge but for rounding.
            matrix[row][column] =
                if row == column { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / matrix[column][column] };
        }
        let sum: f64 = (0..row).map(|place| matrix[row][place] * right[place]).sum();
        right[row] = (right[row] - sum) / matrix[row][row];
    }
    for row in (0..count).rev() {
        let sum: f64 = (row + 1..count).map(|place| matrix[place][row] * right[place]).sum();
        right[row] = (right[row] - sum) / matrix[row][row];
    }
    right
}

#[cfg(test)]
mod tests {
    use archwright_relaxation::testing::categorical;
    use archwright_sdk::Rng;

    use super::*;

    fn rows() -> Rows {
        let decisions: Vec<_> = (0..5).map(|index| categorical(&format!("d{index}"), &["x", "y", "z"])).collect();
        Rows::of(&decisions).unwrap()
    }

    /// Latencies that add up over labels, in seconds, with some noise.
    fn samples(rows: &Rows, count: usize, noise: f64) -> (Vec<f64>, Vec<(Vec<Value>, f64)>) {
        let mut rng = Rng::new(4);
        let mut unit = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let truth: Vec<f64> = (0..rows.labels()).map(|_| 1e-3 * unit()).collect();
        let samples = (0..count).map(|_| {
            let choices: Vec<usize> = rows.iter().map(|_| (3.0 * unit()) as usize).collect();
            let sum: f64 = rows.iter().zip(&choices).map(|(row, choice)| truth[row.start + choice]).sum();
            let values = choices.iter().map(|choice| Value::Index(*choice as u32)).collect();
            (values, 5e-3 + sum + noise * (unit() - 0.5))
        });
        let samples = samples.collect();
        (truth, samples)
    }

    #[test]
    fn what_labels_add_is_told_apart() {
        let rows = rows();
        for (count, noise, tolerance) in [(400, 0.0, 0.03e-3), (400, 0.5e-3, 0.15e-3)] {
            let (truth, samples) = samples(&rows, count, noise);
            let fitted = fit(&rows, &samples).unwrap();
            for row in rows.iter() {
                for label in row.range() {
                    let wanted = truth[label] - truth[row.start];
                    let found = fitted.added[label] - fitted.added[row.start];
                    assert!((found - wanted).abs() < tolerance, "{label}: {found} {wanted}");
                }
            }
            // What is expected of all labels alike is the mean of all architectures.
            let alike = fitted.base + fitted.added.iter().sum::<f64>() / 3.0;
            let mean = 5e-3 + truth.iter().sum::<f64>() / 3.0;
            assert!((alike - mean).abs() < tolerance, "{alike} {mean}");
        }
    }

    #[test]
    fn fewer_points_than_labels_give_a_model_too() {
        let rows = rows();
        let (_, samples) = samples(&rows, 6, 0.0);
        let fitted = fit(&rows, &samples).unwrap();
        for (values, latency) in &samples {
            let told = fitted.base + places(&rows, values).iter().map(|place| fitted.added[*place]).sum::<f64>();
            assert!((told - latency).abs() < 1e-3, "{told} {latency}");
        }
        assert_eq!(fit(&rows, &samples[..1]), None);
    }

    #[test]
    fn inactive_decisions_add_nothing() {
        let rows = rows();
        let point = |first: Value| [vec![first], vec![Value::Index(0); 4]].concat();
        let samples = vec![(point(Value::Inactive), 1e-3), (point(Value::Index(2)), 3e-3)];
        let fitted = fit(&rows, &samples).unwrap();
        assert!(fitted.added[2] > 0.0);
        assert_eq!(fitted.added[..2], [0.0; 2]);
    }
}
