//! Simplifying keeps what a network computes.

use std::collections::BTreeMap;

use archwright_space::{Network, Node, Op, seed};
use proptest::prelude::*;

const CHANNELS: u32 = 3;

/// What a node gives, by its name: the weights of a node are those of its name. Feature maps have one pixel.
fn evaluate(network: &Network) -> BTreeMap<String, Vec<f64>> {
    let weight = |name: &str, index: usize| (seed::derive(7, name, index as u64) % 1_000) as f64 / 500.0 - 1.0;
    let mut values: Vec<Vec<f64>> = Vec::new();
    for node in &network.nodes {
        let inputs: Vec<&Vec<f64>> = node.inputs.iter().map(|input| &values[*input]).collect();
        let each = |f: &dyn Fn(f64) -> f64| inputs[0].iter().map(|value| f(*value)).collect();
        let zip = |f: &dyn Fn(f64, f64) -> f64| {
            let first = inputs[0].clone();
            inputs[1..].iter().fold(first, |sum, next| sum.iter().zip(*next).map(|(a, b)| f(*a, *b)).collect())
        };
        values.push(match &node.op {
            Op::Input { .. } => (0..CHANNELS as usize).map(|channel| weight("input", channel)).collect(),
            Op::Relu => each(&|value| value.max(0.0)),
            Op::Tanh => each(&f64::tanh),
            Op::Sigmoid => each(&|value| 1.0 / (1.0 + (-value).exp())),
            Op::BatchNorm { .. } => each(&|value| value * weight(&node.name, 0) + weight(&node.name, 1)),
            Op::Zero { .. } => each(&|_| 0.0),
            Op::Complement => each(&|value| 1.0 - value),
            Op::Mean => zip(&|a, b| a + b).iter().map(|sum| sum / inputs.len() as f64).collect(),
            Op::Add => zip(&|a, b| a + b),
            Op::Multiply => zip(&|a, b| a * b),
            Op::Concat => inputs.iter().flat_map(|input| input.iter().copied()).collect(),
            Op::Conv2d { out_channels, bias, .. } => (0..*out_channels as usize)
                .map(|out| {
                    let weighted =
                        inputs[0].iter().enumerate().map(|(index, x)| x * weight(&node.name, out * 10 + index));
                    weighted.sum::<f64>() + if *bias { weight(&node.name, 1_000 + out) } else { 0.0 }
                })
                .collect(),
            // One pixel is its own maximum and mean.
            Op::Identity
            | Op::MaxPool { .. }
            | Op::AvgPool { .. }
            | Op::GlobalAvgPool
            | Op::Flatten
            | Op::Auxiliary => inputs[0].clone(),
            other => panic!("{other:?} is not drawn"),
        });
    }
    let last = network.nodes.len() - 1;
    let outputs = network.nodes.iter().enumerate().filter(|(index, node)| *index == last || node.op == Op::Auxiliary);
    outputs
        .map(|(index, node)| (if index == last { "output" } else { &node.name }.to_owned(), values[index].clone()))
        .collect()
}

fn operation(kind: u8) -> Op {
    let conv = |bias| Op::Conv2d {
        out_channels: CHANNELS,
        kernel: [1; 2],
        stride: [1; 2],
        padding: [0; 2],
        dilation: [1; 2],
        groups: 1,
        bias,
    };
    match kind {
        0 => Op::Relu,
        1 => Op::Sigmoid,
        2 => Op::BatchNorm { affine: true },
        3 | 4 => Op::Zero { stride: [1, 1] },
        5 | 6 => Op::Identity,
        7 => Op::MaxPool { kernel: [3, 3], stride: [1, 1], padding: [1, 1] },
        8 => Op::AvgPool { kernel: [3, 3], stride: [1, 1], padding: [1, 1], count_include_pad: false },
        9 => conv(false),
        10 => conv(true),
        11 => Op::Multiply,
        12 => Op::Concat,
        13 => Op::Mean,
        14 => Op::Complement,
        _ => Op::Add,
    }
}

/// Networks with many zeros and identities, an auxiliary output, and a vector as output.
fn networks() -> impl Strategy<Value = Network> {
    (2_usize..12).prop_flat_map(|count| {
        let nodes: Vec<_> = (1..=count).map(|index| (0_u8..18, prop::collection::vec(0..index, 1..4))).collect();
        (nodes, 0..=count, 0_u8..3).prop_map(move |(drawn, auxiliary, end)| {
            let node = |name: String, op, inputs: &[usize]| Node { name, op, inputs: inputs.to_vec() };
            let shape = vec![CHANNELS, 1, 1];
            let mut nodes = vec![node("input".into(), Op::Input { shape }, &[])];
            for (index, (kind, inputs)) in drawn.into_iter().enumerate() {
                let op = operation(kind);
                let several = matches!(op, Op::Add | Op::Multiply | Op::Mean);
                // Concatenations of one input keep the number of channels.
                let inputs = if several { &inputs[..] } else { &inputs[..1] };
                nodes.push(node(format!("node-{index}"), op, inputs));
            }
            nodes.push(node("pool".into(), Op::GlobalAvgPool, &[auxiliary]));
            nodes.push(node("auxiliary".into(), Op::Auxiliary, &[count + 1]));
            let last = if end == 0 { count + 1 } else { count };
            if end > 0 {
                nodes.push(node("scores".into(), Op::GlobalAvgPool, &[last]));
            }
            if end != 1 {
                let before = if end == 0 { last } else { nodes.len() - 1 };
                nodes.push(node("end".into(), Op::Identity, &[before]));
            }
            Network { nodes }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_simplified_network_computes_the_same(network in networks()) {
        network.validate().unwrap();
        let simple = network.simplify();
        simple.validate().unwrap();
        prop_assert_eq!(evaluate(&network), evaluate(&simple));
        prop_assert!(simple.nodes.len() <= network.nodes.len());
        prop_assert_eq!(simple.simplify(), simple);
    }
}

fn network(nodes: &[(&str, Op, &[usize])]) -> Network {
    let node = |(name, op, inputs): &(&str, Op, &[usize])| Node {
        name: (*name).to_owned(),
        op: op.clone(),
        inputs: inputs.to_vec(),
    };
    Network { nodes: nodes.iter().map(node).collect() }
}

#[test]
fn zeros_go_through_convolutions_but_not_through_batch_norm() {
    let input = Op::Input { shape: vec![CHANNELS, 4, 4] };
    let with = |op: Op| {
        network(&[
            ("input", input.clone(), &[]),
            ("zero", Op::Zero { stride: [1, 1] }, &[0]),
            ("middle", op, &[1]),
            ("sum", Op::Add, &[2, 0]),
            ("scores", Op::GlobalAvgPool, &[3]),
        ])
        .simplify()
    };
    assert_eq!(with(operation(9)).nodes.len(), 2);
    assert_eq!(with(operation(7)).nodes.len(), 2);
    assert_eq!(with(operation(10)).nodes.len(), 5, "a bias is not zero");
    assert_eq!(with(Op::BatchNorm { affine: true }).nodes.len(), 5);
}

#[test]
fn networks_out_of_order_stay_as_they_are() {
    let wrong = network(&[("input", Op::Input { shape: vec![1] }, &[]), ("sum", Op::Add, &[1, 7])]);
    assert_eq!(wrong.simplify(), wrong);
    assert!(wrong.validate().is_err());
    wrong.fingerprint();
    Network { nodes: Vec::new() }.simplify().fingerprint();
}
