//! Checks of search strategies.

use std::sync::Arc;

use archwright_space::Space;

use super::report::{Checks, Fault, Group, Seen};
use super::spaces::{self, TestedSpace};
use super::trial::{self, Plan, Telling, Transcript, Trial, Trouble};
use super::values::{self, Details, Values};
use super::{Elsewhere, Subject, claims, deterministic, resources};
use crate::model::Reply;
use crate::{Kind, PluginError};

/// Queries of a simulated search.
const QUERIES: usize = 60;

/// Fuel of a search above which searches are made shorter and fewer: about a second.
const COSTLY: u64 = 10_000_000_000;

/// Queries that show whether a strategy copes with a space.
const FEW: usize = 20;

/// Queries of a search with many in flight.
const MANY: usize = 160;

/// A space that the strategy works in, and what it did there.
pub(super) struct Accepted {
    pub(super) name: &'static str,
    pub(super) space: Arc<Space>,
    pub(super) plan: Plan,
    pub(super) first: Transcript,
}

pub(super) fn check(subject: &Subject<'_>, elsewhere: Option<Elsewhere<'_>>, checks: &mut Checks) {
    let (accepted, problem) = match spaces::all() {
        Ok(spaces) => tour(subject, spaces, checks),
        Err(error) => return checks.skip_rest(Some(Kind::Strategy), &error.to_string()),
    };
    if let Some(problem) = problem {
        checks.add("searches", Err(problem));
        return checks.skip_rest(Some(Kind::Strategy), "an ordinary search failed: mend that first");
    }
    if accepted.is_empty() {
        return checks.skip_rest(Some(Kind::Strategy), "it works in none of the test spaces");
    }
    let seen: Vec<_> = accepted.iter().map(|one| format!("{}: {}", one.name, one.first.summary())).collect();
    let accepted = match affordable(subject, accepted) {
        Ok(accepted) => accepted,
        Err(trouble) => {
            checks.add("searches", Err(trouble.into()));
            return checks.skip_rest(Some(Kind::Strategy), "an ordinary search failed: mend that first");
        }
    };
    checks.add("searches", Ok(seen.join("; ")));
    // One of them shows most of what there is to see.
    let tried = if subject.quick { &accepted[..1] } else { &accepted[..] };
    let tries = Tries { subject, spaces: tried };
    if checks.wants(Group::Strategy) {
        capacity(&tries, checks);
        setups(&tries, checks);
        observations(&tries, checks);
        endings(&tries, checks);
    }
    deterministic::strategy(subject, tried, elsewhere, checks);
    resources::strategy(subject, &accepted, checks);
    claims::strategy(subject, &accepted, checks);
}

/// Searches each test space for a while; gives the spaces in which all else is tried, and what went wrong in one of these.
fn tour(subject: &Subject<'_>, spaces: Vec<TestedSpace>, checks: &mut Checks) -> (Vec<Accepted>, Option<Fault>) {
    let (mut accepted, mut others, mut declined) = (Vec::new(), Vec::new(), None);
    let mut problem = None;
    for TestedSpace { name, id, thorough, space } in spaces {
        if !thorough && !accepted.is_empty() && !checks.wants(Group::Spaces) {
            continue;
        }
        let plan = Plan::ordinary(if thorough { QUERIES } else { FEW });
        match trial::run(subject, &space, &plan) {
            Ok(first) => {
                checks.add(id, Ok(first.summary()));
                let one = Accepted { name, space, plan, first };
                if thorough { &mut accepted } else { &mut others }.push(one);
            }
            Err(trouble) if trouble.declines() => {
                declined.get_or_insert_with(|| trouble.error.to_string());
                checks.add(id, Ok(trouble.error.to_string()));
            }
            Err(trouble) => {
                let fault = Fault::from(trouble).at(&format!("in the {name} space"));
                if thorough && problem.is_none() {
                    problem = Some(Fault::new(fault.seen.clone(), fault.advice.clone()));
                }
                checks.add(id, Err(fault));
            }
        }
    }
    let accepted = if accepted.is_empty() { others } else { accepted };
    let names: Vec<_> = accepted.iter().map(|one| one.name).collect();
    spaces::works_somewhere(&names, declined.as_deref(), problem.as_ref(), checks);
    (accepted, problem)
}

