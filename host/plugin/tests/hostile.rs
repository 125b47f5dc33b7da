//! Plugins that mean harm or are broken: each ends in an error that says what happened, and nothing else happens.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it is wrong")]

mod guests;

use archwright_plugin::model::{EstimateOutcome, Observation, Reply};
use archwright_plugin::{Kind, LogLevel, PluginError};
use guests::host::{engine, impatient, limits, load, log, open_estimator, open_strategy, open_strategy_with, space};
use guests::{Parts, estimator, search_space, strategy};

const SPIN: &str = "(loop $spin (br $spin))";

/// Recurses for good; the depth is used, so that no compiler makes a loop of it.
const RECURSE: (&str, &str) = (
    "module",
    "(func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))",
);

fn message<T>(result: Result<T, PluginError>) -> String {
    result.map(drop).expect_err("an error").to_string()
}

/// The message of a strategy's first `ask`.
fn ask(parts: Parts<'_>) -> String {
    message(open_strategy(&strategy(parts)).unwrap().ask(4))
}

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
        "test.wasm: it is built for `archwright:nas/space@0.2.0`: this host has version 0.1.0 of the contract, which \
         has changed incompatibly by version 0.2.0: use a newer archwright",
    );
    check(
        "archwright:nas/space@0.1.1",
        "test.wasm: it is built for `archwright:nas/space@0.1.1`: this host has version 0.1.0 of the contract, which \
         lacks what was added up to version 0.1.1: use a newer archwright, or build the plugin for 0.1.0",
    );
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

#[test]
fn endless_loops_run_out_of_fuel() {
    let expected = |call: &str, name: &str| {
        format!("{name}: `{call}` reached the limit of 10000000 units of fuel; `limits.fuel_per_call` sets it")
    };
    assert_eq!(message(load(&strategy(&[("describe", SPIN)]))), expected("describe", "test.wasm"));
    assert_eq!(message(open_strategy(&strategy(&[("open", SPIN)]))), expected("open", "hand-made"));
    assert_eq!(ask(&[("ask", SPIN)]), expected("ask", "hand-made"));
    let start = ("module", "(func $spin (loop $spin (br $spin))) (start $spin)");
    assert_eq!(message(load(&strategy(&[start]))), expected("instantiate", "test.wasm"));
    // Guest code also runs while the host writes arguments into its memory.
    let realloc = ("realloc", SPIN);
    assert_eq!(message(open_strategy(&strategy(&[realloc]))), expected("open", "hand-made"));
}

#[test]
fn the_hosts_work_is_paid_for() {
    let sample = "(loop $spin (call $sample (i64.const 1) (i32.const 700)) (br $spin))";
    let text = ask(&[("ask", sample)]);
    assert_eq!(text, "hand-made: `ask` reached the limit of 10000000 units of fuel; `limits.fuel_per_call` sets it");
    let log = "(loop $spin (call $log (i32.const 0) (i32.const 0) (i32.const 100)) (br $spin))";
    assert_eq!(ask(&[("ask", log)]), text);
}

#[test]
fn the_hosts_patience_is_no_fault_of_the_plugin() {
    let mut unbounded = limits();
    unbounded.fuel_per_call = u64::MAX;
    let mut strategy = open_strategy_with(&impatient(), &strategy(&[("ask", SPIN)]), &unbounded, log().0).unwrap();
    let error = strategy.ask(1).unwrap_err();
    assert!(matches!(error, PluginError::Aborted { .. }), "{error}");
}

#[test]
fn memory_is_bounded() {
    let grow = "(if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))";
    let expected = "hand-made: `ask` reached the limit of 4194304 bytes of memory; `limits.memory_bytes` sets it";
    assert_eq!(ask(&[("ask", grow)]), expected);
    let text = message(load(&strategy(&[("pages", "1000")])));
    assert!(text.contains("reached the limit of 4194304 bytes of memory"), "{text}");
}

#[test]
fn a_plugin_may_cope_with_a_memory_that_does_not_grow() {
    let grow = "(drop (memory.grow (i32.const 1000)))";
    assert!(open_strategy(&strategy(&[("ask", grow)])).unwrap().ask(1).is_ok());
}

