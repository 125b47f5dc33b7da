//! What plugins answer: any bytes, in the place where the host looks for an answer.
//!
//! The plugin is opened with the bytes as an option, copies them into its memory and gives their place as the answer of
//! every call. So the host reads them as it reads any plugin's, and checks what it read.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use archwright_plugin::model::{Reply, Step, Subject};
use archwright_plugin::{Component, Estimator, EstimatorSetup, Limits, SpaceComponent, Strategy, StrategySetup};
use archwright_space::{Architecture, Context, SearchSpace, Space, Value};
use serde_json::json;

use crate::guests;
use crate::guests::host::{engine, limits, log, objectives, outcome, query, space as of_two_widths};

/// Where the bytes are put, and how many there are room for.
const PLACE: u32 = 0x2_0000;
const ROOM: usize = 0x1_0000;

const SCHEMA: &str = r#"{ "type": "object", "properties": { "image": { "type": "string" } } }"#;

/// Reads `{"image":"..."}`, pairs of hexadecimal digits, into memory.
const DECODE: &str = r"
    (func $digit (param $at i32) (result i32)
        (local $digit i32)
        (local.set $digit (i32.load8_u (local.get $at)))
        (if (result i32) (i32.ge_u (local.get $digit) (i32.const 97))
            (then (i32.sub (local.get $digit) (i32.const 87)))
            (else (i32.sub (local.get $digit) (i32.const 48)))))
    (func $decode (param $from i32)
        (local $to i32)
        (local.set $from (i32.add (local.get $from) (i32.const 10)))
        (local.set $to (i32.const 0x20000))
        (block $done (loop $next
            (br_if $done (i32.eq (i32.load8_u (local.get $from)) (i32.const 34)))
            (i32.store8 (local.get $to) (i32.or
                (i32.shl (call $digit (local.get $from)) (i32.const 4))
                (call $digit (i32.add (local.get $from) (i32.const 1)))))
            (local.set $from (i32.add (local.get $from) (i32.const 2)))
            (local.set $to (i32.add (local.get $to) (i32.const 1)))
            (br $next))))";

const ANSWER: &str = "(return (i32.const 0x20000))";

fn roomy() -> Limits {
    Limits { fuel_per_call: 100_000_000, ..limits() }
}

fn load(bytes: &[u8]) -> Component {
    engine().load_bytes("mailbox.wasm", bytes, &roomy()).unwrap()
}

fn options(data: &[u8]) -> serde_json::Value {
    let mut image = String::with_capacity(2 * data.len());
    for byte in data.iter().take(ROOM) {
        let _ = write!(image, "{byte:02x}");
    }
    json!({ "image": image })
}

/// Answers of a strategy: what passes is what the contract says.
pub(crate) fn strategy(data: &[u8]) {
    static COMPONENT: OnceLock<Component> = OnceLock::new();
    let component = COMPONENT.get_or_init(|| {
        let open = "(call $decode (local.get 4))";
        let parts = [("schema", SCHEMA), ("module", DECODE), ("open", open), ("ask", ANSWER), ("recommend", ANSWER)];
        load(&guests::strategy(&parts))
    });
    let space = of_two_widths();
    let open = || {
        let setup = StrategySetup {
            objectives: objectives(),
            options: options(data),
            seed: 1,
            max_queries: None,
            offers: vec![],
        };
        Strategy::open(component, Arc::clone(&space), setup, &roomy(), log().0).unwrap()
    };
    let mut strategy = open();
    if let Ok(Reply::Queries(queries)) = strategy.ask(4) {
        assert!((1..=4).contains(&queries.len()));
        for (index, query) in queries.iter().enumerate() {
            assert!(queries[..index].iter().all(|earlier| earlier.id != query.id));
            assert!(query.fidelity > 0.0 && query.fidelity <= 1.0);
            match &query.subject {
                Subject::Architecture(one) => checked(&space, one),
                Subject::Relaxation(one) => assert!((one.probabilities.iter().sum::<f32>() - 1.0).abs() < 0.01),
            }
        }
        // They are told of once.
        assert_eq!(strategy.in_flight(), queries.len());
    }
    if let Ok(picks) = open().recommend() {
        picks.iter().for_each(|pick| checked(&space, pick));
    }
}

fn checked(space: &Space, architecture: &Architecture) {
    assert_eq!(space.check(architecture), Ok(()));
    let network = space.build(architecture).unwrap();
    assert!(network.validate().is_ok());
}

/// Reply with one query about point 0; a list of one pick.
pub(crate) fn strategies() -> Vec<Vec<u8>> {
    let mut asked = vec![0; 192];
    let put = |image: &mut Vec<u8>, at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    let address = |at: u32| (PLACE + at).to_le_bytes();
    // ok(queries(list at 64 of length 1))
    put(&mut asked, 8, &address(64));
    put(&mut asked, 12, &1_u32.to_le_bytes());
    // The query: id 7, a point of one value at 128, fidelity 1.
    put(&mut asked, 64, &7_u64.to_le_bytes());
    put(&mut asked, 80, &address(128));
    put(&mut asked, 84, &1_u32.to_le_bytes());
    put(&mut asked, 96, &1.0_f64.to_le_bytes());
    // A relaxation of it.
    let mut relaxed = asked.clone();
    relaxed[72] = 1;
    put(&mut relaxed, 76, &address(128));
    put(&mut relaxed, 80, &2_u32.to_le_bytes());
    put(&mut relaxed, 84, &0_u32.to_le_bytes());
    put(&mut relaxed, 128, &[0.25_f32.to_le_bytes(), 0.75_f32.to_le_bytes()].concat());
    // ok(list at 64 of one pick)
    let mut picked = vec![0; 192];
    put(&mut picked, 4, &address(64));
    put(&mut picked, 8, &1_u32.to_le_bytes());
    put(&mut picked, 68, &address(128));
    put(&mut picked, 72, &1_u32.to_le_bytes());
    vec![asked, relaxed, picked, vec![1; 64]]
}

