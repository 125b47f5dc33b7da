//! Operations, shapes, footprints and seeds.

use archwright_space::{Attribute, Network, Node, OPERATIONS, Op, Shape, SpaceError, seed};
use proptest::prelude::*;

fn ops() -> impl Strategy<Value = Op> {
    let size = prop_oneof![0_u32..8, any::<u32>()];
    let pair = prop::array::uniform2(size.clone());
    prop_oneof![
        prop::collection::vec(size.clone(), 0..4).prop_map(|shape| Op::Input { shape }),
        (size.clone(), pair.clone(), pair.clone(), pair.clone(), pair.clone(), size.clone(), any::<bool>()).prop_map(
            |(out_channels, kernel, stride, padding, dilation, groups, bias)| Op::Conv2d {
                out_channels,
                kernel,
                stride,
                padding,
                dilation,
                groups,
                bias
            }
        ),
        any::<bool>().prop_map(|affine| Op::BatchNorm { affine }),
        (size.clone(), any::<bool>()).prop_map(|(out_features, bias)| Op::Linear { out_features, bias }),
        (pair.clone(), pair.clone(), pair.clone()).prop_map(|(kernel, stride, padding)| Op::MaxPool {
            kernel,
            stride,
            padding
        }),
        (pair.clone(), pair.clone(), pair.clone(), any::<bool>()).prop_map(
            |(kernel, stride, padding, count_include_pad)| Op::AvgPool { kernel, stride, padding, count_include_pad }
        ),
        pair.prop_map(|stride| Op::Zero { stride }),
        (size.clone(), size.clone()).prop_map(|(rows, columns)| Op::Shift { rows, columns }),
        size.clone().prop_map(|channels| Op::Truncate { channels }),
        (0.0_f64..1.0).prop_map(|rate| Op::Dropout { rate }),
        (0.0_f64..1.0).prop_map(|rate| Op::LockedDropout { rate }),
        (size.clone(), size.clone()).prop_map(|(vocabulary, features)| Op::Embedding { vocabulary, features }),
        (size.clone(), any::<bool>()).prop_map(|(out_features, bias)| Op::TiedLinear { out_features, bias }),
        (0_u32..3, size).prop_map(|(slot, features)| Op::State { slot, features }),
        (0_u32..3).prop_map(|slot| Op::SetState { slot }),
        prop::sample::select(vec![
            Op::Relu,
            Op::Relu6,
            Op::Gelu,
            Op::Silu,
            Op::HardSwish,
            Op::Tanh,
            Op::Sigmoid,
            Op::GlobalAvgPool,
            Op::Flatten,
            Op::Add,
            Op::Multiply,
            Op::Mean,
            Op::Concat,
            Op::Complement,
            Op::Identity,
            Op::DropPath,
            Op::Auxiliary,
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn attributes_and_json_say_all_of_an_operation(op in ops()) {
        prop_assert_eq!(Op::parse(op.name(), &op.attributes()), Ok(op.clone()));
        prop_assert!(OPERATIONS.contains(&op.name()));
        let node = Node { name: "node".into(), op, inputs: vec![0, 3] };
        let text = serde_json::to_string(&node).unwrap();
        prop_assert_eq!(serde_json::from_str::<Node>(&text).unwrap(), node);
    }

    #[test]
    fn any_graph_is_measured_without_panic(
        nodes in prop::collection::vec((ops(), prop::collection::vec(0_usize..12, 0..3)), 0..12),
    ) {
        let nodes = nodes.into_iter().enumerate().map(|(index, (op, inputs))| {
            Node { name: format!("node-{index}"), op, inputs }
        });
        let network = Network { nodes: nodes.collect() };
        let valid = network.validate().is_ok();
        prop_assert_eq!(valid, network.footprint().is_ok());
        let simple = network.simplify();
        network.fingerprint();
        if valid {
            simple.validate().unwrap();
        }
    }

    /// Networks that get further than random graphs do: a chain behind an input.
    #[test]
    fn any_chain_is_measured_without_panic(shape in prop::collection::vec(1_u32..70_000, 3), ops in prop::collection::vec(ops(), 1..6)) {
        let mut nodes = vec![Node { name: "input".into(), op: Op::Input { shape }, inputs: vec![] }];
        for op in ops {
            let (name, inputs) = (format!("node-{}", nodes.len()), vec![nodes.len() - 1]);
            nodes.push(Node { name, op, inputs });
        }
        let network = Network { nodes };
        if let Ok(shapes) = network.shapes() {
            prop_assert!(shapes.iter().all(|shape| shape.values() > 0));
        }
        let _ = network.footprint();
    }
}

fn chain(shape: &[u32], ops: &[Op]) -> Network {
    let mut nodes = vec![Node { name: "input".into(), op: Op::Input { shape: shape.to_vec() }, inputs: vec![] }];
    for op in ops {
        nodes.push(Node { name: format!("node-{}", nodes.len()), op: op.clone(), inputs: vec![nodes.len() - 1] });
    }
    Network { nodes }
}

fn conv(out_channels: u32, kernel: u32, stride: u32, padding: u32, groups: u32) -> Op {
    Op::Conv2d {
        out_channels,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [1; 2],
        groups,
        bias: false,
    }
}

#[test]
fn shapes_and_footprints_are_those_of_the_formulas() {
    let network = chain(
        &[3, 9, 8],
        &[
            conv(6, 3, 2, 1, 3),
            Op::BatchNorm { affine: true },
            Op::AvgPool { kernel: [2; 2], stride: [2; 2], padding: [0; 2], count_include_pad: false },
            Op::GlobalAvgPool,
            Op::Linear { out_features: 4, bias: true },
        ],
    );
    let map = |channels, height, width| Shape::Map { channels, height, width };
    assert_eq!(
        network.shapes().unwrap(),
        [map(3, 9, 8), map(6, 5, 4), map(6, 5, 4), map(6, 2, 2), Shape::Vector(6), Shape::Vector(4)]
    );
    let footprint = network.footprint().unwrap();
    assert_eq!(footprint.parameters, 6 * 9 + 2 * 6 + 6 * 4 + 4);
    assert_eq!(footprint.multiply_adds, 6 * 9 * 20 + 24);
    assert_eq!(footprint.depth, 2);
    assert_eq!(footprint.activation_bytes, 4 * (216 + 120 + 120 + 24 + 6 + 4));
}

#[test]
fn auxiliary_heads_do_not_count() {
    let mut network = chain(&[8], &[Op::Linear { out_features: 4, bias: true }]);
    let plain = network.footprint().unwrap();
    let last = network.nodes.pop().unwrap();
    let head = Node { name: "head".into(), op: Op::Linear { out_features: 4, bias: true }, inputs: vec![0] };
    network.nodes.push(head);
    network.nodes.push(Node { name: "auxiliary".into(), op: Op::Auxiliary, inputs: vec![1] });
    network.nodes.push(last);
    assert_eq!(network.footprint().unwrap(), plain);
}

#[test]
fn hostile_sizes_are_errors() {
    let big = u32::MAX;
    let cases: &[(&[u32], &[Op], &str)] = &[
        (
            &[3, 8, 8],
            &[conv(big, 1, 1, 0, 1)],
            "node `node-1` (conv2d): a feature map of 274877906880 values exceeds 4294967296",
        ),
        (
            &[3, 8, 8],
            &[conv(8, 9, 1, 0, 1)],
            "node `node-1` (conv2d): a window of 9 does not fit into 8 pixels padded by 0",
        ),
        (
            &[3, 8, 8],
            &[conv(8, 3, 0, 0, 1)],
            "node `node-1` (conv2d): kernel, stride and dilation have to be at least 1",
        ),
        (
            &[3, 8, 8],
            &[conv(8, 1, 1, 0, 2)],
            "node `node-1` (conv2d): 2 groups have to divide both 3 channels in and 8 out",
        ),
        (
            &[3, 8, 8],
            &[conv(0, 1, 1, 0, 1)],
            "node `node-1` (conv2d): it gives nothing: every size has to be at least 1",
        ),
        (
            &[big, big, big],
            &[],
            "node `input` (input): a feature map of 18446744073709551615 values exceeds 4294967296",
        ),
        (&[3, 8, 8], &[conv(8, 1, 1, big, 1)], "node `node-1` (conv2d): it gives too many pixels"),
        (
            &[3, 8, 8],
            &[Op::Linear { out_features: 3, bias: true }],
            "node `node-1` (linear): it takes a vector, not a 3x8x8 map: flatten it first",
        ),
        (&[3, 8, 8], &[Op::Relu], "network: the last node gives a feature map, not one score per class"),
        (
            &[8],
            &[Op::Linear { out_features: big, bias: false }, Op::Linear { out_features: big, bias: false }],
            "parameters of a network: 18446744073709551615 exceeds the limit of 68719476736",
        ),
    ];
    for (shape, ops, expected) in cases {
        assert_eq!(chain(shape, ops).validate().unwrap_err().to_string(), *expected);
    }
    let long = chain(&[8], &vec![Op::Relu; archwright_space::MAX_NODES]);
    assert!(matches!(long.validate(), Err(SpaceError::Limit { .. })));
    let mut wide = chain(&[8], &[Op::Add]);
    wide.nodes[1].inputs = vec![0; archwright_space::MAX_INPUTS + 1];
    assert!(wide.validate().is_err());
}

#[test]
fn malformed_graphs_are_errors() {
    let node = |name: &str, op, inputs: &[usize]| Node { name: name.into(), op, inputs: inputs.to_vec() };
    let input = node("input", Op::Input { shape: vec![8] }, &[]);
    let cases = [
        (vec![], "network: it has no nodes"),
        (vec![node("a", Op::Relu, &[])], "network: its first node is `relu`, not the input"),
        (
            vec![input.clone(), node("b", Op::Input { shape: vec![8] }, &[])],
            "node `b` (input): a network has one input",
        ),
        (vec![input.clone(), node("input", Op::Relu, &[0])], "node `input` (relu): another node has this name"),
        (
            vec![input.clone(), node("a", Op::Relu, &[1])],
            "node `a` (relu): its inputs have to come before it; it is node 1, they are [1]",
        ),
        (
            vec![input.clone(), node("a", Op::Auxiliary, &[0]), node("b", Op::Relu, &[1])],
            "node `b` (relu): an auxiliary output cannot be an input",
        ),
        (vec![input.clone(), node("a", Op::Add, &[])], "node `a` (add): it takes at least one input"),
        (
            vec![input, node("a", Op::Dropout { rate: f64::NAN }, &[0])],
            "node `a` (dropout): a rate of NaN is not at least 0 and below 1",
        ),
    ];
    for (nodes, expected) in cases {
        assert_eq!(Network { nodes }.validate().unwrap_err().to_string(), expected);
    }
}

#[test]
fn unknown_names_and_wrong_types_of_attributes_are_told() {
    let parse = |name, attributes: &[(&str, Attribute)]| {
        let attributes: Vec<(String, Attribute)> =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Op::parse(name, &attributes).unwrap_err()
    };
    let kernel = ("kernel", Attribute::Integer(3));
    assert_eq!(parse("conv", &[]), "there is no operation `conv`; did you mean `conv2d`?");
    assert_eq!(parse("conv2d", &[]), "it needs `out-channels`");
    assert_eq!(
        parse("max-pool", &[("kernel", Attribute::Real(3.0))]),
        "`kernel` has to be an integer or two of them (rows, columns)"
    );
    assert_eq!(parse("max-pool", &[("kernel", Attribute::Integer(-1))]), "`kernel` is -1, not 0 to 4294967295");
    assert_eq!(
        parse("max-pool", &[kernel.clone(), kernel.clone()]),
        "`max-pool` has no attribute `kernel`, or it is given twice"
    );
    assert_eq!(
        parse("max-pool", &[kernel, ("bias", Attribute::Boolean(true))]),
        "`max-pool` has no attribute `bias`, or it is given twice"
    );
    let pool = Op::parse("max-pool", &[("kernel".to_owned(), Attribute::Integer(3))]).unwrap();
    assert_eq!(pool, Op::MaxPool { kernel: [3, 3], stride: [1, 1], padding: [0, 0] });
}

#[test]
fn seeds_are_permanent() {
    // Runs are repeated from their seeds: these never change.
    assert_eq!(seed::derive(0, "", 0), 2_453_365_590_565_449_588);
    assert_eq!(seed::derive(1, "sample", 2), 10_191_664_381_544_500_326);
    assert_ne!(seed::derive(0, "a", 0), seed::derive(0, "b", 0));
    assert_ne!(seed::derive(0, "a", 0), seed::derive(1, "a", 0));
    assert_ne!(seed::derive(0, "a", 0), seed::derive(0, "a", 1));
}
