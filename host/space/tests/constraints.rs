//! Constraints hold for every architecture that a space gives.

use std::sync::Arc;

use archwright_space::{Architecture, Context, Definition, Size, Space, SpaceError, Value};

fn source(constraint: &str) -> String {
    format!(
        r#"
        name = "test"
        network = "network"
        [numbers]
        depth = {{ integer = [1, 4] }}
        width = {{ choose = [8, 16, 32] }}
        [module.network]
        kind = "chain"
        layers = [
            {{ op = "conv2d", kernel = 1, channels = "width" }},
            {{ module = "cell", repeat = "depth" }},
            "global-avg-pool",
            {{ op = "linear", features = "classes" }},
        ]
        [module.cell]
        kind = "edges"
        vertices = 3
        [module.cell.choices]
        relu = "relu"
        conv = {{ op = "conv2d", kernel = 3, channels = "in" }}
        skip = "identity"
        {constraint}
        "#
    )
}

fn space(constraint: &str) -> Result<Space, SpaceError> {
    let definition = Definition::parse(&source(constraint)).unwrap_or_else(|error| panic!("{error}"));
    Space::new(Arc::new(definition), Context::full(vec![1, 8, 8], 10))
}

fn values(architecture: &Architecture) -> &[Value] {
    match architecture {
        Architecture::Point(values) => values,
        Architecture::Network(_) => panic!("a network"),
    }
}

/// What the constraint of the test says, of its decisions: depth, width and three edges.
fn holds(architecture: &Architecture) -> bool {
    let values = values(architecture);
    let convs = values[2..].iter().filter(|value| **value == Value::Index(1)).count();
    (1..=2).contains(&convs)
}

#[test]
fn every_answer_meets_the_constraints() {
    let space = space("[[constraint]]\ncount = [\"conv\"]\nwithin = \"cell\"\nleast = 1\nmost = 2").unwrap();
    assert!(!space.admits_all());
    for seed in 0..200 {
        let sample = space.sample(seed);
        assert!(holds(&sample));
        space.check(&sample).unwrap();
        space.build(&sample).unwrap();
        let mutant = space.mutate(&sample, seed).unwrap();
        assert!(holds(&mutant) && mutant != sample);
        assert!(holds(&space.crossover(&sample, &mutant, seed).unwrap()));
        assert!(space.neighbors(&sample, 100).unwrap().iter().all(holds));
    }
    // Of 27 cells, 8 have no convolution and 1 has three.
    assert_eq!(space.size(), Size::Points(4 * 3 * 18));
    let none = Architecture::Point([&values(&space.sample(0))[..2], &[Value::Index(0); 3]].concat());
    let expected = "constraint: the number of choices of `conv` is 0, not at least 1";
    assert_eq!(space.check(&none).unwrap_err().to_string(), expected);
    assert_eq!(space.build(&none).unwrap_err().to_string(), expected);
    assert_eq!(space.mutate(&none, 0).unwrap_err().to_string(), expected);
}

#[test]
fn numbers_are_constrained() {
    let space = space("[[constraint]]\nnumber = { times = [\"depth\", \"width\"] }\nmost = 32").unwrap();
    // Depths 1 to 4 at width 8, 1 and 2 at width 16, 1 at width 32.
    assert_eq!(space.size(), Size::Points(7 * 27));
    for seed in 0..100 {
        let sample = space.sample(seed);
        let [Value::Integer(depth), Value::Index(width)] = values(&sample)[..2] else { panic!("{sample:?}") };
        assert!(depth * [8, 16, 32][width as usize] <= 32);
    }
}

#[test]
fn a_space_without_points_is_refused() {
    let error = space("[[constraint]]\ncount = [\"conv\"]\nleast = 4").unwrap_err().to_string();
    assert_eq!(error, "constraint: none of 10000 random points meets all constraints of this space");
}

#[test]
fn mistakes_in_constraints_are_told() {
    let cases = [
        ("count = [\"cnv\"]\nmost = 1", "unknown choice `cnv` (did you mean `conv`?)"),
        (
            "count = [\"conv\"]\nwithin = \"cel\"\nmost = 1",
            "unknown part of decisions' names `cel` (did you mean `cell`?)",
        ),
        ("count = [\"conv\"]", "a constraint has `least`, `most` or both"),
        ("most = 1", "a constraint has one of the keys `count` and `number`"),
        ("number = \"dept\"\nmost = 1", "unknown number `dept` (did you mean `depth`?)"),
        ("number = \"in\"\nmost = 1", "this depends on the place in the network, which a constraint does not have"),
        ("number = { integer = [1, 2] }\nmost = 1", "a constraint decides nothing: name the number in `[numbers]`"),
        ("number = \"depth\"\nmots = 1", "unknown key `mots` (did you mean `most`?)"),
    ];
    for (constraint, expected) in cases {
        let diagnostic = Definition::parse(&source(&format!("[[constraint]]\n{constraint}"))).unwrap_err().to_string();
        assert!(diagnostic.ends_with(expected), "{diagnostic}");
    }
}
