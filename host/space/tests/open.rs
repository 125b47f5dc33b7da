//! Mixtures of all networks of a space, and what becomes of them where one alternative has all of the probability.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use archwright_space::{
    Architecture, Context, Definition, Domain, Network, Op, OpenNetwork, Scalar, Shape, Space, SpaceError, Value,
    bundled, rows,
};

fn definition(name: &str, options: &[(&str, i64)]) -> Definition {
    let text = bundled::source(name).unwrap();
    let known = Definition::parse(text).unwrap();
    let known = |key: &str| known.options().contains_key(key);
    let options = options.iter().filter(|(key, _)| known(key));
    let options = options.map(|(key, value)| ((*key).to_owned(), Scalar::Integer(*value))).collect();
    Definition::parse_with(text, &options).unwrap()
}

fn bundled_space(name: &str, options: &[(&str, i64)]) -> Space {
    let input = if name == "rnn-cell" { vec![1] } else { vec![3, 32, 32] };
    Space::new(Arc::new(definition(name, options)), Context::full(input, 10)).unwrap()
}

fn space(text: &str) -> Space {
    let definition = Definition::parse(text).unwrap_or_else(|diagnostic| panic!("{diagnostic}"));
    Space::new(Arc::new(definition), Context::full(vec![3, 16, 16], 10)).unwrap()
}

/// A space with `layers` in a chain before the classifier, and further modules.
fn chain(layers: &str, modules: &str) -> Space {
    space(&format!(
        "name = \"test\"\nnetwork = \"network\"\n[module.network]\nkind = \"chain\"\nlayers = [{layers}, \
         \"global-avg-pool\", {{ op = \"linear\", features = \"classes\" }}]\n{modules}\n"
    ))
}

/// The network that is left where the values' labels have all of the probability. Where all inputs of a sum are gone there
/// is none.
fn settled(open: &OpenNetwork, values: &[Value]) -> Network {
    let mut probabilities = vec![0; open.probabilities()];
    for row in &open.rows {
        if let Value::Index(label) = values[row.decision] {
            probabilities[row.offset + label as usize] = 1;
        }
    }
    let mut nodes = open.network.nodes.clone();
    for choice in &open.choices {
        let inputs = nodes[choice.node].inputs.clone();
        let coefficient = |terms: &Vec<usize>| terms.iter().map(|term| probabilities[*term]).sum::<u32>();
        let kept = inputs.into_iter().zip(&choice.terms).filter(|(_, terms)| coefficient(terms) == 1);
        nodes[choice.node].inputs = kept.map(|(input, _)| input).collect();
    }
    let mut live = vec![false; nodes.len()];
    let heads = (0..nodes.len()).filter(|index| matches!(nodes[*index].op, Op::Auxiliary | Op::SetState { .. }));
    let mut open: Vec<usize> = heads.chain([0, nodes.len() - 1]).collect();
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut live[index], true) {
            open.extend(&nodes[index].inputs);
        }
    }
    let mut places = vec![0; nodes.len()];
    let mut kept = Vec::new();
    for (index, mut node) in nodes.into_iter().enumerate().filter(|(index, _)| live[*index]) {
        assert!(!node.inputs.is_empty() || matches!(node.op, Op::Input { .. } | Op::State { .. }), "{}", node.name);
        node.inputs.iter_mut().for_each(|input| *input = places[*input]);
        places[index] = kept.len();
        kept.push(node);
    }
    let network = Network { nodes: kept }.simplify();
    network.validate().unwrap();
    network
}

/// Checks that random points are what the mixture settles to.
fn check_points(space: &Space, points: u64) {
    let open = space.open().unwrap();
    for seed in 0..points {
        let Architecture::Point(values) = space.sample(seed) else { panic!("no point") };
        let built = space.build(&Architecture::Point(values.clone())).unwrap();
        let settled = settled(&open, &values);
        assert_eq!(settled.fingerprint(), built.fingerprint(), "{values:?}");
        // Weights go by name and shape.
        let weights = |network: &Network| -> BTreeMap<String, Shape> {
            let shapes = network.shapes().unwrap();
            let trained = |op: &Op| matches!(op, Op::Conv2d { .. } | Op::BatchNorm { .. } | Op::Linear { .. });
            let nodes = network.nodes.iter().zip(shapes).filter(|(node, _)| trained(&node.op));
            nodes.map(|(node, shape)| (node.name.clone(), shape)).collect()
        };
        assert_eq!(weights(&settled), weights(&built));
    }
}

/// A bundled space whose networks are small.
fn small(name: &str) -> Space {
    let cells = if name.starts_with("darts") { 3 } else { 1 };
    let options =
        [("channels", 8), ("cells", cells), ("layers", 2), ("growth", 4), ("hidden_size", 8), ("embedding_size", 8)];
    bundled_space(name, &options)
}

