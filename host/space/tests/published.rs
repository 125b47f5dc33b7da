//! Published architectures are points of the bundled spaces, with the papers' parameters; texts of the field say which.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use archwright_space::genotype::Genotype;
use archwright_space::published;
use archwright_space::{Context, Definition, Op, Scalar, Space, bundled};
use proptest::prelude::*;

fn cifar() -> Context {
    Context::full(vec![3, 32, 32], 10)
}

fn space(name: &str, options: &[(&str, i64)]) -> Space {
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), Scalar::Integer(*value))).collect();
    let definition = Definition::parse_with(bundled::source(name).unwrap(), &options).unwrap();
    let context = if name == "rnn-cell" { Context::full(vec![1], 50) } else { cifar() };
    Space::new(Arc::new(definition), context).unwrap()
}

/// Parameters of convolutions with kernels above 1x1 or several groups, and so on, are all counted: weights, biases, and
/// scale and shift of batch norms; auxiliary heads are not.
#[test]
fn published_architectures_have_the_papers_parameters() {
    let mut counted = BTreeMap::new();
    for name in published::names() {
        let one = published::get(name).unwrap();
        let space = one.space(cifar()).unwrap();
        let point = one.locate(&space).unwrap();
        let parameters = space.profile(&point).unwrap().parameters;
        counted.insert(name, parameters);
        if let Some(millions) = one.parameters {
            let share = parameters as f64 / 1e6 / millions;
            assert!((share - 1.0).abs() <= 0.02, "{name}: {parameters}, published {millions} M");
        }
    }
    // By hand: He et al.'s network with zeros for new channels, Huang et al.'s without bottlenecks.
    assert_eq!(counted["resnet-20"], 269_722);
    assert_eq!(counted["densenet-40-12"], 1_019_722);
    assert_eq!(counted["darts-v2"], 3_349_342);
    // The sizes that the authors' code for NASNet-A and AmoebaNet-A gives, computed apart from this crate.
    assert_eq!(counted["nasnet-a"], 3_328_234);
    assert_eq!(counted["amoebanet-a"], 3_207_106);
}

#[test]
fn the_best_cell_of_nas_bench_201_is_the_published_one() {
    let one = published::get("nas-bench-201-best").unwrap();
    let space = one.space(cifar()).unwrap();
    let point = one.locate(&space).unwrap();
    assert_eq!(
        Genotype::of(&space, &point).unwrap().to_string(),
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
    );
}

#[test]
fn texts_print_as_they_were_written() {
    for text in [
        "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1), \
         ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)], \
         normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), \
         ('sep_conv_5x5', 2), ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)], \
         reduce_concat=range(2, 6))",
        "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), ('sigmoid', 5), \
         ('tanh', 3), ('relu', 5)], concat=range(1, 9))",
        "|nor_conv_1x1~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|",
        "ModelSpec(matrix=[[0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], ops=['input', 'conv1x1-bn-relu', \
         'maxpool3x3', 'output'])",
        "{\"matrix\": [[0, 1], [0, 0]], \"ops\": [\"input\", \"output\"]}",
    ] {
        assert_eq!(Genotype::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn texts_are_read_as_python_reads_them() {
    let plain = Genotype::parse("ModelSpec(matrix=[[0, 1], [0, 0]], ops=['input', 'output'])").unwrap();
    for text in [
        " ModelSpec( [[0,1],[0,0]], [ \"input\", 'output', ] ) ",
        "ModelSpec(ops=('input','output'),matrix=((0,1),(0,0)))",
    ] {
        assert_eq!(Genotype::parse(text).unwrap(), plain, "{text}");
    }
}

#[test]
fn broken_texts_are_refused_in_words() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Genotype::parse(text).unwrap_err().to_string(), expected, "{text}");
    };
    check(
        "",
        "genotype, character 1: a genotype starts with `Genotype(` (DARTS), `|` (NAS-Bench-201), `ModelSpec(` or `{` (NAS-Bench-101)",
    );
    check("Genotype(normal=[('a', 0)", "genotype, character 26: `,` or `]` is missing");
    check(
        "Genotype(normal=[('a', 0)], normal_concat=7)",
        "genotype, character 1: `normal_concat` has to be range(2, 6) or a list of vertices",
    );
    check("|a~0|+|b~0|", "genotype, character 7: vertex 2 has 1 edges instead of 2");
    check("|a~1|", "genotype, character 1: `a~1` has to be an operation and its input: `operation~0`");
    check(
        "ModelSpec([[0, 0], [1, 0]], ['input', 'output'])",
        "genotype, character 1: `matrix` has to be 0 or 1 above the diagonal and 0 elsewhere",
    );
    check(
        "ModelSpec([[0, 1], [0, 0]], ['a', 'output'])",
        "genotype, character 1: `ops` has to start with `input` and to end with `output`",
    );
    check(
        &format!("ModelSpec({}", "[".repeat(100_000)),
        "genotype, character 18: brackets are nested more than 8 deep",
    );
}

