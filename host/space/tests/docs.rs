//! The documents say what is so.

use std::sync::Arc;

use archwright_space::{Context, Definition, OPERATIONS, Space};

const FORMAT: &str = include_str!("../../../docs/space-format.md");
const OPERATORS: &str = include_str!("../../../docs/operators.md");

#[test]
fn the_worked_example_is_a_space() {
    let (_, rest) = FORMAT.split_once("```toml space\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let definition = Definition::parse(example).unwrap_or_else(|diagnostic| panic!("{diagnostic}"));
    let space = Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).unwrap();
    let names: Vec<&str> = space.decisions().iter().map(|decision| decision.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "depth",
            "cell/edge-0-1",
            "cell/edge-0-1/conv/kernel",
            "cell/edge-0-2",
            "cell/edge-0-2/conv/kernel",
            "cell/edge-1-2",
            "cell/edge-1-2/conv/kernel",
            "recipe/learning_rate",
        ]
    );
    for seed in 0..50 {
        space.profile(&space.sample(seed)).unwrap();
    }
}

#[test]
fn every_operation_is_documented() {
    for operation in OPERATIONS {
        assert!(OPERATORS.contains(&format!("| `{operation}` |")), "{operation}");
    }
}
