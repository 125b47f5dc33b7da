//! Checks of estimators.

mod claims;
mod jobs;
mod trainer;

use std::sync::Arc;

use archwright_space::Space;

use super::claims::ACTIONS;
use super::deterministic::{self, same};
use super::report::{Checks, Fault, Seen};
use super::spaces::{self, TestedSpace};
use super::{Elsewhere, Subject, resources, values};
use crate::model::{Estimate, Purpose, Query, Subject as Asked};
use crate::{Kind, PluginError};
use jobs::{Done, End, Order, Trouble, Work, carry_out, carry_out_beside_another};
use trainer::Fate;

/// Jobs in a check.
const JOBS: u64 = 12;

/// Jobs that show whether an estimator copes with a space.
const FEW: u64 = 4;

/// Jobs where many are open at once.
const MANY: u64 = 64;

/// A space that the estimator works in, and what it did there.
struct Accepted {
    name: &'static str,
    space: Arc<Space>,
    work: Work,
    first: Done,
}

pub(super) fn check(subject: &Subject<'_>, elsewhere: Option<Elsewhere<'_>>, checks: &mut Checks) {
    let (accepted, problem) = match spaces::all() {
        Ok(spaces) => tour(subject, spaces, checks),
        Err(error) => return checks.skip_rest(Some(Kind::Estimator), &error.to_string()),
    };
    if let Some(problem) = problem {
        checks.add("estimates", Err(problem));
        return checks.skip_rest(Some(Kind::Estimator), "ordinary jobs failed: mend that first");
    }
    if accepted.is_empty() {
        return checks.skip_rest(Some(Kind::Estimator), "it works in none of the test spaces");
    }
    let seen: Vec<_> = accepted.iter().map(|one| format!("{}: {} jobs done", one.name, one.first.ends.len())).collect();
    checks.add("estimates", Ok(seen.join("; ")));
    let tried = if subject.quick { &accepted[..1] } else { &accepted[..] };
    let tries = Tries { subject, spaces: tried };
    checks.check("repeats-in-one-process", || tries.same(|_| {}));
    checks.check("instances-apart", || tries.beside_another());
    checks.check("keeps-jobs-apart", || tries.same(|work| work.order = Order::Forwards));
    checks.check("outcomes-out-of-order", || tries.same_but(|work| work.order = Order::Backwards, without_cost));
    endings(&tries, checks);
    queries(&tries, checks);
    deterministic::another_process(subject, elsewhere, checks);
    let most = |number: fn(&Done) -> u64| tried.iter().map(|one| number(&one.first)).max().unwrap_or(0);
    checks.consider("fuel-per-call", || resources::fuel(subject, most(|done| done.fuel)));
    checks.consider("memory", || resources::memory(subject, most(|done| done.memory)));
    resources::log_volume(subject, checks, || {
        accepted
            .first()
            .and_then(|one| carry_out(subject, &one.space, &one.work).ok())
            .map_or(0, |done| done.ends.len())
    });
    claims::check(&tries, checks);
}

fn tour(subject: &Subject<'_>, spaces: Vec<TestedSpace>, checks: &mut Checks) -> (Vec<Accepted>, Option<Fault>) {
    let (mut accepted, mut others, mut declined) = (Vec::new(), Vec::new(), None);
    let mut problem: Option<Fault> = None;
    for TestedSpace { name, id, thorough, space } in spaces {
        let work = ordinary(subject, &space, if thorough { JOBS } else { FEW });
        let seen = match carry_out(subject, &space, &work) {
            Err(trouble) if trouble.declines() => {
                declined = Some(trouble.to_string());
                Ok(trouble.to_string())
            }
            Err(trouble) => Err(Fault::from(trouble)),
            Ok(first) => all_done(&first).inspect(|_| {
                let one = Accepted { name, space: Arc::clone(&space), work, first };
                if thorough { &mut accepted } else { &mut others }.push(one);
            }),
        };
        let seen = seen.map_err(|fault| fault.at(&format!("in the {name} space")));
        if let (Err(fault), true, None) = (&seen, thorough, &problem) {
            problem = Some(Fault::new(fault.seen.clone(), fault.advice.clone()));
        }
        checks.add(id, seen);
    }
    let accepted = if accepted.is_empty() { others } else { accepted };
    let names: Vec<_> = accepted.iter().map(|one| one.name).collect();
    spaces::works_somewhere(&names, declined.as_deref(), problem.as_ref(), checks);
    (accepted, problem)
}

