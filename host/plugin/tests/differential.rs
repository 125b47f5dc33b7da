//! Engines that compile and run a plugin in different ways get the same answers from it.
//!
//! What differs: fuel, the bit patterns of NaNs, how code is optimized and inlined, and how memories start. A difference in
//! an answer would be a fault of the compiler, or something that is not deterministic and was let in.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod guests;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use archwright_plugin::internals::{self, OptLevel, Variation};
use archwright_plugin::model::{
    ActionOutcome, Estimate, EstimateOutcome, Goal, Objective, Observation, OutcomeEpoch, Reply, Step,
};
use archwright_plugin::{
    Component, Engine, EngineOptions, Estimator, EstimatorSetup, Kind, Limits, NanProfile, SpaceComponent, Strategy,
    StrategySetup,
};
use archwright_space::{Context, Definition, SearchSpace, Space, bundled};
use guests::host::{log, query};
use guests::{estimator, search_space, strategy};

/// The production engine first, then others.
fn engines() -> Vec<(String, Engine)> {
    let portable = EngineOptions::default();
    let native = EngineOptions { nan: NanProfile::Native, ..EngineOptions::default() };
    let base = Variation::default();
    let variations = [
        ("production", &portable, base),
        ("no fuel", &portable, Variation { counts_fuel: false, ..base }),
        ("native NaNs", &native, base),
        ("no fuel, native NaNs", &native, Variation { counts_fuel: false, ..base }),
        ("not optimized", &portable, Variation { optimization: OptLevel::None, ..base }),
        ("small", &portable, Variation { optimization: OptLevel::SpeedAndSize, ..base }),
        ("no images", &portable, Variation { copies_on_write: false, ..base }),
        ("inlined", &portable, Variation { inlines: true, ..base }),
        (
            "all of it",
            &native,
            Variation { counts_fuel: false, optimization: OptLevel::None, copies_on_write: false, inlines: true },
        ),
    ];
    let start = |(name, options, variation): (&str, &EngineOptions, Variation)| {
        (name.to_owned(), internals::engine(options, variation).unwrap())
    };
    variations.map(start).into()
}

/// A space with decisions of every kind of the bundled ones.
fn space() -> Arc<Space> {
    let definition = Definition::parse(bundled::source("chain").unwrap()).unwrap();
    Arc::new(Space::new(Arc::new(definition), Context::full(vec![1, 8, 8], 10)).unwrap())
}

fn objectives() -> Vec<Objective> {
    vec![Objective { name: "accuracy".into(), goal: Goal::Maximize }]
}

/// Made up, from what was asked alone.
fn outcome(seed: usize) -> EstimateOutcome {
    if seed % 7 == 3 {
        return EstimateOutcome::Failed("made up".into());
    }
    EstimateOutcome::Estimated(Estimate {
        objectives: vec![(seed as f64 * 0.618).fract()],
        uncertainty: vec![],
        gradient: vec![],
        cost: 1.0,
        fidelity: 1.0,
        curve: vec![],
    })
}

/// Everything that a plugin says in a short life.
fn transcript(component: &Component) -> String {
    let mut said = format!("{:?}\n", component.description());
    let Ok(options) = component.options(&serde_json::Map::new()) else { return said };
    let limits = Limits::default();
    let space = space();
    let (sink, lines) = log();
    match component.kind() {
        Kind::Strategy => {
            let setup = StrategySetup {
                objectives: objectives(),
                options,
                seed: 7,
                max_queries: Some(60),
                offers: vec!["fidelity".into(), "gradients".into()],
            };
            match Strategy::open(component, space, setup, &limits, sink) {
                Ok(mut strategy) => search(&mut strategy, &mut said),
                Err(error) => said += &error.to_string(),
            }
        }
        Kind::Estimator => {
            let setup = EstimatorSetup {
                objectives: objectives(),
                options,
                seed: 7,
                full_epochs: 10,
                offers: ["train", "train.resume", "train.inherit", "train-shared", "evaluate-shared", "look-up"]
                    .map(String::from)
                    .into(),
                epoch_steps: 5,
            };
            match Estimator::open(component, space, setup, &limits, sink) {
                Ok(mut estimator) => estimate(&mut estimator, &mut said),
                Err(error) => said += &error.to_string(),
            }
        }
        Kind::SearchSpace => match SpaceComponent::open(component, &options, &limits, sink) {
            Ok(opened) => {
                said += &format!("{:?}\n", opened.decisions());
                let context = Context::full(vec![1, 8, 8], 10);
                let space = Space::new(Arc::new(opened), context).unwrap();
                for seed in 0..10 {
                    let sample = space.sample(seed);
                    said += &format!("{:?} {:?}\n", space.build(&sample), space.fingerprint(&sample));
                }
            }
            Err(error) => said += &error.to_string(),
        },
    }
    said + &format!("{:?}", lines.lock().unwrap())
}

