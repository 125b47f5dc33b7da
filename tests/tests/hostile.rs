//! Runs with plugins that mean harm or are broken: each ends with an exit code and a message that say so, its journal is
//! whole, and the next run is as if nothing had been.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../../host/plugin/tests/guests/mod.rs"]
mod guests;

use archwright_tests::{Bench, experiment};
use guests::{Parts, estimator, search_space, strategy, with_section};

const SPIN: &str = "(loop $spin (br $spin))";

/// Limits that are reached soon.
const LIMITS: &str = "\n[limits]\nfuel_per_call = 50_000_000\nmemory_bytes = 4_194_304\n";

/// An experiment with `part` of a file `plugin.wasm`, in a space of one decision.
fn bench(part: &str, plugin: Vec<u8>) -> Bench {
    let bench = Bench::new();
    bench.write("plugin.wasm", plugin);
    bench.write("space.wasm", search_space(&[]));
    let text = experiment("use = \"random\"", LIMITS).replace("\"chain\"", "\"./space.wasm\"");
    let text = match part {
        "strategy" => text.replace("\"random\"", "\"./plugin.wasm\""),
        "estimator" => text.replace("\"full-training\"", "\"./plugin.wasm\""),
        _ => text.replace("\"./space.wasm\"", "\"./plugin.wasm\""),
    };
    bench.write("experiment.toml", text);
    bench
}

/// Runs it: it has to fail with `message`, leave a whole journal whose last answers say `journal`, and disturb no other run.
fn ends(bench: &Bench, message: &str, journal: &str) {
    let said = bench.fails(["run", "experiment.toml"], 1);
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(message), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    assert_eq!(bench.json(["show", "latest", "--json"])["status"], "failed");
    let listed = bench.output(["journal", "latest"]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(journal), "{listed}");
    bench.json(["verify", "latest", "--json"]);
    innocent(bench);
}

/// A run of bundled parts in the same store comes to what it always comes to.
fn innocent(bench: &Bench) {
    bench.write("innocent.toml", experiment("use = \"random\"", ""));
    let [beside, alone] = [bench, &Bench::new()].map(|bench| {
        bench.write("innocent.toml", experiment("use = \"random\"", ""));
        bench.json(["run", "innocent.toml", "--json"]);
        archwright_tests::observations(&bench.json(["show", "latest", "--json"]))
    });
    assert_eq!(beside, alone);
}

#[test]
fn a_strategy_that_loops_ends_its_run() {
    let bench = bench("strategy", strategy(&[("tell", SPIN)]));
    let message = "hand-made: `tell` reached the limit of 50000000 units of fuel; `limits.fuel_per_call` sets it";
    ends(&bench, message, message);
}

#[test]
fn a_strategy_that_panics_ends_its_run_with_its_words() {
    let panic = "panicked at src/lib.rs:12:5: no parents left";
    let data = format!("(data (i32.const 30000) \"{panic}\")");
    let log = format!("(call $log (i32.const 3) (i32.const 30000) (i32.const {})) unreachable", panic.len());
    let bench = bench("strategy", strategy(&[("module", &data), ("tell", &log)]));
    let message =
        format!("hand-made: `tell` trapped: wasm `unreachable` instruction executed; it last logged: {panic}");
    ends(&bench, &message, "it last logged: panicked at src/lib.rs:12:5");
}

#[test]
fn a_strategy_that_lies_ends_its_run() {
    let nan = "(f64.store (i32.add (local.get $at) (i32.const 32)) (f64.const nan))";
    let bench = bench("strategy", strategy(&[("query", nan)]));
    let message = "hand-made: `ask` gave a wrong queries[0].fidelity: NaN is not in (0, 1]";
    ends(&bench, message, message);
}

#[test]
fn an_estimator_that_takes_all_memory_ends_its_run() {
    let grow = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable";
    let bench = bench("estimator", estimator(&[("begin", grow)]));
    let message = "hand-made: `begin` reached the limit of 4194304 bytes of memory; `limits.memory_bytes` sets it";
    ends(&bench, message, message);
}

#[test]
fn a_plugins_own_wish_ends_its_run() {
    let wishing = with_section(strategy(&[("ask", SPIN)]), "archwright:limits", b"{ \"fuel_per_call\": 90000 }");
    let message =
        "hand-made: `ask` reached the limit of 90000 units of fuel; the plugin's own wish for `fuel_per_call` sets it";
    ends(&bench("strategy", wishing), message, message);
}

/// What does not even describe itself is refused before there is a run.
#[test]
fn plugins_that_cannot_be_loaded_start_no_run() {
    let check = |part: &str, plugin: Vec<u8>, code: i32, message: &str| {
        let bench = bench(part, plugin);
        let said = bench.fails(["run", "experiment.toml"], code);
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(message), "{said}");
        assert_eq!(bench.json(["runs", "--json"]), serde_json::json!([]));
    };
    let spin: Parts<'_> = &[("describe", SPIN)];
    let fuel = "plugin.wasm: `describe` reached the limit of 50000000 units of fuel; `limits.fuel_per_call` sets it";
    check("strategy", strategy(spin), 1, fuel);
    check("estimator", estimator(spin), 1, fuel);
    check("space", search_space(spin), 1, fuel);
    let functions = "(func)".repeat(100_001);
    let many = "plugin.wasm: `load` reached the limit of 100000 functions; `limits.functions` sets it";
    check("strategy", strategy(&[("module", &functions)]), 1, many);
    let wish = with_section(strategy(&[]), "archwright:limits", b"{ \"fuel\": 1 }");
    check(
        "strategy",
        wish,
        2,
        "plugin.wasm: its section `archwright:limits` wishes for `fuel`: there is no such limit",
    );
}
