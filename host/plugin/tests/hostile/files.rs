//! Files that are no plugins, and plugins that are taken for others.

use archwright_plugin::{Kind, PluginError};

use crate::guests::host::{engine, limits, load, open_estimator};
use crate::guests::{estimator, search_space, strategy};
use crate::{component, message};

#[test]
fn files_that_are_no_components_are_refused() {
    let file = |bytes: &[u8]| message(load(bytes));
    assert_eq!(file(b""), "test.wasm: this is not a WebAssembly file");
    assert_eq!(file(b"(component)"), "test.wasm: this is not a WebAssembly file");
    assert_eq!(
        file(&wat::parse_str("(module)").unwrap()),
        "test.wasm: this is a core module, not a component: encode it with `archwright plugin build`, `wasm-tools \
         component new` or the crate `wit-component`"
    );
    assert_eq!(
        file(&wat::parse_str("(component)").unwrap()),
        "test.wasm: a component that exports `archwright:nas/strategy`, `archwright:nas/estimator` or \
         `archwright:nas/search-space` is wanted here; this is one that exports no interface"
    );
}

#[test]
fn truncated_files_are_refused() {
    let bytes = strategy(&[]);
    for length in (8..bytes.len()).step_by(37) {
        let error = load(&bytes[..length]).map(drop).expect_err("an error");
        assert!(matches!(error, PluginError::Load { .. } | PluginError::WrongKind { .. }), "{length}: {error}");
    }
    assert!(message(load(&bytes[..bytes.len() / 2])).starts_with("test.wasm: the file is cut off: "));
}

#[test]
fn an_export_of_the_wrong_shape_is_refused() {
    let component = r#"(component (instance $strategy) (export "archwright:nas/strategy@0.1.0" (instance $strategy)))"#;
    let text = message(load(&wat::parse_str(component).unwrap()));
    assert!(text.starts_with("test.wasm: it does not fit the contract `archwright:nas` of this host: "), "{text}");
}

#[test]
fn a_component_is_opened_as_what_it_is() {
    let component = load(&strategy(&[])).unwrap();
    assert_eq!(component.kind(), Kind::Strategy);
    assert_eq!(load(&estimator(&[])).unwrap().kind(), Kind::Estimator);
    assert_eq!(load(&search_space(&[])).unwrap().kind(), Kind::SearchSpace);
    assert_eq!(message(open_estimator(&strategy(&[]))), "hand-made: an estimator is wanted here; this is a strategy");
}

#[test]
fn large_files_are_not_read() {
    let mut small = limits();
    small.component_bytes = 1000;
    let expected = "reached the limit of 1000 bytes of a component; `limits.component_bytes` sets it";
    assert!(message(engine().load_bytes("test.wasm", &[0; 1001], &small)).contains(expected));
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(1 << 40).unwrap();
    assert!(message(engine().load(file.path(), &small)).contains(expected));
}

/// What a reader says of a damaged file has no line breaks of its own.
#[test]
fn damaged_files_play_no_tricks() {
    let mut bytes = component("(core module)");
    let inner = bytes.windows(4).rposition(|window| window == b"\0asm").unwrap();
    bytes[inner + 1] = 0x1b;
    let text = message(load(&bytes));
    assert!(text.starts_with("test.wasm: the file is damaged: magic header not detected"), "{text}");
    assert!(!text.contains(char::is_control), "{text:?}");
}
