//! Points are drawn, changed and combined within their space.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use archwright_space::{
    Architecture, Condition, Context, Decision, Definition, Domain, Encoding, Network, Node, Op, Points, Scalar,
    SearchSpace, Size, Space, SpaceError, Value, bundled,
};
use proptest::prelude::*;

/// Decisions whose networks are all the same.
struct Decisions(Vec<Decision>);

impl SearchSpace for Decisions {
    fn decisions(&self) -> &[Decision] {
        &self.0
    }

    fn build(&self, _: &[Value], context: &Context) -> Result<Network, SpaceError> {
        let node = |name: &str, op, inputs| Node { name: name.into(), op, inputs };
        Ok(Network {
            nodes: vec![
                node("input", Op::Input { shape: context.input.clone() }, vec![]),
                node("flat", Op::Flatten, vec![0]),
                node("scores", Op::Linear { out_features: context.classes, bias: true }, vec![1]),
            ],
        })
    }

    fn recipe(&self, _: &[Value]) -> Result<BTreeMap<String, Scalar>, SpaceError> {
        Ok(BTreeMap::new())
    }
}

fn space(decisions: Vec<Decision>) -> Result<Space, SpaceError> {
    Space::new(Arc::new(Decisions(decisions)), Context::full(vec![1, 8, 8], 10))
}

fn decision(name: &str, domain: Domain, active_when: &[(usize, &[u32])]) -> Decision {
    let condition = |(decision, any_of): &(usize, &[u32])| Condition { decision: *decision, any_of: any_of.to_vec() };
    Decision { name: name.to_owned(), domain, active_when: active_when.iter().map(condition).collect() }
}

fn labels(count: usize) -> Domain {
    Domain::Categorical((0..count).map(|label| label.to_string()).collect())
}

/// Domains of every kind; a condition can be on the small ones.
fn domains() -> impl Strategy<Value = Domain> {
    prop_oneof![
        (1_usize..4).prop_map(labels),
        (1_usize..4).prop_map(|count| Domain::Ordinal((0..count).map(|number| number as f64 * 1.5).collect())),
        (-3_i64..3, 0_i64..3).prop_map(|(low, more)| Domain::Integer { low, high: low + more, log_scale: false }),
        (1_i64..100, 0_i64..1_000).prop_map(|(low, more)| Domain::Integer { low, high: low + more, log_scale: true }),
        (0.001_f64..1.0, 1.0_f64..10.0, any::<bool>())
            .prop_map(|(low, high, log_scale)| { Domain::Real { low, high, log_scale } }),
    ]
}

fn values(domain: &Domain) -> Option<u32> {
    match domain {
        Domain::Categorical(labels) => Some(labels.len() as u32),
        Domain::Ordinal(numbers) => Some(numbers.len() as u32),
        Domain::Integer { low, high, .. } => Some((high - low + 1) as u32),
        Domain::Real { .. } => None,
    }
}

/// Spaces whose decisions depend on each other.
fn spaces() -> impl Strategy<Value = Space> {
    let conditions = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    prop::collection::vec((domains(), conditions), 1..8).prop_map(|drawn| {
        let mut decisions: Vec<Decision> = Vec::new();
        for (index, (domain, conditions)) in drawn.into_iter().enumerate() {
            let mut active_when = Vec::new();
            for (other, mask) in conditions {
                let small = |index: &usize| values(&decisions[*index].domain).is_some_and(|count| count < 8);
                let candidates: Vec<usize> = (0..index).filter(small).collect();
                if !candidates.is_empty() {
                    let other = candidates[other.index(candidates.len())];
                    let count = values(&decisions[other].domain).unwrap();
                    let any_of = (0..count).filter(|value| mask >> value & 1 == 1).collect();
                    active_when.push(Condition { decision: other, any_of });
                }
            }
            decisions.push(Decision { name: format!("decision-{index}"), domain, active_when });
        }
        space(decisions).unwrap()
    })
}

fn point(architecture: &Architecture) -> &[Value] {
    match architecture {
        Architecture::Point(values) => values,
        Architecture::Network(_) => panic!("a network"),
    }
}

