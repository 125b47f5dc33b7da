//! Hostile plugins beside an innocent one: it answers as if it were alone, and the host's memory stays as it is.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod guests;

use std::sync::atomic::{AtomicBool, Ordering};

use archwright_plugin::model::{EstimateOutcome, Observation, Reply};
use archwright_plugin::{Component, Limits, Strategy, StrategySetup};
use guests::host::{engine, limits, log, objectives, space};
use guests::{Parts, strategy};

/// What a host is made to do: each of these ends in an error, again and again.
const HOSTILE: &[Parts<'static>] = &[
    &[("ask", "(loop $spin (br $spin))")],
    &[("ask", "unreachable")],
    &[("ask", "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable")],
    &[("module", "(func $deep (call $deep) (call $deep))"), ("ask", "(call $deep)")],
    &[("ask", "(loop $spin (call $log (i32.const 0) (i32.const 0) (i32.const 9000)) (br $spin))")],
    &[("ask", "(loop $spin (call $sample (i64.const 1) (i32.const 700)) (br $spin))")],
    &[("pages", "60"), ("answer", "(i32.store (i32.const 524) (i32.const 50000))")],
    &[("query", "(f64.store (i32.add (local.get $at) (i32.const 32)) (f64.const nan))")],
    &[("answer", "(i32.store (i32.const 520) (i32.const 0x7ffffff8))")],
];

fn open(component: &Component, limits: &Limits) -> Strategy {
    let setup = StrategySetup {
        objectives: objectives(),
        options: component.options(&serde_json::Map::new()).unwrap(),
        seed: 1,
        max_queries: None,
        offers: vec![],
    };
    Strategy::open(component, space(), setup, limits, log().0).unwrap()
}

fn load(parts: Parts<'_>) -> Component {
    engine().load_bytes("test.wasm", &strategy(parts), &limits()).unwrap()
}

/// What an innocent strategy says and takes, bit by bit.
fn innocent(component: &Component, rounds: u32) -> Vec<String> {
    let mut strategy = open(component, &Limits::default());
    (0..rounds)
        .map(|round| {
            let reply = strategy.ask(1 + round % 9).unwrap();
            let said = format!("{reply:?} {} {}", strategy.fuel_used(), strategy.memory_bytes());
            let Reply::Queries(queries) = reply else { panic!("queries") };
            let observe = |id| Observation { query: id, outcome: EstimateOutcome::Failed("no".into()) };
            let observations: Vec<_> = queries.iter().map(|query| observe(query.id)).collect();
            strategy.tell(&observations).unwrap();
            said
        })
        .collect()
}

/// Bytes of this process in memory.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[cfg(not(target_os = "linux"))]
fn resident() -> u64 {
    0
}

#[test]
fn an_innocent_plugin_is_not_disturbed_and_memory_stays() {
    // Real numbers, the space's answers and a growing memory are what could be disturbed.
    let parts: Parts<'_> = &[(
        "query",
        "(call $sample (global.get $next) (i32.const 700))
         (f64.store (i32.add (local.get $at) (i32.const 32)) (f64.div (f64.const 1) (f64.sqrt
            (f64.convert_i64_u (i64.add (global.get $next) (i64.extend_i32_u (i32.load8_u (i32.const 700))))))))",
    )];
    let component = load(parts);
    let alone = innocent(&component, 400);
    let hostile: Vec<_> = HOSTILE.iter().map(|parts| load(parts)).collect();
    let attack = || {
        for component in &hostile {
            open(component, &limits()).ask(4).map(drop).unwrap_err();
        }
    };
    // What is allocated once is not counted.
    attack();
    let before = resident();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let hostile = scope.spawn(|| {
            let mut attacks = 0;
            while !over.load(Ordering::Relaxed) || attacks < 50 {
                attack();
                attacks += 1;
            }
        });
        for _ in 0..5 {
            assert_eq!(innocent(&component, 400), alone);
        }
        over.store(true, Ordering::Relaxed);
        hostile.join().unwrap();
    });
    let after = resident();
    assert_eq!(innocent(&component, 400), alone);
    // Each of hundreds of attacks reached for megabytes.
    assert!(after < before + (64 << 20), "{before} bytes became {after}");
}
