//! Networks for sequences: what joins their steps is checked, kept and recognised.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::Arc;

use archwright_space::{Context, Definition, Network, Node, Op, Space, seed};
use petgraph::algo::is_isomorphic_matching;
use petgraph::graph::DiGraph;
use proptest::prelude::*;

/// An operation and its inputs.
type Written<'a> = (Op, &'a [usize]);

fn network(nodes: &[Written<'_>]) -> Network {
    let nodes = nodes.iter().enumerate().map(|(index, (op, inputs))| Node {
        name: format!("node-{index}"),
        op: op.clone(),
        inputs: inputs.to_vec(),
    });
    Network { nodes: nodes.collect() }
}

fn linear(out_features: u32) -> Op {
    Op::Linear { out_features, bias: true }
}

const TOKEN: fn() -> Op = || Op::Input { shape: vec![1] };
const EMBEDDING: Op = Op::Embedding { vocabulary: 7, features: 4 };

/// An Elman network with two states of four values each, whose slots have these numbers.
fn two_states(first: u32, second: u32) -> Network {
    network(&[
        (TOKEN(), &[]),
        (EMBEDDING, &[0]),
        (Op::State { slot: first, features: 4 }, &[]),
        (Op::State { slot: second, features: 4 }, &[]),
        (Op::Add, &[1, 2]),
        (Op::Tanh, &[4]),
        (Op::SetState { slot: first }, &[5]),
        (Op::Multiply, &[1, 3]),
        (Op::Sigmoid, &[7]),
        (Op::SetState { slot: second }, &[8]),
        (Op::Concat, &[5, 8]),
        (linear(7), &[10]),
    ])
}

#[test]
fn what_joins_steps_is_checked() {
    let state = |slot, features| Op::State { slot, features };
    let set = |slot| Op::SetState { slot };
    let cases: [(&[Written<'_>], &str); 12] = [
        (
            &[(TOKEN(), &[]), (EMBEDDING, &[0]), (state(0, 4), &[]), (Op::Add, &[1, 2]), (linear(7), &[3])],
            "node `node-2` (state): nothing sets slot 0: one `set-state` has to",
        ),
        (
            &[(TOKEN(), &[]), (EMBEDDING, &[0]), (set(3), &[1]), (linear(7), &[1])],
            "node `node-2` (set-state): there is no `state` with the slot 3",
        ),
        (
            &[(TOKEN(), &[]), (EMBEDDING, &[0]), (state(0, 5), &[]), (set(0), &[1]), (linear(7), &[2])],
            "node `node-3` (set-state): it sets slot 0 to a vector of 4, the state is one of 5",
        ),
        (
            &[(TOKEN(), &[]), (EMBEDDING, &[0]), (state(0, 4), &[]), (state(0, 4), &[]), (set(0), &[1])],
            "node `node-3` (state): another `state` has the slot 0: each has its own",
        ),
        (
            &[(TOKEN(), &[]), (EMBEDDING, &[0]), (state(0, 4), &[]), (set(0), &[1]), (set(0), &[1]), (linear(7), &[2])],
            "node `node-4` (set-state): another `set-state` has the slot 0: each has its own",
        ),
        (
            &[(TOKEN(), &[]), (EMBEDDING, &[0]), (state(0, 4), &[]), (set(0), &[1]), (linear(7), &[3])],
            "node `node-4` (linear): a `set-state` cannot be an input: read its `state` or its input",
        ),
        (
            &[(TOKEN(), &[]), (EMBEDDING, &[0]), (state(0, 4), &[]), (set(0), &[1])],
            "node `node-3` (set-state): the last node is the network's output, which this is not",
        ),
        (&[(TOKEN(), &[]), (state(0, 4), &[0])], "node `node-1` (state): it takes no inputs"),
        (
            &[(TOKEN(), &[]), (EMBEDDING, &[0]), (linear(7), &[0]), (Op::Add, &[1, 2])],
            "node `node-3` (add): its inputs differ in shape: 4 and 7",
        ),
        (
            &[(TOKEN(), &[]), (EMBEDDING, &[0]), (linear(4), &[0]), (Op::Add, &[1, 2])],
            "node `node-2` (linear): it cannot read a token: an `embedding` makes a vector of it",
        ),
        (
            &[(TOKEN(), &[]), (Op::Identity, &[0]), (EMBEDDING, &[1]), (linear(7), &[2])],
            "node `node-2` (embedding): it has to read the network's input itself",
        ),
        (
            &[(TOKEN(), &[]), (EMBEDDING, &[0]), (Op::TiedLinear { out_features: 8, bias: true }, &[1])],
            "node `node-2` (tied-linear): it gives 8 scores for a vector of 4, but the embedding whose weights it has makes \
             vectors of 4 of 7 tokens: both have to agree",
        ),
    ];
    for (nodes, expected) in cases {
        assert_eq!(network(nodes).validate().unwrap_err().to_string(), expected);
    }
    two_states(0, 1).validate().unwrap();
}

#[test]
fn a_state_keeps_what_sets_it_and_nothing_else_does() {
    let kept = two_states(0, 1);
    assert_eq!(kept.simplify(), kept);
    // Nothing reads the second state's cone but itself: it is gone, and so are its weights.
    let dead = network(&[
        (TOKEN(), &[]),
        (EMBEDDING, &[0]),
        (Op::State { slot: 0, features: 4 }, &[]),
        (Op::State { slot: 1, features: 4 }, &[]),
        (Op::Mean, &[1, 2]),
        (linear(4), &[4]),
        (Op::SetState { slot: 0 }, &[5]),
        (Op::Add, &[3, 1]),
        (linear(4), &[7]),
        (Op::SetState { slot: 1 }, &[8]),
        (linear(7), &[5]),
    ]);
    let simple = dead.simplify();
    simple.validate().unwrap();
    assert_eq!(simple.nodes.len(), 7);
    let parameters = 7 * 4 + (4 * 4 + 4) + (4 * 7 + 7);
    assert_eq!(dead.footprint().unwrap().parameters, parameters);
    assert_eq!(simple.footprint().unwrap().parameters, parameters);
}

#[test]
fn layers_that_reach_the_output_in_a_later_step_alone_count() {
    let delayed = network(&[
        (TOKEN(), &[]),
        (EMBEDDING, &[0]),
        (linear(4), &[1]),
        (Op::State { slot: 0, features: 4 }, &[]),
        (Op::SetState { slot: 0 }, &[2]),
        (Op::TiedLinear { out_features: 7, bias: false }, &[3]),
    ]);
    let footprint = delayed.footprint().unwrap();
    assert_eq!((footprint.parameters, footprint.multiply_adds), (7 * 4 + 20, 16 + 28));
    let simple = delayed.simplify();
    assert_eq!(simple, delayed);
    // The embedding stays where its weights alone are used.
    let mut weights = delayed;
    weights.nodes[2].inputs = vec![3];
    weights.nodes.swap(2, 3);
    for (index, input) in [(3, 2), (4, 3), (5, 2)] {
        weights.nodes[index].inputs = vec![input];
    }
    weights.validate().unwrap();
    let simple = weights.simplify();
    simple.validate().unwrap();
    assert_eq!(simple.footprint().unwrap(), weights.footprint().unwrap());
}

#[test]
fn fingerprints_know_states_by_what_sets_them() {
    let fingerprint = |network: &Network| network.fingerprint();
    assert_eq!(fingerprint(&two_states(0, 1)), fingerprint(&two_states(5, 2)));
    // The same operations, but each state is what the other one was.
    let mut crossed = two_states(0, 1);
    crossed.nodes[6].op = Op::SetState { slot: 1 };
    crossed.nodes[9].op = Op::SetState { slot: 0 };
    crossed.validate().unwrap();
    assert_ne!(fingerprint(&two_states(0, 1)), fingerprint(&crossed));
    let mut alike = two_states(0, 1);
    alike.nodes[9].inputs = vec![5];
    alike.validate().unwrap();
    assert_ne!(fingerprint(&two_states(0, 1)), fingerprint(&alike));
    // Whether what sets a state comes before or behind it in the list says nothing.
    let loop_of = |order: [(Op, &[usize]); 6]| fingerprint(&network(&order));
    let state = || Op::State { slot: 0, features: 4 };
    let set = || Op::SetState { slot: 0 };
    assert_eq!(
        loop_of([
            (TOKEN(), &[]),
            (EMBEDDING, &[0]),
            (set(), &[1]),
            (state(), &[]),
            (Op::Relu, &[3]),
            (linear(7), &[4])
        ]),
        loop_of([
            (TOKEN(), &[]),
            (state(), &[]),
            (EMBEDDING, &[0]),
            (set(), &[2]),
            (Op::Relu, &[1]),
            (linear(7), &[4])
        ])
    );
    // A state that nothing reads but what sets it goes round in a circle.
    let circle = |order: [usize; 2]| {
        let mut nodes = vec![(TOKEN(), &[][..]), (EMBEDDING, &[0]), (state(), &[]), (Op::Relu, &[2]), (set(), &[3])];
        nodes.push((linear(7), &[1]));
        let mut network = network(&nodes);
        if order == [1, 0] {
            network.nodes.swap(1, 2);
            (network.nodes[3].inputs, network.nodes[2].inputs, network.nodes[1].inputs) = (vec![1], vec![0], vec![]);
            network.nodes[5].inputs = vec![2];
        }
        fingerprint(&network)
    };
    assert_eq!(circle([0, 1]), circle([1, 0]));
}

/// Whether two networks are isomorphic, steps included, by exhaustive search.
fn isomorphic(left: &Network, right: &Network) -> bool {
    let graph = |network: &Network| {
        let mut graph = DiGraph::new();
        let output = network.nodes.len() - 1;
        let nodes = network.nodes.iter().enumerate();
        let indices: Vec<_> =
            nodes.clone().map(|(index, node)| graph.add_node((node.op.name(), index == output))).collect();
        for (index, node) in nodes {
            for input in &node.inputs {
                graph.add_edge(indices[*input], indices[index], ());
            }
            if let Op::SetState { slot } = node.op {
                let state = network.nodes.iter().position(|one| one.op == Op::State { slot, features: 8 }).unwrap();
                graph.add_edge(indices[index], indices[state], ());
            }
        }
        graph
    };
    is_isomorphic_matching(&graph(left), &graph(right), |left, right| left == right, |_, ()| true)
}

/// Networks of few operations around two states, so that many are isomorphic or nearly so.
fn recurrent_networks() -> impl Strategy<Value = Network> {
    (1_usize..5).prop_flat_map(|count| {
        let nodes: Vec<_> =
            (3..3 + count).map(|index| (0_u8..2, prop::collection::btree_set(0..index, 1..3))).collect();
        (nodes, prop::array::uniform2(0..3 + count)).prop_map(|(drawn, set)| {
            let state = |slot| (Op::State { slot, features: 8 }, vec![]);
            let mut nodes = vec![(Op::Input { shape: vec![8] }, vec![]), state(0), state(1)];
            let op = |kind| if kind == 0 { Op::Add } else { Op::Mean };
            nodes.extend(drawn.into_iter().map(|(kind, inputs)| (op(kind), inputs.into_iter().collect())));
            let last = nodes.len() - 1;
            nodes.extend((0..2).map(|slot| (Op::SetState { slot }, vec![set[slot as usize]])));
            nodes.push((Op::Relu, vec![last]));
            network(&nodes.iter().map(|(op, inputs)| (op.clone(), &inputs[..])).collect::<Vec<_>>())
        })
    })
}

/// The same network in another topological order with the slots swapped. The output stays last.
fn reordered(of: &Network, seed: u64) -> Network {
    let count = of.nodes.len();
    let mut places = vec![usize::MAX; count];
    let mut nodes: Vec<(Op, Vec<usize>)> = Vec::new();
    for step in 0..count {
        let ready: Vec<usize> = (0..count - usize::from(step + 1 < count))
            .filter(|node| places[*node] == usize::MAX)
            .filter(|node| of.nodes[*node].inputs.iter().all(|input| places[*input] != usize::MAX))
            .collect();
        let next =
            if step == 0 { 0 } else { ready[(seed::derive(seed, "node", step as u64) % ready.len() as u64) as usize] };
        places[next] = step;
        let op = match of.nodes[next].op {
            Op::State { slot, features } => Op::State { slot: 7 - slot, features },
            Op::SetState { slot } => Op::SetState { slot: 7 - slot },
            ref other => other.clone(),
        };
        nodes.push((op, of.nodes[next].inputs.iter().map(|input| places[*input]).collect()));
    }
    network(&nodes.iter().map(|(op, inputs)| (op.clone(), &inputs[..])).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fingerprints_of_recurrent_networks_are_equal_exactly_for_isomorphic_ones(
        left in recurrent_networks(), right in recurrent_networks(), seed: u64,
    ) {
        left.validate().unwrap();
        prop_assert_eq!(left.fingerprint() == right.fingerprint(), isomorphic(&left, &right));
        prop_assert_eq!(left.fingerprint(), reordered(&left, seed).fingerprint());
        let simple = left.simplify();
        simple.validate().unwrap();
        prop_assert_eq!(simple.fingerprint(), reordered(&left, seed).simplify().fingerprint());
    }
}

const FILE: &str = r#"
name = "elman"
network = "model"
[module.model]
kind = "chain"
layers = [{ op = "embedding", features = 4 }, { module = "layer", channels = 3, repeat = 2 }, { op = "linear", features = "classes" }]
[module.layer]
kind = "chain"
layers = [{ recurrent = ["joined", { op = "linear", features = "out" }, "tanh"] }]
[module.joined]
kind = "branches"
merge = "concat"
branches = ["identity", "state"]
"#;

#[test]
fn files_say_recurrence_and_every_use_has_a_state_of_its_own() {
    let space = |text: &str| {
        let definition = Definition::parse(text).unwrap_or_else(|diagnostic| panic!("{diagnostic}"));
        Space::new(Arc::new(definition), Context::full(vec![1], 7))
    };
    let elman = space(FILE).unwrap();
    let network = elman.build(&elman.sample(0)).unwrap();
    let states = network.nodes.iter().filter(|node| matches!(node.op, Op::State { .. })).count();
    assert_eq!(states, 2);
    let parameters = 7 * 4 + (7 * 3 + 3) + (6 * 3 + 3) + (3 * 7 + 7);
    assert_eq!(network.footprint().unwrap().parameters, parameters);
    let half = Context { width_share: 0.5, ..elman.context().clone() };
    let parameters = 7 * 2 + (4 * 2 + 2) + (4 * 2 + 2) + (2 * 7 + 7);
    assert_eq!(elman.build_in(&elman.sample(0), &half).unwrap().footprint().unwrap().parameters, parameters);
    let outside = space(&FILE.replace("[{ recurrent = [", "[").replace("\"tanh\"] }]", "\"tanh\"]")).unwrap_err();
    assert!(outside.to_string().contains("no `recurrent` around it"), "{outside}");
    let other_size = space(&FILE.replace("\"tanh\"] }", "\"tanh\"], features = 9 }")).unwrap_err();
    assert!(other_size.to_string().contains("vector of 3, the state is one of 9"), "{other_size}");
}

#[test]
fn rates_in_percent_are_decided_and_bounded() {
    let with = |rate: &str| {
        let layer = format!("{{ op = \"locked-dropout\", rate = {rate} }}");
        Definition::parse(&FILE.replace(
            "{ op = \"linear\", features = \"classes\" }",
            &format!("{layer}, {{ op = \"linear\", features = \"classes\" }}"),
        ))
    };
    let decided = with("{ percent = { choose = [10, 50], name = \"dropout\" } }").unwrap();
    let space = Space::new(Arc::new(decided), Context::full(vec![1], 7)).unwrap();
    assert_eq!(space.decisions()[0].name, "dropout");
    let rates: Vec<f64> = (0..20)
        .flat_map(|seed| space.build(&space.sample(seed)).unwrap().nodes)
        .filter_map(|node| if let Op::LockedDropout { rate } = node.op { Some(rate) } else { None })
        .collect();
    assert!(rates.contains(&0.1) && rates.contains(&0.5), "{rates:?}");
    for (rate, expected) in [
        ("{ percent = 100 }", "`percent` has to be at most 99"),
        ("{ percents = 3 }", "did you mean `percent`"),
        ("1.0", "`rate` has to be at least 0 and below 1"),
    ] {
        let error = with(rate).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
