//! Estimators: actions, outcomes and what is checked of them.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod guests;

use archwright_plugin::model::{PluginAction, Start, Step};
use archwright_plugin::{Estimator, GuestError, PluginError};
use guests::host::{open_estimator, outcome, query};
use guests::{Parts, estimator};

fn open(parts: Parts<'_>) -> Estimator {
    open_estimator(&estimator(parts)).unwrap()
}

#[test]
fn an_action_is_carried_out_and_its_outcome_looked_at() {
    let mut estimator = open(&[]);
    let Step::Act(PluginAction::Train(training)) = estimator.begin(5, &query(1)).unwrap() else { panic!("an action") };
    assert_eq!(training.until_epoch, 3);
    assert_eq!(training.start, Start::Fresh(7));
    assert_eq!(estimator.open_jobs(), 1);
    let Step::Done(estimate) = estimator.advance(5, &outcome(12.5)).unwrap() else { panic!("an estimate") };
    assert_eq!(estimate.objectives, [0.5]);
    assert_eq!(estimate.cost, 12.5);
    assert_eq!(estimator.open_jobs(), 0);
}

#[test]
fn handles_do_not_pile_up() {
    let mut estimator = open(&[]);
    for job in 0..100 {
        estimator.begin(job, &query(job)).unwrap();
        estimator.advance(job, &outcome(1.0)).unwrap();
    }
}

#[test]
fn actions_that_are_kept_back_are_bounded() {
    let mut estimator = open(&[("begin", "(call $make (local.get $kind) (local.get $point) (local.get $length))")]);
    let error = (0..100).find_map(|job| estimator.begin(job, &query(job)).err()).expect("an error");
    assert_eq!(
        error.to_string(),
        "hand-made: `begin` reached the limit of 8 handles held at once; `limits.handles` sets it"
    );
}

#[test]
fn actions_made_and_dropped_are_free() {
    let mut estimator = open(&[(
        "begin",
        "(call $make (local.get $kind) (local.get $point) (local.get $length)) (call $drop_action (i32.load (i32.const 644)))",
    )]);
    for job in 0..100 {
        estimator.begin(job, &query(job)).unwrap();
    }
}

#[test]
fn forged_handles_trap() {
    let mut estimator = open(&[("act", "(i32.store (i32.const 528) (i32.const 99))")]);
    let error = estimator.begin(1, &query(1)).unwrap_err();
    assert!(matches!(error, PluginError::Trap { .. } | PluginError::Invalid { .. }), "{error}");
    let mut estimator = open(&[("advance", "(drop (call $cost (i32.const 99)))")]);
    estimator.begin(1, &query(1)).unwrap();
    let error = estimator.advance(1, &outcome(1.0)).unwrap_err();
    assert!(matches!(error, PluginError::Trap { .. } | PluginError::Invalid { .. }), "{error}");
}

#[test]
fn a_borrowed_outcome_has_to_be_given_back() {
    let mut estimator = open(&[("estimate", "(return (i32.const 512))")]);
    estimator.begin(1, &query(1)).unwrap();
    let error = estimator.advance(1, &outcome(1.0)).unwrap_err();
    assert!(!error.is_recoverable(), "{error}");
}

#[test]
fn trainings_out_of_range_are_refused() {
    let check = |parts: Parts<'_>, expected: &str| {
        let error = open(parts).begin(1, &query(1)).unwrap_err();
        let PluginError::Guest { error: GuestError::Unsupported(text), .. } = &error else { panic!("{error}") };
        assert_eq!(text, expected);
    };
    check(&[("epochs", "(i32.const 0)")], "until-epoch: 0 is not from 1 to 10, the epochs of a full training");
    check(&[("epochs", "(i32.const 11)")], "until-epoch: 11 is not from 1 to 10, the epochs of a full training");
    check(&[("share", "(f64.const 0)")], "data-share: 0 is not in (0, 1]");
    check(&[("share", "(f64.const inf)")], "data-share: inf is not in (0, 1]");
    let weights = ("module", "(data (i32.const 30000) \"w\")");
    let resume = ("start", "(i32.const 1) (i64.const 30000) (i32.const 1)");
    check(&[weights, resume], "start: no outcome named weights \"w\"");
    let inherit = ("start", "(i32.const 2) (i64.const 30000) (i32.const 1)");
    check(&[weights, inherit], "action: `train.inherit` is not offered here (`setup.offers` lists what is)");
}

#[test]
fn weights_that_an_outcome_named_can_be_used() {
    let weights = ("module", "(data (i32.const 30000) \"w\") (global $first (mut i32) (i32.const 0))");
    let start = "(global.get $first) (select (i64.const 30000) (i64.const 7) (global.get $first)) (i32.const 1)";
    let mut estimator = open(&[weights, ("start", start), ("advance", "(global.set $first (i32.const 1))")]);
    estimator.begin(1, &query(1)).unwrap();
    estimator.advance(1, &outcome(1.0)).unwrap();
    let Step::Act(PluginAction::Train(training)) = estimator.begin(2, &query(2)).unwrap() else { panic!("an action") };
    assert_eq!(training.start, Start::Resume("w".into()));
}

#[test]
fn estimates_are_checked() {
    let check = |estimate: &str, expected: &str| {
        let mut estimator = open(&[("estimate", estimate)]);
        estimator.begin(1, &query(1)).unwrap();
        let text = estimator.advance(1, &outcome(1.0)).unwrap_err().to_string();
        assert_eq!(text, format!("hand-made: `advance` gave a wrong step.done.{expected}"));
    };
    check("(i32.store (i32.const 532) (i32.const 0))", "objectives: 0 values instead of 1, one per objective");
    let nan = "(f64.store (i32.const 30000) (f64.const nan)) (i32.store (i32.const 528) (i32.const 30000))";
    check(nan, "objectives[0]: it is NaN");
    let uncertainty = "(i32.store8 (i32.const 536) (i32.const 1)) (i32.store (i32.const 540) (i32.const 30000))
                       (i32.store (i32.const 544) (i32.const 1))
                       (f64.store (i32.const 30000) (f64.const -1))";
    check(uncertainty, "uncertainty[0]: -1 is below 0");
    let gradient = "(i32.store8 (i32.const 548) (i32.const 1)) (i32.store (i32.const 552) (i32.const 30000))
                    (i32.store (i32.const 556) (i32.const 1))";
    check(gradient, "gradient: 1 values, where the query has 0 probabilities");
    check("(f64.store (i32.const 560) (f64.const -1))", "cost: -1 is not a number of seconds of at least 0");
    check("(f64.store (i32.const 568) (f64.const 2))", "fidelity: 2 is not in (0, 1]");
    let curve = "(i32.store8 (i32.const 576) (i32.const 1)) (i32.store (i32.const 580) (i32.const 30000))
                 (i32.store (i32.const 584) (i32.const 1))";
    check(curve, "curve[0].fidelity: 0 is not in (0, 1]");
}

#[test]
fn jobs_are_called_in_turn() {
    let mut estimator = open(&[]);
    assert!(matches!(estimator.advance(1, &outcome(1.0)), Err(PluginError::OutOfTurn { .. })));
    estimator.begin(1, &query(1)).unwrap();
    assert!(matches!(estimator.begin(1, &query(1)), Err(PluginError::OutOfTurn { .. })));
    estimator.advance(1, &outcome(1.0)).unwrap();
    assert!(matches!(estimator.advance(1, &outcome(1.0)), Err(PluginError::OutOfTurn { .. })));
}
