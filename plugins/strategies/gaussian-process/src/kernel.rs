//! How alike two architectures are.

use std::collections::BTreeMap;

use archwright_sdk::prelude::*;

/// What a kernel sees of an architecture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    /// How often each label occurs in its network, by label.
    Labels(Vec<(u64, f64)>),
    /// A place in [0, 1] for a number, an index for a label, nothing where a decision is inactive.
    Values(Vec<Option<f64>>),
}

/// A kernel.
pub(crate) enum Kernel {
    /// Products of histograms of labels after 0 to so many refinements (Shervashidze et al. 2011; Ru et al. 2021, section 3.1).
    WeisfeilerLehman(u32),
    /// The exponential of the mean difference in the decisions.
    Hamming(Vec<Decision>),
}

impl Kernel {
    /// What the kernel sees; nothing where the architecture has no network.
    pub(crate) fn see(&self, architecture: &Architecture, space: &Space) -> Option<Seen> {
        match self {
            Self::WeisfeilerLehman(refinements) => {
                Some(Seen::Labels(histogram(&space.build(architecture).ok()?, *refinements)))
            }
            Self::Hamming(decisions) => {
                let Architecture::Point(values) = architecture else { return None };
                let place = |(value, decision): (&Value, &Decision)| place(*value, &decision.domain);
                Some(Seen::Values(values.iter().zip(decisions).map(place).collect()))
            }
        }
    }

    /// Lengths to try, over which likeness fades; one where the kernel has none.
    pub(crate) fn lengths(&self) -> &'static [f64] {
        match self {
            Self::WeisfeilerLehman(_) => &[1.0],
            Self::Hamming(_) => &[0.1, 0.2, 0.5, 1.0],
        }
    }

    /// What [`Kernel::covariance`] makes a covariance of.
    pub(crate) fn compare(&self, left: &Seen, right: &Seen) -> f64 {
        match (self, left, right) {
            (_, Seen::Labels(left), Seen::Labels(right)) => {
                // As a cosine: large networks are no more alike than small ones.
                let norm = (product(left, left) * product(right, right)).sqrt();
                if norm > 0.0 { product(left, right) / norm } else { 1.0 }
            }
            (Self::Hamming(decisions), Seen::Values(left), Seen::Values(right)) => {
                let difference = |((left, right), decision): ((&Option<f64>, &Option<f64>), &Decision)| match (
                    left,
                    right,
                    &decision.domain,
                ) {
                    (None, None, _) => 0.0,
                    (Some(left), Some(right), Domain::Categorical(_)) => f64::from(left != right),
                    (Some(left), Some(right), _) => (left - right).abs(),
                    _ => 1.0,
                };
                let sum: f64 = left.iter().zip(right).zip(decisions).map(difference).sum();
                sum / decisions.len().max(1) as f64
            }
            _ => 0.0,
        }
    }

    /// The covariance of two that were compared.
    pub(crate) fn covariance(&self, compared: f64, length: f64) -> f64 {
        match self {
            Self::WeisfeilerLehman(_) => compared,
            Self::Hamming(_) => (-compared / length).exp(),
        }
    }
}

/// A value by its place in the domain, in [0, 1]; a label's index.
fn place(value: Value, domain: &Domain) -> Option<f64> {
    let between = |low: f64, high: f64, value: f64, log_scale: bool| {
        let (low, high, value) = if log_scale { (low.ln(), high.ln(), value.ln()) } else { (low, high, value) };
        if high > low { (value - low) / (high - low) } else { 0.0 }
    };
    match (value, domain) {
        (Value::Index(index), Domain::Ordinal(numbers)) => {
            Some(between(0.0, numbers.len().saturating_sub(1) as f64, f64::from(index), false))
        }
        (Value::Index(index), _) => Some(f64::from(index)),
        (Value::Integer(value), Domain::Integer { low, high, log_scale }) => {
            Some(between(*low as f64, *high as f64, value as f64, *log_scale))
        }
        (Value::Real(value), Domain::Real { low, high, log_scale }) => Some(between(*low, *high, value, *log_scale)),
        _ => None,
    }
}

/// The sum of products of counts. Both lists are in the order of labels.
fn product(left: &[(u64, f64)], right: &[(u64, f64)]) -> f64 {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut sum = 0.0;
    while let (Some((left_label, left_count)), Some((right_label, right_count))) = (left.peek(), right.peek()) {
        if left_label == right_label {
            sum += left_count * right_count;
        }
        let (past_left, past_right) = (left_label <= right_label, right_label <= left_label);
        if past_left {
            left.next();
        }
        if past_right {
            right.next();
        }
    }
    sum
}

/// How often each label occurs: a node's operation at first, then what it was together with what its inputs were.
fn histogram(network: &Network, refinements: u32) -> Vec<(u64, f64)> {
    let mut labels: Vec<u64> = network.nodes.iter().map(|node| label(&node.op)).collect();
    let mut counts: BTreeMap<u64, f64> = BTreeMap::new();
    labels.iter().for_each(|label| *counts.entry(*label).or_default() += 1.0);
    for _ in 0..refinements {
        let refined = |(node, own): (&Node, &u64)| {
            let mut inputs: Vec<u64> =
                node.inputs.iter().map(|input| labels.get(*input).copied().unwrap_or(0)).collect();
            inputs.sort_unstable();
            inputs.into_iter().fold(mixed(*own, 1), mixed)
        };
        labels = network.nodes.iter().zip(&labels).map(refined).collect();
        labels.iter().for_each(|label| *counts.entry(*label).or_default() += 1.0);
    }
    counts.into_iter().collect()
}