/// All points of a space without real decisions, by trying every value.
fn enumerate(space: &Space) -> Vec<Vec<Value>> {
    let mut points: Vec<Vec<Value>> = vec![Vec::new()];
    for decision in space.decisions() {
        let all: Vec<Value> = match &decision.domain {
            Domain::Integer { low, high, .. } => (*low..=*high).map(Value::Integer).collect(),
            domain => (0..values(domain).unwrap()).map(Value::Index).collect(),
        };
        let active = |point: &Vec<Value>| {
            decision.active_when.iter().all(|condition| {
                match (&space.decisions()[condition.decision].domain, point[condition.decision]) {
                    (_, Value::Index(index)) => condition.any_of.contains(&index),
                    (Domain::Integer { low, .. }, Value::Integer(value)) => {
                        condition.any_of.contains(&((value - low) as u32))
                    }
                    _ => false,
                }
            })
        };
        points = points
            .into_iter()
            .flat_map(|point| {
                let choices = if active(&point) { all.clone() } else { vec![Value::Inactive] };
                choices.into_iter().map(move |value| [&point[..], &[value]].concat())
            })
            .collect();
    }
    points
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn samples_are_points_and_repeatable(space in spaces(), seed: u64) {
        let sample = space.sample(seed);
        space.check(&sample).unwrap();
        prop_assert_eq!(&sample, &space.sample(seed));
        prop_assert_eq!(space.label(&sample).len(), point(&sample).iter().filter(|value| **value != Value::Inactive).count());
    }

    #[test]
    fn a_mutant_differs_in_one_active_decision_and_what_hangs_on_it(space in spaces(), seed: u64, other: u64) {
        let parent = space.sample(seed);
        let mutant = space.mutate(&parent, other).unwrap();
        space.check(&mutant).unwrap();
        prop_assert_eq!(&mutant, &space.mutate(&parent, other).unwrap());
        let open = space.decisions().iter().zip(point(&parent)).any(|(decision, value)| {
            *value != Value::Inactive && values(&decision.domain) != Some(1)
        });
        prop_assert_eq!(mutant != parent, open);
        let changed = point(&parent).iter().zip(point(&mutant)).filter(|(before, after)| {
            **before != Value::Inactive && **after != Value::Inactive && before != after
        });
        prop_assert!(changed.count() <= 1);
    }

    #[test]
    fn a_child_is_a_point_with_the_parents_values(space in spaces(), left: u64, right: u64, seed: u64) {
        let (left, right) = (space.sample(left), space.sample(right));
        let child = space.crossover(&left, &right, seed).unwrap();
        space.check(&child).unwrap();
        prop_assert_eq!(&child, &space.crossover(&left, &right, seed).unwrap());
        prop_assert_eq!(&space.crossover(&left, &left, seed).unwrap(), &left);
        for ((child, left), right) in point(&child).iter().zip(point(&left)).zip(point(&right)) {
            let fresh = *left == Value::Inactive && *right == Value::Inactive;
            prop_assert!(fresh || *child == Value::Inactive || child == left || child == right);
        }
    }

    #[test]
    fn neighbours_are_other_points_without_repetition(space in spaces(), seed: u64, limit in 0_usize..20) {
        let sample = space.sample(seed);
        let all = space.neighbors(&sample, usize::MAX).unwrap();
        for neighbor in &all {
            space.check(neighbor).unwrap();
            prop_assert_ne!(neighbor, &sample);
        }
        let different: HashSet<String> = all.iter().map(|neighbor| format!("{neighbor:?}")).collect();
        prop_assert_eq!(different.len(), all.len());
        let some = space.neighbors(&sample, limit).unwrap();
        prop_assert_eq!(&some[..], &all[..limit.min(all.len())]);
    }

    #[test]
    fn points_of_decisions_are_drawn_as_those_of_a_space_without_constraints(
        space in spaces(),
        seed: u64,
        other: u64,
        limit in 0_usize..20,
    ) {
        prop_assert!(space.admits_all());
        let points = Points::new(space.decisions());
        let (one, two) = (space.sample(seed), space.sample(other));
        prop_assert_eq!(&points.sample(seed), &one);
        prop_assert_eq!(points.mutate(&one, other), space.mutate(&one, other));
        prop_assert_eq!(points.crossover(&one, &two, seed), space.crossover(&one, &two, seed));
        prop_assert_eq!(points.neighbors(&one, limit), space.neighbors(&one, limit));
        let none = Architecture::Point(vec![]);
        prop_assert_eq!(points.mutate(&none, seed), space.mutate(&none, seed));
        prop_assert_eq!(points.crossover(&one, &none, seed), space.crossover(&one, &none, seed));
        prop_assert_eq!(points.neighbors(&none, limit), space.neighbors(&none, limit));
    }

    #[test]
    fn sizes_are_exact(space in spaces()) {
        let real = space.decisions().iter().any(|decision| values(&decision.domain).is_none());
        let bound: u64 = space.decisions().iter().filter_map(|decision| values(&decision.domain)).map(u64::from).product();
        if real {
            prop_assert_eq!(space.size(), Size::Infinite);
        } else if bound < 3_000 {
            prop_assert_eq!(space.size(), Size::Points(enumerate(&space).len() as u128));
        }
    }

    #[test]
    fn one_hot_features_are_in_range_and_of_one_length(space in spaces(), left: u64, right: u64) {
        let encode = |seed| space.encode(&space.sample(seed), Encoding::OneHot).unwrap();
        let (left, right) = (encode(left), encode(right));
        prop_assert_eq!(left.len(), right.len());
        prop_assert!(left.iter().chain(&right).all(|feature| (0.0..=1.0).contains(feature)));
    }
}

