//! The checks that any plugin can be put through: they pass what keeps the contract and name what does not.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod guests;

use archwright_plugin::{Limits, conformance};
use guests::host::load;
use guests::{Parts, estimator, search_space, strategy};

/// A query for a point that the space draws, by the number of the query.
const SAMPLE: &str = "
    (call $sample (i64.load (local.get $at)) (i32.const 704))
    (i32.store (i32.add (local.get $at) (i32.const 12)) (i32.load8_u (i32.const 704)))
    (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.load (i32.const 708)))
    (i32.store (i32.add (local.get $at) (i32.const 20)) (i32.load (i32.const 712)))";

/// Names of the checks that fail.
fn failed(bytes: &[u8]) -> Vec<String> {
    let results = conformance::check(&load(bytes).unwrap(), &Limits::default());
    assert!(results.len() >= 3);
    results
        .into_iter()
        .filter(|result| !result.passed)
        .map(|result| format!("{}: {}", result.name, result.detail))
        .collect()
}

#[test]
fn plugins_that_keep_the_contract_pass() {
    assert_eq!(failed(&strategy(&[("query", SAMPLE)])), Vec::<String>::new());
    assert_eq!(failed(&estimator(&[])), Vec::<String>::new());
    assert_eq!(failed(&search_space(&[])), Vec::<String>::new());
}

#[test]
fn what_breaks_the_contract_is_named() {
    let check = |bytes: &[u8], expected: &str| {
        let failed = failed(bytes);
        assert!(failed.iter().any(|one| one.contains(expected)), "{failed:#?}");
    };
    let sampling = |tell| strategy(&[("query", SAMPLE), ("tell", tell)]);
    check(&strategy(&[]), "searches the categorical space: ");
    check(&sampling("unreachable"), "searches the mixed space: hand-made: `tell` trapped");
    // Fails when it is told of a failure: the second case of an outcome, 8 bytes into the observation.
    let fragile = "(if (i32.load8_u (i32.add (local.get 1) (i32.const 8))) (then unreachable))";
    check(&sampling(fragile), "goes on after failed queries in the conditional space: hand-made: `tell` trapped");
    // Asks for one query, whatever the capacity, and then waits for good.
    let open = ("schema", r#"{ "type": "object", "additionalProperties": true }"#);
    check(&strategy(&[("query", SAMPLE), open]), "refuses options that it does not have");
    check(&estimator(&[("begin", "unreachable")]), "estimates in the categorical space: hand-made: `begin` trapped");
    // An estimate that depends on how many jobs there were.
    let counting: Parts<'_> = &[
        ("module", "(global $jobs (mut f64) (f64.const 0))"),
        ("begin", "(global.set $jobs (f64.add (global.get $jobs) (f64.const 1)))"),
        ("estimate", "(f64.store (i32.const 560) (global.get $jobs))"),
    ];
    check(&estimator(counting), "keeps jobs apart in the mixed space: ");
    // A network that depends on how many were built.
    let stateful: Parts<'_> = &[
        ("module", "(global $built (mut i32) (i32.const 0))"),
        ("build", "(global.set $built (i32.xor (global.get $built) (i32.const 1)))"),
        ("nodes", "(i32.sub (i32.const 3) (global.get $built))"),
    ];
    check(&search_space(stateful), "builds ");
}
