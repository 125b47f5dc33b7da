//! Files that would take a compiler very long, or all of the host's memory. They are refused before anything is compiled.

use std::fmt::Write as _;
use std::time::Duration;

use archwright_plugin::{Engine, EngineOptions, Limits, PluginError};

use crate::guests::host::engine;
use crate::guests::strategy;
use crate::{component, message};

/// The message with the default limits, which are what people have.
fn load(bytes: &[u8]) -> String {
    message(engine().load_bytes("test.wasm", bytes, &Limits::default()))
}

fn module(text: &str) -> String {
    load(&component(&format!("(core module {text})")))
}

const FUNCTION: &str = "test.wasm: `load` reached the limit of 33554432 units of work to compile one function; \
                        `limits.function_work` sets it";

const DECLARATIONS: &str =
    "test.wasm: `load` reached the limit of 8388608 bytes of declarations; `limits.declaration_bytes` sets it";

#[test]
fn long_functions_are_refused() {
    // Each step depends on the one before.
    let steps = "(local.set 0 (i32.mul (local.get 0) (i32.const 3)))".repeat(400_000);
    assert_eq!(module(&format!("(func (param i32) {steps})")), FUNCTION);
}

#[test]
fn many_functions_are_refused() {
    let functions = "(func)".repeat(100_001);
    assert_eq!(
        module(&functions),
        "test.wasm: `load` reached the limit of 100000 functions; `limits.functions` sets it"
    );
    // Together with those of other modules.
    let modules = format!("(core module {})", "(func)".repeat(50_001)).repeat(2);
    assert!(load(&component(&modules)).contains("the limit of 100000 functions"));
}

#[test]
fn many_middling_functions_are_refused() {
    let steps = "(local.set 0 (i32.mul (local.get 0) (i32.const 3)))".repeat(20_000);
    let functions = format!("(func (param i32) {steps})").repeat(300);
    assert_eq!(
        module(&functions),
        "test.wasm: `load` reached the limit of 536870912 units of work to compile all functions; \
         `limits.compile_work` sets it"
    );
}

#[test]
fn branches_with_many_targets_are_refused() {
    let targets = "0 ".repeat(1_000_000);
    assert_eq!(
        module(&format!("(func (param i32) (local {}) (br_table {targets} (local.get 0)))", "i64 ".repeat(40))),
        FUNCTION
    );
}

/// Each local may have another value in each block.
#[test]
fn many_locals_in_many_blocks_are_refused() {
    let locals = "i32 ".repeat(10_000);
    let blocks = "(loop (br_if 0 (local.get 0)))".repeat(10_000);
    assert_eq!(module(&format!("(func (param i32) (local {locals}) {blocks})")), FUNCTION);
    // Operands that wait on the stack are alive, too.
    let operands = "(i32.load (local.get 0))".repeat(10_000);
    let drops = "drop ".repeat(10_000);
    assert_eq!(module(&format!("(memory 1) (func (param i32) {operands} {blocks} {drops})")), FUNCTION);
}

/// What a compiler does in a block may depend on all blocks around it.
#[test]
fn deep_nesting_is_refused() {
    let nested = |depth: usize| {
        let blocks = "(block (br_if 0 (local.get 0)) ".repeat(depth);
        module(&format!("(func (param i32) {blocks} {})", ")".repeat(depth)))
    };
    assert_eq!(nested(20_000), FUNCTION);
    // Compiled without a problem, it is no plugin.
    assert!(nested(1_000).contains("does not fit the contract"));
}

#[test]
fn many_types_imports_and_names_are_refused() {
    let types: String = (0..60_000).fold(String::new(), |mut types, index| {
        let parameters = if index % 2 == 0 { "i32 ".repeat(200) } else { "i64 ".repeat(200) };
        let _ = write!(types, "(type (func (param {parameters})))");
        types
    });
    assert_eq!(module(&types), DECLARATIONS);
    let long = "x".repeat(90_000);
    let exports: String = (0..100).map(|index| format!("(export \"{long}{index}\" (func $f))")).collect();
    assert_eq!(module(&format!("(func $f) {exports}")), DECLARATIONS);
    let segments = "(data \"\")".repeat(1_100_000 / 11);
    let modules = format!("(core module {segments})").repeat(11);
    assert_eq!(load(&component(&modules)), DECLARATIONS);
}

/// Each component instantiates the one before twice: two to the power of their number instances, in a small file.
#[test]
fn components_that_multiply_are_refused() {
    let mut text = String::from("(component $c0 (core module $m) (core instance (instantiate $m)))");
    for index in 1..40 {
        let before = index - 1;
        let _ = write!(
            text,
            "(component $c{index} (alias outer 1 $c{before} (component $c)) (instance (instantiate $c)) \
             (instance (instantiate $c)))"
        );
    }
    text += "(instance (instantiate $c39))";
    assert_eq!(
        load(&component(&text)),
        "test.wasm: `load` reached the limit of 64 instances of modules and components; `limits.instances` sets it"
    );
}

/// The same with few instances, of components that declare much.
#[test]
fn declarations_count_for_each_instance() {
    let types = "(type (func (param \"a\" string)))".repeat(20_000);
    let text = format!("(component $c {types}) {}", "(instance (instantiate $c))".repeat(60));
    assert_eq!(load(&component(&text)), DECLARATIONS);
}

#[test]
fn components_are_no_values() {
    let expected = "test.wasm: it hands components around as values, which this host does not support: link its parts \
                    into one component";
    assert_eq!(load(&component("(component $c (import \"d\" (component)))")), expected);
    assert_eq!(load(&component("(component $c (component $d) (export \"d\" (component $d)))")), expected);
}

#[test]
fn many_modules_are_refused() {
    assert_eq!(
        load(&component(&"(core module)".repeat(65))),
        "test.wasm: `load` reached the limit of 64 modules and components; `limits.instances` sets it"
    );
}

/// Data that is far apart is not made into one image.
#[test]
fn sparse_data_is_small() {
    let sparse = "(core module (memory 65536) (data (i32.const 0) \"a\") (data (i32.const -2) \"b\"))".repeat(16);
    let text = load(&component(&sparse));
    assert!(text.contains("does not fit the contract"), "{text}");
}

#[test]
fn malformed_code_is_refused() {
    let text =
        message(engine().load_bytes("test.wasm", &component("(core module (func (result i32)))"), &Limits::default()));
    assert!(
        text.starts_with("test.wasm: it does not compile: type mismatch: expected i32 but nothing on stack"),
        "{text}"
    );
}

/// A plugin may wish for less to be compiled; and what a host gives up on by the clock is no limit.
#[test]
fn the_hosts_patience_with_compiling_is_no_fault_of_the_plugin() {
    let options = EngineOptions { patience: Duration::from_millis(1), ..EngineOptions::default() };
    let steps = "(local.set 0 (i32.mul (local.get 0) (i32.const 3)))".repeat(100_000);
    let bytes = strategy(&[("module", &format!("(func (param i32) {steps})"))]);
    let error = Engine::new(&options).unwrap().load_bytes("test.wasm", &bytes, &Limits::default()).unwrap_err();
    assert!(matches!(error, PluginError::Aborted { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "test.wasm: the host gave up on `compile` after 0.001 seconds (the setting is `engine.patience`)"
    );
}
