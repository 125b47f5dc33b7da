//! The declarative format: what modules mean, and what is said of mistakes.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use archwright_space::{Architecture, Context, Definition, Domain, Network, Op, Scalar, Size, Space, Value, bundled};
use proptest::prelude::*;

/// A space with `layers` in a chain before the classifier, and further modules.
fn source(layers: &str, modules: &str) -> String {
    format!(
        "name = \"test\"\nnetwork = \"network\"\n\n[module.network]\nkind = \"chain\"\nlayers = [\n{layers},\n\
         \"global-avg-pool\", {{ op = \"linear\", features = \"classes\" }}]\n\n{modules}\n"
    )
}

fn space(source: &str) -> Space {
    let definition = Definition::parse(source).unwrap_or_else(|diagnostic| panic!("{diagnostic}"));
    Space::new(Arc::new(definition), Context::full(vec![3, 16, 16], 10)).unwrap()
}

/// The name of a decision, and the decisions it depends on with their values.
type Conditions<'a> = (&'a str, Vec<(usize, &'a [u32])>);

fn conditions(space: &Space) -> Vec<Conditions<'_>> {
    space
        .decisions()
        .iter()
        .map(|decision| {
            let list = decision.active_when.iter().map(|condition| (condition.decision, &condition.any_of[..]));
            (decision.name.as_str(), list.collect())
        })
        .collect()
}

/// Every sample builds, and decisions that are inactive do not matter because they are not there.
fn all_build(space: &Space) {
    for seed in 0..50 {
        let sample = space.sample(seed);
        space.build(&sample).unwrap_or_else(|error| panic!("{:?}: {error}", space.label(&sample)));
    }
}

fn ops(network: &Network) -> Vec<&'static str> {
    network.nodes.iter().map(|node| node.op.name()).collect()
}

#[test]
fn shared_modules_decide_once_and_independent_ones_each_time() {
    let conv =
        "[module.conv]\nkind = \"chain\"\nlayers = [{ op = \"conv2d\", kernel = { choose = [1, 3] }, channels = 8 }]";
    let shared = space(&source("\"conv\", \"conv\"", conv));
    assert_eq!(shared.decisions().len(), 1);
    let own = "{ module = \"conv\", independent = true }";
    let independent = space(&source(&format!("{own}, {own}"), conv));
    assert_eq!(independent.decisions().len(), 2);
    assert_eq!(shared.size(), Size::Points(2));
    assert_eq!(independent.size(), Size::Points(4));
    all_build(&independent);
}

#[test]
fn a_module_used_in_several_alternatives_is_decided_where_any_is_chosen() {
    let modules = r#"
        [module.wide]
        kind = "chain"
        layers = [{ op = "conv2d", kernel = 1, channels = { choose = [8, 16] } }]
        [module.both]
        kind = "chain"
        layers = ["wide", "relu"]
    "#;
    // `wide` is used under one condition, and under another through `both`, which itself is used under two.
    let layers = r#"
        { name = "first", choose = { none = "identity", wide = "wide", both = "both" } },
        { name = "second", choose = { both = "both", none = "identity" } }
    "#;
    let space = space(&source(layers, modules));
    all_build(&space);
    assert_eq!(
        conditions(&space),
        [("first", vec![]), ("wide/channels", vec![]), ("second", vec![])],
        "no decision stands for all uses of `wide`"
    );
}

#[test]
fn uses_under_one_decision_are_joined() {
    let modules = "[module.wide]\nkind = \"chain\"\n\
                   layers = [{ op = \"conv2d\", kernel = 1, channels = { choose = [8, 16] } }]";
    let layers = "{ name = \"which\", choose = { none = \"identity\", a = \"wide\", b = [\"relu\", \"wide\"] } }";
    let space = space(&source(layers, modules));
    assert_eq!(conditions(&space), [("which", vec![]), ("wide/channels", vec![(0, &[1, 2][..])])]);
    assert_eq!(space.size(), Size::Points(5));
    all_build(&space);
}

