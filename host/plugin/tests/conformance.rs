//! The checks that any plugin can be put through: they pass what keeps the contract, and name what does not, and why.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod guests;

use std::collections::BTreeSet;
use std::path::Path;

use archwright_plugin::conformance::{self, CATALOGUE, Check, Group, Outcome, Report, Settings};
use archwright_plugin::{Kind, Limits};
use guests::host::{engine, load};
use guests::{Parts, estimator, search_space, strategy, with_section};

/// A query for a point that the space draws, by the number of the query.
const SAMPLE: &str = "
    (call $sample (i64.load (local.get $at)) (i32.const 704))
    (i32.store (i32.add (local.get $at) (i32.const 12)) (i32.load8_u (i32.const 704)))
    (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.load (i32.const 708)))
    (i32.store (i32.add (local.get $at) (i32.const 20)) (i32.load (i32.const 712)))";

/// Limits that a plugin without a fault stays within, and one without an end reaches soon.
fn limits() -> Limits {
    Limits { fuel_per_call: 200_000_000, memory_bytes: 64 << 20, ..Limits::default() }
}

fn check(bytes: &[u8]) -> Report {
    let here = || Ok(conformance::transcript(&load(bytes).unwrap(), &limits(), &serde_json::Map::new()));
    let settings = Settings { quick: true, elsewhere: Some(&here), ..Settings::default() };
    conformance::check_file(&engine(), "test.wasm", bytes, &limits(), &settings)
}

/// What of a report did not pass.
fn with(report: &Report, outcome: Outcome) -> Vec<String> {
    report.with(outcome).map(|check| format!("{}: {}", check.id, check.seen)).collect()
}

/// A sampling strategy with parts of its own.
fn sampling(parts: Parts<'_>) -> Vec<u8> {
    // Code for a query comes after the sampling.
    let own = parts.iter().find(|(name, _)| *name == "query").map_or("", |(_, code)| code);
    let query = format!("{SAMPLE} {own}");
    let mut all = vec![("query", query.as_str())];
    all.extend(parts.iter().filter(|(name, _)| *name != "query"));
    strategy(&all)
}

/// An estimator of one objective with parts of its own.
fn single(parts: Parts<'_>) -> Vec<u8> {
    let refusing = refusing(1);
    let open = format!("(if (i32.gt_u (local.get 3) (i32.const 1)) (then {refusing}))");
    let all: Vec<_> = std::iter::once(("open", open.as_str())).chain(parts.iter().copied()).collect();
    estimator(&all)
}

/// The check `id`, which has to have failed, with something in what was seen and in the advice.
fn fails(bytes: &[u8], id: &str, seen: &str, advice: &str) {
    let report = check(bytes);
    assert!(!report.passed);
    let failed = |check: &&Check| {
        check.id == id && check.seen.contains(seen) && check.advice.as_ref().is_some_and(|said| said.contains(advice))
    };
    assert!(
        report.with(Outcome::Failed).any(|check| failed(&check)),
        "{:#?}",
        report.with(Outcome::Failed).collect::<Vec<_>>()
    );
}

#[test]
fn plugins_that_keep_the_contract_pass() {
    for bytes in [sampling(&[]), single(&[]), search_space(&[])] {
        let report = check(&bytes);
        assert_eq!(with(&report, Outcome::Failed), Vec::<String>::new());
        assert!(report.passed);
        let kind = report.plugin.kind.unwrap();
        let made: BTreeSet<_> = report.checks.iter().map(|check| check.id).collect();
        let wanted: BTreeSet<_> =
            CATALOGUE.iter().filter(|entry| entry.kinds.contains(&kind)).map(|entry| entry.id).collect();
        assert_eq!(made, wanted, "every check of a {kind} is there once");
        assert_eq!(made.len(), report.checks.len());
    }
}

#[test]
fn a_whole_check_goes_through_ten_thousand_observations() {
    let settings = Settings { only: Some(vec![Group::Resources]), ..Settings::default() };
    let report = conformance::check(&load(&sampling(&[])).unwrap(), &Limits::default(), &settings);
    let growth = report.checks.iter().find(|check| check.id == "growth").unwrap();
    assert_eq!(growth.outcome, Outcome::Passed, "{growth:?}");
    assert!(growth.seen.starts_with("10000 observations; "), "{}", growth.seen);
    assert!(report.checks.iter().all(|check| check.group == Group::Resources));
}

#[test]
fn every_check_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let text = std::fs::read_to_string(path).unwrap();
    for entry in CATALOGUE {
        assert!(text.contains(&format!("| `{}` |", entry.id)), "docs/conformance.md lacks `{}`", entry.id);
        assert!(
            text.contains(&format!("`{}`", entry.group.name())),
            "docs/conformance.md lacks `{}`",
            entry.group.name()
        );
    }
    let ids: BTreeSet<_> = CATALOGUE.iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), CATALOGUE.len());
}