fn search(strategy: &mut Strategy, said: &mut String) {
    let mut count = 0;
    for round in 0..6 {
        let reply = strategy.ask(1 + round % 5);
        *said += &format!("{reply:?}\n");
        let Ok(Reply::Queries(queries)) = reply else { break };
        let observe = |query: &archwright_plugin::model::Query| {
            count += 1;
            Observation { query: query.id, outcome: outcome(count) }
        };
        let observations: Vec<_> = queries.iter().map(observe).collect();
        let told = strategy.tell(&observations);
        *said += &format!("{told:?}\n");
        if told.is_err() {
            break;
        }
    }
    *said += &format!("{:?}\n", strategy.recommend());
}

fn estimate(estimator: &mut Estimator, said: &mut String) {
    for job in 0..5 {
        let mut step = estimator.begin(job, &query(job));
        for turn in 0..6 {
            *said += &format!("{step:?}\n");
            let Ok(Step::Act(_)) = step else { break };
            let value = (job as f64 * 0.3 + f64::from(turn) * 0.07).fract();
            let epoch = |epoch| OutcomeEpoch { epoch, train_loss: 1.0 / f64::from(epoch), objectives: vec![value] };
            let outcome = ActionOutcome {
                curve: Some((1..=10).map(epoch).collect()),
                weights: Some(format!("w{job}-{turn}")),
                objectives: Some(vec![value]),
                cost: 2.0,
                ..ActionOutcome::default()
            };
            step = estimator.advance(job, &outcome);
        }
    }
}

fn compare(name: &str, bytes: &[u8], engines: &[(String, Engine)]) {
    let mut expected = None;
    for (variation, engine) in engines {
        let said = transcript(&engine.load_bytes(name, bytes, &Limits::default()).unwrap());
        match &expected {
            None => expected = Some(said),
            Some(expected) => {
                for (said, expected) in said.lines().zip(expected.lines()) {
                    assert_eq!(said, expected, "{name}, {variation}");
                }
                assert_eq!(said.len(), expected.len(), "{name}, {variation}");
            }
        }
    }
}

#[test]
fn hand_written_plugins_answer_alike() {
    // Arithmetic whose result depends on rounding, on order and on the first contents of memory.
    let mix = "(i64.store (i32.const 30000) (i64.add (i64.load (i32.const 30000)) (i64.const 1)))
        (f64.store (i32.add (local.get $at) (i32.const 32)) (f64.min (f64.const 1) (f64.div (f64.const 1) (f64.sqrt
            (f64.add (f64.const 2) (f64.convert_i64_u (i64.load (i32.const 30000))))))))
        (i64.store (local.get $at) (i64.add (i64.shl (global.get $next) (i64.const 8))
            (i64.trunc_f64_u (f64.mul (f64.const 255) (f64.load (i32.add (local.get $at) (i32.const 32)))))))";
    let data = ("module", "(data (i32.const 30000) \"\\05\") (data (i32.const 200000) \"x\")");
    let engines = engines();
    compare("strategy", &strategy(&[data, ("query", mix)]), &engines);
    compare("estimator", &estimator(&[]), &engines);
    compare("search space", &search_space(&[]), &engines);
}

/// Bundled plugins of every kind, with arithmetic on whole numbers and on reals. A few, since each is compiled
/// for each engine.
const BUNDLED: [&str; 5] = [
    "strategies/regularized-evolution",
    "strategies/tree-parzen",
    "strategies/darts",
    "estimators/low-fidelity",
    "spaces/pyramid",
];

/// Those that `cargo xtask plugins` makes; without it there are none to compare.
#[test]
fn bundled_plugins_answer_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/plugins");
    let engines = engines();
    for name in BUNDLED {
        let file = folder.join(name).with_extension("wasm");
        match fs::read(&file) {
            Ok(bytes) => compare(name, &bytes, &engines),
            Err(_) => println!("no plugin {}: `cargo xtask plugins` makes it", file.display()),
        }
    }
}
