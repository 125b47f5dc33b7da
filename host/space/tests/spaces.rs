//! The bundled spaces are those of the papers.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use archwright_space::{Architecture, Context, Definition, Scalar, Size, Space, Value, bundled};

fn space(name: &str, options: &[(&str, i64)], input: [u32; 3], classes: u32) -> Space {
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), Scalar::Integer(*value))).collect();
    let definition = Definition::parse_with(bundled::source(name).unwrap(), &options).unwrap();
    Space::new(Arc::new(definition), Context::full(input.to_vec(), classes)).unwrap()
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
    assert_eq!(network.nodes.iter().filter(|node| node.op == archwright_space::Op::Auxiliary).count(), 1);
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
        for input in [[1, 8, 8], [1, 28, 28], [3, 32, 32]] {
            let space = space(name, &[], input, 10);
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