#[test]
fn files_that_do_not_load_are_explained() {
    fails(b"hello", "component", "this is not a WebAssembly file", "archwright plugin build");
    fails(&wat::parse_str("(module)").unwrap(), "component", "a core module", "archwright plugin build");
    let stray = r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#;
    fails(&wat::parse_str(stray).unwrap(), "component", "wasi_snapshot_preview1", "without WASI");
    fails(
        &wat::parse_str("(component)").unwrap(),
        "one-kind",
        "exports no interface",
        "one of the contract's interfaces",
    );
    let with = |import: &str| {
        let text = format!(
            r#"(component (import "{import}" (instance)) (instance $strategy)
               (export "archwright:nas/strategy@0.1.0" (instance $strategy)))"#
        );
        wat::parse_str(text).unwrap()
    };
    fails(&with("wasi:random/random@0.2.0"), "imports", "wasi:random/random@0.2.0", "--stub-wasi");
    fails(&with("acme:net/http@1.0.0"), "imports", "acme:net/http@1.0.0", "do without");
    fails(&with("archwright:nas/space@0.9.0"), "contract-version", "0.9.0", "wit/");
    fails(&with("archwright:nas/log@0.1.0"), "compiles", "does not fit the contract", "");
    let report = check(&with("wasi:random/random@0.2.0"));
    let skipped = report.with(Outcome::Skipped).map(|check| check.id).collect::<Vec<_>>();
    assert!(skipped.contains(&"searches") && !skipped.contains(&"estimates"), "{skipped:?}");
    assert_eq!(report.plugin.kind, None);
}

