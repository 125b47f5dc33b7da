//! The bundled spaces are those of the papers.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use archwright_space::{Architecture, Context, Definition, Op, Scalar, Size, Space, Value, bundled};

fn space(name: &str, options: &[(&str, i64)], input: impl Into<Vec<u32>>, classes: u32) -> Space {
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), Scalar::Integer(*value))).collect();
    let definition = Definition::parse_with(bundled::source(name).unwrap(), &options).unwrap();
    Space::new(Arc::new(definition), Context::full(input.into(), classes)).unwrap()
}

/// The point whose decisions have these labels.
fn point(space: &Space, labels: &BTreeMap<&str, &str>) -> Architecture {
    let values = space.decisions().iter().map(|decision| match &decision.domain {
        archwright_space::Domain::Categorical(known) => {
            let label = labels.get(decision.name.as_str()).unwrap_or_else(|| panic!("{}", decision.name));
            Value::Index(known.iter().position(|one| one == label).unwrap() as u32)
        }
        other => panic!("{other:?}"),
    });
    Architecture::Point(values.collect())
}

#[test]
fn nas_bench_201_has_the_papers_points_and_parameters() {
    let space = space("nas-bench-201", &[], [3, 32, 32], 10);
    assert_eq!(space.size(), Size::Points(15_625));
    let all = |index| Architecture::Point(vec![Value::Index(index); 6]);
    // none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3: by hand. A convolution of k x k pixels with its batch
    // norm has c (c k k + 2) parameters; outside the cells are the stem, two residual blocks, the last batch norm and the
    // classifier.
    let conv = |from: u64, to: u64, kernel: u64| to * (from * kernel * kernel + 2);
    let outside = conv(3, 16, 3)
        + [16, 32].map(|c| conv(c, 2 * c, 3) + conv(2 * c, 2 * c, 3) + c * 2 * c).iter().sum::<u64>()
        + 2 * 64
        + 64 * 10
        + 10;
    let cells = |kernel| 6 * 5 * [16, 32, 64].map(|c| conv(c, c, kernel)).iter().sum::<u64>();
    for (index, inside) in [(0, 0), (1, 0), (2, cells(1)), (3, cells(3)), (4, 0)] {
        let expected = if index == 0 { continue } else { outside + inside };
        assert_eq!(space.profile(&all(index)).unwrap().parameters, expected, "operation {index}");
    }
    // The largest cell, as published: 1.53 M parameters, 220.12 M multiply-adds (of convolutions and the classifier).
    let largest = space.profile(&all(3)).unwrap();
    assert_eq!(largest.parameters, 1_531_546);
    assert!((largest.multiply_adds as f64 / 1e6 - 220.0).abs() < 1.0, "{}", largest.multiply_adds);
}

#[test]
fn a_skeleton_that_is_decided_gives_the_networks_of_the_one_that_is_not() {
    let cells = space("nas-bench-201", &[], [3, 32, 32], 10);
    let macros = space("nas-bench-201-macro", &[], [3, 32, 32], 10);
    // Widths, cells before the first reduction, and cells behind each of up to two.
    assert_eq!(macros.size(), Size::Points(15_625 * 3 * 6 * (1 + 6 + 36)));
    let skeleton =
        [("width", "16"), ("cells", "5"), ("reductions", "2"), ("layer-1/cells", "5"), ("layer-2/cells", "5")];
    for seed in 0..20 {
        let cell = cells.sample(seed);
        let labels = cells.label(&cell).into_iter();
        let labels = labels.chain(skeleton.map(|(name, label)| (name.to_owned(), label.to_owned())));
        let whole = macros.point_of(&labels.collect()).unwrap();
        assert_eq!(macros.fingerprint(&whole).unwrap(), cells.fingerprint(&cell).unwrap());
        assert_eq!(macros.profile(&whole).unwrap(), cells.profile(&cell).unwrap());
    }
}