#[test]
fn modules_nested_in_shared_modules_follow_all_their_uses() {
    let modules = r#"
        [module.inner]
        kind = "chain"
        layers = [{ op = "conv2d", kernel = { choose = [1, 3] }, channels = 4 }]
        [module.outer]
        kind = "chain"
        layers = ["inner", "relu"]
    "#;
    let layers = r#"
        { name = "first", choose = { p = ["inner", "outer"], q = "identity" } },
        { name = "second", choose = { r = "outer", s = "identity" } }
    "#;
    all_build(&space(&source(layers, modules)));
}

#[test]
fn places_exist_up_to_the_length() {
    let layer = "[module.layer]\nkind = \"chain\"\nlayers = [{ choose = { relu = \"relu\", tanh = \"tanh\" }, name = \"type\" }]";
    let places =
        "{ places = { module = \"layer\", independent = true }, length = { integer = [0, 3], name = \"depth\" } }";
    let space = space(&source(places, layer));
    assert_eq!(
        conditions(&space),
        [
            ("depth", vec![]),
            ("layer-1/type", vec![(0, &[1, 2, 3][..])]),
            ("layer-2/type", vec![(0, &[2, 3][..])]),
            ("layer-3/type", vec![(0, &[3][..])]),
        ]
    );
    assert_eq!(space.size(), Size::Points(1 + 2 + 4 + 8));
    let build = |values: &[Value], depth_share| {
        let context = Context { depth_share, ..space.context().clone() };
        space.build_in(&Architecture::Point(values.to_vec()), &context).unwrap()
    };
    let three = [Value::Integer(3), Value::Index(0), Value::Index(1), Value::Index(0)];
    assert_eq!(ops(&build(&three, 1.0)), ["input", "relu", "tanh", "relu", "global-avg-pool", "linear"]);
    assert_eq!(ops(&build(&three, 0.4)), ["input", "relu", "global-avg-pool", "linear"]);
    let none = [Value::Integer(0), Value::Inactive, Value::Inactive, Value::Inactive];
    assert_eq!(ops(&build(&none, 1.0)), ["input", "global-avg-pool", "linear"]);
}

#[test]
fn cells_in_places_reach_back_to_the_two_before_them() {
    let cell = r#"
        [module.cell]
        kind = "nodes"
        inputs = 2
        vertices = 1
        picks = 2
        [module.cell.choices]
        relu = "relu"
    "#;
    let places = "{ op = \"conv2d\", kernel = 1, channels = 4 }, { places = \"cell\", length = 3 }";
    let space = space(&source(places, cell));
    let network = space.build(&space.sample(0)).unwrap();
    // Sums of the cells: of the stem twice, of the stem and the first cell, of the first and the second cell.
    let sums: Vec<usize> = (0..network.nodes.len()).filter(|index| network.nodes[*index].op == Op::Add).collect();
    let sources = |sum: usize| -> Vec<usize> {
        let relus = &network.nodes[sum].inputs;
        relus.iter().map(|relu| network.nodes[*relu].inputs[0]).collect()
    };
    assert_eq!(sources(sums[0]), [1, 1]);
    assert_eq!(sources(sums[1]), [1, sums[0]]);
    assert_eq!(sources(sums[2]), [sums[0], sums[1]]);
}

#[test]
fn widths_follow_their_share_once() {
    let layers = "{ op = \"conv2d\", kernel = 1, channels = 10 }, { op = \"conv2d\", kernel = 1, channels = { times = [\"in\", 2] } }";
    let space = space(&source(layers, ""));
    let context = Context { width_share: 0.5, ..space.context().clone() };
    let network = space.build_in(&space.sample(0), &context).unwrap();
    let widths: Vec<u32> = network
        .nodes
        .iter()
        .filter_map(|node| match node.op {
            Op::Conv2d { out_channels, .. } => Some(out_channels),
            _ => None,
        })
        .collect();
    assert_eq!(widths, [5, 10]);
}