/// What all else is tried in: of a strategy whose searches take very much fuel, one space and shorter searches.
fn affordable(subject: &Subject<'_>, mut accepted: Vec<Accepted>) -> Result<Vec<Accepted>, Trouble> {
    let fuel = |one: &Accepted| one.first.fuel.iter().sum::<u64>();
    if accepted.iter().map(fuel).max().unwrap_or(0) <= COSTLY {
        return Ok(accepted);
    }
    accepted.truncate(1);
    for one in &mut accepted {
        one.plan = Plan::ordinary(QUERIES / 2);
        one.first = trial::run(subject, &one.space, &one.plan)?;
    }
    Ok(accepted)
}

/// Trials in all spaces that are tried.
struct Tries<'a> {
    subject: &'a Subject<'a>,
    spaces: &'a [Accepted],
}

impl Tries<'_> {
    /// Runs searches that differ from the ordinary one in each space; a setup can be declined in due form.
    fn run(&self, change: impl Fn(&mut Plan)) -> Seen {
        let mut seen = Vec::new();
        for Accepted { name, space, plan, .. } in self.spaces {
            let mut plan = plan.clone();
            change(&mut plan);
            match trial::run(self.subject, space, &plan) {
                Ok(transcript) => seen.push(transcript.summary()),
                Err(trouble) if trouble.declines() => seen.push(format!("declined: {}", trouble.error)),
                Err(trouble) => return Err(Fault::from(trouble).at(&format!("in the {name} space"))),
            }
        }
        seen.dedup();
        Ok(seen.join("; "))
    }

    /// Compares the ordinary search in each space with one that differs from it.
    fn differs(&self, change: impl Fn(&mut Plan)) -> Result<bool, Trouble> {
        for Accepted { space, plan, first, .. } in self.spaces {
            let mut plan = plan.clone();
            change(&mut plan);
            match trial::run(self.subject, space, &plan) {
                Ok(other) if other.renumbered() != first.renumbered() => return Ok(true),
                Ok(_) => {}
                Err(trouble) if trouble.declines() => return Ok(true),
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(false)
    }
}

fn capacity(tries: &Tries<'_>, checks: &mut Checks) {
    checks.check("keeps-capacity", || {
        let mut seen = Vec::new();
        for workers in [1, 3, 16, 64] {
            let many = tries.run(|plan| {
                plan.workers = workers;
                if workers > 3 && plan.queries == QUERIES {
                    plan.queries = MANY;
                    plan.max_queries = Some(MANY as u64);
                }
            });
            let many = many.map_err(|fault| fault.at(&format!("with {workers} queries in flight")))?;
            seen.push(format!("{workers} in flight: {many}"));
        }
        Ok(seen.join("; "))
    });
}

fn setups(tries: &Tries<'_>, checks: &mut Checks) {
    checks.check("seed", || match tries.differs(|plan| plan.seed = u64::MAX)? {
        true => Ok("another seed leads to other queries".into()),
        // A strategy need not be random.
        false => {
            Ok("another seed leads to the same queries: the strategy draws nothing, or ignores `setup.seed`".into())
        }
    });
    let led = tries.differs(|plan| plan.values = Values::Turned);
    let is_led = matches!(led, Ok(true));
    checks.consider("uses-observations", || match led? {
        true => Ok("other values lead to other queries or recommendations".into()),
        false => Err(Fault::new(
            "whatever it is told, it asks for the same and recommends the same",
            "right for a method that does not learn, such as random or grid search, or not before it was told more, such as \
             evolution of a large population (try `--option population_size=10`); otherwise see what becomes of the \
             observations in `tell`",
        )),
    });
    if is_led {
        let turned = tries.differs(|plan| plan.objectives = vec![values::loss()]);
        checks.consider("regards-goal", || match turned? {
            true => Ok("it does otherwise when the same values are to be minimized".into()),
            false => Err(Fault::new(
                "it does the same whether values are to be maximized or minimized",
                "look at `goal` of `setup.objectives`, or decline the one that is not supported",
            )),
        });
    } else {
        checks.skip("regards-goal", "it does not depend on values at all");
    }
    checks.check("minimizes", || tries.run(|plan| plan.objectives = vec![values::loss()]));
    checks
        .check("two-objectives", || tries.run(|plan| plan.objectives = vec![values::accuracy(), values::parameters()]));
    checks.check("no-budget-known", || tries.run(|plan| plan.max_queries = None));
    checks.check("budget-of-one", || {
        tries.run(|plan| {
            plan.max_queries = Some(1);
            plan.queries = 1;
        })
    });
}

fn observations(tries: &Tries<'_>, checks: &mut Checks) {
    checks.check("failed-queries", || {
        tries.run(|plan| {
            plan.workers = 3;
            plan.failing = 3;
        })
    });
    checks.check("all-queries-fail", || tries.run(|plan| plan.failing = 1));
    for (id, values) in [
        ("constant-values", Values::Constant),
        ("huge-values", Values::Huge),
        ("tiny-values", Values::Tiny),
        ("negative-values", Values::Negative),
    ] {
        checks.check(id, || tries.run(|plan| plan.values = values));
    }
    for (id, details) in [
        ("bare-observations", Details::Bare),
        ("uncertain-observations", Details::Uncertain),
        ("lower-fidelity-told", Details::Short),
    ] {
        checks.check(id, || tries.run(|plan| plan.details = details));
    }
    for (id, telling) in
        [("told-out-of-order", Telling::Backwards), ("told-late", Telling::Late), ("told-at-once", Telling::AtOnce)]
    {
        checks.check(id, || {
            tries.run(|plan| {
                plan.telling = telling;
                plan.workers = 8;
            })
        });
    }
}

fn endings(tries: &Tries<'_>, checks: &mut Checks) {
    checks.check("recommends-any-time", || {
        tries.run(|plan| {
            plan.recommends = true;
            plan.workers = 3;
        })
    });
    let Some(one) = tries.spaces.iter().find(|one| one.first.finished) else {
        return checks.skip("stays-finished", format!("it was not finished after {QUERIES} queries"));
    };
    match after_the_end(tries.subject, one) {
        Ok(Ok(Reply::Queries(_))) => checks.add(
            "stays-finished",
            Err(Fault::new(
                "it said `finished`, and asked for more when it was asked again",
                "`finished` ends the search for good: say `waiting` while queries are in flight",
            )),
        ),
        Ok(Ok(_)) => {
            checks.add("stays-finished", Ok(format!("finished after {} queries, and stayed so", one.first.asked)));
        }
        // No host asks again: this is worth knowing and no more.
        Ok(Err(error)) => checks.advise("stays-finished", Err(Fault::from(error).at("asked after it was finished"))),
        Err(trouble) => checks.add("stays-finished", Err(trouble.into())),
    }
}

/// What a strategy that is finished says when it is asked once more.
fn after_the_end(subject: &Subject<'_>, one: &Accepted) -> Result<Result<Reply, PluginError>, Trouble> {
    let mut trial = Trial::open(subject, &one.space, &one.plan)?;
    while trial.turn()? {}
    Ok(trial.strategy.ask(1))
}

/// A short search where the strategy does not decline the space.
pub(super) fn probe(subject: &Subject<'_>) -> Result<(), PluginError> {
    let plan = Plan { workers: 2, ..Plan::ordinary(8) };
    let mut declined = None;
    for tested in spaces::all().unwrap_or_default() {
        match trial::run(subject, &tested.space, &plan) {
            Err(trouble) if trouble.declines() => declined = Some(trouble.error),
            Err(trouble) => return Err(trouble.error),
            Ok(_) => return Ok(()),
        }
    }
    declined.map_or(Ok(()), Err)
}
