//! What diverged is no estimate.

use archwright_sdk::testing::estimate;
use archwright_sdk::{CurvePoint, Estimate, Step};

#[test]
fn numbers_that_are_none_end_a_job_as_failed() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let diverged = Estimate { objectives: vec![0.5, value], ..estimate(0.0) };
        assert_eq!(Step::done(diverged), Step::Failed(format!("the training diverged: an objective is {value}")));
        let flat = Estimate { gradient: vec![0.0, value as f32], ..estimate(0.5) };
        assert_eq!(Step::done(flat), Step::Failed(format!("the training diverged: a derivative is {value}")));
    }
}

#[test]
fn a_training_that_recovers_is_an_estimate() {
    let curve = |values: &[f64]| -> Vec<CurvePoint> {
        let point = |(index, value): (usize, &f64)| CurvePoint { fidelity: 0.25 * (index + 1) as f64, value: *value };
        values.iter().enumerate().map(point).filter(|point| !point.value.is_nan()).collect()
    };
    let told = Estimate { curve: curve(&[f64::INFINITY, 3.0, 2.0]), ..estimate(2.0) };
    let kept = Estimate { curve: curve(&[f64::NAN, 3.0, 2.0]), ..estimate(2.0) };
    assert_eq!(Step::done(told), Step::Done(kept));
}
