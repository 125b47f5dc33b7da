//! Whether what a plugin says it needs and gives is so.

use super::Subject;
use super::report::{Checks, Fault};
use super::strategy::Accepted;
use crate::Kind;
use crate::model::{Purpose, Query, Subject as Asked};

/// What estimators can give, and strategies can need.
const GIVEN: [&str; 5] = ["curve", "fidelity", "gradients", "shared-weights", "uncertainty"];

/// What hosts can do for estimators.
pub(super) const ACTIONS: [&str; 7] =
    ["differentiate-shared", "evaluate-shared", "look-up", "train", "train-shared", "train.inherit", "train.resume"];

/// Checks that claims are among those that hosts and other plugins know.
pub(super) fn known(subject: &Subject<'_>, checks: &mut Checks) {
    let description = subject.component.description();
    let needed: &[&str] = match subject.component.kind() {
        Kind::Strategy => &GIVEN,
        Kind::Estimator => &ACTIONS,
        Kind::SearchSpace => &[],
    };
    checks.consider("known-claims", || {
        let strange = |said: &'static str, names: &[String], known: &[&str]| {
            let strange: Vec<_> = names.iter().filter(|name| !known.contains(&name.as_str())).cloned().collect();
            (!strange.is_empty()).then(|| {
                let known = if known.is_empty() { "none here".into() } else { known.join(", ") };
                Fault::new(
                    format!("it {said} {}", strange.join(", ")),
                    format!(
                        "known names are: {known}. A name of one's own is for plugins that are made for each other"
                    ),
                )
            })
        };
        let needs = strange("needs", &description.needs, needed);
        if let Some(fault) = needs.or_else(|| strange("gives", &description.gives, &GIVEN)) {
            return Err(fault);
        }
        let or_nothing = |names: &[String]| if names.is_empty() { "nothing".into() } else { names.join(", ") };
        Ok(format!("needs {}; gives {}", or_nothing(&description.needs), or_nothing(&description.gives)))
    });
}

pub(super) fn strategy(subject: &Subject<'_>, accepted: &[Accepted], checks: &mut Checks) {
    known(subject, checks);
    let needs = |name: &str| subject.component.description().needs.iter().any(|need| need == name);
    let asked =
        |what: fn(&Query) -> bool| accepted.iter().flat_map(|one| one.first.queries()).filter(|one| what(one)).count();
    let relaxations = asked(|query| matches!(query.subject, Asked::Relaxation(_)));
    let purposes = asked(|query| query.purpose != Purpose::Estimate);
    let partial = asked(|query| query.fidelity < 1.0);
    let claimed = |count: usize, need: &str, what: &str| {
        if count == 0 || needs(need) {
            return Ok(format!("{count} {what}"));
        }
        Err(Fault::new(
            format!("{count} {what}, and it does not need `{need}`"),
            format!("name `{need}` in `needs`: a run without it is then refused before it starts"),
        ))
    };
    checks.check("relaxations-claimed", || claimed(relaxations, "gradients", "queries about relaxations"));
    checks.check("purposes-claimed", || {
        claimed(purposes, "shared-weights", "queries that train or probe shared weights")
    });
    checks.consider("fidelity-claimed", || claimed(partial, "fidelity", "queries for less than a full training"));
    checks.consider("needs-used", || {
        let used = [("gradients", relaxations), ("shared-weights", purposes), ("fidelity", partial)];
        match used.into_iter().find(|(need, count)| needs(need) && *count == 0) {
            None => Ok("it uses what it needs, as far as this can be told".into()),
            Some((need, _)) => Err(Fault::new(
                format!("it needs `{need}`, and made no use of it in {} searches", accepted.len()),
                format!(
                    "leave `{need}` out of `needs`: it keeps the strategy from running with estimators that lack it"
                ),
            )),
        }
    });
}
