//! Results and arguments that are too large, or no values at all.

use crate::guests::Parts;
use crate::{ask, strategy_fails};

#[test]
fn results_are_bounded() {
    let expected =
        "hand-made: `ask` reached the limit of 65536 bytes handed to the host; `limits.hostcall_bytes` sets it";
    // Ever so many queries that all lie in the same place.
    let many = "(i32.store (i32.const 524) (i32.const 5000))";
    assert_eq!(ask(&[("pages", "16"), ("answer", many)]), expected);
    // A point with more values than the space has decisions, from a list that is as long as memory allows.
    let long = "(i32.store (i32.add (local.get $at) (i32.const 20)) (i32.const 8192))";
    assert_eq!(ask(&[("pages", "16"), ("query", long)]), expected);
}

#[test]
fn arguments_are_bounded() {
    let expected =
        "hand-made: `ask` reached the limit of 65536 bytes handed to the host; `limits.hostcall_bytes` sets it";
    assert_eq!(ask(&[("ask", "(call $log (i32.const 0) (i32.const 0) (i32.const 200000))")]), expected);
}

#[test]
fn results_that_are_no_values_are_refused() {
    let check = |answer: &str, expected: &str| {
        let text = ask(&[("answer", answer)]);
        assert!(text.contains(expected), "{text}");
    };
    // Discriminants that no case has.
    check("(i32.store8 (i32.const 512) (i32.const 9))", "");
    check("(i32.store8 (i32.const 516) (i32.const 200))", "");
    // Lists outside of memory, and not aligned.
    check("(i32.store (i32.const 520) (i32.const 0x7ffffff8))", "");
    check("(i32.store (i32.const 520) (i32.const 1025))", "");
    // An error whose text is no UTF-8.
    let invalid = "(i32.store8 (i32.const 512) (i32.const 1)) (i32.store (i32.const 520) (i32.const 30000))
                   (i32.store (i32.const 524) (i32.const 4)) (i32.store (i32.const 516) (i32.const 3))
                   (i32.store (i32.const 30000) (i32.const -1))";
    check(invalid, "utf-8");
}

/// Millions of items that cost the plugin next to nothing: they all lie in one place.
#[test]
fn aliased_lists_are_bounded() {
    let expected =
        "hand-made: `recommend` reached the limit of 65536 bytes handed to the host; `limits.hostcall_bytes` sets it";
    // Points of no values each, from zeros.
    let points = "(i32.store (i32.const 516) (i32.const 1000000)) (i32.store (i32.const 520) (i32.const 100000))";
    let text = strategy_fails(&[("pages", "60"), ("recommend", points)]);
    assert_eq!(text, expected);
    // Points that share one list of values: each list is short, all of them together are not.
    let shared = "(local.set 0 (i32.const 1000000))
        (loop $more
            (i32.store (i32.add (local.get 0) (i32.const 4)) (i32.const 2000000))
            (i32.store (i32.add (local.get 0) (i32.const 8)) (i32.const 300))
            (local.set 0 (i32.add (local.get 0) (i32.const 12)))
            (br_if $more (i32.lt_u (local.get 0) (i32.const 1002400))))
        (i32.store (i32.const 516) (i32.const 1000000)) (i32.store (i32.const 520) (i32.const 200))";
    let text = strategy_fails(&[("pages", "60"), ("recommend", shared)]);
    assert_eq!(text, expected);
}

#[test]
fn lists_outside_of_memory_are_refused() {
    let check = |address: &str, count: &str, expected: &str| {
        let list = format!(
            "(i32.store (i32.const 516) (i32.const {address})) (i32.store (i32.const 520) (i32.const {count}))"
        );
        assert_eq!(
            strategy_fails(&[("recommend", &list)]),
            format!("hand-made: `recommend` gave a wrong result: {expected}")
        );
    };
    let outside = "list pointer/length out of bounds of memory";
    check("0x7ffffff8", "1", outside);
    check("-4", "1", outside);
    check("262136", "2", outside);
    check("1025", "1", "list pointer is not aligned");
    check("513", "1", "list pointer is not aligned");
}

#[test]
fn texts_that_are_no_utf8_are_refused() {
    // An error with such a text, of `open`; a text outside of memory; a label of a decision.
    let refusal = |address: u32, length: u32| {
        format!(
            "(i32.store8 (i32.const 512) (i32.const 1)) (i32.store8 (i32.const 516) (i32.const 3))
             (i32.store (i32.const 520) (i32.const {address})) (i32.store (i32.const 524) (i32.const {length}))
             (return (i32.const 512))"
        )
    };
    let bytes = ("module", "(data (i32.const 30000) \"\\ff\\fe\\c0\\80\")");
    assert_eq!(
        strategy_fails(&[bytes, ("open", &refusal(30000, 4))]),
        "hand-made: `open` gave a wrong result: invalid utf-8 sequence of 1 bytes from index 0"
    );
    assert_eq!(
        strategy_fails(&[bytes, ("open", &refusal(262_140, 100))]),
        "hand-made: `open` gave a wrong result: string pointer/length out of bounds of memory"
    );
}

#[test]
fn discriminants_that_no_case_has_are_refused() {
    let check = |fails: fn(Parts<'_>) -> String, part: &str, code: &str, call: &str, expected: &str| {
        let text = fails(&[(part, code)]);
        assert!(text.ends_with(&format!("`{call}` gave a wrong result: {expected}")), "{text}");
    };
    check(
        strategy_fails,
        "answer",
        "(i32.store8 (i32.const 512) (i32.const 9))",
        "ask",
        "invalid expected discriminant",
    );
    check(
        strategy_fails,
        "query",
        "(i32.store8 (i32.add (local.get $at) (i32.const 8)) (i32.const 77))",
        "ask",
        "unexpected discriminant: 77",
    );
    check(
        strategy_fails,
        "query",
        "(i32.store8 (i32.add (local.get $at) (i32.const 56)) (i32.const 3))",
        "ask",
        "unexpected discriminant: 3",
    );
    check(
        strategy_fails,
        "query",
        "(i32.store8 (i32.add (local.get $at) (i32.const 40)) (i32.const 2))",
        "ask",
        "invalid option discriminant",
    );
}
