//! What holds for any input.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod guests;

use std::sync::OnceLock;

use archwright_plugin::{Component, Engine, PluginError};
use guests::host::{engine, limits, load};
use guests::strategy;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const SCHEMA: &str = r##"{
    "type": "object",
    "properties": {
        "size": { "type": "integer", "format": "uint32", "minimum": 1, "default": 10 },
        "rate": { "type": "number", "minimum": 0, "exclusiveMaximum": 1 },
        "mode": { "$ref": "#/$defs/Mode", "default": "first" },
        "rungs": { "type": ["array", "null"], "items": { "type": "integer" }, "uniqueItems": true, "default": null }
    },
    "$defs": { "Mode": { "enum": ["first", "second"] } }
}"##;

fn shared_engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(engine)
}

fn component() -> &'static Component {
    static COMPONENT: OnceLock<Component> = OnceLock::new();
    COMPONENT.get_or_init(|| load(&strategy(&[("schema", SCHEMA)])).unwrap())
}

fn bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| strategy(&[]))
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-3_i64..20).prop_map(Value::from),
        (-2.0..2.0).prop_map(|real: f64| json!(real)),
        (0_u8..20).prop_map(|whole| json!(f64::from(whole))),
        "first|second|[a-z]{0,6}".prop_map(Value::from),
    ];
    prop_oneof![leaf.clone(), proptest::collection::vec(leaf, 0..4).prop_map(Value::from)]
}

fn options() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::vec(("size|rate|mode|rungs|sized", value()), 0..4)
        .prop_map(|pairs| pairs.into_iter().collect())
}

proptest! {
    #[test]
    fn complete_options_stay_as_they_are(given in options()) {
        match component().options(&given) {
            Ok(Value::Object(complete)) => {
                prop_assert!(complete.contains_key("size") && complete.contains_key("mode"));
                prop_assert!(given.keys().all(|name| complete.contains_key(name)));
                prop_assert_eq!(component().options(&complete).unwrap(), Value::Object(complete));
            }
            Ok(other) => prop_assert!(false, "{} is no object", other),
            Err(PluginError::Options { option, .. }) => {
                let name = option.split('[').next().unwrap_or_default();
                prop_assert!(given.contains_key(name), "{} was not given", option);
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn any_bytes_are_loaded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), header in any::<bool>()) {
        let mut file = if header { b"\0asm\x0d\0\x01\0".to_vec() } else { Vec::new() };
        file.extend(bytes);
        prop_assert!(shared_engine().load_bytes("any.wasm", &file, &limits()).is_err());
    }

    #[test]
    fn damaged_components_are_loaded_or_refused(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut file = bytes().to_vec();
        let at = at.index(file.len());
        file[at] ^= flip;
        let _ = shared_engine().load_bytes("damaged.wasm", &file, &limits());
    }
}