/// The bits are those of one implementation of logarithms, whatever machine this is.
#[test]
fn draws_on_a_log_scale_never_change() {
    let rate = Domain::Real { low: 1e-5, high: 0.5, log_scale: true };
    let width = Domain::Integer { low: 1, high: 1_000_000, log_scale: true };
    let space = space(vec![decision("rate", rate, &[]), decision("width", width, &[])]).unwrap();
    let drawn: Vec<_> = (0..4).map(|seed| format!("{:?}", point(&space.sample(seed)))).collect();
    let golden = [
        "[Real(0.021474551778114807), Integer(624)]",
        "[Real(0.0007785169288435727), Integer(3)]",
        "[Real(0.13848210321388021), Integer(1952)]",
        "[Real(0.008458735144037438), Integer(3)]",
    ];
    assert_eq!(drawn, golden);
}

#[test]
fn uniform_draws_are_uniform() {
    let space = space(vec![
        decision("op", labels(5), &[]),
        decision("width", Domain::Integer { low: 1, high: 100, log_scale: true }, &[]),
        decision("rate", Domain::Real { low: 1e-4, high: 1.0, log_scale: true }, &[]),
    ])
    .unwrap();
    let samples: Vec<Architecture> = (0..20_000).map(|seed| space.sample(seed)).collect();
    let share =
        |holds: &dyn Fn(&[Value]) -> bool| samples.iter().filter(|one| holds(point(one))).count() as f64 / 20_000.0;
    for label in 0..5 {
        assert!((share(&|values| values[0] == Value::Index(label)) - 0.2).abs() < 0.02);
    }
    // Half of a log scale lies below the geometric mean of its ends.
    let below = |values: &[Value], index: usize, bound: f64| match values[index] {
        Value::Integer(value) => (value as f64) < bound,
        Value::Real(value) => value < bound,
        _ => false,
    };
    assert!((share(&|values| below(values, 1, 10.0)) - 0.5).abs() < 0.02);
    assert!((share(&|values| below(values, 2, 1e-2)) - 0.5).abs() < 0.02);
}

#[test]
fn samples_are_permanent() {
    // Runs are repeated from their seeds: these never change.
    let definition = Definition::parse(bundled::source("nas-bench-201").unwrap()).unwrap();
    let space = Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).unwrap();
    let indices = |architecture: &Architecture| -> Vec<Value> { point(architecture).to_vec() };
    let sample = space.sample(1);
    let expected = |indices: [u32; 6]| indices.map(Value::Index).to_vec();
    assert_eq!(indices(&sample), expected([1, 0, 0, 1, 3, 4]));
    assert_eq!(indices(&space.mutate(&sample, 2).unwrap()), expected([1, 2, 0, 1, 3, 4]));
    assert_eq!(indices(&space.crossover(&sample, &space.sample(3), 4).unwrap()), expected([1, 0, 0, 1, 3, 4]));
}

#[test]
fn a_range_of_almost_nothing_still_mutates() {
    let high = f64::from_bits(1.0_f64.to_bits() + 1);
    for log_scale in [false, true] {
        let space = space(vec![decision("rate", Domain::Real { low: 1.0, high, log_scale }, &[])]).unwrap();
        let parent = space.sample(0);
        assert_ne!(space.mutate(&parent, 0).unwrap(), parent);
    }
}

#[test]
fn extreme_ranges_are_drawn_from() {
    let domains = [
        Domain::Integer { low: -(1 << 51), high: 1 << 51, log_scale: false },
        Domain::Integer { low: 1, high: 1 << 52, log_scale: true },
        Domain::Real { low: f64::MIN_POSITIVE, high: f64::MAX, log_scale: true },
        Domain::Real { low: -1e308, high: 7e307, log_scale: false },
    ];
    let space = space(
        domains.into_iter().enumerate().map(|(index, domain)| decision(&index.to_string(), domain, &[])).collect(),
    )
    .unwrap();
    for seed in 0..1_000 {
        let sample = space.sample(seed);
        space.check(&sample).unwrap();
        let features = space.encode(&sample, Encoding::OneHot).unwrap();
        assert!(features.iter().all(|feature| (0.0..=1.0).contains(feature)), "{features:?}");
    }
}