#[test]
fn tables_are_bounded() {
    let table = ("module", "(table $table 0 funcref)");
    let grow =
        "(if (i32.eq (table.grow $table (ref.null func) (i32.const 1000000)) (i32.const -1)) (then unreachable))";
    let expected = "reached the limit of 100000 elements of a table; `limits.table_elements` sets it";
    assert!(ask(&[table, ("ask", grow)]).contains(expected));
    let mut few = limits();
    few.instances = 1;
    let text = message(engine().load_bytes("test.wasm", &strategy(&[]), &few));
    assert!(text.contains("reached the limit of 1 core instances; `limits.instances` sets it"), "{text}");
}

#[test]
fn the_stack_is_bounded() {
    let text = ask(&[RECURSE, ("ask", "(drop (call $deep (i32.const 0)))")]);
    assert_eq!(text, "hand-made: `ask` reached the limit of 524288 bytes of stack; `engine.stack_bytes` sets it");
}

#[test]
fn a_trap_says_what_the_plugin_last_logged() {
    let text = ask(&[("ask", "(unreachable)")]);
    assert_eq!(text, "hand-made: `ask` trapped: wasm `unreachable` instruction executed");
    let panic = [
        ("module", "(data (i32.const 30000) \"no parents left\")"),
        ("ask", "(call $log (i32.const 3) (i32.const 30000) (i32.const 15)) (unreachable)"),
    ];
    let text = ask(&panic);
    assert_eq!(
        text,
        "hand-made: `ask` trapped: wasm `unreachable` instruction executed; it last logged: no parents left"
    );
}

#[test]
fn a_stopped_plugin_is_not_called_again() {
    let mut strategy = open_strategy(&strategy(&[("ask", "(unreachable)")])).unwrap();
    let first = message(strategy.ask(1));
    let expected =
        |call: &str| format!("hand-made: `{call}` was not called, because an earlier call stopped the plugin: {first}");
    assert_eq!(message(strategy.ask(1)), expected("ask"));
    assert_eq!(message(strategy.recommend()), expected("recommend"));
}

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
fn the_space_answers() {
    // The neighbors of point 0, as many as there are: exactly one.
    let neighbors = "(call $neighbors (i32.const 0) (i32.const 30000) (i32.const 1) (i32.const -1) (i32.const 704))
        (if (i32.load8_u (i32.const 704)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 712)) (i32.const 1)) (then unreachable))";
    assert!(open_strategy(&strategy(&[("ask", neighbors)])).unwrap().ask(1).is_ok());
    // Those of something that is no point: an error that the plugin can read.
    let neighbors = "(call $neighbors (i32.const 0) (i32.const 30000) (i32.const 2) (i32.const -1) (i32.const 704))
        (if (i32.eqz (i32.load8_u (i32.const 704))) (then unreachable))";
    assert!(open_strategy(&strategy(&[("ask", neighbors)])).unwrap().ask(1).is_ok());
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

#[test]
fn queries_are_checked() {
    let check =
        |parts: Parts<'_>, expected: &str| assert_eq!(ask(parts), format!("hand-made: `ask` gave a wrong {expected}"));
    check(&[("queries", "(i32.const 5)")], "queries: 5 queries are more than the 4 asked for");
    check(&[("queries", "(i32.const 0)")], "queries: the list is empty; it has to be `waiting` or `finished` instead");
    let same = "(i64.store (local.get $at) (i64.const 7))";
    check(&[("queries", "(i32.const 2)"), ("query", same)], "queries[1].id: 7 is the id of an earlier query");
    let fidelity = |value: &str| format!("(f64.store (i32.add (local.get $at) (i32.const 32)) (f64.const {value}))");
    check(&[("query", &fidelity("0"))], "queries[0].fidelity: 0 is not in (0, 1]");
    check(&[("query", &fidelity("nan"))], "queries[0].fidelity: NaN is not in (0, 1]");
    check(&[("query", &fidelity("1.5"))], "queries[0].fidelity: 1.5 is not in (0, 1]");
    let parent = "(i32.store8 (i32.add (local.get $at) (i32.const 40)) (i32.const 1))
                  (i64.store (i32.add (local.get $at) (i32.const 48)) (i64.const 99))";
    check(&[("query", parent)], "queries[0].parent: 99 is not the id of an earlier query");
    check(&[("reply", "(i32.const 1)")], "reply: it waits for observations, but no query is in flight");
}

