//! Values that break the contract.

use archwright_plugin::PluginError;
use archwright_plugin::model::{EstimateOutcome, Observation, Reply};

use crate::guests::host::{load, open_strategy, space};
use crate::guests::{Parts, strategy};
use crate::{ask, message};

#[test]
fn queries_are_checked() {
    let check =
        |parts: Parts<'_>, expected: &str| assert_eq!(ask(parts), format!("hand-made: `ask` gave a wrong {expected}"));
    check(&[("queries", "(i32.const 5)")], "queries: 5 queries are more than the 4 asked for");
    check(&[("queries", "(i32.const 0)")], "queries: the list is empty; it has to be `waiting` or `finished` instead");
    let same = "(i64.store (local.get $at) (i64.const 7))";
    check(&[("queries", "(i32.const 2)"), ("query", same)], "queries[1].id: 7 is the id of an earlier query");
    let fidelity = |value: &str| format!("(f64.store (i32.add (local.get $at) (i32.const 32)) (f64.const {value}))");
    check(&[("query", &fidelity("0"))], "queries[0].fidelity: 0 is not in (0, 1]");
    check(&[("query", &fidelity("nan"))], "queries[0].fidelity: NaN is not in (0, 1]");
    check(&[("query", &fidelity("1.5"))], "queries[0].fidelity: 1.5 is not in (0, 1]");
    let parent = "(i32.store8 (i32.add (local.get $at) (i32.const 40)) (i32.const 1))
                  (i64.store (i32.add (local.get $at) (i32.const 48)) (i64.const 99))";
    check(&[("query", parent)], "queries[0].parent: 99 is not the id of an earlier query");
    check(&[("reply", "(i32.const 1)")], "reply: it waits for observations, but no query is in flight");
}

#[test]
fn relaxations_are_distributions() {
    let relaxation = |first: &str, second: &str, length: u32| {
        format!(
            "(i32.store8 (i32.add (local.get $at) (i32.const 8)) (i32.const 1))
             (i32.store (i32.add (local.get $at) (i32.const 12)) (i32.const 30000))
             (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const {length}))
             (i32.store8 (i32.add (local.get $at) (i32.const 20)) (i32.const 0))
             (f32.store (i32.const 30000) (f32.const {first})) (f32.store (i32.const 30004) (f32.const {second}))"
        )
    };
    let check = |query: &str, expected: &str| {
        assert_eq!(
            ask(&[("query", query)]),
            format!("hand-made: `ask` gave a wrong queries[0].relaxation: {expected}")
        );
    };
    check(&relaxation("0.5", "0.5", 3), "3 probabilities instead of 2, one per label");
    check(&relaxation("0.5", "0.6", 2), "the probabilities of decision `width` sum to 1.100000023841858, not 1");
    check(&relaxation("1.5", "-0.5", 2), "a probability of decision `width` is -0.5");
    check(&relaxation("nan", "1", 2), "a probability of decision `width` is NaN");
    let good = relaxation("0.25", "0.75", 2);
    let wanted = "(i32.store8 (i32.add (local.get $at) (i32.const 20)) (i32.const 1))
                  (i32.store (i32.add (local.get $at) (i32.const 24)) (i32.const 30016))
                  (i32.store (i32.add (local.get $at) (i32.const 28)) (i32.const 1))";
    let error = ask(&[("query", &format!("{good} {wanted}"))]);
    assert_eq!(error, "hand-made: `ask` gave a wrong queries[0].relaxation.wanted: 1 values for 2 probabilities");
    assert!(open_strategy(&strategy(&[("query", &good)])).unwrap().ask(1).is_ok());
}

#[test]
fn points_are_points_of_the_space() {
    // One value too many, and an index that no label has.
    let long = "(i32.store (i32.add (local.get $at) (i32.const 20)) (i32.const 2))";
    let text = ask(&[("query", long)]);
    assert!(text.starts_with("hand-made: `ask` gave a wrong queries[0].architecture: "), "{text}");
    let forged = "(i32.store (i32.const 30008) (i32.const 2))
                  (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const 30000))";
    let text = ask(&[("query", forged)]);
    assert!(text.starts_with("hand-made: `ask` gave a wrong queries[0].architecture: "), "{text}");
}

#[test]
fn the_space_answers() {
    // The neighbors of point 0, as many as there are: exactly one.
    let neighbors = "(call $neighbors (i32.const 0) (i32.const 30000) (i32.const 1) (i32.const -1) (i32.const 704))
        (if (i32.load8_u (i32.const 704)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 712)) (i32.const 1)) (then unreachable))";
    assert!(open_strategy(&strategy(&[("ask", neighbors)])).unwrap().ask(1).is_ok());
    // Those of something that is no point: an error that the plugin can read.
    let neighbors = "(call $neighbors (i32.const 0) (i32.const 30000) (i32.const 2) (i32.const -1) (i32.const 704))
        (if (i32.eqz (i32.load8_u (i32.const 704))) (then unreachable))";
    assert!(open_strategy(&strategy(&[("ask", neighbors)])).unwrap().ask(1).is_ok());
}

#[test]
fn only_queries_in_flight_are_told() {
    let mut strategy = open_strategy(&strategy(&[])).unwrap();
    let told = |query| [Observation { query, outcome: EstimateOutcome::Failed("no".into()) }];
    assert_eq!(message(strategy.tell(&told(1))), "hand-made: `tell` called out of turn: query 1 is not in flight");
    let Reply::Queries(queries) = strategy.ask(1).unwrap() else { panic!("queries") };
    strategy.tell(&told(queries[0].id)).unwrap();
    assert!(matches!(strategy.tell(&told(queries[0].id)), Err(PluginError::OutOfTurn { .. })));
    assert!(strategy.recommend().unwrap().is_empty());
    assert!(strategy.fuel_used() > 0);
    assert_eq!(space().decisions().len(), 1);
}

#[test]
fn descriptions_are_checked() {
    let check = |name: &str, text: &str, expected: &str| {
        let result = message(load(&strategy(&[(name, text)])));
        assert!(result.contains(expected), "{result}");
    };
    check("name", "Not Kebab", "`describe` gave a wrong name: \"Not Kebab\" is not in kebab-case");
    check("version", "one", "`describe` gave a wrong version: \"one\" is no semantic version");
    check("summary", "", "`describe` gave a wrong summary: it is empty");
    check("summary", "a\u{1b}[2Jb", "`describe` gave a wrong summary: it holds the control character \\u{1b}");
    check("summary", &"a".repeat(1000), "`describe` gave a wrong summary: 1000 bytes are more than 400");
    check("schema", "{", "`describe` gave a wrong options-schema: this is not JSON");
    check("schema", "[]", "`describe` gave a wrong options-schema at #: a schema is an object");
}