fn all_done(done: &Done) -> Seen {
    match done.ends.iter().find(|end| !matches!(end, End::Estimated(_))) {
        None => Ok(format!("{} jobs done", done.ends.len())),
        Some(End::Failed(reason)) => Err(Fault::new(
            format!("no action failed, but a job did: {reason}"),
            "end a job with `done` where its actions succeeded",
        )),
        Some(end) => Err(Fault::new(
            format!("no action failed, but a job was refused: {end:?}"),
            "decline what is not supported when the estimator is opened",
        )),
    }
}

/// Ordinary queries, some for architectures that were asked about before.
fn ordinary(subject: &Subject<'_>, space: &Space, jobs: u64) -> Work {
    let queries = (0..jobs).map(|job| Query {
        id: 100 + job,
        subject: Asked::Architecture(space.sample(job / 2)),
        fidelity: if job % 3 == 2 { 0.5 } else { 1.0 },
        parent: (job > 0 && job % 2 == 1).then_some(99 + job),
        purpose: Purpose::Estimate,
    });
    Work {
        queries: queries.collect(),
        order: Order::OneByOne,
        fate: Fate::Success,
        objectives: vec![values::accuracy()],
        offers: offers(subject),
    }
}

/// Everything there is, and what the estimator says it cannot do without.
fn offers(subject: &Subject<'_>) -> Vec<String> {
    let needs = subject.component.description().needs.iter().cloned();
    needs.chain(ACTIONS.map(String::from)).collect()
}

/// How work is done.
type CarryOut = fn(&Subject<'_>, &Arc<Space>, &Work) -> Result<Done, Trouble>;

/// Work in all spaces that are tried.
struct Tries<'a> {
    subject: &'a Subject<'a>,
    spaces: &'a [Accepted],
}

impl Tries<'_> {
    /// What comes of work that differs from the ordinary in each space; nothing where the estimator declines it.
    fn run(&self, change: impl Fn(&Accepted, &mut Work)) -> Result<Vec<Option<Done>>, Fault> {
        self.run_by(carry_out, change)
    }

    fn run_by(&self, carry_out: CarryOut, change: impl Fn(&Accepted, &mut Work)) -> Result<Vec<Option<Done>>, Fault> {
        let mut all = Vec::new();
        for one in self.spaces {
            let mut work = one.work.clone();
            change(one, &mut work);
            match carry_out(self.subject, &one.space, &work) {
                Ok(done) => all.push(Some(done)),
                Err(trouble) if trouble.declines() => all.push(None),
                Err(trouble) => return Err(Fault::from(trouble).at(&format!("in the {} space", one.name))),
            }
        }
        Ok(all)
    }

    /// The same estimates in each space, although the work differs from the ordinary.
    fn same(&self, change: impl Fn(&mut Work)) -> Seen {
        self.same_but(change, End::clone)
    }

    /// Whether jobs end in the same way, as far as `shown` shows it.
    fn same_but(&self, change: impl Fn(&mut Work), shown: fn(&End) -> End) -> Seen {
        self.compared(self.run(|_, work| change(work))?, shown)
    }

    /// The same estimates in each space, although another instance takes turns with this one.
    fn beside_another(&self) -> Seen {
        let all = self.run_by(carry_out_beside_another, |_, work| work.order = Order::Forwards)?;
        self.compared(all, End::clone)
    }

    fn compared(&self, all: Vec<Option<Done>>, shown: fn(&End) -> End) -> Seen {
        let mut seen = Vec::new();
        for (one, done) in self.spaces.iter().zip(all) {
            let ends: Vec<End> = done.map(|done| done.ends).unwrap_or_default().iter().map(shown).collect();
            let first: Vec<End> = one.first.ends.iter().map(shown).collect();
            let place = format!("in the {} space", one.name);
            seen.push(same(&first, &ends, "estimate").map_err(|fault| fault.at(&place))?);
        }
        seen.dedup();
        Ok(seen.join("; "))
    }
}

/// Who pays for weights that jobs share depends on who comes first.
fn without_cost(end: &End) -> End {
    match end {
        End::Estimated(estimate) => End::Estimated(Estimate { cost: 0.0, ..estimate.clone() }),
        other => other.clone(),
    }
}

