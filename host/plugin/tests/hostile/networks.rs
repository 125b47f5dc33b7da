//! Networks that are none, or that no machine could train.

use archwright_space::{Context, SearchSpace, Value};

use crate::guests::host::{engine, limits, open_space};
use crate::guests::{Parts, search_space};
use crate::space_fails;

fn check(parts: Parts<'_>, expected: &str) {
    let text = space_fails(parts);
    assert!(text.ends_with(&format!("hand-made: `build` gave a wrong {expected}")), "{text}");
}

#[test]
fn inputs_come_before_their_nodes() {
    check(&[("input", "1")], "nodes[1]: pool: its input 1 does not come before it");
    check(&[("input", "2")], "nodes[1]: pool: its input 2 does not come before it");
    check(&[("input", "4294967295")], "nodes[1]: pool: its input 4294967295 does not come before it");
}

#[test]
fn operations_exist_and_have_sensible_numbers() {
    check(&[("op", "\u{1b}[31m")], "nodes[1]: pool: there is no operation `\\u{1b}[31m`");
    let wrong = "nodes[2]: scores: `out-features` is";
    check(&[("features", "9223372036854775808")], &format!("{wrong} -9223372036854775808, not 0 to 4294967295"));
    check(&[("features", "4294967296")], &format!("{wrong} 4294967296, not 0 to 4294967295"));
    check(&[("features", "0")], "network: node `scores` (linear): it gives nothing: every size has to be at least 1");
    check(&[("features", "11")], "network: the last node gives 11, which has to be 10 scores");
}

/// What a network would take is known from its operations: nothing is allocated for one that is refused.
#[test]
fn a_billion_parameters_are_too_many() {
    check(
        &[("features", "4000000000")],
        "network: 16000000000 parameters are more than 500000000; `limits.network_parameters` sets it",
    );
}

#[test]
fn networks_are_no_larger_than_they_may_be() {
    check(&[("nodes", "(i32.const 101)")], "network: 101 nodes are more than 100; `limits.network_nodes` sets it");
    let mut small = limits();
    small.network_activation_bytes = 100;
    let component = engine().load_bytes("test.wasm", &search_space(&[]), &small).unwrap();
    let log = crate::guests::host::log().0;
    let space = archwright_plugin::SpaceComponent::open(&component, &serde_json::json!({}), &small, log).unwrap();
    let text = space.build(&[Value::Index(0)], &Context::full(vec![3, 8, 8], 10)).unwrap_err().to_string();
    let expected = "network: 820 bytes of activations are more than 100; `limits.network_activation_bytes` sets it";
    assert!(text.ends_with(expected), "{text}");
    // The space goes on: a point costs that point alone.
    assert!(
        open_space(&search_space(&[])).unwrap().build(&[Value::Index(0)], &Context::full(vec![3, 8, 8], 10)).is_ok()
    );
}
