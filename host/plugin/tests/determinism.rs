//! The same calls give the same answers.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod guests;

use archwright_plugin::model::Reply;
use archwright_plugin::{Engine, EngineOptions, Limits, NanProfile};
use guests::host::{engine, load, log, open_strategy, open_strategy_with};
use guests::strategy;

#[test]
fn nans_have_one_bit_pattern() {
    // 0 / 0, computed where no compiler can see it, as the query's id.
    let nan = "(i64.store (local.get $at) (i64.reinterpret_f64 (f64.div
        (f64.load (i32.const 30000)) (f64.load (i32.const 30008)))))";
    let mut strategy = open_strategy(&strategy(&[("query", nan)])).unwrap();
    let Reply::Queries(queries) = strategy.ask(1).unwrap() else { panic!("queries") };
    assert_eq!(queries[0].id, 0x7ff8_0000_0000_0000);
}

#[test]
fn fuel_is_counted_alike() {
    let bytes = strategy(&[]);
    let run = |engine: &Engine| {
        let mut strategy = open_strategy_with(engine, &bytes, &Limits::default(), log().0).unwrap();
        let fuel = (1..10).map(|capacity| {
            strategy.ask(capacity).unwrap();
            strategy.fuel_used()
        });
        fuel.collect::<Vec<_>>()
    };
    let folder = tempfile::tempdir().unwrap();
    let cached =
        || Engine::new(&EngineOptions { cache_dir: Some(folder.path().into()), ..EngineOptions::default() }).unwrap();
    let first = run(&engine());
    assert_eq!(first, run(&Engine::new(&EngineOptions::default()).unwrap()));
    assert_eq!(first, run(&cached()));
    assert_eq!(first, run(&cached()));
}

#[test]
fn the_fingerprint_names_what_answers_depend_on() {
    assert_eq!(engine().fingerprint(), "wasmtime 48.0.8, nan portable, stack 524288");
    let native = EngineOptions { nan: NanProfile::Native, ..EngineOptions::default() };
    assert_ne!(Engine::new(&native).unwrap().fingerprint(), engine().fingerprint());
}

#[test]
fn what_is_not_deterministic_does_not_compile() {
    let check = |module: &str| {
        let component = format!(
            r#"(component (core module {module}) (instance $strategy)
               (export "archwright:nas/strategy@0.1.0" (instance $strategy)))"#
        );
        let error = load(&wat::parse_str(component).unwrap()).map(drop).unwrap_err().to_string();
        assert!(error.contains("does not compile"), "{module}: {error}");
    };
    check("(memory 1 1 shared)");
    check("(memory i64 1)");
    check(
        "(func (param v128 v128 v128) (result v128)
            (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))",
    );
    check("(tag) (func (throw 0))");
    check("(type (struct (field i32)))");
}
