//! Recursion without an end.

use crate::guests::Parts;
use crate::{ask, space_fails, strategy_fails};

const REACHED: &str = "reached the limit of 524288 bytes of stack; `engine.stack_bytes` sets it";

/// Recurses for good; the depth is used, so that no compiler makes a loop of it.
const DEEP: &str = "(func $deep (param i32) (result i32)
    (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))";

#[test]
fn recursion_is_bounded() {
    let deep = ("module", DEEP);
    let recurse = "(drop (call $deep (i32.const 0)))";
    let check = |fails: fn(Parts<'_>) -> String, call: &str| {
        let text = fails(&[deep, (call, recurse)]);
        assert!(text.ends_with(&format!("`{call}` {REACHED}")), "{text}");
    };
    check(strategy_fails, "describe");
    check(strategy_fails, "open");
    check(strategy_fails, "ask");
    check(strategy_fails, "tell");
    check(strategy_fails, "recommend");
    check(space_fails, "build");
}

#[test]
fn recursion_through_tables_is_bounded() {
    let module = "(type $f (func (param i32) (result i32))) (table funcref (elem $one $two))
        (func $one (type $f) (i32.add (i32.const 1) (call_indirect (type $f) (local.get 0) (i32.const 1))))
        (func $two (type $f) (i32.mul (i32.const 3) (call_indirect (type $f) (local.get 0) (i32.const 0))))";
    assert_eq!(
        ask(&[("module", module), ("ask", "(drop (call $one (i32.const 0)))")]),
        format!("hand-made: `ask` {REACHED}")
    );
}

/// Large frames, of which few fit.
#[test]
fn large_frames_are_bounded() {
    let locals = "(local f64)".repeat(200);
    let reads: String = (1..=200).map(|index| format!("(local.set {index} (f64.load (local.get 0)))")).collect();
    let adds: String = (1..=200).map(|index| format!("(local.get {index}) f64.add ")).collect();
    let module = format!(
        "(func $deep (param i32) (result f64) {locals} {reads} (call $deep (i32.add (local.get 0) (i32.const 8))) {adds})"
    );
    assert_eq!(
        ask(&[("module", &module), ("ask", "(drop (call $deep (i32.const 0)))")]),
        format!("hand-made: `ask` {REACHED}")
    );
}

#[test]
fn recursion_while_the_host_writes_arguments_is_bounded() {
    let text = strategy_fails(&[("module", DEEP), ("realloc", "(drop (call $deep (i32.const 0)))")]);
    assert_eq!(text, format!("hand-made: `open` {REACHED}"));
}

/// A call of the host in the last bit of stack: the host's frames are not the plugin's.
#[test]
fn the_host_has_a_stack_of_its_own() {
    let module = "(func $deep (param i32) (result i32)
        (call $sample (i64.const 1) (i32.const 700))
        (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))";
    let text = ask(&[("module", module), ("ask", "(drop (call $deep (i32.const 0)))")]);
    assert!(text.contains(REACHED) || text.contains("units of fuel"), "{text}");
}
