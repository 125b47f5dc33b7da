//! Fronts by definition, crowding by example.

use archwright_sdk::pareto::{crowding, dominates, fronts};
use proptest::prelude::*;

/// By the definition: what nothing that is left dominates is the next front.
fn peeled(costs: &[Vec<f64>]) -> Vec<Vec<usize>> {
    let mut left: Vec<usize> = (0..costs.len()).collect();
    let mut fronts = Vec::new();
    while !left.is_empty() {
        let beaten = |index: usize| {
            left.iter().any(|other| {
                let pairs = || costs[*other].iter().zip(&costs[index]);
                pairs().all(|(other, it)| other <= it) && pairs().any(|(other, it)| other < it)
            })
        };
        let front: Vec<usize> = left.iter().copied().filter(|index| !beaten(*index)).collect();
        left.retain(|index| !front.contains(index));
        fronts.push(front);
    }
    fronts
}

proptest! {
    #[test]
    fn fronts_are_what_peeling_gives(
        costs in (1_usize..5).prop_flat_map(|objectives| {
            // Few different values, so that there are equals.
            let cost = (-4_i8..4).prop_map(f64::from);
            prop::collection::vec(prop::collection::vec(cost, objectives), 0..40)
        })
    ) {
        prop_assert_eq!(fronts(&costs), peeled(&costs));
    }

    #[test]
    fn crowding_is_never_nan(costs in prop::collection::vec(prop::collection::vec(any::<f64>(), 2), 0..20)) {
        let costs: Vec<Vec<f64>> =
            costs.into_iter().filter(|costs| costs.iter().all(|cost| cost.is_finite())).collect();
        let all: Vec<usize> = (0..costs.len()).collect();
        prop_assert!(crowding(&costs, &all).iter().all(|distance| !distance.is_nan() && *distance >= 0.0));
    }
}

#[test]
fn crowding_adds_shares_of_the_range() {
    let costs = vec![vec![0.0, 10.0], vec![1.0, 4.0], vec![4.0, 0.0], vec![2.0, 2.0]];
    let distances = crowding(&costs, &[0, 1, 2, 3]);
    assert_eq!(distances[0], f64::INFINITY);
    assert_eq!(distances[2], f64::INFINITY);
    assert!((distances[1] - (2.0 / 4.0 + 8.0 / 10.0)).abs() < 1e-12);
    assert!((distances[3] - (3.0 / 4.0 + 4.0 / 10.0)).abs() < 1e-12);
}

#[test]
fn equals_are_not_at_an_end() {
    assert_eq!(crowding(&[vec![1.0, 2.0], vec![1.0, 2.0]], &[0, 1]), [0.0, 0.0]);
    assert!(crowding(&[], &[]).is_empty());
}

#[test]
fn equals_and_what_is_worse_somewhere_do_not_dominate() {
    assert!(dominates(&[1.0, 2.0], &[1.0, 3.0]));
    assert!(!dominates(&[1.0, 2.0], &[1.0, 2.0]));
    assert!(!dominates(&[1.0, 4.0], &[2.0, 3.0]) && !dominates(&[2.0, 3.0], &[1.0, 4.0]));
}