#[test]
fn a_cell_of_nothing_still_builds() {
    let space = space("nas-bench-201", &[], [3, 32, 32], 10);
    let nothing = Architecture::Point(vec![Value::Index(0); 6]);
    space.build(&nothing).unwrap().validate().unwrap();
}

#[test]
fn darts_v2_has_the_papers_parameters() {
    let space = space("darts", &[("channels", 36), ("cells", 20)], [3, 32, 32], 10);
    let labels = BTreeMap::from([
        ("normal/node-2/op-1", "sep_conv_3x3"),
        ("normal/node-2/op-2", "sep_conv_3x3"),
        ("normal/node-3/inputs", "0+1"),
        ("normal/node-3/op-1", "sep_conv_3x3"),
        ("normal/node-3/op-2", "sep_conv_3x3"),
        ("normal/node-4/inputs", "0+1"),
        ("normal/node-4/op-1", "skip_connect"),
        ("normal/node-4/op-2", "sep_conv_3x3"),
        ("normal/node-5/inputs", "0+2"),
        ("normal/node-5/op-1", "skip_connect"),
        ("normal/node-5/op-2", "dil_conv_3x3"),
        ("reduction/node-2/op-1", "max_pool_3x3"),
        ("reduction/node-2/op-2", "max_pool_3x3"),
        ("reduction/node-3/inputs", "1+2"),
        ("reduction/node-3/op-1", "max_pool_3x3"),
        ("reduction/node-3/op-2", "skip_connect"),
        ("reduction/node-4/inputs", "0+2"),
        ("reduction/node-4/op-1", "max_pool_3x3"),
        ("reduction/node-4/op-2", "skip_connect"),
        ("reduction/node-5/inputs", "1+2"),
        ("reduction/node-5/op-1", "max_pool_3x3"),
        ("reduction/node-5/op-2", "skip_connect"),
    ]);
    let darts_v2 = point(&space, &labels);
    assert_eq!(space.profile(&darts_v2).unwrap().parameters, 3_349_342);
    let network = space.build(&darts_v2).unwrap();
    assert_eq!(network.nodes.iter().filter(|node| node.op == Op::Auxiliary).count(), 1);
}

