//! Fingerprints are equal exactly for isomorphic networks, and quick to make.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use archwright_space::{Context, Definition, Network, Node, Op, Scalar, Space, bundled, seed};
use petgraph::algo::is_isomorphic_matching;
use petgraph::graph::DiGraph;
use proptest::prelude::*;

fn node(op: Op, inputs: &[usize]) -> Node {
    Node { name: String::new(), op, inputs: inputs.to_vec() }
}

/// A network with nodes of these operations and inputs, behind an input.
fn network(nodes: &[(Op, &[usize])]) -> Network {
    let input = node(Op::Input { shape: vec![8] }, &[]);
    let nodes = std::iter::once(input).chain(nodes.iter().map(|(op, inputs)| node(op.clone(), inputs)));
    named(nodes.collect())
}

fn named(mut nodes: Vec<Node>) -> Network {
    for (index, node) in nodes.iter_mut().enumerate() {
        node.name = format!("node-{index}");
    }
    Network { nodes }
}

/// The same network with its nodes in another topological order, inputs in another order, and other names. The output
/// stays last.
fn reordered(network: &Network, seed: u64) -> Network {
    let count = network.nodes.len();
    let mut left: Vec<usize> = (0..count - 1).collect();
    let mut places = vec![usize::MAX; count];
    let mut nodes = Vec::new();
    for step in 0..count {
        let ready: Vec<usize> = left
            .iter()
            .copied()
            .filter(|node| network.nodes[*node].inputs.iter().all(|input| places[*input] != usize::MAX))
            .collect();
        let next = match ready.len() {
            0 => count - 1,
            len => ready[(seed::derive(seed, "node", step as u64) % len as u64) as usize],
        };
        left.retain(|node| *node != next);
        places[next] = step;
        let mut inputs: Vec<usize> = network.nodes[next].inputs.iter().map(|input| places[*input]).collect();
        inputs.sort_by_key(|input| seed::derive(seed, "input", *input as u64));
        nodes.push(node(network.nodes[next].op.clone(), &inputs));
    }
    named(nodes)
}

/// Whether two networks are isomorphic, by exhaustive search.
fn isomorphic(left: &Network, right: &Network) -> bool {
    let graph = |network: &Network| {
        let mut graph = DiGraph::new();
        let output = network.nodes.len() - 1;
        let indices: Vec<_> = network
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| graph.add_node((format!("{:?}", node.op), index == output)))
            .collect();
        for (index, node) in network.nodes.iter().enumerate() {
            let mut counts = BTreeMap::new();
            node.inputs.iter().for_each(|input| *counts.entry(*input).or_insert(0) += 1);
            for (input, count) in counts {
                graph.add_edge(indices[input], indices[index], count);
            }
        }
        graph
    };
    is_isomorphic_matching(&graph(left), &graph(right), |left, right| left == right, |left, right| left == right)
}

/// Networks of few nodes with few operations, so that many are isomorphic or nearly so.
fn small_networks() -> impl Strategy<Value = Network> {
    (1_usize..8).prop_flat_map(|count| {
        let nodes: Vec<_> = (1..=count)
            .map(|index| (0_u8..3, prop::collection::vec(0..index, 1..4)).prop_map(|(op, inputs)| (op, inputs)))
            .collect();
        nodes.prop_map(|nodes| {
            let ops = [Op::Add, Op::Multiply, Op::Relu];
            let input = node(Op::Input { shape: vec![8] }, &[]);
            let nodes = nodes.into_iter().map(|(op, inputs)| node(ops[usize::from(op)].clone(), &inputs));
            named(std::iter::once(input).chain(nodes).collect())
        })
    })
}

/// Moves one input of one node.
fn rewired(network: &Network, seed: u64) -> Network {
    let mut nodes = network.nodes.clone();
    let index = 1 + (seed::derive(seed, "node", 0) % (nodes.len() as u64 - 1)) as usize;
    let slot = (seed::derive(seed, "slot", 0) % nodes[index].inputs.len() as u64) as usize;
    nodes[index].inputs[slot] = (seed::derive(seed, "input", 0) % index as u64) as usize;
    Network { nodes }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_names_do_not_count(network in small_networks(), seed: u64) {
        let other = reordered(&network, seed);
        prop_assert!(isomorphic(&network, &other));
        prop_assert_eq!(network.fingerprint(), other.fingerprint());
    }

    #[test]
    fn equal_exactly_for_isomorphic_networks(left in small_networks(), right in small_networks()) {
        prop_assert_eq!(left.fingerprint() == right.fingerprint(), isomorphic(&left, &right));
    }

    #[test]
    fn equal_exactly_for_isomorphic_near_misses(network in small_networks(), rewire: u64, order: u64) {
        let other = reordered(&rewired(&network, rewire), order);
        prop_assert_eq!(network.fingerprint() == other.fingerprint(), isomorphic(&network, &other));
    }
}

