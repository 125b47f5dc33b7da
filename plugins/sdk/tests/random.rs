//! Random numbers: that they never change, and that they are distributed as they should be.

use archwright_sdk::Rng;
use proptest::prelude::*;

const DRAWS: usize = 20_000;

/// Components of today draw these; those of tomorrow have to, too.
#[test]
fn values_never_change() {
    let mut rng = Rng::new(7);
    let values = [rng.below(1000), rng.below(1000), (rng.uniform() * 1e6) as usize];
    assert_eq!(values, [635, 994, 704_276]);
    assert_eq!(rng.next_u64(), 13_406_010_708_265_417_443);
    assert_eq!(rng.choose(&["a", "b", "c", "d"]), Some(&"a"));
    let mut list = [0, 1, 2, 3, 4, 5];
    rng.shuffle(&mut list);
    assert_eq!(list, [0, 4, 3, 5, 1, 2]);
    let weighted: Vec<_> = (0..6).map(|_| rng.choose_weighted(&[1.0, 2.0, 0.0, 3.0]).unwrap()).collect();
    assert_eq!(weighted, [1, 1, 3, 1, 1, 3]);
    assert_eq!(rng.sample(5, 100), [58, 36, 70, 88, 91]);
    for golden in [1.830_956_841_572_313_6, -0.071_165_379_588_497_64, 0.865_239_564_730_056] {
        let normal = rng.normal();
        assert!((normal - golden).abs() < 1e-14, "{normal:?}");
    }
}

#[test]
fn a_clone_goes_on_where_the_other_is() {
    let mut rng = Rng::new(3);
    for draws in [0, 1, 30, 31, 64] {
        (0..draws).for_each(|_| _ = rng.next_u64());
        let mut clone = rng.clone();
        assert!((0..100).all(|_| clone.next_u64() == rng.next_u64()));
    }
}

#[test]
fn every_value_below_the_bound_comes() {
    let mut rng = Rng::new(0);
    let mut seen = [0; 5];
    (0..1000).for_each(|_| seen[rng.below(5)] += 1);
    assert!(seen.iter().all(|count| (150..250).contains(count)), "{seen:?}");
    assert_eq!(rng.below(0), 0);
    assert_eq!(rng.choose::<u8>(&[]), None);
}

#[test]
fn normal_numbers_have_mean_0_and_variance_1() {
    let mut rng = Rng::new(1);
    let drawn: Vec<f64> = (0..DRAWS).map(|_| rng.normal()).collect();
    let mean = drawn.iter().sum::<f64>() / DRAWS as f64;
    let variance = drawn.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / DRAWS as f64;
    // Four standard errors: of the mean 0.0071, of the variance 0.01.
    assert!(mean.abs() < 0.0284 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
}

#[test]
fn weighted_choices_come_as_often_as_they_are_likely() {
    let mut rng = Rng::new(3);
    let mut counts = [0; 4];
    (0..DRAWS).for_each(|_| counts[rng.choose_weighted(&[0.2, 0.0, 0.6, 1.2]).unwrap()] += 1);
    assert_eq!(counts[1], 0);
    for (count, share) in counts.into_iter().zip([0.1, 0.0, 0.3, 0.6]) {
        assert!((f64::from(count) / DRAWS as f64 - share).abs() < 0.02, "{counts:?}");
    }
    assert!(rng.choose_weighted(&[0.0, 0.0]).unwrap() < 2);
    assert_eq!(rng.choose_weighted(&[]), None);
}

#[test]
fn every_pair_is_sampled_as_often() {
    let mut rng = Rng::new(4);
    let mut counts = [[0; 4]; 4];
    for _ in 0..12_000 {
        let pair = rng.sample(2, 4);
        counts[pair[0]][pair[1]] += 1;
    }
    for (first, row) in counts.iter().enumerate() {
        for (second, count) in row.iter().enumerate() {
            // 1,000 each, with a standard deviation of 30.
            assert!(if first == second { *count == 0 } else { (850..1_150).contains(count) }, "{counts:?}");
        }
    }
}

proptest! {
    #[test]
    fn samples_are_different_numbers_below_the_bound(seed: u64, count in 0_usize..40, bound in 0_usize..40) {
        let mut sample = Rng::new(seed).sample(count, bound);
        prop_assert_eq!(sample.len(), count.min(bound));
        prop_assert!(sample.iter().all(|number| *number < bound));
        sample.sort_unstable();
        sample.dedup();
        prop_assert_eq!(sample.len(), count.min(bound));
    }

    #[test]
    fn a_sample_of_everything_is_a_shuffle(seed: u64, bound in 0_usize..40) {
        let mut sample = Rng::new(seed).sample(usize::MAX, bound);
        sample.sort_unstable();
        prop_assert_eq!(sample, (0..bound).collect::<Vec<_>>());
    }
}