/// Activation and input of each node of a recurrent cell.
type Recurrent = [(&'static str, u32); 8];

/// The cells that DARTS found on Penn Treebank by first- and second-order gradients (Liu, Simonyan & Yang 2019).
const DARTS_V1: Recurrent =
    [("relu", 0), ("relu", 1), ("tanh", 2), ("relu", 3), ("relu", 4), ("identity", 1), ("relu", 5), ("relu", 1)];
const DARTS_V2: Recurrent =
    [("sigmoid", 0), ("relu", 1), ("relu", 1), ("identity", 1), ("tanh", 2), ("sigmoid", 5), ("tanh", 3), ("relu", 5)];

fn recurrent(space: &Space, cell: Recurrent) -> Architecture {
    let labels: Vec<(String, String)> = cell
        .iter()
        .enumerate()
        .flat_map(|(index, (activation, input))| {
            let node = format!("cell/node-{}", index + 1);
            [(format!("{node}/op-1"), (*activation).to_owned()), (format!("{node}/inputs"), input.to_string())]
        })
        .collect();
    point(space, &labels.iter().map(|(name, label)| (name.as_str(), label.as_str())).collect())
}

#[test]
fn recurrent_cells_have_the_papers_points_and_parameters() {
    // An activation for each of 8 nodes, and one of as many inputs as there are nodes before it.
    assert_eq!(space("rnn-cell", &[], [1], 10_000).size(), Size::Points(4_u128.pow(8) * 40_320));
    // By hand, as DARTS trains on the 10,000 words of Penn Treebank: the embedding, whose weights the scores share, with
    // a bias for each word; the first node's gate and activation of word and state; those of eight nodes of one state
    // each. Together the 23 million parameters that are published.
    let (words, features) = (10_000, 850_u64);
    let cell = 2 * features * 2 * features + 8 * features * 2 * features;
    let tied = words * features + cell + words;
    assert_eq!(tied, 22_960_000);
    let sizes = [("hidden_size", 850), ("embedding_size", 850)];
    let darts = space("rnn-cell", &sizes, [1], 10_000);
    for cell in [DARTS_V1, DARTS_V2] {
        assert_eq!(darts.profile(&recurrent(&darts, cell)).unwrap().parameters, tied);
    }
    let fingerprint = |cell| darts.fingerprint(&recurrent(&darts, cell)).unwrap();
    assert_ne!(fingerprint(DARTS_V1), fingerprint(DARTS_V2));
    // Scores with weights of their own, and a state of another size than a word's vector.
    let untied = space("rnn-cell", &[("hidden_size", 20), ("embedding_size", 30), ("tied", 0)], [1], 50);
    let expected = 50 * 30 + (30 + 20) * 2 * 20 + 8 * 20 * 2 * 20 + 20 * 50 + 50;
    let profile = untied.profile(&recurrent(&untied, DARTS_V2)).unwrap();
    assert_eq!(profile.parameters, expected);
    // A vector is looked up, not computed; biases add nothing.
    assert_eq!(profile.multiply_adds, expected - 50 * 30 - 50);
}

#[test]
fn the_found_cell_reads_what_the_paper_says() {
    let space = space("rnn-cell", &[("hidden_size", 8), ("embedding_size", 8)], [1], 12);
    let network = space.build(&recurrent(&space, DARTS_V2)).unwrap();
    let named = |wanted: &dyn Fn(&Op) -> bool| network.nodes.iter().position(|node| wanted(&node.op)).unwrap();
    let state = named(&|op| matches!(op, Op::State { .. }));
    let setter = named(&|op| matches!(op, Op::SetState { .. }));
    let nodes = &network.nodes[network.nodes[setter].inputs[0]];
    assert_eq!((&nodes.op, nodes.inputs.len()), (&Op::Mean, 8));
    // Each node is `gate * activation + (1 - gate) * input`; the first one's input is the state.
    let inputs = |sum: usize| network.nodes[sum].inputs.clone();
    let parts = |sum: usize| {
        let carried = inputs(sum)
            .into_iter()
            .find(|product| inputs(*product).iter().any(|factor| network.nodes[*factor].op == Op::Complement));
        let transformed = inputs(sum).into_iter().find(|product| Some(*product) != carried).unwrap();
        let complement = inputs(carried.unwrap()).into_iter().find(|one| network.nodes[*one].op == Op::Complement);
        let gate = inputs(complement.unwrap())[0];
        let carry = inputs(carried.unwrap()).into_iter().find(|one| Some(*one) != complement).unwrap();
        let activation = inputs(transformed).into_iter().find(|one| *one != gate).unwrap();
        (network.nodes[activation].op.clone(), carry)
    };
    let (_, first) = parts(nodes.inputs[0]);
    assert_eq!(parts(first), (Op::Tanh, state));
    let order: Vec<usize> = std::iter::once(first).chain(nodes.inputs.iter().copied()).collect();
    for (node, (label, input)) in nodes.inputs.iter().zip(DARTS_V2) {
        let (op, carry) = parts(*node);
        assert_eq!(carry, order[input as usize]);
        let is = if let Op::Linear { .. } = op { "identity" } else { op.name() };
        assert_eq!(is, label);
    }
}

#[test]
fn sizes_that_cannot_be_tied_are_told() {
    let options = [("hidden_size", 20), ("embedding_size", 30)];
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), Scalar::Integer(*value))).collect();
    let definition = Definition::parse_with(bundled::source("rnn-cell").unwrap(), &options).unwrap();
    let error = Space::new(Arc::new(definition), Context::full(vec![1], 50)).unwrap_err().to_string();
    assert!(error.contains("50 scores for a vector of 20") && error.contains("vectors of 30"), "{error}");
    let definition = Definition::parse(bundled::source("rnn-cell").unwrap()).unwrap();
    let error = Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).unwrap_err().to_string();
    assert!(error.contains("it takes one token, an input of the shape [1], not 3x32x32"), "{error}");
}

