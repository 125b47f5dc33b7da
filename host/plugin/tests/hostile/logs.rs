//! Floods of lines, and lines that would play tricks on a terminal.

use archwright_plugin::LogLevel;

use crate::guests::host::{engine, limits, load, log, open_strategy_with};
use crate::guests::{strategy, with_section};

#[test]
fn logs_are_bounded_and_escaped() {
    let module = ("module", "(data (i32.const 30000) \"a\\1b[2J\\nb\")");
    let ask = "(call $log (i32.const 1) (i32.const 30000) (i32.const 7))";
    let (sink, lines) = log();
    let mut strategy = open_strategy_with(&engine(), &strategy(&[module, ("ask", ask)]), &limits(), sink).unwrap();
    for _ in 0..20 {
        strategy.ask(1).unwrap();
    }
    let lines = lines.lock().unwrap();
    assert_eq!(lines[0], (LogLevel::Info, "a\\u{1b}[2J\\nb".into()));
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[5].0, LogLevel::Warn);
}

/// The last line says which limit it was, and who set it.
#[test]
fn floods_are_cut_off_with_a_word() {
    let line = "(call $log (i32.const 1) (i32.const 30000) (i32.const 300))";
    let module = ("module", "(data (i32.const 30000) \"x\")");
    let flood = line.repeat(10);
    let last = |bytes: &[u8]| {
        let (sink, lines) = log();
        open_strategy_with(&engine(), bytes, &limits(), sink).unwrap().ask(1).unwrap();
        let lines = lines.lock().unwrap();
        lines.last().unwrap().1.clone()
    };
    let bytes = strategy(&[module, ("ask", &flood)]);
    assert_eq!(
        last(&bytes),
        "this plugin's further lines are dropped: it reached the limit of 1000 bytes of lines of a run (`limits.log_bytes` \
         sets it)"
    );
    let wishing = with_section(bytes, "archwright:limits", br#"{ "log_lines": 0 }"#);
    assert_eq!(
        last(&wishing),
        "this plugin's further lines are dropped: it reached the limit of 0 lines of a run (the plugin's own wish for \
         `log_lines` sets it)"
    );
}

#[test]
fn lines_are_cut_to_length() {
    let (sink, lines) = log();
    let mut wide = limits();
    wide.log_bytes = 1 << 20;
    let ask = "(memory.fill (i32.const 30000) (i32.const 97) (i32.const 30000))
        (call $log (i32.const 1) (i32.const 30000) (i32.const 30000))";
    open_strategy_with(&engine(), &strategy(&[("ask", ask)]), &wide, sink).unwrap().ask(1).unwrap();
    assert_eq!(lines.lock().unwrap()[0].1, format!("{}…", "a".repeat(4096)));
}

/// Whatever of a description is shown, in a listing or an error, plays no tricks.
#[test]
fn descriptions_play_no_tricks() {
    let check = |part: &str, text: &str, expected: &str| {
        let error = load(&strategy(&[(part, text)])).map(drop).unwrap_err().to_string();
        assert_eq!(error, format!("test.wasm: `describe` gave a wrong {expected}"));
    };
    check(
        "name",
        "a\u{1b}[2J",
        "name: \"a\\\\u{1b}[2J\" is not in kebab-case (lower-case words and digits joined by \
        hyphens) of at most 64 characters",
    );
    check(
        "version",
        "1.0.0\n",
        "version: \"1.0.0\\\\n\" is no semantic version, e.g. 1.0.0: unexpected character '\\n' \
        after patch version number",
    );
    check("summary", "two\nlines", "summary: it holds the control character \\n");
    check("summary", "left\u{202e}thgir", "summary: it holds the control character \\u{202e}");
    let schema = |properties: &str| format!("{{ \"type\": \"object\", \"properties\": {{ {properties} }} }}");
    check(
        "schema",
        &schema(r#""a": { "type": "integer", "description": "\u001b[2J" }"#),
        "options-schema at #/properties/a/description: it holds the control character \\u{1b}",
    );
    check(
        "schema",
        &schema(r#""a\u001b[2J": { "type": "integer" }"#),
        "options-schema at #/properties/a\\u{1b}[2J: it holds the control character \\u{1b}",
    );
    check(
        "schema",
        &schema(r#""a": { "enum": ["b\n"] }"#),
        "options-schema at #/properties/a/enum/0: it holds the control character \\n",
    );
    // Lines of a documentation comment are what they are.
    let lines = schema(r#""a": { "type": "integer", "description": "One.\n\nTwo." }"#);
    assert!(load(&strategy(&[("schema", &lines)])).is_ok());
}