#[test]
fn what_a_space_does_not_have_is_named() {
    let darts = space("darts", &[]);
    let check = |text: &str, space: &Space, expected: &str| {
        let error = Genotype::parse(text).unwrap().locate(space).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let pairs =
        |operation: &str, inputs: [usize; 8]| inputs.map(|input| format!("('{operation}', {input})")).join(", ");
    let genotype = |operation: &str, inputs: [usize; 8], concat: &str| {
        let pairs = pairs(operation, inputs);
        format!("Genotype(normal=[{pairs}], normal_concat={concat}, reduce=[{pairs}], reduce_concat={concat})")
    };
    let fine = [0, 1, 0, 1, 0, 1, 0, 1];
    check(&genotype("sep_conv_9x9", fine, "range(2, 6)"), &darts, "there is no operation `sep_conv_9x9` here");
    check(&genotype("sep_conv_3x3", [0, 1, 0, 0, 0, 1, 0, 1], "range(2, 6)"), &darts, "`0+0` is none of its values");
    check(&genotype("sep_conv_3x3", [0, 1, 0, 1, 0, 1, 0, 9], "range(2, 6)"), &darts, "`0+9` is none of its values");
    check(&genotype("sep_conv_3x3", fine, "range(3, 6)"), &darts, "this space stacks [2, 3, 4, 5]");
    check("|none~0|", &darts, "no single cell with operations on its edges");
    check("|none~0|", &space("nas-bench-201", &[]), "the genotype has 2 vertices, a cell of this space 4");
}

#[test]
fn a_cell_of_one_edge_is_no_matrix() {
    let text = r#"
        name = "edge"
        network = "network"
        [module.network]
        kind = "chain"
        layers = ["cell", "global-avg-pool", { op = "linear", features = "classes" }]
        [module.cell]
        kind = "edges"
        vertices = 2
        choices = { skip = "identity", relu = "relu" }
    "#;
    let space = Space::new(Arc::new(Definition::parse(text).unwrap()), cifar()).unwrap();
    let point = Genotype::parse("|relu~0|").unwrap().locate(&space).unwrap();
    assert_eq!(Genotype::of(&space, &point).unwrap().to_string(), "|relu~0|");
}

#[test]
fn a_small_cell_of_nas_bench_101_has_its_channels() {
    // A 3x3 convolution and a pooling side by side: 65 + 64 of 129 channels, the pooling behind a projection.
    let text = "ModelSpec(matrix=[[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], \
                ops=['input', 'conv3x3-bn-relu', 'maxpool3x3', 'output'])";
    let space = space("nas-bench-101", &[("channels", 129), ("cells", 1)]);
    let point = Genotype::parse(text).unwrap().locate(&space).unwrap();
    assert_eq!(Genotype::of(&space, &point).unwrap().to_string(), text);
    let network = space.build(&point).unwrap();
    let first: Vec<u32> = network
        .nodes
        .iter()
        .filter(|node| node.name.contains("cell-1/"))
        .filter_map(|node| match node.op {
            Op::Conv2d { out_channels, .. } => Some(out_channels),
            _ => None,
        })
        .take(3)
        .collect();
    assert_eq!(first, [65, 65, 64]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn points_and_texts_are_the_same(seed in any::<u64>()) {
        let names =
            ["darts", "nasnet", "amoebanet", "pnas", "enas-micro", "nas-bench-201", "nas-bench-101", "densenet-cells", "rnn-cell"];
        for name in names {
            let space = space(name, &[]);
            let point = space.sample(seed);
            let genotype = Genotype::of(&space, &point).unwrap();
            prop_assert_eq!(&Genotype::parse(&genotype.to_string()).unwrap(), &genotype);
            let back = genotype.locate(&space).unwrap();
            // Vertices that join nothing have no place in a matrix.
            if name == "nas-bench-101" {
                prop_assert_eq!(space.fingerprint(&back).unwrap(), space.fingerprint(&point).unwrap());
            } else {
                prop_assert_eq!(back, point, "{}", name);
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\](){}|~+,=:'\"0-9a-z_ ]{0,60}", prefix in 0..4usize) {
        let text = format!("{}{text}", ["", "Genotype(", "ModelSpec(", "|"][prefix]);
        if let Ok(genotype) = Genotype::parse(&text) {
            let again = Genotype::parse(&genotype.to_string());
            prop_assert_eq!(again, Ok(genotype));
        }
    }

    #[test]
    fn labels_say_which_point_it_is(seed in any::<u64>()) {
        for name in bundled::names() {
            let space = space(name, &[]);
            let point = space.sample(seed);
            let labels: BTreeMap<String, String> = space.label(&point).into_iter().collect();
            prop_assert_eq!(space.point_of(&labels).unwrap(), point);
        }
    }
}

#[test]
fn labels_that_say_nothing_are_refused() {
    let space = space("nas-bench-201", &[]);
    let mut labels: BTreeMap<String, String> = space.label(&space.sample(1)).into_iter().collect();
    let check = |labels: &BTreeMap<String, String>, expected: &str| {
        assert_eq!(space.point_of(labels).unwrap_err().to_string(), expected);
    };
    labels.insert("cell/edge-0-9".into(), "none".into());
    check(&labels, "decision `cell/edge-0-9`: this space has no such decision; did you mean `cell/edge-0-3`?");
    labels.remove("cell/edge-0-9");
    labels.insert("cell/edge-0-1".into(), "nothing".into());
    check(&labels, "decision `cell/edge-0-1`: `nothing` is none of its values");
    labels.remove("cell/edge-0-1");
    check(&labels, "decision `cell/edge-0-1`: it has no value");
}