#[test]
fn recipes_and_numbers_are_decisions() {
    let text = r#"
        name = "joint"
        summary = "A line."
        references = ["arXiv:1807.06906"]
        network = "network"
        [options]
        base = 4
        [numbers]
        width = { choose = [1, 2] }
        channels = { times = ["width", "base"] }
        [recipe]
        learning_rate = { real = [0.001, 0.1], log = true }
        batch_size = { choose = [32, 64] }
        optimizer = { choose = ["sgd", "adam"] }
        nesterov = true
        [module.network]
        kind = "chain"
        layers = [{ op = "conv2d", kernel = 1, channels = "channels" }, "global-avg-pool", { op = "linear", features = "classes" }]
    "#;
    let definition = Definition::parse(text).unwrap();
    assert_eq!((definition.name(), definition.summary()), ("joint", "A line."));
    assert_eq!(definition.references(), ["arXiv:1807.06906"]);
    let options = BTreeMap::from([("base".to_owned(), Scalar::Integer(6))]);
    let other = Definition::parse_with(text, &options).unwrap();
    assert_eq!(other.options(), &options);
    let space = Space::new(Arc::new(other), Context::full(vec![1, 4, 4], 2)).unwrap();
    let names: Vec<&str> = space.decisions().iter().map(|decision| decision.name.as_str()).collect();
    assert_eq!(names, ["width", "recipe/learning_rate", "recipe/batch_size", "recipe/optimizer"]);
    assert_eq!(space.size(), Size::Infinite);
    let values = vec![Value::Index(1), Value::Real(0.01), Value::Index(1), Value::Index(1)];
    let point = Architecture::Point(values);
    let recipe = space.recipe(&point).unwrap();
    assert_eq!(recipe["learning_rate"], Scalar::Real(0.01));
    assert_eq!(recipe["batch_size"], Scalar::Integer(64));
    assert_eq!(recipe["optimizer"], Scalar::Text("adam".into()));
    assert_eq!(recipe["nesterov"], Scalar::Boolean(true));
    assert!(matches!(space.build(&point).unwrap().nodes[1].op, Op::Conv2d { out_channels: 12, .. }));
    // The recipe counts for whether architectures are the same.
    let faster = Architecture::Point(vec![Value::Index(1), Value::Real(0.1), Value::Index(1), Value::Index(1)]);
    assert_ne!(space.fingerprint(&point).unwrap(), space.fingerprint(&faster).unwrap());
}

#[test]
fn inputs_too_small_are_refused_when_built() {
    let space = space(&source("{ op = \"conv2d\", kernel = 9, channels = 4, padding = 0 }", ""));
    let small = Context::full(vec![1, 4, 4], 10);
    let error = space.build_in(&space.sample(0), &small).unwrap_err().to_string();
    assert_eq!(error, "node `1/conv2d` (conv2d): a window of 9 does not fit into 4 pixels padded by 0");
}