#[test]
fn chains_have_one_to_six_layers() {
    let space = space("chain", &[], [1, 8, 8], 10);
    for seed in 0..200 {
        let architecture = space.sample(seed);
        let footprint = space.profile(&architecture).unwrap();
        assert!((2..=14).contains(&footprint.depth), "{footprint:?}");
    }
}

#[test]
fn every_bundled_space_builds_at_every_size() {
    for name in bundled::names() {
        let images = [vec![1, 8, 8], vec![1, 28, 28], vec![3, 32, 32]];
        let token = [vec![1]];
        for input in if *name == "rnn-cell" { &token[..] } else { &images } {
            let space = space(name, &[], input.clone(), 10);
            for seed in 0..5 {
                let architecture = space.sample(seed);
                for (width_share, depth_share) in [(1.0, 1.0), (0.5, 0.5), (0.1, 0.01)] {
                    let context = Context { width_share, depth_share, ..space.context().clone() };
                    let network = space.build_in(&architecture, &context).unwrap();
                    assert!(network.footprint().unwrap().parameters > 0);
                }
            }
        }
    }
}

/// All cells of NAS-Bench-201.
fn cells() -> impl Iterator<Item = [u32; 6]> {
    (0..15_625_u32).map(|number| std::array::from_fn(|digit| number / 5_u32.pow(digit as u32) % 5))
}

#[test]
fn nas_bench_201_has_the_papers_topologies() {
    // The paper's rule for cells that are alike: each vertex as text, skips and zeros looked through.
    let text = |cell: [u32; 6]| {
        let mut vertices = vec!["0".to_owned()];
        let mut edges = cell.iter();
        for to in 1..4 {
            let mut sum: Vec<String> = edges
                .by_ref()
                .take(to)
                .zip(&vertices)
                .map(|(operation, from)| match operation {
                    _ if from == "#" => "#".to_owned(),
                    0 => "#".to_owned(),
                    1 => from.clone(),
                    other => format!("({from})@{other}"),
                })
                .collect();
            sum.sort();
            vertices.push(sum.join("+"));
        }
        vertices.swap_remove(3)
    };
    let distinct: HashSet<String> = cells().map(text).collect();
    assert_eq!(distinct.len(), 6_466);
    let space = space("nas-bench-201", &[("channels", 4), ("cells", 1)], [1, 8, 8], 10);
    let fingerprint =
        |cell: [u32; 6]| space.fingerprint(&Architecture::Point(cell.map(Value::Index).to_vec())).unwrap();
    let distinct: HashSet<String> = cells().map(fingerprint).collect();
    // Fingerprints are stricter: weights used twice are not two sets of weights, and a batch norm of zeros is not zero but
    // its shift. Enumerating the simplified cells and comparing them under all orders of their nodes counts the same.
    assert_eq!(distinct.len(), 6_585);
}

/// All orders of these.
fn orders(vertices: &[usize]) -> Vec<Vec<usize>> {
    let Some((first, rest)) = vertices.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for order in orders(rest) {
        for place in 0..=order.len() {
            let mut longer = order.clone();
            longer.insert(place, *first);
            all.push(longer);
        }
    }
    all
}

/// The vertices of a cell that are on paths from the first to the last, and the edges between them.
fn on_paths(vertices: usize, edge: &dyn Fn(usize, usize) -> bool) -> Option<Vec<usize>> {
    let reaches = |from: usize, to: usize| {
        let mut reached = vec![from];
        while let Some(more) = (0..vertices)
            .find(|one| !reached.contains(one) && reached.iter().any(|from| from < one && edge(*from, *one)))
        {
            reached.push(more);
        }
        reached.contains(&to)
    };
    let kept: Vec<usize> = (0..vertices).filter(|one| reaches(0, *one) && reaches(*one, vertices - 1)).collect();
    kept.contains(&0).then_some(kept)
}