#[test]
fn rows_are_those_of_categorical_decisions() {
    let space = bundled_space("chain", &[]);
    let rows = rows(space.decisions());
    let mut offset = 0;
    for row in &rows {
        let Domain::Categorical(labels) = &space.decisions()[row.decision].domain else { panic!("a row of numbers") };
        assert_eq!((row.offset, row.length), (offset, labels.len()));
        offset += labels.len();
    }
    let categorical = |domain: &Domain| matches!(domain, Domain::Categorical(_));
    assert_eq!(rows.len(), space.decisions().iter().filter(|one| categorical(&one.domain)).count());
}

#[test]
fn bundled_spaces_open_or_name_the_decision() {
    for name in bundled::names() {
        let space = small(name);
        let opened = space.open();
        let refused = match *name {
            "chain" => "decision `stem` decides `channels` of `1`",
            "dense" => "decision `stem` decides `channels` of `1`",
            "nas-bench-201-macro" => "decision `width` decides `channels` of `1`",
            "residual" => "decision `width` decides `channels` of `1`",
            "hierarchical" => "between what has the shapes",
            _ => {
                let open = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(!open.choices.is_empty() && open.probabilities() > 0, "{name}");
                continue;
            }
        };
        let error = opened.unwrap_err().to_string();
        assert!(error.contains(refused) && error.contains("needs categorical decisions"), "{name}: {error}");
    }
}

#[test]
fn hyperparameters_of_the_training_do_not_matter() {
    let (joint, plain) = (small("nas-bench-201-joint"), small("nas-bench-201"));
    assert_eq!(joint.open().unwrap().network, plain.open().unwrap().network);
}

#[test]
fn one_alternative_with_all_of_the_probability_is_the_point() {
    for name in ["nas-bench-201", "densenet-cells", "darts", "darts-edges", "amoebanet", "enas-micro", "rnn-cell"] {
        let space = match name {
            // What is not read does not come out of these: here, all that choose come out.
            "amoebanet" | "enas-micro" => {
                let text = bundled::source(name).unwrap().replace("outputs = \"unused\"", "outputs = \"all\"");
                let text: String =
                    text.lines().filter(|line| !line.starts_with("stacked")).map(|line| format!("{line}\n")).collect();
                let options =
                    [("channels", 8), ("cells", 1)].map(|(key, value)| (key.to_owned(), Scalar::Integer(value)));
                let known = Definition::parse(&text).unwrap_or_else(|error| panic!("{error}"));
                let options = options.into_iter().filter(|(key, _)| known.options().contains_key(key)).collect();
                let definition = Definition::parse_with(&text, &options).unwrap();
                Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).unwrap()
            }
            name => small(name),
        };
        check_points(&space, 10);
    }
}

#[test]
fn choices_within_choices_and_in_chains() {
    check_points(
        &chain(
            "{ op = \"conv2d\", kernel = 3, channels = 4 }, { module = \"one\", channels = 4, independent = true }, \
             { places = { module = \"one\", channels = 4, independent = true }, length = 2 }, \
             { choose = { none = \"identity\", some = { module = \"one\", channels = 4, independent = true } }, name = \"outer\" }",
            "[module.one]\nkind = \"chain\"\nlayers = [{ choose = { a = [\"relu\", \"batch-norm\"], \
             b = { op = \"conv2d\", kernel = 3 }, c = { choose = { d = \"tanh\", e = \"two\" }, name = \"inner\" } } }]\n\
             [module.two]\nkind = \"branches\"\nbranches = [\"identity\", { op = \"max-pool\", kernel = 3 }]",
        ),
        40,
    );
}

#[test]
fn mixtures_may_have_more_nodes_than_networks() {
    for (name, nodes) in [("nasnet", 50_983), ("amoebanet", 41_383)] {
        let space = bundled_space(name, &[]);
        let open = space.open().unwrap();
        assert_eq!(open.network.nodes.len(), nodes, "{name}");
        assert!(matches!(open.network.validate(), Err(SpaceError::Limit { limit: 20_000, .. })), "it is no network");
        assert!(open.network.footprint().unwrap().parameters > 0);
        let error = bundled_space(name, &[("cells", 20)]).open().unwrap_err();
        assert!(matches!(error, SpaceError::Limit { limit: 100_000, .. }), "{error}");
    }
}

#[test]
fn cells_that_are_chosen_are_what_later_cells_reach_back_to() {
    let cell = |name: &str, op: &str| {
        format!(
            "[module.{name}]\nkind = \"nodes\"\ninputs = 3\nvertices = 1\npicks = 2\nfit = {{ op = \"conv2d\", kernel = 1 }}\n\
             [module.{name}.choices]\nskip = \"identity\"\n{op} = \"{op}\"\n"
        )
    };
    let modules = [cell("first", "relu"), cell("second", "tanh")].concat();
    let layers = "{ op = \"conv2d\", kernel = 3, channels = 4 }, \
                  { choose = { twice = { module = \"first\", channels = 4, repeat = 2 }, once = { module = \"second\", channels = 4 }, not = \"relu\" }, name = \"cells\" }, \
                  { module = \"second\", channels = 4, repeat = 2 }";
    check_points(&chain(layers, &modules), 60);
}

