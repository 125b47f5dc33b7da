//! Points as numbers, and back.

use archwright_sdk::encoding::{Axis, integer, is_active, ordinal, point};
use archwright_sdk::testing::{bundled_space, setup};
use archwright_sdk::{Architecture, Condition, Decision, Domain, Value};
use proptest::prelude::*;

#[test]
fn values_and_coordinates_are_the_same() {
    let real = |low, high, log_scale| Axis::Reals { low, high, log_scale };
    assert_eq!(real(0.0, 2.0, false).coordinate(Value::Real(0.5)), Some(0.25));
    let middle = real(1e-4, 1.0, true).coordinate(Value::Real(1e-2)).unwrap();
    assert!((middle - 0.5).abs() < 1e-12);
    assert_eq!(real(3.0, 3.0, false).value(0.7), Value::Real(3.0));
    assert_eq!(real(3.0, 3.0, false).coordinate(Value::Real(3.0)), Some(0.5));
    assert_eq!(Axis::Ordered(4).coordinate(Value::Index(1)), Some(0.375));
    assert_eq!(Axis::Labels(3).coordinate(Value::Index(2)), Some(2.0));
    assert_eq!(Axis::Labels(3).coordinate(Value::Inactive), None);
    for axis in [
        Axis::Labels(5),
        Axis::Ordered(7),
        Axis::Integers { low: -3, high: 12, log_scale: false },
        Axis::Integers { low: 1, high: 1_000, log_scale: true },
    ] {
        for step in 0..1_000 {
            let value = axis.value(f64::from(step) / 200.0);
            assert_eq!(axis.value(axis.coordinate(value).unwrap()), value, "{axis:?}");
        }
    }
}

#[test]
fn stretches_follow_each_other() {
    for axis in
        [Axis::Integers { low: -3, high: 12, log_scale: false }, Axis::Integers { low: 5, high: 20, log_scale: true }]
    {
        let Axis::Integers { low, high, .. } = axis else { panic!("no integers") };
        let mut end = 0.0;
        for number in low..=high {
            let (from, to) = axis.stretch(Value::Integer(number));
            assert!((from - end).abs() < 1e-12 && to > from, "{axis:?}");
            end = to;
        }
        assert!((end - 1.0).abs() < 1e-12);
    }
    assert_eq!(Axis::Ordered(4).stretch(Value::Index(3)), (0.75, 1.0));
}

/// A space with every kind of decision, some of them under conditions.
fn decisions() -> Vec<Decision> {
    let decision = |name: &str, domain, active_when: &[(usize, &[u32])]| Decision {
        name: name.into(),
        domain,
        active_when: active_when
            .iter()
            .map(|(decision, any_of)| Condition { decision: *decision, any_of: any_of.to_vec() })
            .collect(),
    };
    let labels = |labels: &[&str]| Domain::Categorical(labels.iter().map(|label| (*label).to_owned()).collect());
    vec![
        decision("op", labels(&["conv", "pool", "skip"]), &[]),
        decision("kernel", Domain::Ordinal(vec![1.0, 3.0, 5.0]), &[(0, &[0, 1])]),
        decision("layers", Domain::Integer { low: -1, high: 6, log_scale: false }, &[]),
        decision("channels", Domain::Integer { low: 4, high: 256, log_scale: true }, &[(2, &[3, 4]), (1, &[2])]),
        decision("rate", Domain::Real { low: 1e-4, high: 1.0, log_scale: true }, &[(2, &[0])]),
    ]
}

#[test]
fn the_encodings_of_an_example() {
    let decisions = decisions();
    let values = [Value::Index(1), Value::Index(2), Value::Integer(2), Value::Integer(4), Value::Inactive];
    let coordinates = ordinal(&decisions, &values, -1.0);
    for (coordinate, expected) in coordinates.iter().zip([1.0, 2.5 / 3.0, 3.5 / 8.0]) {
        assert!((coordinate - expected).abs() < 1e-12, "{coordinates:?}");
    }
    assert!(coordinates[3] > 0.0 && coordinates[3] < 0.05 && coordinates[4] == -1.0, "{coordinates:?}");
    assert_eq!(integer(&decisions, &values, -1), Some(vec![1, 2, 3, 0, -1]));
    assert_eq!(integer(&decisions[4..], &[Value::Real(0.1)], -1), None);
    assert!(is_active(&decisions, 3, &values));
    assert!(!is_active(&decisions, 4, &values));
}

#[test]
fn points_of_bundled_spaces_come_back() {
    for name in ["nas-bench-201", "darts", "chain"] {
        let space = bundled_space(name);
        let decisions = setup(&space, 0).decisions;
        for seed in 0..20 {
            let Architecture::Point(values) = space.sample(seed) else { panic!("a network") };
            assert_eq!(point(&decisions, &ordinal(&decisions, &values, f64::NAN)), values, "{name}");
        }
    }
}

proptest! {
    #[test]
    fn any_numbers_make_a_point(coordinates in prop::collection::vec(any::<f64>(), 0..7)) {
        let decisions = decisions();
        let values = point(&decisions, &coordinates);
        prop_assert_eq!(values.len(), decisions.len());
        for (place, (value, decision)) in values.iter().zip(&decisions).enumerate() {
            prop_assert_eq!(*value == Value::Inactive, !is_active(&decisions, place, &values[..place]));
            let is_within = match (value, &decision.domain) {
                (Value::Inactive, _) => true,
                (Value::Index(index), Domain::Categorical(labels)) => (*index as usize) < labels.len(),
                (Value::Index(index), Domain::Ordinal(numbers)) => (*index as usize) < numbers.len(),
                (Value::Integer(value), Domain::Integer { low, high, .. }) => (low..=high).contains(&value),
                (Value::Real(value), Domain::Real { low, high, .. }) => (low..=high).contains(&value),
                _ => false,
            };
            prop_assert!(is_within, "{:?} of {:?}", value, decision);
        }
        let again = point(&decisions, &ordinal(&decisions, &values, 0.5));
        for (one, other) in values.iter().zip(&again) {
            match (one, other) {
                (Value::Real(one), Value::Real(other)) => prop_assert!((one / other - 1.0).abs() < 1e-9),
                (one, other) => prop_assert_eq!(one, other),
            }
        }
    }
}