#[test]
fn a_shared_part_is_not_a_duplicated_one() {
    let shared = network(&[(Op::Relu, &[0]), (Op::Tanh, &[1]), (Op::Gelu, &[1]), (Op::Add, &[2, 3])]);
    let duplicated =
        network(&[(Op::Relu, &[0]), (Op::Relu, &[0]), (Op::Tanh, &[1]), (Op::Gelu, &[2]), (Op::Add, &[3, 4])]);
    assert_ne!(shared.fingerprint(), duplicated.fingerprint());
}

#[test]
fn how_often_an_input_is_used_counts() {
    let once = network(&[(Op::Relu, &[0]), (Op::Add, &[0, 1])]);
    let twice = network(&[(Op::Relu, &[0]), (Op::Add, &[0, 1, 1])]);
    let other = network(&[(Op::Relu, &[0]), (Op::Add, &[0, 0, 1])]);
    assert_ne!(once.fingerprint(), twice.fingerprint());
    assert_ne!(twice.fingerprint(), other.fingerprint());
}

#[test]
fn attributes_count() {
    let with = |out_features| network(&[(Op::Linear { out_features, bias: true }, &[0])]);
    assert_ne!(with(3).fingerprint(), with(4).fingerprint());
}

#[test]
fn which_node_is_the_output_counts() {
    let relu = Op::Relu;
    let long = network(&[(relu.clone(), &[0]), (Op::Linear { out_features: 2, bias: true }, &[1])]);
    let auxiliary = network(&[(Op::Auxiliary, &[0]), (relu.clone(), &[0])]);
    let swapped = network(&[(relu, &[0]), (Op::Auxiliary, &[0])]);
    assert_ne!(long.fingerprint(), auxiliary.fingerprint());
    assert_ne!(auxiliary.fingerprint(), swapped.fingerprint());
}

/// `branches` copies of a part that series-parallel reduction leaves as it is.
fn parallel_copies(branches: usize) -> Network {
    let mut nodes = vec![node(Op::Input { shape: vec![8] }, &[])];
    let mut ends = Vec::new();
    for _ in 0..branches {
        let first = nodes.len();
        nodes.push(node(Op::Relu, &[0]));
        nodes.push(node(Op::Relu, &[0]));
        nodes.push(node(Op::Add, &[first, first + 1]));
        nodes.push(node(Op::Multiply, &[first, first + 2]));
        nodes.push(node(Op::Add, &[first + 1, first + 3]));
        ends.push(first + 4);
    }
    nodes.push(node(Op::Add, &ends));
    named(nodes)
}

/// Two levels of nodes, joined as points and lines of a cycle of length `length`, `copies` times.
fn cycles(lengths: &[usize]) -> Network {
    let mut nodes = vec![node(Op::Input { shape: vec![8] }, &[])];
    let mut ends = Vec::new();
    for length in lengths {
        let points = nodes.len();
        nodes.extend((0..*length).map(|_| node(Op::Relu, &[0])));
        let lines = nodes.len();
        nodes.extend((0..*length).map(|line| node(Op::Add, &[points + line, points + (line + 1) % length])));
        ends.extend(lines..nodes.len());
    }
    nodes.push(node(Op::Concat, &ends));
    named(nodes)
}

#[test]
fn symmetry_is_no_trouble() {
    for network in [parallel_copies(50), cycles(&[100]), cycles(&[3; 20]), cycles(&[5, 4, 3, 4, 5])] {
        for seed in 0..3 {
            assert_eq!(network.fingerprint(), reordered(&network, seed).fingerprint());
        }
    }
    // Refinement alone cannot tell these apart.
    assert_ne!(cycles(&[6]).fingerprint(), cycles(&[3, 3]).fingerprint());
    assert_ne!(cycles(&[8, 8]).fingerprint(), cycles(&[4, 12]).fingerprint());
}

