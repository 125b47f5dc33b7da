//! Whether an estimator gives what it says it gives.

use super::jobs::{End, Order};
use super::{Accepted, Checks, Fault, Tries};
use crate::conformance::claims::known;
use crate::conformance::report::Seen;
use crate::model::{Estimate, Purpose, Query, Relaxation, Subject as Asked};

/// Share of a full training that a lower fidelity is asked for.
const LOW: f64 = 0.25;

pub(super) fn check(tries: &Tries<'_>, checks: &mut Checks) {
    known(tries.subject, checks);
    let gives = |name: &str| tries.subject.component.description().gives.iter().any(|given| given == name);
    let mut claimed = |id: &str, name: &str, only_warns: bool, check: &dyn Fn() -> Seen| {
        if !gives(name) {
            checks.skip(id, format!("it does not say that it gives `{name}`"));
        } else if only_warns {
            checks.consider(id, check);
        } else {
            checks.check(id, check);
        }
    };
    claimed("gives-gradients", "gradients", false, &|| gradients(tries));
    claimed("gives-fidelity", "fidelity", false, &|| fidelity(tries));
    claimed("gives-shared-weights", "shared-weights", false, &|| shared(tries));
    claimed("gives-curve", "curve", true, &|| {
        ever(tries, "curve", |estimate| !estimate.curve.is_empty(), "give the curve of each estimate that has one")
    });
    claimed("gives-uncertainty", "uncertainty", true, &|| {
        let advice = "right where it takes other options, such as several trainings; otherwise give the standard deviation \
                      of each objective";
        ever(tries, "uncertainty", |estimate| !estimate.uncertainty.is_empty(), advice)
    });
}

fn ever(tries: &Tries<'_>, name: &str, has: fn(&Estimate) -> bool, advice: &str) -> Seen {
    let ends = || tries.spaces.iter().flat_map(|one| &one.first.ends);
    let count = ends().filter(|end| matches!(end, End::Estimated(estimate) if has(estimate))).count();
    if count > 0 {
        return Ok(format!("{count} of {} estimates have it", ends().count()));
    }
    Err(Fault::new(format!("it says that it gives `{name}`, and none of {} estimates has it", ends().count()), advice))
}

/// What comes of one query in the first space.
fn asked(tries: &Tries<'_>, query: impl Fn(&Accepted) -> Vec<Query>) -> Result<Vec<End>, Fault> {
    let all = tries.run(|one, work| {
        work.queries = query(one);
        work.order = Order::OneByOne;
    })?;
    Ok(all.into_iter().flatten().flat_map(|done| done.ends).collect())
}

fn query(id: u64, subject: Asked, purpose: Purpose) -> Query {
    Query { id, subject, fidelity: 1.0, parent: None, purpose }
}

/// The relaxation in which all labels weigh alike.
fn even(one: &Accepted) -> Relaxation {
    let rows = archwright_space::rows(one.space.decisions());
    Relaxation::new(rows.iter().flat_map(|row| vec![1.0 / row.length as f32; row.length]).collect())
}

fn gradients(tries: &Tries<'_>) -> Seen {
    let ends = asked(tries, |one| vec![query(0, Asked::Relaxation(even(one)), Purpose::Probe)])?;
    let missing = ends.iter().find(|end| !matches!(end, End::Estimated(estimate) if !estimate.gradient.is_empty()));
    match missing {
        None => Ok(format!("{} relaxations came back with a gradient", ends.len())),
        Some(end) => Err(Fault::new(
            format!("a probe of a relaxation came back without a gradient: {end:?}"),
            "give in `gradient` what the outcome of `differentiate-shared` says, or leave `gradients` out of `gives`",
        )),
    }
}

fn fidelity(tries: &Tries<'_>) -> Seen {
    let ends = asked(tries, |one| {
        let low = Query { fidelity: LOW, ..query(1, Asked::Architecture(one.space.sample(1)), Purpose::Estimate) };
        vec![low]
    })?;
    for end in &ends {
        match end {
            End::Estimated(estimate) if estimate.fidelity < 1.0 => {}
            End::Estimated(estimate) => {
                return Err(Fault::new(
                    format!("asked for {LOW} of a full training, it told of {}", estimate.fidelity),
                    "spend the share that is asked for, and tell of the share that was spent; or leave `fidelity` out of \
                     `gives`",
                ));
            }
            other => {
                return Err(Fault::new(
                    format!("asked for {LOW} of a full training, it gave no estimate: {other:?}"),
                    "estimate at lower fidelities, too, or leave `fidelity` out of `gives`",
                ));
            }
        }
    }
    Ok(format!("{} estimates of a lower fidelity", ends.len()))
}

fn shared(tries: &Tries<'_>) -> Seen {
    let ends = asked(tries, |one| {
        let architecture = || Asked::Architecture(one.space.sample(1));
        vec![query(0, architecture(), Purpose::Train), query(1, architecture(), Purpose::Probe)]
    })?;
    match ends.iter().find(|end| !matches!(end, End::Estimated(_))) {
        None => Ok(format!("{} queries trained or probed", ends.len())),
        Some(end) => Err(Fault::new(
            format!("a query that trains or probes shared weights came to nothing: {end:?}"),
            "take all purposes, or leave `shared-weights` out of `gives`",
        )),
    }
}
