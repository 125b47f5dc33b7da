//! Search spaces that are plugins.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod guests;

use archwright_plugin::{PluginError, SpaceComponent};
use archwright_space::{Context, Domain, SearchSpace, SpaceError, Value};
use guests::host::open_space;
use guests::{Parts, search_space};

fn open(parts: Parts<'_>) -> Result<SpaceComponent, PluginError> {
    open_space(&search_space(parts))
}

fn build(space: &SpaceComponent) -> Result<Vec<&'static str>, SpaceError> {
    let network = space.build(&[Value::Index(0)], &Context::full(vec![3, 8, 8], 10))?;
    Ok(network.nodes.iter().map(|node| node.op.name()).collect())
}

#[test]
fn a_space_has_decisions_and_networks() {
    let space = open(&[]).unwrap();
    assert_eq!(space.decisions().len(), 1);
    assert_eq!(space.decisions()[0].domain, Domain::Categorical(vec!["narrow".into(), "wide".into()]));
    assert_eq!(build(&space).unwrap(), ["input", "global-avg-pool", "linear"]);
    assert!(space.recipe(&[Value::Index(0)]).unwrap().is_empty());
}

#[test]
fn networks_are_checked() {
    let check = |parts: Parts<'_>, expected: &str| {
        let text = build(&open(parts).unwrap()).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    };
    check(
        &[("op", "conv9d")],
        "`build` gave a wrong nodes[1]: pool: there is no operation `conv9d`; did you mean `conv2d`?",
    );
    check(&[("op", "conv2d")], "`build` gave a wrong nodes[1]: pool: it needs `out-channels`");
    check(&[("input", "1")], "`build` gave a wrong nodes[1]: pool: its input 1 does not come before it");
    check(
        &[("nodes", "(i32.const 101)")],
        "`build` gave a wrong network: 101 nodes are more than 100; `limits.network_nodes` sets it",
    );
    check(
        &[("nodes", "(i32.const 2)")],
        "`build` gave a wrong network: the last node gives 3, which has to be 10 scores",
    );
    check(&[("op", "relu")], "`build` gave a wrong network: node `scores` (linear): ");
}

#[test]
fn a_point_that_traps_costs_that_point_only() {
    // Traps where the value is 1, an index at 8 bytes into the value.
    let build_or_trap = "(if (i32.load (i32.add (local.get $values) (i32.const 8))) (then unreachable))";
    let space = open(&[("build", build_or_trap)]).unwrap();
    let context = Context::full(vec![3, 8, 8], 10);
    assert!(space.build(&[Value::Index(0)], &context).is_ok());
    let error = space.build(&[Value::Index(1)], &context).unwrap_err().to_string();
    assert!(error.contains("`build` trapped"), "{error}");
    assert!(space.build(&[Value::Index(0)], &context).is_ok());
}

#[test]
fn a_space_that_does_not_open_says_why() {
    let error = open(&[("open", "unreachable")]).map(drop).expect_err("an error");
    assert_eq!(error.to_string(), "hand-made: `open` trapped: wasm `unreachable` instruction executed");
    let error = open(&[("decisions", "(loop $spin (br $spin))")]).map(drop).expect_err("an error");
    assert!(matches!(error, PluginError::Limit { .. }), "{error}");
}
