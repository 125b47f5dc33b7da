//! Imports that no plugin may have.

use crate::guests::host::load;
use crate::message;

fn importing(import: &str, kind: &str) -> String {
    let component = format!(
        r#"(component (import "{import}" {kind}) (instance $strategy)
           (export "archwright:nas/strategy@0.1.0" (instance $strategy)))"#
    );
    message(load(&wat::parse_str(component).unwrap()))
}

#[test]
fn wasi_is_not_there() {
    let component = r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance
        (export "now" (func (result u64)))))
        (instance $strategy) (export "archwright:nas/strategy@0.1.0" (instance $strategy)))"#;
    let text = message(load(&wat::parse_str(component).unwrap()));
    assert!(text.starts_with("test.wasm: it imports `wasi:clocks/wall-clock@0.2.0`: plugins have no clock"), "{text}");
}

#[test]
fn other_imports_are_not_there() {
    let check = |import: &str, expected: &str| {
        let component = format!(
            r#"(component (import "{import}" (instance)) (instance $strategy)
               (export "archwright:nas/strategy@0.1.0" (instance $strategy)))"#
        );
        assert_eq!(message(load(&wat::parse_str(component).unwrap())), expected);
    };
    check(
        "acme:net/http@1.0.0",
        "test.wasm: it imports `acme:net/http@1.0.0`: plugins can import interfaces of `archwright:nas` only",
    );
    check(
        "archwright:nas/actions@0.1.0",
        "test.wasm: it imports `archwright:nas/actions@0.1.0`: the host gives a strategy `archwright:nas/types`, \
         `archwright:nas/space`, `archwright:nas/log` and nothing else",
    );
    check(
        "archwright:nas/space@0.2.0",
        "test.wasm: it is built for `archwright:nas/space@0.2.0`: this host has version 0.1.1 of the contract, which \
         has changed incompatibly by version 0.2.0: use a newer archwright",
    );
    check(
        "archwright:nas/space@0.1.2",
        "test.wasm: it is built for `archwright:nas/space@0.1.2`: this host has version 0.1.1 of the contract, which \
         lacks what was added up to version 0.1.2: use a newer archwright, or build the plugin for 0.1.1",
    );
}

#[test]
fn functions_that_the_contract_lacks_are_not_there() {
    let lacks = |function: &str| {
        importing("archwright:nas/space@0.1.0", &format!("(instance (export \"{function}\" (func (result u32))))"))
    };
    let expected = "test.wasm: it does not fit the contract `archwright:nas` of this host: component imports instance \
                    `archwright:nas/space@0.1.0`, but a matching implementation was not found in the linker: instance \
                    export `";
    let text = lacks("read-file");
    assert!(text.starts_with(expected) && text.contains("`read-file`"), "{text}");
    // One that it has, of another shape.
    let text = lacks("sample");
    assert!(text.starts_with(expected) && text.contains("`sample`"), "{text}");
}

#[test]
fn bare_functions_are_not_there() {
    assert_eq!(
        importing("read-file", "(func)"),
        "test.wasm: it imports `read-file`: plugins can import interfaces of `archwright:nas` only"
    );
}

/// A plugin cannot call itself through the host: there is nothing to import that would.
#[test]
fn a_plugins_own_exports_are_not_there() {
    assert_eq!(
        importing("archwright:nas/strategy@0.1.0", "(instance)"),
        "test.wasm: it imports `archwright:nas/strategy@0.1.0`: the host gives a strategy `archwright:nas/types`, \
         `archwright:nas/space`, `archwright:nas/log` and nothing else"
    );
}

/// The name of an import is any bytes until it was looked at.
#[test]
fn names_of_imports_play_no_tricks() {
    let name = "acme:net/http";
    let component = format!(
        r#"(component (import "{name}" (instance)) (instance $strategy)
           (export "archwright:nas/strategy@0.1.0" (instance $strategy)))"#
    );
    let mut bytes = wat::parse_str(component).unwrap();
    let at = bytes.windows(name.len()).position(|window| window == name.as_bytes()).unwrap();
    bytes[at..at + 4].copy_from_slice(b"\x1b[2J");
    assert_eq!(
        message(load(&bytes)),
        "test.wasm: it imports `\\u{1b}[2J:net/http`: plugins can import interfaces of `archwright:nas` only"
    );
}
