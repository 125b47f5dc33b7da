//! What plugins wish for themselves.

use crate::guests::host::{engine, limits, load, log, open_strategy, open_strategy_with};
use crate::guests::{strategy, with_section};
use crate::{SPIN, message};

const SECTION: &str = "archwright:limits";

fn wishing(wishes: &str) -> Vec<u8> {
    with_section(strategy(&[("ask", SPIN)]), SECTION, wishes.as_bytes())
}

#[test]
fn the_lower_of_limit_and_wish_is_in_force() {
    let bytes = wishing(r#"{ "fuel_per_call": 5000, "handles": 1000000 }"#);
    let component = load(&bytes).unwrap();
    let wishes: Vec<_> = component.wishes().iter().map(|(key, wish)| (key.as_str(), *wish)).collect();
    assert_eq!(wishes, [("fuel_per_call", 5000), ("handles", 1_000_000)]);
    assert_eq!(
        message(open_strategy(&bytes).unwrap().ask(1)),
        "hand-made: `ask` reached the limit of 5000 units of fuel; the plugin's own wish for `fuel_per_call` sets it"
    );
    let mut lower = limits();
    lower.fuel_per_call = 4000;
    assert_eq!(
        message(open_strategy_with(&engine(), &bytes, &lower, log().0).unwrap().ask(1)),
        "hand-made: `ask` reached the limit of 4000 units of fuel; `limits.fuel_per_call` sets it"
    );
}

#[test]
fn a_plugin_without_wishes_has_none() {
    assert!(load(&strategy(&[])).unwrap().wishes().is_empty());
    // Sections of other names are nobody's business.
    assert!(load(&with_section(strategy(&[]), "archwright:limit", b"nonsense")).unwrap().wishes().is_empty());
}

#[test]
fn wishes_that_cannot_be_read_are_refused() {
    let check = |wishes: &str, expected: &str| {
        assert_eq!(message(load(&wishing(wishes))), format!("test.wasm: its section `archwright:limits` {expected}"));
    };
    let wanted = "it has to be a JSON object of keys of `[limits]`, e.g. {\"fuel_per_call\": 1000000}";
    check("", &format!("is not JSON (EOF while parsing a value at line 1 column 0): {wanted}"));
    check("[]", &format!("is no object: {wanted}"));
    check(
        r#"{ "fuel": 5 }"#,
        "wishes for `fuel`: there is no such limit; there are `fuel_per_call`, `memory_bytes`, `table_elements`, \
         `instances`, `tables`, `memories`, `hostcall_bytes`, `handles`, `log_lines`, `log_bytes`, `component_bytes`, \
         `declaration_bytes`, `functions`, `function_work`, `compile_work`, `network_nodes`, `network_parameters`, \
         `network_activation_bytes`",
    );
    check(
        r#"{ "memory-bytes": 5 }"#,
        "wishes for `memory-bytes`: there is no such limit; did you mean `memory_bytes`?",
    );
    check(r#"{ "handles": -1 }"#, "wishes for `handles` = -1: it has to be a whole number of at least 0");
    check(r#"{ "handles": 1.5 }"#, "wishes for `handles` = 1.5: it has to be a whole number of at least 0");
    check(
        "{ \"\\u001b[2J\": 1 }",
        &format!(
            "wishes for `\\u{{1b}}[2J`: there is no such limit; there are `{}`",
            archwright_plugin::Limits::KEYS.join("`, `")
        ),
    );
    let twice = with_section(wishing("{}"), SECTION, b"{}");
    assert_eq!(
        message(load(&twice)),
        "test.wasm: its section `archwright:limits` is there twice; write all wishes into one"
    );
    let long = format!("{{{}}}", " ".repeat(16 << 10));
    let bytes = {
        let mut bytes = strategy(&[]);
        let name = [&[SECTION.len() as u8][..], SECTION.as_bytes()].concat();
        let size = name.len() + long.len();
        bytes.extend([0, 0x80 | (size & 0x7f) as u8, 0x80 | (size >> 7 & 0x7f) as u8, (size >> 14) as u8]);
        bytes.extend(name);
        bytes.extend(long.as_bytes());
        bytes
    };
    assert_eq!(message(load(&bytes)), "test.wasm: its section `archwright:limits` has 16386 bytes, more than 16384");
}

/// The section of a module inside of the component is not the component's.
#[test]
fn only_the_components_own_section_counts() {
    let inner = strategy(&[("module", "(@custom \"archwright:limits\" \"nonsense\")")]);
    assert!(load(&inner).unwrap().wishes().is_empty());
}