/// Points and lines of the projective plane over the field of `prime` elements: symmetric, and without an end in sight for
/// a search that does not use it.
fn projective_plane(prime: usize) -> Network {
    let mut triples = vec![[0, 0, 1]];
    triples.extend((0..prime).map(|last| [0, 1, last]));
    triples.extend((0..prime * prime).map(|rest| [1, rest / prime, rest % prime]));
    let mut nodes = vec![node(Op::Input { shape: vec![8] }, &[])];
    nodes.extend(triples.iter().map(|_| node(Op::Relu, &[0])));
    for line in &triples {
        let on_line = |point: &[usize; 3]| (0..3).map(|axis| line[axis] * point[axis]).sum::<usize>() % prime == 0;
        let points: Vec<usize> =
            (1..).zip(&triples).filter(|(_, point)| on_line(point)).map(|(index, _)| index).collect();
        nodes.push(node(Op::Add, &points));
    }
    let lines: Vec<usize> = (triples.len() + 1..nodes.len()).collect();
    nodes.push(node(Op::Concat, &lines));
    named(nodes)
}

#[test]
fn regular_graphs_end() {
    for prime in [2, 3, 5] {
        let network = projective_plane(prime);
        assert_eq!(network.fingerprint(), reordered(&network, 1).fingerprint(), "order {prime}");
    }
    // Too much symmetry to resolve is no reason to hang.
    projective_plane(13).fingerprint();
}

fn bundled_space(name: &str, options: &[(&str, i64)]) -> Space {
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), Scalar::Integer(*value))).collect();
    let definition = Definition::parse_with(bundled::source(name).unwrap(), &options).unwrap();
    let input = if name == "rnn-cell" { vec![1] } else { vec![3, 32, 32] };
    Space::new(Arc::new(definition), Context::full(input, 10)).unwrap()
}

#[test]
fn networks_of_bundled_spaces_keep_theirs_in_another_order() {
    for name in bundled::names() {
        let space = bundled_space(name, &[]);
        for seed in 0..5 {
            let network = space.build(&space.sample(seed)).unwrap();
            assert_eq!(network.fingerprint(), reordered(&network, seed).fingerprint(), "{name}");
        }
    }
}

/// A bundled space whose networks are small enough for an exhaustive search.
fn small_space(name: &str) -> Space {
    let known = Definition::parse(bundled::source(name).unwrap()).unwrap();
    let small =
        [("cells", if name.starts_with("darts") { 3 } else { 1 }), ("channels", 12), ("layers", 2), ("growth", 4)];
    let options: Vec<_> = small.into_iter().filter(|(key, _)| known.options().contains_key(*key)).collect();
    bundled_space(name, &options)
}

/// Pairs of networks a space that are compared; `ARCHWRIGHT_PAIRS` sets another number.
fn pairs() -> u64 {
    std::env::var("ARCHWRIGHT_PAIRS").ok().and_then(|number| number.parse().ok()).unwrap_or(20)
}

#[test]
fn networks_of_bundled_spaces_differ_exactly_where_they_are_not_isomorphic() {
    for name in bundled::names() {
        let space = small_space(name);
        let mut differing = 0;
        for seed in 0..pairs() {
            let parent = space.sample(seed);
            // One decision further is as near as networks get.
            let other = space.mutate(&parent, seed).unwrap();
            let (Ok(left), Ok(right)) = (space.build(&parent), space.build(&other)) else { continue };
            assert_eq!(left.fingerprint(), reordered(&left, seed).fingerprint(), "{name}, seed {seed}");
            let alike = left.nodes.len() == right.nodes.len() && isomorphic(&left, &right);
            assert_eq!(left.fingerprint() == right.fingerprint(), alike, "{name}, seed {seed}");
            differing += u64::from(!alike);
        }
        assert!(differing > 0, "{name}");
        println!("{name}: {differing} pairs of {} are not isomorphic, as fingerprints say", pairs());
    }
}

#[test]
fn fingerprints_are_permanent() {
    // Caches are keyed by fingerprints: these never change.
    let chain = network(&[(Op::Relu, &[0]), (Op::Linear { out_features: 3, bias: true }, &[1])]);
    let tangled = parallel_copies(2);
    assert_eq!(
        [chain.fingerprint(), tangled.fingerprint()],
        [
            "d0575d45c63c6bb4b5d92f5c96e0552921dd36800f18fb9f8f4a0fec040dbd53",
            "2f0dd58b610bb30333f0c144ed43428a6966f44980698a19f07e26e7ded7055a",
        ]
    );
}