fn endings(tries: &Tries<'_>, checks: &mut Checks) {
    let counted = |all: Vec<Option<Done>>| {
        let ends: Vec<End> = all.into_iter().flatten().flat_map(|done| done.ends).collect();
        let failed = ends.iter().filter(|end| matches!(end, End::Failed(_) | End::Refused(_))).count();
        format!("{} jobs ended, {failed} of them as failed", ends.len())
    };
    checks.check("failed-actions", || tries.run(|_, work| work.fate = Fate::Failure).map(counted));
    // A trainer tells of a training that diverged as failed: numbers that are none come of trainers of one's own.
    checks.consider("nan-outcomes", || {
        let done = tries.run(|_, work| work.fate = Fate::Divergence).map(counted);
        done.map_err(|fault| Fault {
            advice: "look whether what an outcome says is a number, and end the job with `failed` where it is not"
                .into(),
            ..fault
        })
    });
    checks.check("nothing-offered", || {
        let all = tries.run(|_, work| work.offers = Vec::new())?;
        match all.into_iter().flatten().next() {
            None => Ok("declined".into()),
            Some(done) => Ok(counted(vec![Some(done)])),
        }
    });
    checks.check("two-goals", || {
        let all = tries.run(|_, work| work.objectives = vec![values::accuracy(), values::parameters()])?;
        Ok(counted(all))
    });
}

fn queries(tries: &Tries<'_>, checks: &mut Checks) {
    let shares = [0.001, 0.01, 0.1, 1.0 / 3.0, 0.999_999, 1.0];
    checks.check("fidelity-bounds", || {
        let all = tries.run(|one, work| {
            work.order = Order::Forwards;
            work.queries = (0..MANY)
                .map(|job| Query {
                    id: job,
                    subject: Asked::Architecture(one.space.sample(job)),
                    fidelity: shares[job as usize % shares.len()],
                    parent: None,
                    purpose: Purpose::Estimate,
                })
                .collect();
        })?;
        let ends = all.iter().flatten().flat_map(|done| &done.ends);
        let (done, all) = (ends.clone().filter(|end| matches!(end, End::Estimated(_))).count(), ends.count());
        Ok(format!("{done} of {all} jobs done, {MANY} of them at once"))
    });
    checks.consider("curve-order", || {
        let mut points = 0;
        for one in tries.spaces {
            for end in &one.first.ends {
                let End::Estimated(estimate) = end else { continue };
                points += estimate.curve.len();
                let rises = estimate.curve.windows(2).all(|pair| pair[0].fidelity < pair[1].fidelity);
                let within = estimate.curve.last().is_none_or(|last| last.fidelity <= estimate.fidelity + 1e-9);
                if !rises || !within {
                    let curve: Vec<_> = estimate.curve.iter().map(|point| point.fidelity).collect();
                    return Err(Fault::new(
                        format!(
                            "a curve has points at {curve:?}, and the estimate is of fidelity {}",
                            estimate.fidelity
                        ),
                        "give a curve's points in the order of their fidelity, up to that of the estimate",
                    ));
                }
            }
        }
        Ok(if points == 0 { "it gives no curves".into() } else { format!("{points} points of curves") })
    });
}

/// A few jobs where the estimator does not decline the space.
pub(super) fn probe(subject: &Subject<'_>) -> Result<(), PluginError> {
    let mut declined = None;
    for tested in spaces::all().unwrap_or_default() {
        let work = ordinary(subject, &tested.space, FEW);
        match carry_out(subject, &tested.space, &work) {
            Ok(_) | Err(Trouble::Endless { .. }) => return Ok(()),
            Err(Trouble::Plugin(error)) if super::trial::declines(&error) => declined = Some(error),
            Err(Trouble::Plugin(error)) => return Err(error),
        }
    }
    declined.map_or(Ok(()), Err)
}

/// What an estimator answers in all spaces in which everything is tried.
pub(super) fn answers(subject: &Subject<'_>) -> Vec<Result<Vec<End>, String>> {
    let spaces = spaces::all().unwrap_or_default();
    let thorough = spaces.iter().filter(|tested| tested.thorough);
    thorough
        .map(|tested| {
            let work = Work { order: Order::Forwards, ..ordinary(subject, &tested.space, JOBS) };
            carry_out(subject, &tested.space, &work).map(|done| done.ends).map_err(|trouble| trouble.to_string())
        })
        .collect()
}