#[test]
fn malformed_decisions_are_refused() {
    let real = |low, high, log_scale| Domain::Real { low, high, log_scale };
    let cases: &[(&[Decision], &str)] = &[
        (&[decision("", labels(2), &[])], "decision ``: names of decisions have to be unique and not empty"),
        (
            &[decision("a", labels(2), &[]), decision("a", labels(2), &[])],
            "decision `a`: names of decisions have to be unique and not empty",
        ),
        (&[decision("a", labels(0), &[])], "decision `a`: a domain has at least one value"),
        (&[decision("a", Domain::Ordinal(vec![2.0, 1.0]), &[])], "decision `a`: the numbers have to increase"),
        (&[decision("a", Domain::Ordinal(vec![f64::NAN]), &[])], "decision `a`: the numbers have to be finite"),
        (&[decision("a", real(0.0, 1.0, true), &[])], "decision `a`: a log scale needs `low` above 0"),
        (&[decision("a", real(f64::MIN, f64::MAX, false), &[])], "decision `a`: the range is too large"),
        (&[decision("a", labels(2), &[(0, &[0])])], "decision `a`: a condition has to be on an earlier decision"),
        (
            &[decision("a", labels(2), &[]), decision("b", labels(2), &[(0, &[2])])],
            "decision `b`: a condition names a value that its decision does not have",
        ),
        (
            &[decision("a", real(0.0, 1.0, false), &[]), decision("b", labels(2), &[(0, &[0])])],
            "decision `b`: a condition cannot be on a real decision",
        ),
    ];
    for (decisions, expected) in cases {
        assert_eq!(space(decisions.to_vec()).unwrap_err().to_string(), *expected);
    }
}

#[test]
fn values_outside_the_space_are_refused() {
    let space = space(vec![
        decision("op", labels(2), &[]),
        decision("width", Domain::Integer { low: 1, high: 3, log_scale: false }, &[(0, &[1])]),
        decision("rate", Domain::Real { low: 0.0, high: 1.0, log_scale: false }, &[]),
    ])
    .unwrap();
    let rate = Value::Real(0.5);
    let cases = [
        (vec![], "a point of this space has 3 values, this one has 0"),
        (vec![Value::Index(2), Value::Inactive, rate], "decision `op`: index 2 is not below 2"),
        (
            vec![Value::Real(0.0), Value::Inactive, rate],
            "decision `op`: Real(0.0) is not a value of its kind of domain",
        ),
        (
            vec![Value::Index(0), Value::Integer(1), rate],
            "decision `width`: it has a value although its conditions do not hold",
        ),
        (vec![Value::Index(1), Value::Inactive, rate], "decision `width`: it is inactive although its conditions hold"),
        (vec![Value::Index(1), Value::Integer(4), rate], "decision `width`: 4 is not in 1 to 3"),
        (vec![Value::Index(0), Value::Inactive, Value::Real(f64::NAN)], "decision `rate`: NaN is not in 0 to 1"),
    ];
    for (values, expected) in cases {
        let architecture = Architecture::Point(values);
        assert_eq!(space.check(&architecture).unwrap_err().to_string(), expected);
        assert!(space.mutate(&architecture, 0).is_err());
        assert!(space.label(&architecture).len() <= 3);
    }
}

#[test]
fn networks_given_outright_are_checked_against_the_task() {
    let space = space(vec![decision("op", labels(2), &[])]).unwrap();
    let network = |shape: Vec<u32>, out_features| {
        let node = |name: &str, op, inputs| Node { name: name.into(), op, inputs };
        let input = node("input", Op::Input { shape }, vec![]);
        let flat = node("flat", Op::Flatten, vec![0]);
        let scores = node("scores", Op::Linear { out_features, bias: true }, vec![1]);
        Architecture::Network(Network { nodes: vec![input, flat, scores] })
    };
    let fitting = network(vec![1, 8, 8], 10);
    space.check(&fitting).unwrap();
    assert_eq!(space.profile(&fitting).unwrap().parameters, 650);
    assert_eq!(space.recipe(&fitting).unwrap(), BTreeMap::new());
    space.fingerprint(&fitting).unwrap();
    assert!(space.check(&network(vec![1, 9, 9], 10)).is_err());
    assert!(space.check(&network(vec![1, 8, 8], 3)).is_err());
    assert!(matches!(space.mutate(&fitting, 0), Err(SpaceError::Unsupported(_))));
    assert!(matches!(space.encode(&fitting, Encoding::OneHot), Err(SpaceError::Unsupported(_))));
    // At a lower resolution the same network reads smaller images; a share of its width it does not have.
    let smaller = Context { input: vec![1, 4, 4], ..space.context().clone() };
    assert_eq!(space.build_in(&fitting, &smaller).unwrap().footprint().unwrap().parameters, 170);
    let narrower = Context { width_share: 0.5, ..space.context().clone() };
    assert!(matches!(space.build_in(&fitting, &narrower), Err(SpaceError::Unsupported(_))));
}