#[test]
fn nas_bench_101_counts_what_an_exhaustive_test_counts() {
    // 2, 3 and 4 vertices with 7 edges at most, and 5 with 9; 128 channels do not divide evenly among three vertices.
    for (vertices, edges) in [(2, 9), (3, 9), (4, 9), (5, 9), (5, 5)] {
        let options = [("vertices", vertices as i64), ("edges", edges), ("cells", 1), ("channels", 128)];
        let space = space("nas-bench-101", &options, [1, 8, 8], 10);
        let pairs: Vec<(usize, usize)> = (1..vertices).flat_map(|to| (0..to).map(move |from| (from, to))).collect();
        let inner = vertices - 2;
        let (mut fingerprints, mut cells) = (HashSet::new(), HashSet::new());
        for number in 0..(1_usize << pairs.len()) * 3_usize.pow(inner as u32) {
            let (bits, labels) = (number & ((1 << pairs.len()) - 1), number >> pairs.len());
            let label = |vertex: usize| labels / 3_usize.pow(vertex as u32 - 1) % 3;
            let edge = |from: usize, to: usize| {
                pairs.iter().position(|pair| *pair == (from, to)).is_some_and(|place| bits >> place & 1 == 1)
            };
            let values = (0..pairs.len())
                .map(|place| Value::Index((bits >> place & 1) as u32))
                .chain((1..=inner).map(|vertex| Value::Index(label(vertex) as u32)));
            let point = Architecture::Point(values.collect());
            let kept = on_paths(vertices, &edge);
            let count =
                kept.iter().flat_map(|kept| kept.iter().map(|to| kept.iter().filter(|from| edge(**from, *to)).count()));
            let valid = kept.is_some() && count.sum::<usize>() <= edges as usize;
            assert_eq!(space.check(&point).is_ok(), valid);
            let Some(kept) = kept.filter(|_| valid) else { continue };
            fingerprints.insert(space.fingerprint(&point).unwrap());
            // The least of all ways to write the cell down.
            let (last, middle) = (kept[kept.len() - 1], &kept[1..kept.len() - 1]);
            let written = |order: &Vec<usize>| {
                let all: Vec<usize> = [0].into_iter().chain(order.iter().copied()).chain([last]).collect();
                let edges: Vec<bool> = all.iter().flat_map(|from| all.iter().map(|to| edge(*from, *to))).collect();
                (order.iter().map(|vertex| label(*vertex)).collect::<Vec<_>>(), edges)
            };
            cells.insert(orders(middle).iter().map(written).min());
        }
        assert_eq!(fingerprints.len(), cells.len(), "{vertices} vertices");
    }
}

#[test]
fn nas_bench_101_draws_valid_cells_only() {
    let space = space("nas-bench-101", &[], [3, 32, 32], 10);
    for seed in 0..500 {
        space.build(&space.sample(seed)).unwrap().validate().unwrap();
    }
}

#[test]
fn sizes_are_the_papers() {
    let size = |name| space(name, &[], [3, 32, 32], 10).size();
    // 6 operations for each of 12 layers, and each pair of layers joined or not.
    assert_eq!(size("enas-macro"), Size::Points(6_u128.pow(12) << 66));
    assert_eq!(space("nasnet", &[], [3, 32, 32], 10).decisions().len(), 40);
    // 21 blocks of which those that can be left out have a seventh choice.
    assert_eq!(size("proxylessnas"), Size::Points(6_u128.pow(6) * 7_u128.pow(15)));
    assert_eq!(space("proxylessnas", &[], [3, 32, 32], 10).decisions().len(), 21);
    // Six motifs of 6 edges and one of 10, with 7 choices each.
    assert_eq!(space("hierarchical", &[], [3, 32, 32], 10).decisions().len(), 46);
    assert_eq!(size("densenet-cells"), Size::Points(7_u128.pow(6)));
}
