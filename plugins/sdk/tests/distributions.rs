//! Distributions against published values, numerical integrals, and each other.

use archwright_sdk::Rng;
use archwright_sdk::distributions::{Categorical, LogUniform, Normal, log_sum, softmax};
use proptest::prelude::*;

/// The integral of `f` from `low` to `high` by the midpoint rule.
fn integral(f: impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    let width = (high - low) / 20_000.0;
    (0..20_000).map(|step| f(low + (f64::from(step) + 0.5) * width)).sum::<f64>() * width
}

#[test]
fn the_normal_distribution_has_its_published_values() {
    let normal = Normal::STANDARD;
    for (x, cumulative) in [(0.0, 0.5), (1.0, 0.841_344_746_068_542_9), (-9.0, 1.128_588_405_953_840_6e-19)] {
        assert!((normal.cumulative(x) / cumulative - 1.0).abs() < 1e-12, "{x}: {:e}", normal.cumulative(x));
    }
    // The values that Wichura gives, and of the far tail.
    for (probability, quantile) in
        [(0.25, -0.674_489_750_196_081_7), (0.001, -3.090_232_306_167_813_5), (1e-20, -9.262_340_089_798_408)]
    {
        assert!((normal.quantile(probability) / quantile - 1.0).abs() < 1e-14, "{:?}", normal.quantile(probability));
    }
    assert_eq!([0.0, 0.5, 1.0].map(|share| normal.quantile(share)), [f64::NEG_INFINITY, 0.0, f64::INFINITY]);
    assert!([-0.1, 1.1, f64::NAN].into_iter().all(|share| normal.quantile(share).is_nan()));
}

#[test]
fn sums_of_logarithms_are_logarithms_of_sums() {
    assert!((log_sum(&[0.5_f64.ln(), 0.25_f64.ln()]) - 0.75_f64.ln()).abs() < 1e-15);
    assert_eq!(log_sum(&[]), f64::NEG_INFINITY);
    assert_eq!(log_sum(&[f64::NEG_INFINITY; 2]), f64::NEG_INFINITY);
}

#[test]
fn densities_integrate_to_cumulative_probabilities() {
    let normal = Normal { mean: 0.3, deviation: 0.2 };
    let log_uniform = LogUniform::new(1e-3, 10.0).unwrap();
    let share = integral(|x| normal.density(x), 0.0, 1.0);
    assert!((share - (normal.cumulative(1.0) - normal.cumulative(0.0))).abs() < 1e-8, "{share}");
    let share = integral(|x| log_uniform.density(x), 0.1, 1.0);
    assert!((share - 0.25).abs() < 1e-8 && (log_uniform.cumulative(1.0) - 0.75).abs() < 1e-12, "{share}");
    assert_eq!([1e-4, 20.0].map(|x| (log_uniform.density(x), log_uniform.cumulative(x))), [(0.0, 0.0), (0.0, 1.0)]);
}

#[test]
fn draws_are_distributed_so() {
    let mut rng = Rng::new(0);
    let normal = Normal { mean: 2.0, deviation: 3.0 };
    let log_uniform = LogUniform::new(1e-3, 10.0).unwrap();
    let categorical = Categorical::new(&[1.0, 0.0, 3.0]).unwrap();
    let share = |is_below: &mut dyn FnMut() -> bool| (0..20_000).filter(|_| is_below()).count() as f64 / 20_000.0;
    // Four standard errors are at most 0.0142.
    let below = share(&mut || normal.draw(&mut rng) < 3.0);
    assert!((below - normal.cumulative(3.0)).abs() < 0.0142, "{below}");
    let below = share(&mut || log_uniform.draw(&mut rng) < 0.1);
    assert!((below - 0.5).abs() < 0.0142, "{below}");
    let zero = share(&mut || categorical.draw(&mut rng) == 0);
    assert!((zero - 0.25).abs() < 0.0142, "{zero}");
}

#[test]
fn categories_have_probabilities_and_entropy() {
    let categorical = Categorical::new(&[1.0, 0.0, 3.0]).unwrap();
    assert_eq!(categorical.probabilities(), [0.25, 0.0, 0.75]);
    assert_eq!(categorical.mode(), 2);
    assert_eq!(categorical.log_probability(1), f64::NEG_INFINITY);
    assert_eq!(categorical.log_probability(7), f64::NEG_INFINITY);
    let even = Categorical::from_logits(&[1e300; 4]).unwrap();
    assert!((even.entropy() - 4.0_f64.ln()).abs() < 1e-12);
    assert_eq!(even.mode(), 0);
    for none in [&[][..], &[0.0, 0.0], &[1.0, -1.0], &[f64::NAN], &[f64::INFINITY]] {
        assert_eq!(Categorical::new(none), None);
    }
    assert_eq!(Categorical::from_logits(&[]), None);
    assert_eq!(Categorical::from_logits(&[f64::NAN, 0.0]), None);
}

#[test]
fn ranges_of_log_uniform_numbers_rise() {
    for (low, high) in [(0.0, 1.0), (2.0, 1.0), (1.0, 1.0), (1.0, f64::INFINITY), (f64::NAN, 1.0)] {
        assert_eq!(LogUniform::new(low, high), None);
    }
}

proptest! {
    #[test]
    fn quantiles_undo_cumulative_probabilities(probability in 1e-12..1.0_f64, mean in -5.0..5.0_f64, deviation in 0.01..10.0_f64) {
        let normal = Normal { mean, deviation };
        let back = normal.cumulative(normal.quantile(probability));
        prop_assert!((back / probability - 1.0).abs() < 1e-8, "{} {}", probability, back);
        let log_uniform = LogUniform::new(deviation, deviation * 3.0).unwrap();
        prop_assert!((log_uniform.cumulative(log_uniform.quantile(probability)) - probability).abs() < 1e-12);
    }

    #[test]
    fn quantiles_are_odd(probability in 0.001..0.5_f64) {
        let normal = Normal::STANDARD;
        prop_assert!((normal.quantile(probability) + normal.quantile(1.0 - probability)).abs() < 1e-10);
    }

    #[test]
    fn softmax_sums_to_1_however_large(logits in prop::collection::vec(-1e6..1e6_f64, 1..20)) {
        prop_assert!((softmax(&logits).iter().sum::<f64>() - 1.0).abs() < 1e-9);
        prop_assert!(log_sum(&logits) >= logits.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    }

    #[test]
    fn probabilities_sum_to_1(weights in prop::collection::vec(0.0..f64::MAX, 1..20)) {
        if let Some(categorical) = Categorical::new(&weights) {
            prop_assert!((categorical.probabilities().iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let entropy = categorical.entropy();
            prop_assert!((0.0..=(weights.len() as f64).ln() + 1e-9).contains(&entropy));
        }
    }
}
