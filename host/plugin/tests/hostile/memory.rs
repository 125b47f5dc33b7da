//! Memory, tables and instances: more and more of them, in large steps and in small ones.

use crate::guests::host::{engine, limits, load, open_strategy};
use crate::guests::strategy;
use crate::{ask, component, message};

const REACHED: &str = "hand-made: `ask` reached the limit of 4194304 bytes of memory; `limits.memory_bytes` sets it";

#[test]
fn memory_is_bounded() {
    let grow = "(if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))";
    assert_eq!(ask(&[("ask", grow)]), REACHED);
    let small = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable";
    assert_eq!(ask(&[("ask", small)]), REACHED);
}

#[test]
fn memory_that_is_declared_is_bounded() {
    assert_eq!(
        message(load(&strategy(&[("pages", "1000")]))),
        "test.wasm: `instantiate` reached the limit of 4194304 bytes of memory; `limits.memory_bytes` sets it"
    );
    // Many memories count together.
    let second = ("module", "(memory $second 40)");
    assert_eq!(
        message(load(&strategy(&[("pages", "40"), second]))),
        "test.wasm: `instantiate` reached the limit of 4194304 bytes of memory; `limits.memory_bytes` sets it"
    );
    let many = "(memory 0)".repeat(16);
    assert_eq!(
        message(load(&strategy(&[("module", &many)]))),
        "test.wasm: `load` reached the limit of 16 memories; `limits.memories` sets it"
    );
}

#[test]
fn a_plugin_may_cope_with_a_memory_that_does_not_grow() {
    let grow = "(drop (memory.grow (i32.const 1000)))";
    assert!(open_strategy(&strategy(&[("ask", grow)])).unwrap().ask(1).is_ok());
    // Beyond what it declared for itself, that is no limit of the host.
    let declared = [("pages", "4 5"), ("ask", "(drop (memory.grow (i32.const 10))) unreachable")];
    assert_eq!(ask(&declared), "hand-made: `ask` trapped: wasm `unreachable` instruction executed");
}

#[test]
fn tables_are_bounded() {
    let table = ("module", "(table $table 0 funcref)");
    let expected = "hand-made: `ask` reached the limit of 100000 elements of a table; `limits.table_elements` sets it";
    let grow =
        "(if (i32.eq (table.grow $table (ref.null func) (i32.const 1000000)) (i32.const -1)) (then unreachable))";
    assert_eq!(ask(&[table, ("ask", grow)]), expected);
    let small = "(loop $more
        (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1)))) unreachable";
    assert_eq!(ask(&[table, ("ask", small)]), expected);
    assert_eq!(
        message(load(&strategy(&[("module", "(table 9000000 funcref)")]))),
        "test.wasm: `instantiate` reached the limit of 100000 elements of a table; `limits.table_elements` sets it"
    );
    let many = "(table 0 funcref)".repeat(64);
    assert_eq!(
        message(load(&strategy(&[("module", &many)]))),
        "test.wasm: `load` reached the limit of 64 tables; `limits.tables` sets it"
    );
}

#[test]
fn instances_are_bounded() {
    let mut few = limits();
    few.instances = 1;
    assert_eq!(
        message(engine().load_bytes("test.wasm", &strategy(&[]), &few)),
        "test.wasm: `load` reached the limit of 1 modules and components; `limits.instances` sets it"
    );
    // Each has little memory, and together they have more than there may be.
    let module = format!("(core module $m (memory 40)) {}", "(core instance (instantiate $m))".repeat(60));
    let text = message(load(&component(&module)));
    assert!(text.starts_with("test.wasm: it does not fit the contract"), "{text}");
    let module = format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(100));
    assert_eq!(
        message(load(&component(&module))),
        "test.wasm: `load` reached the limit of 64 instances of modules and components; `limits.instances` sets it"
    );
}