/// Mistakes, and what is said of them.
#[test]
fn mistakes_are_told_with_place_and_remedy() {
    let network = |text: &str| format!("name = \"t\"\nnetwork = \"a\"\n[module.a]\n{text}\n");
    let cases = [
        ("name = \"t\"", "1:1: `network` is missing"),
        ("name = 3", "1:8: `name` has to be text, not an integer"),
        ("name = \"a b\"", "1:8: a name has 1 to 64 letters, digits, `_`, `-`, `+` or `.`"),
        ("name = \"t\"\nnetwork = \"a\"", "1:1: `module` is missing"),
        ("name = ", "1:8: string values must be quoted, expected literal string"),
        (
            &network("kind = \"chian\"\nlayers = [\"relu\"]"),
            "4:8: unknown kind of module `chian` (did you mean `chain`?)",
        ),
        (&network("kind = \"chain\""), "3:1: `layers` is missing"),
        (&network("kind = \"chain\"\nlayer = [\"relu\"]"), "5:1: unknown key `layer` (did you mean `layers`?)"),
        (
            &network("kind = \"chain\"\nlayers = [{ op = \"conv2d\", kernal = 3, channels = 3 }]"),
            "5:28: unknown key `kernal` (did you mean `kernel`?)",
        ),
        (&network("kind = \"chain\"\nlayers = []"), "5:10: `layers` is empty"),
        (
            &network("kind = \"chain\"\nlayers = [\"relu\"]\nlayer = 3"),
            "6:1: unknown key `layer` (did you mean `layers`?)",
        ),
        (
            &network("kind = \"chain\"\nlayers = [\"rleu\"]"),
            "5:11: unknown operation or module `rleu` (did you mean `relu`?)",
        ),
        (
            &network("kind = \"chain\"\nlayers = [\"batchnorm\"]"),
            "5:11: unknown operation or module `batchnorm` (did you mean `batch-norm`?)",
        ),
        (&network("kind = \"chain\"\nlayers = [\"xyzzy\"]"), "5:11: unknown operation or module `xyzzy` (known: `a`)"),
        (
            &network("kind = \"chain\"\nlayers = [{ module = \"batchnorm\" }]"),
            "5:22: unknown module `batchnorm` (known: `a`)",
        ),
        (
            &network("kind = \"chain\"\nlayers = [\"conv2d\"]"),
            "5:11: `conv2d` needs attributes: write { op = \"conv2d\", ... }",
        ),
        (
            &network("kind = \"chain\"\nlayers = [{ op = \"conv2\", kernel = 3 }]"),
            "5:18: unknown operation `conv2` (did you mean `conv2d`?)",
        ),
        (
            &network("kind = \"chain\"\nlayers = [{ op = \"conv2d\", kernel = 3, chanels = 3 }]"),
            "5:40: unknown key `chanels` (did you mean `channels`?)",
        ),
        (
            &network("kind = \"chain\"\nlayers = [{ op = \"conv2d\", kernel = 3, channels = \"clases\" }]"),
            "5:51: unknown number `clases` (did you mean `classes`?)",
        ),
        (
            &network("kind = \"chain\"\nlayers = [{ op = \"conv2d\", kernel = 2.5, channels = 3 }]"),
            "5:37: `kernel` has to be an integer, a name or a table that decides it, not a real number",
        ),
        (&network("kind = \"chain\"\nlayers = [\"a\"]"), "5:11: `a` holds itself: a -> a"),
        (&network("kind = \"chain\"\nlayers = [{ choose = {} }]"), "5:22: a choice needs at least one alternative"),
        (
            &network("kind = \"chain\"\nlayers = [{ op = \"dropout\", rate = 1.0 }]"),
            "5:36: `rate` has to be at least 0 and below 1",
        ),
        (&network("kind = \"edges\"\nvertices = 1\nchoices = { a = \"relu\" }"), "5:12: `vertices` has to be 2 to 64"),
        (
            &network("kind = \"edges\"\nvertices = 3\nnothing = \"non\"\nchoices = { none = \"relu\" }"),
            "6:11: unknown choice `non` (did you mean `none`?)",
        ),
        (
            &network("kind = \"nodes\"\ninputs = 1\nvertices = 2\npicks = 2\nchoices = { a = \"relu\" }"),
            "7:9: the first vertex has 1 inputs to pick from, fewer than 2 picks",
        ),
        (
            &network("kind = \"chain\"\nlayers = [{ places = \"relu\", length = { integer = [-1, 3] } }]"),
            "5:39: `length` has to be 0 to 256",
        ),
        (
            &network("kind = \"chain\"\nlayers = [\"relu\"]\n[recipe]\nlearning_rate = { real = [0, 1], log = true }"),
            "7:26: a log scale needs `low` above 0",
        ),
        (
            &network(
                "kind = \"chain\"\nlayers = [\"relu\"]\n[numbers]\na = { times = [\"b\", 2] }\nb = { plus = [\"a\", 1] }",
            ),
            "7:5: `a` holds itself: a -> b -> a",
        ),
    ];
    for (text, expected) in cases {
        let diagnostic = Definition::parse(text).unwrap_err();
        assert_eq!(diagnostic.to_string(), expected, "{text}");
    }
}

#[test]
fn options_are_checked() {
    let text = bundled::source("darts").unwrap();
    let with = |name: &str, value| {
        let options = BTreeMap::from([(name.to_owned(), value)]);
        Definition::parse_with(text, &options).unwrap_err().to_string()
    };
    assert_eq!(with("chanels", Scalar::Integer(3)), "1:1: unknown option `chanels` (did you mean `channels`?)");
    let range = |name: &str, option: &str, value| {
        let options = BTreeMap::from([(option.to_owned(), Scalar::Integer(value))]);
        Definition::parse_with(bundled::source(name).unwrap(), &options).unwrap_err().to_string()
    };
    for (name, option, value, expected) in [
        ("nas-bench-201", "cells", 0, "constraint: the number `cells` is 0, not at least 1"),
        ("nas-bench-201", "cells", 100_000_000, "has to be at most 20000, but the option `cells` is 100000000"),
        ("nas-bench-201", "channels", -3, "`channels` has to be at least 1, but the option `channels` is -3"),
        ("darts", "cells", 2, "constraint: the number `cells` is 2, not at least 3"),
        ("darts", "channels", 0, "`channels` has to be at least 1, not 0"),
    ] {
        let error = range(name, option, value);
        assert!(error.ends_with(expected), "{error}");
    }
    assert!(
        with("channels", Scalar::Text("wide".into())).ends_with("the option `channels` has to be an integer, not text")
    );
}