/// Answers of an estimator.
pub(crate) fn estimator(data: &[u8]) {
    static COMPONENT: OnceLock<Component> = OnceLock::new();
    let component = COMPONENT.get_or_init(|| {
        let advance = "(call $drop_outcome (local.get $outcome)) (return (i32.const 0x20000))";
        let open = "(call $decode (local.get 4))";
        load(&guests::estimator(&[("schema", SCHEMA), ("module", DECODE), ("open", open), ("advance", advance)]))
    });
    let setup = EstimatorSetup {
        objectives: objectives(),
        options: options(data),
        seed: 1,
        full_epochs: 10,
        offers: vec!["train".into()],
        epoch_steps: 5,
    };
    let mut estimator = Estimator::open(component, of_two_widths(), setup, &roomy(), log().0).unwrap();
    estimator.begin(1, &query(1)).unwrap();
    match estimator.advance(1, &outcome(1.0)) {
        Ok(Step::Done(estimate)) => {
            assert_eq!(estimate.objectives.len(), 1);
            assert!(estimate.objectives[0].is_finite() && estimate.cost.is_finite());
            assert!(estimate.gradient.is_empty());
        }
        Ok(Step::Failed(reason)) => assert!(!reason.contains(char::is_control)),
        // It made no second action.
        Ok(Step::Act(_)) => panic!("there is no action"),
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
}

pub(crate) fn estimators() -> Vec<Vec<u8>> {
    let mut done = vec![0; 144];
    // ok(done(estimate)): one objective at 128, cost 1, fidelity 1.
    done[8] = 1;
    done[16..20].copy_from_slice(&(PLACE + 128).to_le_bytes());
    done[20] = 1;
    done[48..56].copy_from_slice(&1.0_f64.to_le_bytes());
    done[56..64].copy_from_slice(&1.0_f64.to_le_bytes());
    let mut failed = vec![0; 144];
    failed[8] = 2;
    failed[16..20].copy_from_slice(&(PLACE + 128).to_le_bytes());
    failed[20] = 8;
    vec![done, failed, vec![1; 64]]
}

/// Answers of a search space: decisions, then a network and a recipe.
pub(crate) fn space(data: &[u8]) {
    static COMPONENT: OnceLock<Component> = OnceLock::new();
    let component = COMPONENT.get_or_init(|| {
        let open = "(call $decode (local.get 0))";
        let parts = [("schema", SCHEMA), ("module", DECODE), ("open", open), ("build", ANSWER), ("recipe", ANSWER)];
        load(&guests::search_space(&parts))
    });
    static DECIDING: OnceLock<Component> = OnceLock::new();
    let deciding = DECIDING.get_or_init(|| {
        let open = "(call $decode (local.get 0))";
        load(&guests::search_space(&[("schema", SCHEMA), ("module", DECODE), ("open", open), ("decisions", ANSWER)]))
    });
    let context = Context::full(vec![1, 2, 2], 3);
    let point = [Value::Index(0)];
    let opened = SpaceComponent::open(component, &options(data), &roomy(), log().0).unwrap();
    if let Ok(network) = opened.build(&point, &context) {
        assert!(network.validate().is_ok());
        let footprint = network.footprint().unwrap();
        assert!(footprint.parameters <= roomy().network_parameters);
    }
    let _ = opened.recipe(&point);
    let Ok(opened) = SpaceComponent::open(deciding, &options(data), &roomy(), log().0) else { return };
    if let Ok(space) = Space::new(Arc::new(opened), context) {
        let sample = space.sample(1);
        assert_eq!(space.check(&sample), Ok(()), "a sample is a point");
        let _ = space.mutate(&sample, 2);
    }
}

pub(crate) fn spaces() -> Vec<Vec<u8>> {
    let word = |word: u32| word.to_le_bytes();
    let mut decisions = vec![0; 160];
    let put = |image: &mut Vec<u8>, at: usize, words: &[u32]| {
        for (index, one) in words.iter().enumerate() {
            image[at + 4 * index..][..4].copy_from_slice(&word(*one));
        }
    };
    // A list at 16 of one decision: its name at 96, two labels at 64, no conditions.
    put(&mut decisions, 0, &[PLACE + 16, 1]);
    put(&mut decisions, 16, &[PLACE + 96, 1, 0, 0, PLACE + 64, 2]);
    put(&mut decisions, 64, &[PLACE + 97, 1, PLACE + 98, 1]);
    decisions[96..99].copy_from_slice(b"abc");
    let mut network = vec![0; 256];
    // ok(list at 16 of one node): its name at 200, its operation at 201, one attribute at 64, no inputs.
    put(&mut network, 0, &[0, PLACE + 16, 1]);
    put(&mut network, 16, &[PLACE + 200, 1, PLACE + 201, 5, PLACE + 64, 1, PLACE + 64, 0]);
    put(&mut network, 64, &[PLACE + 206, 5, 4, 0, PLACE + 120, 1]);
    put(&mut network, 120, &[3, 0]);
    network[200..211].copy_from_slice(b"ninputshape");
    vec![decisions, network, vec![0; 64], vec![1; 64]]
}
