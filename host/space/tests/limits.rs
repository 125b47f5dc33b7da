//! Architectures that are drawn from a limited space are within its limits.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::{Arc, OnceLock};

use archwright_space::{Architecture, Context, Definition, SizeLimits, Space, SpaceError, bundled};
use proptest::prelude::*;

fn space(name: &str) -> Space {
    let definition = Definition::parse(bundled::source(name).unwrap()).unwrap();
    Space::new(Arc::new(definition), Context::full(vec![3, 8, 8], 10)).unwrap()
}

/// Limits that about a third of random architectures are within.
fn limits(space: &Space) -> SizeLimits {
    let mut sizes: Vec<u64> = (0..30).map(|seed| space.profile(&space.sample(seed)).unwrap().parameters).collect();
    sizes.sort_unstable();
    let mut bytes: Vec<u64> =
        (0..30).map(|seed| space.profile(&space.sample(seed)).unwrap().activation_bytes).collect();
    bytes.sort_unstable();
    SizeLimits { parameters: Some(sizes[15]), multiply_adds: None, activation_bytes: Some(bytes[20]) }
}

fn limited() -> &'static [(Space, SizeLimits)] {
    static SPACES: OnceLock<Vec<(Space, SizeLimits)>> = OnceLock::new();
    SPACES.get_or_init(|| {
        ["chain", "nas-bench-201", "residual"]
            .map(|name| {
                let space = space(name);
                let limits = limits(&space);
                (space.limited(limits).unwrap(), limits)
            })
            .into()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_drawn_is_within_the_limits(which in 0..3usize, seed: u64, other: u64) {
        let (space, limits) = &limited()[which];
        let holds = |one: &Architecture| limits.check(&space.profile(one).unwrap()).is_ok();
        let (left, right) = (space.sample(seed), space.sample(other));
        prop_assert!(holds(&left) && holds(&right));
        let mutant = space.mutate(&left, other).unwrap();
        prop_assert!(holds(&mutant));
        prop_assert!(holds(&space.crossover(&left, &mutant, seed).unwrap()));
        prop_assert!(holds(&space.crossover(&left, &right, seed).unwrap()));
        prop_assert!(space.neighbors(&left, 20).unwrap().iter().all(holds));
        // The same arguments, the same answer.
        prop_assert_eq!(space.sample(seed), left);
    }
}

#[test]
fn networks_are_built_for_limits_alone() {
    let (limited, _) = &limited()[1];
    let plain = space("nas-bench-201");
    assert!(plain.admits_all() && !limited.admits_all());
    let mut nodes = 0;
    plain.sample_counting(1, &mut nodes);
    assert_eq!(nodes, 0);
    limited.sample_counting(1, &mut nodes);
    assert!(nodes > 0);
    assert_eq!(plain.clone().limited(SizeLimits::default()).unwrap().sample(1), plain.sample(1));
}

#[test]
fn a_parent_beyond_the_limits_has_children_within_or_none() {
    let plain = space("nas-bench-201");
    let smallest = (0..200).map(|seed| plain.profile(&plain.sample(seed)).unwrap().parameters).min().unwrap();
    let limits = SizeLimits { parameters: Some(smallest), ..SizeLimits::default() };
    let largest = (0..200).map(|seed| plain.sample(seed)).max_by_key(|one| plain.profile(one).unwrap().parameters);
    let largest = largest.unwrap();
    let limited = plain.limited(limits).unwrap();
    // It may be given, and looked at.
    assert!(limited.check(&largest).is_ok());
    assert_eq!(limited.neighbors(&largest, 10).unwrap(), Vec::new());
    for answer in [limited.mutate(&largest, 0), limited.crossover(&largest, &largest, 0)] {
        let Err(SpaceError::Constraint(problem)) = answer else { panic!("{answer:?}") };
        assert!(problem.contains("constraint `parameters`: ") && problem.contains("exceeds the limit"), "{problem}");
    }
}

#[test]
fn limits_that_nothing_is_within_are_told_with_the_smallest_seen() {
    let one = SizeLimits { parameters: Some(1), ..SizeLimits::default() };
    let unmet = space("chain").limited(one).unwrap_err();
    assert_eq!(unmet.limit, Some("parameters"));
    let text = unmet.to_string();
    assert!(text.contains("`parameters` is at most 1, the smallest seen is "), "{text}");
}