/// Files that would come to far more than they say are refused, quickly.
#[test]
fn files_cannot_blow_up() {
    let mut cases = Vec::new();
    // Each module uses the next one twice, independently.
    let mut doubling = String::new();
    for index in 0..40 {
        let next = format!("{{ module = \"m{}\", independent = true }}", index + 1);
        write!(doubling, "[module.m{index}]\nkind = \"chain\"\nlayers = [{next}, {next}]\n").unwrap();
    }
    doubling.push_str("[module.m40]\nkind = \"chain\"\nlayers = [{ choose = { a = \"relu\", b = \"tanh\" } }]\n");
    cases.push(source("\"m0\"", &doubling));
    // Each number names the next one twice.
    let mut numbers = String::from("[numbers]\n");
    for index in 0..40 {
        writeln!(numbers, "n{index} = {{ plus = [\"n{0}\", \"n{0}\"] }}", index + 1).unwrap();
    }
    numbers.push_str("n40 = 1\n");
    cases.push(source("\"relu\"", &numbers));
    // A long row of numbers, and of modules, each of which needs the next.
    let mut row = String::from("[numbers]\n");
    for index in 0..5_000 {
        writeln!(row, "n{index} = {{ plus = [\"n{}\", 1] }}", index + 1).unwrap();
    }
    row.push_str("n5000 = 1\n");
    cases.push(source("\"relu\"", &row));
    let mut deep = String::new();
    for index in 0..5_000 {
        write!(deep, "[module.m{index}]\nkind = \"chain\"\nlayers = [\"m{}\"]\n", index + 1).unwrap();
    }
    deep.push_str("[module.m5000]\nkind = \"chain\"\nlayers = [\"relu\"]\n");
    cases.push(source("\"m0\"", &deep));
    // Lists in lists.
    cases.push(source(&format!("{}\"relu\"{}", "[".repeat(60), "]".repeat(60)), ""));
    cases.push(source(&format!("{}\"relu\"{}", "[".repeat(100_000), "]".repeat(100_000)), ""));
    // Many labels on many edges.
    let choices: String = (0..10_000).map(|label| format!("l{label} = \"relu\"\n")).collect();
    let edges = format!("[module.cell]\nkind = \"edges\"\nvertices = 64\n[module.cell.choices]\n{choices}");
    cases.push(source("\"cell\"", &edges));
    let nodes = "[module.cell]\nkind = \"nodes\"\ninputs = 64\nvertices = 64\npicks = 32\nchoices = { a = \"relu\" }";
    cases.push(source("\"cell\"", nodes));
    let nodes = nodes.replace("picks = 32", "picks = 2");
    let own = "{ module = \"cell\", independent = true }";
    cases.push(source(&[own; 20].join(", "), &nodes));
    // Places in places in places.
    let places = |inner: &str| format!("{{ places = {inner}, length = {{ integer = [0, 200] }} }}");
    cases.push(source(&places(&places(&places("\"relu\""))), ""));
    cases.push("#".repeat((1 << 20) + 1));
    for (index, case) in cases.iter().enumerate() {
        assert!(Definition::parse(case).is_err(), "case {index}");
    }
}