#[test]
fn relaxations_are_distributions() {
    let relaxation = |first: &str, second: &str, length: u32| {
        format!(
            "(i32.store8 (i32.add (local.get $at) (i32.const 8)) (i32.const 1))
             (i32.store (i32.add (local.get $at) (i32.const 12)) (i32.const 30000))
             (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const {length}))
             (i32.store8 (i32.add (local.get $at) (i32.const 20)) (i32.const 0))
             (f32.store (i32.const 30000) (f32.const {first})) (f32.store (i32.const 30004) (f32.const {second}))"
        )
    };
    let check = |query: &str, expected: &str| {
        assert_eq!(
            ask(&[("query", query)]),
            format!("hand-made: `ask` gave a wrong queries[0].relaxation: {expected}")
        );
    };
    check(&relaxation("0.5", "0.5", 3), "3 probabilities instead of 2, one per label");
    check(&relaxation("0.5", "0.6", 2), "the probabilities of decision `width` sum to 1.100000023841858, not 1");
    check(&relaxation("1.5", "-0.5", 2), "a probability of decision `width` is -0.5");
    check(&relaxation("nan", "1", 2), "a probability of decision `width` is NaN");
    let good = relaxation("0.25", "0.75", 2);
    let wanted = "(i32.store8 (i32.add (local.get $at) (i32.const 20)) (i32.const 1))
                  (i32.store (i32.add (local.get $at) (i32.const 24)) (i32.const 30016))
                  (i32.store (i32.add (local.get $at) (i32.const 28)) (i32.const 1))";
    let error = ask(&[("query", &format!("{good} {wanted}"))]);
    assert_eq!(error, "hand-made: `ask` gave a wrong queries[0].relaxation.wanted: 1 values for 2 probabilities");
    assert!(open_strategy(&strategy(&[("query", &good)])).unwrap().ask(1).is_ok());
}

#[test]
fn points_are_points_of_the_space() {
    // One value too many, and an index that no label has.
    let long = "(i32.store (i32.add (local.get $at) (i32.const 20)) (i32.const 2))";
    let text = ask(&[("query", long)]);
    assert!(text.starts_with("hand-made: `ask` gave a wrong queries[0].architecture: "), "{text}");
    let forged = "(i32.store (i32.const 30008) (i32.const 2))
                  (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const 30000))";
    let text = ask(&[("query", forged)]);
    assert!(text.starts_with("hand-made: `ask` gave a wrong queries[0].architecture: "), "{text}");
}

#[test]
fn descriptions_are_checked() {
    let check = |name: &str, text: &str, expected: &str| {
        let result = message(load(&strategy(&[(name, text)])));
        assert!(result.contains(expected), "{result}");
    };
    check("name", "Not Kebab", "`describe` gave a wrong name: \"Not Kebab\" is not in kebab-case");
    check("version", "one", "`describe` gave a wrong version: \"one\" is no semantic version");
    check("summary", "", "`describe` gave a wrong summary: it is empty");
    check("summary", "a\u{1b}[2Jb", "`describe` gave a wrong summary: it holds the control character \\u{1b}");
    check("summary", &"a".repeat(1000), "`describe` gave a wrong summary: 1000 bytes are more than 400");
    check("schema", "{", "`describe` gave a wrong options-schema: this is not JSON");
    check("schema", "[]", "`describe` gave a wrong options-schema at #: a schema is an object");
}

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

#[test]
fn only_queries_in_flight_are_told() {
    let mut strategy = open_strategy(&strategy(&[])).unwrap();
    let told = |query| [Observation { query, outcome: EstimateOutcome::Failed("no".into()) }];
    assert_eq!(message(strategy.tell(&told(1))), "hand-made: `tell` called out of turn: query 1 is not in flight");
    let Reply::Queries(queries) = strategy.ask(1).unwrap() else { panic!("queries") };
    strategy.tell(&told(queries[0].id)).unwrap();
    assert!(matches!(strategy.tell(&told(queries[0].id)), Err(PluginError::OutOfTurn { .. })));
    assert!(strategy.recommend().unwrap().is_empty());
    assert!(strategy.fuel_used() > 0);
    assert_eq!(space().decisions().len(), 1);
}
