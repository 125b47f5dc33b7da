//! Whether the same calls give the same answers.

use std::fmt::Debug;

use serde::Serialize;

use super::report::{Checks, Fault, Seen};
use super::strategy::Accepted;
use super::trial::{self, Plan, Transcript, Trial, Trouble};
use super::{Elsewhere, Subject, estimator, search_space, spaces};
use crate::Kind;

/// What to do about answers that differ.
const ADVICE: &str = "let nothing decide but the calls and the seed: no order of a hash map that is seeded anew, no address, \
                      no counter that outlives a search";

/// Queries in the transcript of a strategy.
const QUERIES: usize = 40;

pub(super) fn strategy(
    subject: &Subject<'_>,
    accepted: &[Accepted],
    elsewhere: Option<Elsewhere<'_>>,
    checks: &mut Checks,
) {
    checks.check("repeats-in-one-process", || {
        everywhere(accepted, |one| {
            let again = trial::run(subject, &one.space, &one.plan)?;
            Ok(same(&one.first.answers, &again.answers, "answer"))
        })
    });
    checks.check("instances-apart", || everywhere(accepted, |one| beside_another(subject, one)));
    checks.check("searches-apart", || everywhere(accepted, |one| after_another(subject, one)));
    checks.check("repeats-recorded-calls", || everywhere(accepted, |one| replayed(subject, one)));
    another_process(subject, elsewhere, checks);
}

/// Compares the plugin's transcript with that of another process.
pub(super) fn another_process(subject: &Subject<'_>, elsewhere: Option<Elsewhere<'_>>, checks: &mut Checks) {
    const ID: &str = "repeats-in-another-process";
    let Some(elsewhere) = elsewhere else {
        return checks.skip(ID, "there is no other process to ask");
    };
    checks.check(ID, || {
        let there = elsewhere().map_err(|problem| {
            Fault::new(format!("the other process failed: {problem}"), "try again, and mind the memory of the machine")
        })?;
        let here = transcript(subject);
        if here == there {
            return Ok(format!("the same transcript in another process, {}", &here[..16.min(here.len())]));
        }
        Err(Fault::new("another process gave other answers to the same calls", ADVICE))
    });
}

fn everywhere(accepted: &[Accepted], check: impl Fn(&Accepted) -> Result<Seen, Trouble>) -> Seen {
    let mut seen = Vec::new();
    for one in accepted {
        let place = format!("in the {} space", one.name);
        let outcome = check(one).map_err(|trouble| Fault::from(trouble).at(&place))?;
        seen.push(format!("{}: {}", one.name, outcome.map_err(|fault| fault.at(&place))?));
    }
    Ok(seen.join("; "))
}

/// Takes turns with another search, of another seed, in another instance.
fn beside_another(subject: &Subject<'_>, one: &Accepted) -> Result<Seen, Trouble> {
    let others = Plan { seed: 2, ..one.plan.clone() };
    let mut first = Trial::open(subject, &one.space, &one.plan)?;
    let mut second = Trial::open(subject, &one.space, &others)?;
    let mut busy = true;
    while busy {
        busy = first.turn()?;
        busy |= second.turn()?;
        if !busy {
            break;
        }
    }
    Ok(same(&one.first.answers, &first.transcript.answers, "answer"))
}

/// Searches after another search of the same instance.
fn after_another(subject: &Subject<'_>, one: &Accepted) -> Result<Seen, Trouble> {
    let mut first = Trial::open(subject, &one.space, &one.plan)?;
    while first.turn()? {}
    let again = first.open_in(subject)?.finish()?;
    let compared = same(&one.first.renumbered(), &again.renumbered(), "answer");
    Ok(compared.map_err(|Fault { seen, .. }| {
        Fault::new(
            format!("a second search in the same instance went otherwise: {seen}"),
            "keep all state in the search that `open` makes, none in static or global variables, or set these anew in `open`; \
             and let no address decide: no pointer, `id()` or `hash()` of an object",
        )
    }))
}

fn replayed(subject: &Subject<'_>, one: &Accepted) -> Result<Seen, Trouble> {
    let again = trial::replay(subject, &one.space, &one.plan, &one.first.calls)?;
    let answers = same(&one.first.answers, &again.answers, "answer");
    Ok(answers.and_then(|seen| {
        same(&one.first.fuel, &again.fuel, "fuel of call")?;
        Ok(seen)
    }))
}

/// Where two transcripts part, in words.
pub(super) fn same<T: PartialEq + Debug>(first: &[T], second: &[T], what: &str) -> Seen {
    match (0..first.len().max(second.len())).find(|index| first.get(*index) != second.get(*index)) {
        None => Ok(format!("{} times the same {what}", first.len())),
        Some(index) => {
            let shown = |one: Option<&T>| match one {
                Some(one) => shortened(&format!("{one:?}")),
                None => "nothing".into(),
            };
            let (first, second) = (shown(first.get(index)), shown(second.get(index)));
            Err(Fault::new(format!("{what} {index} was {first}, and then {second}"), ADVICE))
        }
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    crate::text::shown(text, LONGEST)
}

/// A digest of what a plugin answers in setups that are always the same.
pub(super) fn transcript(subject: &Subject<'_>) -> String {
    match subject.component.kind() {
        Kind::Strategy => digest(&searches(subject)),
        Kind::Estimator => digest(&estimator::answers(subject)),
        Kind::SearchSpace => digest(&search_space::answers(subject)),
    }
}

/// Answers, and the fuel of each.
type Answered = (Vec<trial::Answer>, Vec<u64>);

/// What a strategy answers in all spaces in which everything is tried.
fn searches(subject: &Subject<'_>) -> Vec<Result<Answered, String>> {
    let spaces = spaces::all().unwrap_or_default();
    let plan = Plan { workers: 3, failing: 7, ..Plan::ordinary(QUERIES) };
    spaces
        .iter()
        .filter(|tested| tested.thorough)
        .map(|tested| match trial::run(subject, &tested.space, &plan) {
            Ok(Transcript { answers, fuel, .. }) => Ok((answers, fuel)),
            Err(trouble) => Err(trouble.error.to_string()),
        })
        .collect()
}

pub(super) fn digest(of: &impl Serialize) -> String {
    let text = serde_json::to_vec(of).unwrap_or_default();
    blake3::hash(&text).to_hex().to_string()
}