#[test]
fn what_cannot_be_mixed_is_refused() {
    let check = |space: Space, expected: &str| {
        let error = space.open().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let wide = "{ choose = { a = \"relu\", b = { op = \"conv2d\", kernel = 1, channels = 8 } }, name = \"width\" }";
    check(chain(wide, ""), "decision `width` decides at `1/mixture` between what has the shapes 3x16x16 and 8x16x16");
    let head = "{ choose = { a = \"relu\", b = [{ auxiliary = [\"global-avg-pool\", { op = \"linear\", features = \"classes\" }] }, \
                \"relu\"] } }";
    check(chain(head, ""), "`1/b/1/auxiliary`: a mixture has no auxiliary heads that are decided about");
    let length = "{ places = \"relu\", length = { integer = [1, 3], name = \"depth\" } }";
    check(chain(length, ""), "decision `depth` decides `length` of `1`");
    let kernel = "{ op = \"conv2d\", kernel = { choose = [1, 3] }, channels = 4 }";
    check(chain(kernel, ""), "decision `kernel` decides `kernel` of `1`");
}

#[test]
fn edges_that_may_not_be_there_are_scaled() {
    let open = small("nas-bench-101").open().unwrap();
    let yes = |term: usize| open.rows.iter().any(|row| row.length == 2 && term == row.offset + 1);
    let scales = open.choices.iter().filter(|choice| choice.terms.len() == 1);
    assert!(scales.flat_map(|choice| choice.terms.iter().flatten()).all(|term| yes(*term)));
    // All 21 edges between 7 vertices, in each of three cells.
    let edges = open.choices.iter().filter(|choice| open.network.nodes[choice.node].name.contains("/edge-")).count();
    assert_eq!(edges, 3 * 21);
    let macros = small("enas-macro").open().unwrap();
    let skips = macros.network.nodes.iter().filter(|node| node.name.contains("/skip-")).count();
    assert_eq!(skips, 12 * 11 / 2);
}

#[test]
fn the_supergraph_of_darts_holds_the_cell_that_it_found() {
    let darts = bundled_space("darts", &[("channels", 36), ("cells", 20)]);
    let edges = bundled_space("darts-edges", &[("channels", 36), ("cells", 20)]);
    let found = archwright_space::published::get("darts-v2").unwrap().locate(&darts).unwrap();
    let labels: BTreeMap<String, String> = darts.label(&found).into_iter().collect();
    let mut written: BTreeMap<String, String> =
        edges.decisions().iter().map(|decision| (decision.name.clone(), "none".to_owned())).collect();
    assert_eq!(written.len(), 2 * 14);
    for cell in ["normal", "reduction"] {
        for node in 2..6 {
            let inputs = labels.get(&format!("{cell}/node-{node}/inputs")).map_or("0+1", String::as_str);
            for (pick, from) in (1..).zip(inputs.split('+')) {
                let operation = labels[&format!("{cell}/node-{node}/op-{pick}")].clone();
                assert!(written.insert(format!("{cell}/edge-{from}-{node}"), operation).is_some());
            }
        }
    }
    let written = edges.point_of(&written).unwrap();
    assert_eq!(edges.profile(&written).unwrap().parameters, 3_349_342);
    assert_eq!(edges.fingerprint(&written).unwrap(), darts.fingerprint(&found).unwrap());
    let graph = &edges.definition().cells(match &written {
        Architecture::Point(values) => values,
        Architecture::Network(_) => panic!("no point"),
    });
    let graph = &graph.as_ref().unwrap()[0];
    assert_eq!((graph.inputs, graph.vertices, &graph.outputs[..], graph.edges.len()), (2, 6, &[2, 3, 4, 5][..], 8));
}

#[test]
fn edges_have_fewer_inputs_than_vertices() {
    let text = bundled::source("darts-edges").unwrap();
    let error = Definition::parse(&text.replace("inputs = 2", "inputs = 6")).unwrap_err().to_string();
    assert!(error.contains("`inputs` has to be 1 to 5"), "{error}");
    // Stacking nothing gives zeros of the size behind the stride.
    let text = text.replace("output = \"concat\"", "merge = \"concat\"");
    let space = Space::new(Arc::new(Definition::parse(&text).unwrap()), Context::full(vec![3, 32, 32], 10)).unwrap();
    let labels = space.decisions().iter().map(|decision| (decision.name.clone(), "none".to_owned())).collect();
    space.build(&space.point_of(&labels).unwrap()).unwrap();
}
