//! Spaces that no network comes of are refused, with the place or the node.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::Arc;

use archwright_space::{Architecture, Context, Definition, Scalar, SearchSpace, Space, SpaceError, Value};

/// A space with `layers` in a chain before the classifier, and further modules.
fn source(layers: &str, modules: &str) -> String {
    format!(
        "name = \"test\"\nnetwork = \"network\"\n\n[module.network]\nkind = \"chain\"\nlayers = [\n{layers},\n\
         \"global-avg-pool\", {{ op = \"linear\", features = \"classes\" }}]\n\n{modules}\n"
    )
}

fn space(source: &str) -> Result<Space, SpaceError> {
    let definition = Definition::parse(source).unwrap_or_else(|diagnostic| panic!("{diagnostic}"));
    Space::new(Arc::new(definition), Context::full(vec![3, 16, 16], 10))
}

/// What is said of a layer that no network can have: when the file is read, or when the space is made.
fn refused(layer: &str, modules: &str) -> String {
    match Definition::parse(&source(layer, modules)) {
        Err(diagnostic) => diagnostic.to_string(),
        Ok(definition) => Space::new(Arc::new(definition), Context::full(vec![3, 16, 16], 10)).unwrap_err().to_string(),
    }
}

#[test]
fn numbers_that_no_network_can_have_are_refused_where_they_stand() {
    let cases = [
        ("{ op = \"conv2d\", kernel = 1, channels = 0 }", "7:41: `channels` has to be at least 1, not 0"),
        ("{ op = \"conv2d\", kernel = [1, 0], channels = 1 }", "7:31: `kernel` has to be at least 1, not 0"),
        ("{ op = \"conv2d\", kernel = 1, stride = 0 }", "7:39: `stride` has to be at least 1, not 0"),
        ("{ op = \"conv2d\", kernel = 1, groups = 0 }", "7:39: `groups` has to be at least 1, not 0"),
        ("{ op = \"conv2d\", kernel = 1, padding = -1 }", "7:40: `padding` has to be at least 0, not -1"),
        ("{ op = \"conv2d\", kernel = { choose = [0, 3] } }", "7:27: `kernel` has to be at least 1, not 0"),
        ("{ op = \"max-pool\", kernel = 0 }", "7:29: `kernel` has to be at least 1, not 0"),
        ("{ op = \"zero\", stride = 0 }", "7:25: `stride` has to be at least 1, not 0"),
        (
            "{ op = \"conv2d\", kernel = 1, channels = \"few\" }",
            "7:41: `channels` has to be at least 1, but `few` is -2",
        ),
        ("{ module = \"one\", repeat = 100000000 }", "7:28: `repeat` has to be at most 20000, not 100000000"),
        ("{ module = \"one\", repeat = \"some\" }", "7:28: `repeat` has to be at least 0, but `some` can be -1"),
    ];
    let modules = "[module.one]\nkind = \"chain\"\nlayers = [\"relu\"]\n\
                   [numbers]\nfew = { minus = [1, 3] }\nsome = { integer = [-1, 3] }";
    for (layer, expected) in cases {
        assert_eq!(refused(layer, modules), expected, "{layer}");
    }
}

#[test]
fn a_space_none_of_whose_networks_can_be_built_is_refused_with_the_node() {
    let cases = [
        (
            "{ op = \"conv2d\", kernel = 1, channels = 4, groups = 2 }",
            "node `1/conv2d` (conv2d): 2 groups have to divide both 3 channels in and 4 out",
        ),
        (
            "{ op = \"conv2d\", kernel = 19, channels = 4, padding = 1 }",
            "node `1/conv2d` (conv2d): a window of 19 does not fit into 16 pixels padded by 1",
        ),
        (
            "{ op = \"conv2d\", kernel = 1, channels = { minus = [\"in\", 5] } }",
            "node `1` (channels): -2 is not 0 to 4294967295",
        ),
        ("{ module = \"half\" }", "node `1/half/add` (add): its inputs differ in shape: 3x16x16 and 3x8x8"),
    ];
    let modules =
        "[module.half]\nkind = \"branches\"\nbranches = [\"relu\", { op = \"max-pool\", kernel = 3, stride = 2 }]";
    for (layer, expected) in cases {
        assert_eq!(refused(layer, modules), expected, "{layer}");
    }
}

#[test]
fn a_space_some_of_whose_networks_can_be_built_is_one() {
    // A kernel of 19 does not fit.
    let space =
        space(&source("{ op = \"conv2d\", kernel = { choose = [17, 19] }, channels = 4, padding = 1 }", "")).unwrap();
    let built = |index| space.build(&Architecture::Point(vec![Value::Index(index)])).is_ok();
    assert_eq!((built(0), built(1)), (true, false));
}

#[test]
fn networks_give_a_score_for_each_class() {
    let output = |layer: &str| {
        let text = format!("name = \"t\"\nnetwork = \"a\"\n[module.a]\nkind = \"chain\"\nlayers = [{layer}]");
        space(&text).unwrap_err().to_string()
    };
    assert_eq!(
        output("\"global-avg-pool\", { op = \"linear\", features = 12 }"),
        "node `2/linear` (linear): the output gives 12 scores; it has to give 10 scores, one for each class"
    );
    assert_eq!(
        output("\"global-avg-pool\""),
        "node `global-avg-pool` (global-avg-pool): the output gives 3 scores; it has to give 10 scores, one for each class"
    );
    assert!(output("\"relu\"").contains("one score per class"));
    let head = "{ auxiliary = [\"global-avg-pool\", { op = \"linear\", features = 4 }] }";
    let error = output(&format!("{head}, \"global-avg-pool\", {{ op = \"linear\", features = \"classes\" }}"));
    assert!(error.contains("an auxiliary head gives 4 scores; it has to give 10 scores"), "{error}");
}

#[test]
fn recipes_tell_their_extremes() {
    let recipe = "[recipe]\nepochs = 3\nlearning_rate = { real = [0.1, 1] }\nbatch_size = { integer = [8, 16] }\n\
                  optimizer = { choose = [\"sgd\", \"adamw\"] }\nmixup = { choose = [0, 0.5] }";
    let definition = Definition::parse(&source("\"relu\"", recipe)).unwrap();
    let text = |text: &str| Scalar::Text(text.into());
    let expected = [
        ("epochs", vec![Scalar::Integer(3)]),
        ("learning_rate", vec![Scalar::Real(0.1), Scalar::Real(1.0)]),
        ("batch_size", vec![Scalar::Integer(8), Scalar::Integer(16)]),
        ("optimizer", vec![text("sgd"), text("adamw")]),
        ("mixup", vec![Scalar::Integer(0), Scalar::Real(0.5)]),
    ]
    .map(|(key, values)| (key.to_owned(), values));
    assert_eq!(definition.recipe_extremes(), expected);
}
