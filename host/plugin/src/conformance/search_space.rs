//! Checks of search spaces.

use std::sync::Arc;

use archwright_space::{Context, SearchSpace, Space};

use super::{Checks, Subject, log, same};
use crate::SpaceComponent;

/// Points tried.
const SAMPLES: u64 = 50;

pub(super) fn check(subject: &Subject<'_>, checks: &mut Checks) {
    let opened = open(subject);
    let described = opened.as_ref().map(|space| format!("{} decisions", space.decisions().len()));
    checks.add("opens", described.map_err(Clone::clone));
    let Ok(first) = opened else { return };
    checks.add("has the same decisions every time", decisions(subject, &first));
    let first = Arc::new(first);
    let context = Context::full(vec![3, 32, 32], 10);
    let space = match Space::new(Arc::clone(&first) as Arc<dyn SearchSpace>, context.clone()) {
        Ok(space) => space,
        Err(error) => {
            return checks.add("has decisions that make sense and builds networks of them", Err(error.to_string()));
        }
    };
    checks.add(
        "has decisions that make sense and builds networks of them",
        Ok(format!("{} decisions", space.decisions().len())),
    );
    checks.add("builds a sound network of every point", builds(&space));
    checks.add("gives a recipe of every point", recipes(&space));
    checks.add("builds the same network every time", rebuilds(subject, &space, &context));
}

fn open(subject: &Subject<'_>) -> Result<SpaceComponent, String> {
    let name = subject.component.name();
    SpaceComponent::open(subject.component, &subject.options, subject.limits, log(name))
        .map_err(|error| error.to_string())
}

fn decisions(subject: &Subject<'_>, first: &SpaceComponent) -> Result<String, String> {
    same(first.decisions(), open(subject)?.decisions(), "decision")
}

fn builds(space: &Space) -> Result<String, String> {
    let (mut smallest, mut largest) = (u64::MAX, 0);
    for seed in 0..SAMPLES {
        let point = space.sample(seed);
        let footprint = space.profile(&point).map_err(|error| format!("{point:?}: {error}"))?;
        smallest = smallest.min(footprint.parameters);
        largest = largest.max(footprint.parameters);
    }
    Ok(format!("{SAMPLES} networks of {smallest} to {largest} parameters"))
}

fn recipes(space: &Space) -> Result<String, String> {
    let mut decided = 0;
    for seed in 0..SAMPLES {
        let point = space.sample(seed);
        decided = space.recipe(&point).map_err(|error| format!("{point:?}: {error}"))?.len().max(decided);
    }
    Ok(format!("at most {decided} hyperparameters are decided"))
}

/// Builds the points in the opposite order in a fresh instance.
fn rebuilds(subject: &Subject<'_>, space: &Space, context: &Context) -> Result<String, String> {
    let failed = |error: archwright_space::SpaceError| error.to_string();
    let fresh = Space::new(Arc::new(open(subject)?), context.clone()).map_err(failed)?;
    let build = |space: &Space, seed| space.build(&space.sample(seed)).map_err(failed);
    let first = (0..SAMPLES).map(|seed| build(space, seed)).collect::<Result<Vec<_>, _>>()?;
    let mut again = (0..SAMPLES).rev().map(|seed| build(&fresh, seed)).collect::<Result<Vec<_>, _>>()?;
    again.reverse();
    same(&first, &again, "network")
}