/// A number for an operation and those of its attributes that do not depend on how large images and networks are.
fn label(op: &Op) -> u64 {
    let name = op.name().bytes().fold(0, |label, byte| mixed(label, byte.into()));
    let pair = |label, pair: &[u32; 2]| mixed(mixed(label, pair[0].into()), pair[1].into());
    match op {
        Op::Conv2d { kernel, stride, dilation, groups, .. } => {
            mixed(pair(pair(pair(name, kernel), stride), dilation), (*groups > 1).into())
        }
        Op::MaxPool { kernel, stride, .. } | Op::AvgPool { kernel, stride, .. } => pair(pair(name, kernel), stride),
        Op::Zero { stride } => pair(name, stride),
        _ => name,
    }
}

/// Two numbers as one, by which they are told from others: the finalizer of SplitMix64 (Steele, Lea & Flood 2014).
fn mixed(left: u64, right: u64) -> u64 {
    let mut mixed = left.rotate_left(17).wrapping_add(right).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, setup};

    use super::*;

    /// The same with labels written out.
    fn written(network: &Network, refinements: u32) -> BTreeMap<String, f64> {
        let mut labels: Vec<String> = network
            .nodes
            .iter()
            .map(|node| match &node.op {
                Op::Conv2d { kernel, stride, dilation, groups, .. } => {
                    format!("conv2d {kernel:?} {stride:?} {dilation:?} {}", *groups > 1)
                }
                Op::MaxPool { kernel, stride, .. } => format!("max-pool {kernel:?} {stride:?}"),
                Op::AvgPool { kernel, stride, .. } => format!("avg-pool {kernel:?} {stride:?}"),
                Op::Zero { stride } => format!("zero {stride:?}"),
                op => op.name().to_owned(),
            })
            .collect();
        let mut counts = BTreeMap::new();
        for refinement in 0..=refinements {
            labels.iter().for_each(|label| *counts.entry(label.clone()).or_default() += 1.0);
            if refinement == refinements {
                break;
            }
            labels = network
                .nodes
                .iter()
                .zip(&labels)
                .map(|(node, own)| {
                    let mut inputs: Vec<&str> = node.inputs.iter().map(|input| labels[*input].as_str()).collect();
                    inputs.sort_unstable();
                    format!("({own}: {})", inputs.join(", "))
                })
                .collect();
        }
        counts
    }

    #[test]
    fn the_weisfeiler_lehman_kernel_is_that_of_labels_written_out() {
        for name in ["nas-bench-201", "nas-bench-101"] {
            let space = bundled_space(name);
            for refinements in 0..3 {
                let kernel = Kernel::WeisfeilerLehman(refinements);
                for seed in 0..10 {
                    let pair = [space.sample(seed), space.sample(seed + 100)];
                    let [left, right] = pair.each_ref().map(|it| kernel.see(it, &space).unwrap());
                    let found = kernel.compare(&left, &right);
                    let [left, right] = pair.each_ref().map(|it| written(&space.build(it).unwrap(), refinements));
                    let dot = |left: &BTreeMap<String, f64>, right: &BTreeMap<String, f64>| {
                        left.iter().filter_map(|(label, count)| Some(count * right.get(label)?)).sum::<f64>()
                    };
                    let wanted = dot(&left, &right) / (dot(&left, &left) * dot(&right, &right)).sqrt();
                    assert!((found - wanted).abs() < 1e-12, "{found}, not {wanted}");
                }
            }
        }
    }

    #[test]
    fn kernels_are_1_for_the_same_and_positive_definite() {
        let space = bundled_space("darts");
        let kernels = [Kernel::WeisfeilerLehman(2), Kernel::Hamming(setup(&space, 0).decisions)];
        for kernel in kernels {
            let seen: Vec<Seen> = (0..12).map(|seed| kernel.see(&space.sample(seed), &space).unwrap()).collect();
            for length in kernel.lengths() {
                let covariance = |left, right| kernel.covariance(kernel.compare(left, right), *length);
                let matrix: Vec<Vec<f64>> =
                    seen.iter().map(|left| seen.iter().map(|right| covariance(left, right)).collect()).collect();
                assert!((0..12).all(|place| (matrix[place][place] - 1.0).abs() < 1e-12));
                assert!((0..12).all(|left| (0..12).all(|right| matrix[left][right] == matrix[right][left])));
                assert!(crate::process::Process::fit(&matrix, &[0.0; 12], 0.0).is_some());
            }
        }
    }

    #[test]
    fn decisions_differ_by_label_by_distance_and_by_being_there() {
        let decision = |domain| Decision { name: "one".into(), domain, active_when: Vec::new() };
        let kernel = Kernel::Hamming(vec![
            decision(Domain::Categorical(vec!["a".into(), "b".into(), "c".into()])),
            decision(Domain::Integer { low: 1, high: 100, log_scale: true }),
            decision(Domain::Ordinal(vec![1.0, 2.0, 5.0])),
            decision(Domain::Real { low: 0.0, high: 2.0, log_scale: false }),
        ]);
        let space = bundled_space("nas-bench-201");
        let see = |values: [Value; 4]| kernel.see(&Architecture::Point(values.into()), &space).unwrap();
        let left = see([Value::Index(0), Value::Integer(10), Value::Index(2), Value::Real(0.5)]);
        let right = see([Value::Index(2), Value::Integer(100), Value::Index(1), Value::Inactive]);
        assert!((kernel.compare(&left, &right) - (1.0 + 0.5 + 0.5 + 1.0) / 4.0).abs() < 1e-12);
        assert_eq!(kernel.compare(&right, &right), 0.0);
    }
}
