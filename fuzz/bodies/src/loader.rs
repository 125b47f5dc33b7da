//! Files that are to be loaded as plugins.

use archwright_plugin::{Limits, PluginError};

use crate::guests::host::{engine, limits};
use crate::guests::{estimator, search_space, strategy, with_section};

fn is_fit_to_show(error: &PluginError) {
    let text = error.to_string();
    assert!(!text.contains(char::is_control), "{text:?}");
}

fn small() -> Limits {
    // What is compiled for nothing takes long.
    Limits { component_bytes: 1 << 20, function_work: 1 << 20, compile_work: 4 << 20, ..limits() }
}

/// Any bytes: they are loaded or refused.
pub(crate) fn load(data: &[u8]) {
    match engine().load_bytes("fuzzed.wasm", data, &small()) {
        Ok(component) => assert!(!component.name().is_empty()),
        Err(error) => is_fit_to_show(&error),
    }
}

pub(crate) fn files() -> Vec<Vec<u8>> {
    let wishing = with_section(strategy(&[]), "archwright:limits", b"{ \"handles\": 5 }");
    vec![strategy(&[]), estimator(&[]), search_space(&[]), wishing]
}

/// A core module's bytes, made into a component: what is weighed is compiled or refused.
pub(crate) fn module(data: &[u8]) {
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    let mut section = |id: u8, content: &[u8]| {
        component.push(id);
        let mut length = content.len();
        while length >= 0x80 {
            component.push(0x80 | (length & 0x7f) as u8);
            length >>= 7;
        }
        component.push(length as u8);
        component.extend(content);
    };
    section(1, data);
    // An instance that exports nothing, exported as a strategy.
    section(5, &[1, 1, 0]);
    let name = b"archwright:nas/strategy@0.1.0";
    section(11, &[&[1, 0, name.len() as u8], &name[..], &[5, 0, 0]].concat());
    match engine().load_bytes("fuzzed.wasm", &component, &small()) {
        Ok(_) => panic!("it exports nothing that a strategy has"),
        Err(error) => is_fit_to_show(&error),
    }
}

pub(crate) fn modules() -> Vec<Vec<u8>> {
    [
        "(module)",
        "(module (memory 1) (table 5 funcref) (global (mut i32) (i32.const 1)) (data (i32.const 3) \"abc\")
            (func $f (param i32) (result i32) (local i64 f64)
                (block (loop (br_if 1 (local.get 0)) (br_table 0 1 (i32.load (local.get 0)))))
                (if (result i32) (local.get 0) (then (i32.const 1)) (else (call $f (i32.const 2)))))
            (elem (i32.const 0) $f) (export \"f\" (func $f)))",
        "(module (func (param v128) (result v128) (i32x4.add (local.get 0) (local.get 0))))",
    ]
    .map(|text| wat::parse_str(text).unwrap())
    .into()
}