#[test]
fn descriptions_are_checked() {
    let each_time =
        ("describe", "(i32.store8 (i32.const 1024) (i32.add (i32.load8_u (i32.const 1024)) (i32.const 1)))");
    fails(&sampling(&[each_time]), "same-description", "asked again in the same instance", "depend on nothing");
    fails(&sampling(&[("name", "Not Kebab")]), "describes-itself", "kebab-case", "describe");
    fails(&sampling(&[("schema", "{")]), "describes-itself", "options-schema", "describe");
    let open = ("schema", r#"{ "type": "object", "additionalProperties": true }"#);
    fails(&sampling(&[open]), "refuses-unknown-options", "was accepted", "additionalProperties");
    let required = r#"{ "type": "object", "properties": { "size": { "type": "integer" } }, "required": ["size"] }"#;
    fails(&sampling(&[("schema", required)]), "accepts-options", "it is missing", "--option");
    let report =
        check(&sampling(&[("schema", r#"{ "type": "object", "properties": { "size": { "type": "integer" } } }"#)]));
    let warned = with(&report, Outcome::Warning);
    assert!(warned.iter().any(|one| one.starts_with("options-documented: `size` has no description")), "{warned:?}");
    assert!(warned.iter().any(|one| one.starts_with("references: ")), "{warned:?}");
    assert!(report.passed);
}

/// Answers `open` with an error of this case of `error`.
fn refusing(case: u32) -> String {
    format!(
        "(i32.store8 (i32.const 512) (i32.const 1)) (i32.store8 (i32.const 516) (i32.const {case}))
         (i32.store (i32.const 520) (i32.const 1024)) (i32.store (i32.const 524) (i32.const 4)) (return (i32.const 512))"
    )
}

#[test]
fn a_strategy_has_to_open() {
    fails(&sampling(&[("open", &refusing(0))]), "accepts-options", "invalid options", "a default that works");
    fails(&sampling(&[("open", &refusing(1))]), "works-somewhere", "it declined them all", "cannot work with");
    fails(&sampling(&[("open", "unreachable")]), "accepts-options", "`open` trapped", "panicked");
}

#[test]
fn option_bounds_are_tried() {
    // Traps where the options' text is that of one bound: `{"size":1}` is 10 bytes long, `{"size":10}` is 11.
    let fragile = ("open", "(if (i32.eq (local.get 5) (i32.const 10)) (then unreachable))");
    fails(&sampling(&[fragile]), "option-bounds", "with `size` = 1, which its schema allows", "panicked");
}

#[test]
fn wrong_queries_are_explained() {
    let failing = |part: (&str, &str), seen: &str, advice: &str| fails(&sampling(&[part]), "searches", seen, advice);
    failing(("query", "(i64.store (local.get $at) (i64.const 7))"), "7 is the id of an earlier query", "count ids up");
    failing(("queries", "(i32.add (local.get $capacity) (i32.const 1))"), "more than the 1 asked for", "`capacity`");
    let fidelity = |value: &str| format!("(f64.store (i32.add (local.get $at) (i32.const 32)) (f64.const {value}))");
    failing(("query", &fidelity("nan")), "fidelity: NaN is not in (0, 1]", "check for NaN");
    let forged = "(i32.store (i32.const 30008) (i32.const 99))
        (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const 30000))
        (i32.store (i32.add (local.get $at) (i32.const 20)) (i32.const 3))";
    failing(("query", forged), "architecture: ", "an index below the number of labels");
    let short = "(i32.store (i32.add (local.get $at) (i32.const 20)) (i32.const 1))";
    failing(("query", short), "architecture: ", "one value per decision");
    let waiting =
        "(if (result i32) (i64.gt_u (global.get $next) (i64.const 5)) (then (i32.const 1)) (else (i32.const 0)))";
    failing(("reply", waiting), "it waits for observations, but no query is in flight", "count each observation");
    failing(("ask", "(loop $spin (br $spin))"), "units of fuel", "a loop without an end");
    failing(("ask", "unreachable"), "`ask` trapped", "panicked");
    failing(("tell", "unreachable"), "(after 1 query, 1 of them told)", "panicked");
}

#[test]
fn what_a_strategy_does_not_survive_is_named() {
    // The second case of an outcome, 8 bytes into the observation.
    let fragile = ("tell", "(if (i32.load8_u (i32.add (local.get 1) (i32.const 8))) (then unreachable))");
    fails(&sampling(&[fragile]), "failed-queries", "`tell` trapped", "panicked");
    let report = check(&sampling(&[fragile]));
    let failed: BTreeSet<_> = report.with(Outcome::Failed).map(|check| check.id).collect();
    assert_eq!(failed, BTreeSet::from(["all-queries-fail", "failed-queries"]));
    let several = ("tell", "(if (i32.gt_u (local.get 2) (i32.const 3)) (then unreachable))");
    fails(&sampling(&[several]), "told-at-once", "`tell` trapped", "");
    let early = ("recommend", "(if (i64.eq (global.get $next) (i64.const 1)) (then unreachable))");
    fails(&sampling(&[early]), "recommends-any-time", "`recommend` trapped", "");
}

#[test]
fn state_that_outlives_a_search_is_found() {
    let counting: Parts<'_> = &[
        ("module", "(global $all (mut i64) (i64.const 0))"),
        (
            "query",
            "(global.set $all (i64.add (global.get $all) (i64.const 1)))
             (call $sample (global.get $all) (i32.const 704))
             (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.load (i32.const 708)))",
        ),
    ];
    fails(&sampling(counting), "searches-apart", "a second search in the same instance", "global variables");
    let report = check(&sampling(counting));
    assert_eq!(report.with(Outcome::Failed).count(), 1, "{:?}", with(&report, Outcome::Failed));
}

#[test]
fn another_process_that_answers_otherwise_is_found() {
    let component = load(&sampling(&[])).unwrap();
    let report = |elsewhere: &dyn Fn() -> Result<String, String>| {
        let only = Some(vec![Group::Deterministic]);
        let settings = Settings { quick: true, only, elsewhere: Some(elsewhere), ..Settings::default() };
        conformance::check(&component, &limits(), &settings)
    };
    let differs = with(&report(&|| Ok("another".into())), Outcome::Failed);
    assert!(differs[0].starts_with("repeats-in-another-process: another process gave other answers"), "{differs:?}");
    let broken = with(&report(&|| Err("no memory".into())), Outcome::Failed);
    assert!(broken[0].contains("the other process failed: no memory"), "{broken:?}");
}

#[test]
fn a_leak_is_found() {
    let grow = ("ask", "(if (i32.eq (memory.grow (i32.const 4)) (i32.const -1)) (then unreachable))");
    fails(&sampling(&[grow]), "growth", "bytes of memory", "never used again");
    // Fuel that grows with the square of the number of queries.
    let slow = "(local.set $at (i32.wrap_i64 (i64.mul (global.get $next) (global.get $next))))
        (block $out (loop $spin
            (br_if $out (i32.le_s (local.get $at) (i32.const 0)))
            (local.set $at (i32.sub (local.get $at) (i32.const 1)))
            (br $spin)))";
    let report = check(&sampling(&[("ask", slow)]));
    let warned = with(&report, Outcome::Warning);
    let growth = warned.iter().find(|one| one.starts_with("growth: ")).unwrap();
    assert!(growth.contains("grows with about the power 2.0"), "{growth}");
    assert!(report.passed);
}

#[test]
fn limits_of_the_plugins_own_count_where_they_are_lower() {
    // A page of 64 KiB for each so many queries.
    let leak = |queries: u32| {
        let mask = queries - 1;
        let grow = "(if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))";
        format!("(if (i64.eqz (i64.and (global.get $next) (i64.const {mask}))) (then {grow}))")
    };
    let limited = |ask: &str, memory: u64| {
        let wishes = format!("{{ \"memory_bytes\": {memory} }}");
        with_section(sampling(&[("ask", ask)]), "archwright:limits", wishes.as_bytes())
    };
    assert!(
        with(&check(&sampling(&[("ask", &leak(64))])), Outcome::Warning).iter().all(|one| !one.starts_with("growth"))
    );
    let warned = with(&check(&limited(&leak(64), 32 << 20)), Outcome::Warning);
    assert!(warned.iter().any(|one| one.starts_with("growth: ") && one.contains("memory is full after")), "{warned:?}");
    // No experiment can raise them.
    fails(
        &limited(&leak(8), 4 << 20),
        "growth",
        "the plugin's own wish for `memory_bytes`",
        "`[limits]` of its plugin.toml",
    );
}

#[test]
fn floods_of_lines_are_worth_a_warning() {
    let flood = (
        "ask",
        "(loop $more
        (call $log (i32.const 1) (i32.const 1024) (i32.const 4))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $at) (i32.const 50))))",
    );
    let warned = with(&check(&sampling(&[flood])), Outcome::Warning);
    assert!(warned.iter().any(|one| one.starts_with("log-volume: 3000 lines for 60 queries")), "{warned:?}");
}