#[test]
fn sizes_of_deep_and_of_large_spaces_end() {
    let chain = |count: usize| {
        let first = decision("0", labels(2), &[]);
        let rest = (1..count).map(|index| decision(&index.to_string(), labels(2), &[(index - 1, &[1])]));
        space(std::iter::once(first).chain(rest).collect()).unwrap()
    };
    assert_eq!(chain(100).size(), Size::Points(101));
    assert_eq!(chain(10_000).size(), Size::Uncountable);
    let flat =
        |count: usize| space((0..count).map(|index| decision(&index.to_string(), labels(2), &[])).collect()).unwrap();
    assert_eq!(flat(127).size(), Size::Points(1 << 127));
    assert_eq!(flat(10_000).size(), Size::Uncountable);
    assert_eq!(flat(40).size().to_string(), "1.10e12 points");
    assert!(space((0..10_001).map(|index| decision(&index.to_string(), labels(2), &[])).collect()).is_err());
}

#[test]
fn encodings_tell_cells_apart() {
    let definition = Definition::parse(bundled::source("nas-bench-201").unwrap()).unwrap();
    let space = Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).unwrap();
    let encode = |indices: [u32; 6], encoding| {
        space.encode(&Architecture::Point(indices.map(Value::Index).to_vec()), encoding).unwrap()
    };
    // 6 edges with 4 operations, `none` being the absence of one; paths of 1 to 3 operations.
    assert_eq!(encode([0; 6], Encoding::Adjacency), vec![0.0; 24]);
    assert_eq!(encode([0; 6], Encoding::Path), vec![0.0; 84]);
    assert_eq!(encode([1; 6], Encoding::Adjacency).iter().sum::<f32>(), 6.0);
    // Skips everywhere: one path of each length.
    let skips = encode([1; 6], Encoding::Path);
    let ones: Vec<usize> = (0..84).filter(|index| skips[*index] == 1.0).collect();
    assert_eq!(ones, [0, 4, 20]);
    let adjacency: BTreeSet<String> =
        [[0, 0, 0, 1, 0, 0], [0, 0, 0, 2, 0, 0]].map(|one| format!("{:?}", encode(one, Encoding::Adjacency))).into();
    assert_eq!(adjacency.len(), 2);
}

#[test]
fn encodings_have_one_length_or_say_why_not() {
    let darts = Definition::parse(bundled::source("darts").unwrap()).unwrap();
    let space = Space::new(Arc::new(darts), Context::full(vec![3, 32, 32], 10)).unwrap();
    for seed in 0..20 {
        let length = |encoding| space.encode(&space.sample(seed), encoding).unwrap().len();
        // Two cells of 6 vertices with 7 operations; from each of 2 inputs, paths of 1 to 4 operations.
        assert_eq!(length(Encoding::Adjacency), 2 * 15 * 7);
        assert_eq!(length(Encoding::Path), 2 * 2 * (7 + 49 + 343 + 2_401));
        let active = space.encode(&space.sample(seed), Encoding::Adjacency).unwrap();
        assert_eq!(active.iter().sum::<f32>(), 2.0 * 8.0);
    }
    let large = r#"
        name = "large"
        network = "cell"
        [module.cell]
        kind = "edges"
        vertices = 10
        [module.cell.choices]
        a = "relu"
        b = "tanh"
        c = "gelu"
        d = "silu"
    "#;
    let space = Space::new(Arc::new(Definition::parse(large).unwrap()), Context::full(vec![10], 10)).unwrap();
    let error = space.encode(&space.sample(0), Encoding::Path).unwrap_err().to_string();
    assert_eq!(error, "features of an encoding: 349524 exceeds the limit of 100000");
    let chain = Definition::parse(bundled::source("chain").unwrap()).unwrap();
    let space = Space::new(Arc::new(chain), Context::full(vec![1, 8, 8], 10)).unwrap();
    let error = space.encode(&space.sample(0), Encoding::Adjacency).unwrap_err().to_string();
    assert_eq!(error, "this space has no `edges` or `nodes` module to encode: use the one-hot encoding");
}