/// Networks that would come to far more nodes or steps than any machine can train are refused, quickly.
#[test]
fn networks_cannot_blow_up() {
    let modules = r#"
        [module.a]
        kind = "chain"
        layers = [{ module = "b", repeat = 1000000 }]
        [module.b]
        kind = "chain"
        layers = [{ module = "c", repeat = 1000000 }]
        [module.c]
        kind = "chain"
        layers = [{ places = "relu", length = 0 }]
        [module.d]
        kind = "chain"
        layers = ["relu"]
    "#;
    let huge = [
        "\"a\"",
        "{ module = \"d\", repeat = 1000000 }",
        "{ op = \"conv2d\", kernel = 1, channels = 4000000000 }",
        "{ op = \"conv2d\", kernel = 1, channels = { times = [4000000000, 4000000000, 4000000000] } }",
        "{ op = \"conv2d\", kernel = 4000000000, channels = 1 }",
        "{ op = \"conv2d\", kernel = 4294967295, dilation = 4294967295, channels = 1, padding = 4294967295 }",
        "{ op = \"conv2d\", kernel = 1, stride = 0, channels = 1 }",
        "{ op = \"conv2d\", kernel = 1, groups = 0, channels = 1 }",
        "{ op = \"max-pool\", kernel = 0 }",
        "{ op = \"conv2d\", kernel = 1, channels = { divide = [1, 0] } }",
        "{ op = \"conv2d\", kernel = 1, channels = -1 }",
    ];
    for layer in huge {
        let Ok(definition) = Definition::parse(&source(layer, modules)) else { continue };
        assert!(Space::new(Arc::new(definition), Context::full(vec![3, 16, 16], 10)).is_err(), "{layer}");
    }
}

fn sources() -> impl Strategy<Value = &'static str> {
    prop::sample::select(bundled::names().iter().map(|name| bundled::source(name).unwrap()).collect::<Vec<_>>())
}

/// Reads a file; where that works, everything else must not panic either.
fn exercise(text: &str) {
    let Ok(definition) = Definition::parse(text) else { return };
    let Ok(space) = Space::new(Arc::new(definition), Context::full(vec![1, 8, 8], 10)) else { return };
    let sample = space.sample(0);
    space.check(&sample).unwrap();
    space.size();
    let _ = space.recipe(&sample);
    let _ = space.encode(&sample, archwright_space::Encoding::Path);
    let _ = space.profile(&sample);
    let _ = space.open();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_panic(text in ".{0,300}") {
        let _ = Definition::parse(&text);
    }

    #[test]
    fn cut_files_are_read_without_panic(text in sources(), end: prop::sample::Index) {
        exercise(&String::from_utf8_lossy(&text.as_bytes()[..end.index(text.len())]));
    }

    #[test]
    fn files_with_other_bytes_are_read_without_panic(
        text in sources(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = text.as_bytes().to_vec();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        exercise(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn files_with_other_words_are_read_without_panic(
        text in sources(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        // Words swapped with others of the file: more of these are still files.
        let mut words: Vec<&str> = text.split_inclusive(|char: char| !char.is_alphanumeric() && char != '_').collect();
        for (left, right) in changes {
            let (left, right) = (left.index(words.len()), right.index(words.len()));
            words[left] = words[right];
        }
        exercise(&words.concat());
    }

    #[test]
    fn files_with_other_numbers_are_read_without_panic(text in sources(), which: prop::sample::Index, number: i64) {
        let numbers: Vec<usize> = text
            .char_indices()
            .filter(|(index, char)| char.is_ascii_digit() && text[..*index].ends_with(' '))
            .map(|(index, _)| index)
            .collect();
        let index = numbers[which.index(numbers.len())];
        let end = text[index..].find(|char: char| !char.is_ascii_digit()).map_or(text.len(), |end| index + end);
        exercise(&format!("{}{number}{}", &text[..index], &text[end..]));
    }
}

#[test]
fn domains_of_written_numbers() {
    let layer = |number: &str| source(&format!("{{ op = \"conv2d\", kernel = 1, channels = {number} }}"), "");
    let domain = |number: &str| space(&layer(number)).decisions()[0].domain.clone();
    assert_eq!(domain("{ choose = [8, 16] }"), Domain::Ordinal(vec![8.0, 16.0]));
    assert_eq!(domain("{ integer = [1, 64], log = true }"), Domain::Integer { low: 1, high: 64, log_scale: true });
    assert!(Definition::parse(&layer("{ real = [0.5, 1.0] }")).is_err());
    assert!(Definition::parse(&layer("{ choose = [\"a\"] }")).is_err());
}