#[test]
fn claims_have_to_hold() {
    let warned = with(&check(&sampling(&[("needs", "gradients")])), Outcome::Warning);
    assert!(warned.iter().any(|one| one.starts_with("needs-used: it needs `gradients`")), "{warned:?}");
    let warned = with(&check(&sampling(&[("needs", "telepathy")])), Outcome::Warning);
    assert!(warned.iter().any(|one| one.starts_with("known-claims: it needs telepathy")), "{warned:?}");
    let half = "(f64.store (i32.add (local.get $at) (i32.const 32)) (f64.const 0.5))";
    let warned = with(&check(&sampling(&[("query", half)])), Outcome::Warning);
    assert!(warned.iter().any(|one| one.starts_with("fidelity-claimed: 180 queries")), "{warned:?}");
    let training = "(i32.store8 (i32.add (local.get $at) (i32.const 56)) (i32.const 2))";
    fails(&sampling(&[("query", training)]), "purposes-claimed", "180 queries that train or probe", "`shared-weights`");
    let full = single(&[("gives", "fidelity")]);
    fails(&full, "gives-fidelity", "asked for 0.25 of a full training, it told of 1", "leave `fidelity` out");
}

#[test]
fn estimators_that_break_the_contract_are_named() {
    fails(&estimator(&[]), "two-goals", "1 values instead of 2, one per objective", "one finite number for each");
    fails(&estimator(&[("begin", "unreachable")]), "estimates", "`begin` trapped", "panicked");
    let nan = "(f64.store (i32.const 560) (f64.const nan))";
    fails(&estimator(&[("estimate", nan)]), "estimates", "wrong step.done.cost: NaN", "");
    // An estimate that depends on how many jobs there were.
    let counting: Parts<'_> = &[
        ("module", "(global $jobs (mut f64) (f64.const 0))"),
        ("begin", "(global.set $jobs (f64.add (global.get $jobs) (f64.const 1)))"),
        ("estimate", "(f64.store (i32.const 560) (global.get $jobs))"),
    ];
    fails(&estimator(counting), "keeps-jobs-apart", "estimate 0 was ", "");
}

#[test]
fn search_spaces_that_break_the_contract_are_named() {
    // A network that depends on how many were built.
    let stateful: Parts<'_> = &[
        ("module", "(global $built (mut i32) (i32.const 0))"),
        ("build", "(global.set $built (i32.xor (global.get $built) (i32.const 1)))"),
        ("nodes", "(i32.sub (i32.const 3) (global.get $built))"),
    ];
    let report = check(&search_space(stateful));
    assert!(!report.passed);
    fails(&search_space(&[("op", "conv9d")]), "sound-decisions", "there is no operation `conv9d`", "");
    // Traps where the value is 1, an index at 8 bytes into the value.
    let fragile = "(if (i32.load (i32.add (local.get $values) (i32.const 8))) (then unreachable))";
    fails(&search_space(&[("build", fragile)]), "builds-every-value", "width=wide: hand-made: `build` trapped", "");
    assert_eq!(check(&search_space(&[])).plugin.kind, Some(Kind::SearchSpace));
}
