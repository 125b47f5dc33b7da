//! Traps, and what is left of a plugin after one.

use archwright_plugin::model::{EstimateOutcome, Observation, Reply};

use crate::guests::host::open_strategy;
use crate::guests::{Parts, strategy};
use crate::{TRAP, ask, estimator_fails, message, space_fails, strategy_fails};

#[test]
fn a_trap_says_what_the_plugin_last_logged() {
    let text = ask(&[("ask", "(unreachable)")]);
    assert_eq!(text, "hand-made: `ask` trapped: wasm `unreachable` instruction executed");
    let panic = [
        ("module", "(data (i32.const 30000) \"no parents left\")"),
        ("ask", "(call $log (i32.const 3) (i32.const 30000) (i32.const 15)) (unreachable)"),
    ];
    let text = ask(&panic);
    assert_eq!(
        text,
        "hand-made: `ask` trapped: wasm `unreachable` instruction executed; it last logged: no parents left"
    );
}

#[test]
fn a_stopped_plugin_is_not_called_again() {
    let mut strategy = open_strategy(&strategy(&[("ask", "(unreachable)")])).unwrap();
    let first = message(strategy.ask(1));
    let expected =
        |call: &str| format!("hand-made: `{call}` was not called, because an earlier call stopped the plugin: {first}");
    assert_eq!(message(strategy.ask(1)), expected("ask"));
    assert_eq!(message(strategy.recommend()), expected("recommend"));
}

#[test]
fn every_trap_is_named() {
    let check =
        |code: &str, expected: &str| assert_eq!(ask(&[("ask", code)]), format!("hand-made: `ask` trapped: {expected}"));
    check("unreachable", "wasm `unreachable` instruction executed");
    check("(drop (i32.div_u (i32.const 1) (i32.load (i32.const 30000))))", "integer divide by zero");
    check(
        "(drop (i32.div_s (i32.const 0x80000000) (i32.sub (i32.load (i32.const 30000)) (i32.const 1))))",
        "integer overflow",
    );
    check(
        "(drop (i32.trunc_f64_s (f64.div (f64.load (i32.const 30000)) (f64.load (i32.const 30000)))))",
        "invalid conversion to integer",
    );
    check("(drop (i32.load (i32.const -4)))", "out of bounds memory access");
    check("(i32.store (i32.const 0x7fffffff) (i32.const 1))", "out of bounds memory access");
    check("(memory.fill (i32.const 262143) (i32.const 1) (i32.const 2))", "out of bounds memory access");
}

#[test]
fn every_call_that_traps_is_named() {
    let check = |fails: fn(Parts<'_>) -> String, calls: &[&str]| {
        for call in calls {
            let text = fails(&[(call, TRAP)]);
            let expected = format!("`{call}` trapped: wasm `unreachable` instruction executed");
            assert!(text.ends_with(&expected), "{text}");
        }
    };
    check(strategy_fails, &["describe", "open", "ask", "tell", "recommend"]);
    check(estimator_fails, &["describe", "open", "begin", "advance"]);
    check(space_fails, &["describe", "open", "decisions", "build", "recipe"]);
}

/// What a plugin logged in an earlier call says nothing of this one.
#[test]
fn a_trap_says_nothing_of_earlier_calls() {
    let earlier = [
        ("module", "(data (i32.const 30000) \"earlier\")"),
        ("open", "(call $log (i32.const 3) (i32.const 30000) (i32.const 7))"),
        ("ask", TRAP),
    ];
    assert_eq!(ask(&earlier), "hand-made: `ask` trapped: wasm `unreachable` instruction executed");
}

/// As the SDK for Rust logs a panic: with its place, and even where no more lines are kept.
#[test]
fn a_panic_is_shown_with_its_place() {
    let panic = "panicked at src/lib.rs:12:5: no parents left";
    let data = format!("(data (i32.const 30000) \"{panic}\")");
    let flood = "(call $log (i32.const 1) (i32.const 30000) (i32.const 8))".repeat(10);
    let log = format!("{flood} (call $log (i32.const 3) (i32.const 30000) (i32.const {})) unreachable", panic.len());
    assert_eq!(
        ask(&[("module", &data), ("ask", &log)]),
        format!("hand-made: `ask` trapped: wasm `unreachable` instruction executed; it last logged: {panic}")
    );
}

#[test]
fn an_error_of_the_plugins_own_is_an_answer() {
    let refuse = "(i32.store8 (i32.const 512) (i32.const 1)) (i32.store8 (i32.const 516) (i32.const 1))
        (i32.store (i32.const 520) (i32.const 30000)) (i32.store (i32.const 524) (i32.const 13)) (return (i32.const 512))";
    let text = ("module", "(data (i32.const 30000) \"no\\1b[31m\\nspace\")");
    let mut strategy = open_strategy(&strategy(&[text, ("tell", refuse)])).unwrap();
    let Reply::Queries(queries) = strategy.ask(1).unwrap() else { panic!("queries") };
    let told = [Observation { query: queries[0].id, outcome: EstimateOutcome::Failed("no".into()) }];
    let error = strategy.tell(&told).unwrap_err();
    assert_eq!(error.to_string(), "hand-made: `tell`: not supported: no\\u{1b}[31m\\nspace");
    assert!(error.is_recoverable());
    assert!(strategy.ask(1).is_ok());
}
