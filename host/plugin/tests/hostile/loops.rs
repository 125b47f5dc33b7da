//! Loops without an end, wherever a plugin has code.

use std::time::Duration;

use archwright_plugin::{Engine, PluginError};

use crate::guests::host::{cached, impatient, limits, log, open_strategy, open_strategy_with};
use crate::guests::{Parts, strategy};
use crate::{SPIN, ask, estimator_fails, space_fails, strategy_fails};

fn out_of_fuel(name: &str, call: &str) -> String {
    format!("{name}: `{call}` reached the limit of 10000000 units of fuel; `limits.fuel_per_call` sets it")
}

/// The plugin's name in messages of `call`: its file's until it has described itself.
fn named(call: &str) -> &'static str {
    if matches!(call, "describe" | "instantiate") { "test.wasm" } else { "hand-made" }
}

#[test]
fn every_export_is_bounded() {
    type Fails = fn(Parts<'_>) -> String;
    let kinds: [(Fails, &[&str]); 3] = [
        (strategy_fails, &["describe", "open", "ask", "tell", "recommend"]),
        (estimator_fails, &["describe", "open", "begin", "advance"]),
        (space_fails, &["describe", "open", "decisions", "build", "recipe"]),
    ];
    for (fails, calls) in kinds {
        for call in calls {
            let text = fails(&[(call, SPIN)]);
            assert!(text.ends_with(&out_of_fuel(named(call), call)), "{call}: {text}");
        }
    }
}

#[test]
fn start_functions_are_bounded() {
    let start = ("module", "(func $spin (loop $spin (br $spin))) (start $spin)");
    for fails in [strategy_fails, estimator_fails, space_fails] {
        assert_eq!(fails(&[start]), out_of_fuel("test.wasm", "instantiate"));
    }
}

/// Guest code also runs while the host writes arguments into its memory.
#[test]
fn allocators_are_bounded() {
    let realloc = [("realloc", SPIN)];
    assert_eq!(strategy_fails(&realloc), out_of_fuel("hand-made", "open"));
    assert_eq!(estimator_fails(&realloc), out_of_fuel("hand-made", "open"));
    assert_eq!(space_fails(&realloc), out_of_fuel("hand-made", "open"));
    // Later: the allocator spins once a call has said so.
    let check = |fails: fn(Parts<'_>) -> String, before: &str, call: &str| {
        let text = fails(&[
            ("module", "(global $late (mut i32) (i32.const 0))"),
            ("realloc", "(if (global.get $late) (then (loop $spin (br $spin))))"),
            (before, "(global.set $late (i32.const 1))"),
        ]);
        assert!(text.ends_with(&out_of_fuel("hand-made", call)), "{text}");
    };
    check(strategy_fails, "answer", "tell");
    check(estimator_fails, "open", "begin");
    check(space_fails, "decisions", "build");
}

/// Guest code also runs after the host has read a result.
#[test]
fn what_follows_a_return_is_bounded() {
    let check = |fails: fn(Parts<'_>) -> String, interface: &str, export: &str, call: &str| {
        let post = format!(
            "(func (export \"cabi_post_archwright:nas/{interface}@CONTRACT#{export}\") (param i32) (loop $spin (br $spin)))"
        );
        let text = fails(&[("module", &post)]);
        assert!(text.ends_with(&out_of_fuel(named(call), call)), "{text}");
    };
    check(strategy_fails, "strategy", "describe", "describe");
    check(strategy_fails, "strategy", "[static]search.open", "open");
    check(strategy_fails, "strategy", "[method]search.ask", "ask");
    check(strategy_fails, "strategy", "[method]search.tell", "tell");
    check(strategy_fails, "strategy", "[method]search.recommend", "recommend");
    check(estimator_fails, "estimator", "[static]estimation.open", "open");
    check(estimator_fails, "estimator", "[method]estimation.begin", "begin");
    check(estimator_fails, "estimator", "[method]estimation.advance", "advance");
    check(space_fails, "search-space", "[method]definition.decisions", "decisions");
    check(space_fails, "search-space", "[method]definition.build", "build");
    check(space_fails, "search-space", "[method]definition.recipe", "recipe");
}

const DESTRUCTOR: &str =
    "(func (export \"archwright:nas/strategy@CONTRACT#[dtor]search\") (param i32) (loop $spin (br $spin)))";

/// The host never runs a destructor: it lets go of the whole instance. A plugin that runs its own does so within a call.
#[test]
fn destructors_are_bounded() {
    let mut idle = open_strategy(&strategy(&[("module", DESTRUCTOR)])).unwrap();
    idle.ask(1).unwrap();
    drop(idle);
    let imports =
        "(import \"[export]archwright:nas/strategy@CONTRACT\" \"[resource-drop]search\" (func $drop (param i32)))";
    let dropping = [("imports", imports), ("module", DESTRUCTOR), ("ask", "(call $drop (call $new (i32.const 1)))")];
    assert_eq!(ask(&dropping), out_of_fuel("hand-made", "ask"));
}

#[test]
fn the_hosts_work_is_paid_for() {
    let sample = "(loop $spin (call $sample (i64.const 1) (i32.const 700)) (br $spin))";
    assert_eq!(ask(&[("ask", sample)]), out_of_fuel("hand-made", "ask"));
    let log = "(loop $spin (call $log (i32.const 0) (i32.const 0) (i32.const 100)) (br $spin))";
    assert_eq!(ask(&[("ask", log)]), out_of_fuel("hand-made", "ask"));
    // As many neighbors as there are numbers: what there is of them is paid for.
    let neighbors = "(loop $spin
        (call $neighbors (i32.const 0) (i32.const 30000) (i32.const 1) (i32.const -1) (i32.const 704)) (br $spin))";
    assert_eq!(ask(&[("ask", neighbors)]), out_of_fuel("hand-made", "ask"));
}

/// Instructions that work on much memory at once take fuel for all of it.
#[test]
fn bulk_instructions_are_paid_for() {
    let fill = "(loop $spin (memory.fill (i32.const 60000) (i32.const 1) (i32.const 200000)) (br $spin))";
    assert_eq!(ask(&[("ask", fill)]), out_of_fuel("hand-made", "ask"));
    let copy = "(loop $spin (memory.copy (i32.const 0) (i32.const 60000) (i32.const 200000)) (br $spin))";
    assert_eq!(ask(&[("ask", copy)]), out_of_fuel("hand-made", "ask"));
    let table = ("module", "(table $table 90000 funcref)");
    let fill = "(loop $spin (table.fill $table (i32.const 0) (ref.null func) (i32.const 90000)) (br $spin))";
    assert_eq!(ask(&[table, ("ask", fill)]), out_of_fuel("hand-made", "ask"));
}

#[test]
fn the_hosts_patience_is_no_fault_of_the_plugin() {
    let mut unbounded = limits();
    unbounded.fuel_per_call = u64::MAX;
    let bytes = strategy(&[("ask", SPIN)]);
    let folder = tempfile::tempdir().unwrap();
    // Compiled before, so that patience is for the call alone.
    Engine::new(&cached(folder.path())).unwrap().load_bytes("test.wasm", &bytes, &unbounded).unwrap();
    let engine = impatient(folder.path(), Duration::from_millis(20));
    let mut strategy = open_strategy_with(&engine, &bytes, &unbounded, log().0).unwrap();
    let error = strategy.ask(1).unwrap_err();
    assert!(matches!(error, PluginError::Aborted { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "hand-made: the host gave up on `ask` after 0.02 seconds (the setting is `engine.patience`)"
    );
}
