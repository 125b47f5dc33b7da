//! Checks of search spaces.

use std::sync::Arc;

use archwright_space::{Architecture, Context, Decision, Network, SearchSpace, Space, Value};
use serde_json::json;

use super::deterministic::{self, same};
use super::report::{Checks, Fault, Group, Seen};
use super::{Elsewhere, Subject, claims, points, resources};
use crate::{Kind, PluginError, SpaceComponent};

/// Points drawn.
const SAMPLES: u64 = 50;

/// Values of decisions that are built at most.
const VALUES: usize = 2_000;

pub(super) fn check(subject: &Subject<'_>, elsewhere: Option<Elsewhere<'_>>, checks: &mut Checks) {
    let first = match open(subject) {
        Ok(first) => Arc::new(first),
        Err(error) => {
            checks.add("opens", Err(error.into()));
            return checks.skip_rest(Some(Kind::SearchSpace), "it does not open: mend that first");
        }
    };
    let decisions = first.decisions().len();
    checks.add("opens", Ok(format!("{decisions} decisions")));
    checks.check("same-decisions", || same_decisions(subject, &first));
    let context = Context::full(vec![3, 32, 32], 10);
    let space = match Space::new(Arc::clone(&first) as Arc<dyn SearchSpace>, context.clone()) {
        Ok(space) => space,
        Err(error) => {
            let advice = "give each decision a name of its own and a domain that is not empty, conditions on earlier \
                          decisions only, and build a network of each point: docs/writing-a-plugin.md says more";
            checks.add("sound-decisions", Err(Fault::new(error.to_string(), advice)));
            return checks
                .skip_rest(Some(Kind::SearchSpace), "its decisions or networks make no sense: mend that first");
        }
    };
    let size = space.size();
    checks.add("sound-decisions", Ok(format!("{decisions} decisions, {size}")));
    let tries = Tries { subject, first: &first, space: &space, context: &context };
    checks.check("builds-points", || tries.builds());
    checks.check("builds-every-value", || tries.builds_every_value());
    checks.check("recipes", || tries.recipes());
    if checks.wants(Group::SearchSpace) {
        tries.shares(checks);
        tries.inputs(checks);
    }
    checks.check("repeats-in-one-process", || tries.repeats());
    deterministic::another_process(subject, elsewhere, checks);
    checks.consider("memory", || resources::memory(subject, first.memory_bytes()));
    claims::known(subject, checks);
}

fn open(subject: &Subject<'_>) -> Result<SpaceComponent, PluginError> {
    SpaceComponent::open(subject.component, &subject.options, subject.limits, subject.log())
}

fn same_decisions(subject: &Subject<'_>, first: &SpaceComponent) -> Seen {
    let again = first.try_decisions()?;
    same(first.decisions(), &again, "decision").map_err(|fault| fault.at("asked again"))?;
    same(first.decisions(), open(subject)?.decisions(), "decision").map_err(|fault| fault.at("in another instance"))
}

struct Tries<'a> {
    subject: &'a Subject<'a>,
    first: &'a SpaceComponent,
    space: &'a Space,
    context: &'a Context,
}

impl Tries<'_> {
    fn samples(&self) -> impl DoubleEndedIterator<Item = Vec<Value>> {
        let space = self.space;
        (0..SAMPLES).map(move |seed| match space.sample(seed) {
            Architecture::Point(values) => values,
            Architecture::Network(_) => Vec::new(),
        })
    }

    fn build(&self, values: &[Value]) -> Result<Network, Fault> {
        self.first.try_build(values, self.context).map_err(|error| self.at_point(error.into(), values))
    }

    fn at_point(&self, fault: Fault, values: &[Value]) -> Fault {
        let labels = self.space.label(&Architecture::Point(values.to_vec()));
        let labels: Vec<_> = labels.into_iter().map(|(name, label)| format!("{name}={label}")).collect();
        fault.at(&format!("at the point {}", crate::text::shown(&labels.join(" "), 400)))
    }

    fn builds(&self) -> Seen {
        let (mut smallest, mut largest) = (u64::MAX, 0);
        for values in self.samples() {
            let sized = self.build(&values)?.footprint();
            let footprint = sized.map_err(|error| {
                let advice = "build a network whose shapes agree: docs/operators.md says what each operation takes";
                self.at_point(Fault::new(error.to_string(), advice), &values)
            })?;
            smallest = smallest.min(footprint.parameters);
            largest = largest.max(footprint.parameters);
        }
        let (smallest, largest) = (resources::count(smallest), resources::count(largest));
        Ok(format!("{SAMPLES} networks of {smallest} to {largest} parameters"))
    }

    fn builds_every_value(&self) -> Seen {
        let decisions: &[Decision] = self.space.decisions();
        let Some(base) = self.samples().next() else { return Ok("no points".into()) };
        let (mut built, mut unreachable) = (0, Vec::new());
        'decisions: for (index, decision) in decisions.iter().enumerate() {
            for value in points::values(&decision.domain) {
                if built >= VALUES {
                    break 'decisions;
                }
                let Some(point) = points::with(decisions, &base, index, value) else {
                    unreachable.push(decision.name.clone());
                    break;
                };
                self.build(&point)?;
                built += 1;
            }
        }
        let without = match unreachable.as_slice() {
            [] => String::new(),
            names => format!("; no point was found that has {}", crate::text::shown(&names.join(", "), 200)),
        };
        Ok(format!("{built} points, which have each value once{without}"))
    }

    fn recipes(&self) -> Seen {
        let mut decided = 0;
        for values in self.samples() {
            let recipe = self.first.try_recipe(&values).map_err(|error| self.at_point(error.into(), &values))?;
            decided = decided.max(recipe.len());
        }
        Ok(format!("at most {decided} hyperparameters are decided"))
    }

    /// Builds a few points in each of some contexts. The plugin may decline them in due form; a network that does not fit
    /// costs whoever asks for it that network, and is worth a warning.
    fn in_contexts(&self, id: &str, contexts: &[(&str, Context)], checks: &mut Checks) {
        let mut seen = Vec::new();
        let mut misfit = None;
        for (name, context) in contexts {
            let mut outcome = "built".to_owned();
            for values in self.samples().take(10) {
                match self.first.try_build(&values, context) {
                    Ok(_) => {}
                    Err(error @ PluginError::Guest { .. }) => {
                        outcome = format!("declined ({})", crate::text::shown(&error.to_string(), 100));
                    }
                    Err(error @ PluginError::Invalid { .. }) => {
                        outcome = "a network that does not fit".into();
                        misfit.get_or_insert_with(|| self.at_point(error.into(), &values).at(&format!("for {name}")));
                    }
                    Err(error) => {
                        let fault = self.at_point(error.into(), &values).at(&format!("for {name}"));
                        return checks.add(id, Err(fault));
                    }
                }
            }
            seen.push(format!("{name}: {outcome}"));
        }
        checks.advise(
            id,
            match misfit {
                None => Ok(seen.join("; ")),
                Some(fault) => {
                    Err(Fault { advice: "decline with `unsupported` what no network can be built for".into(), ..fault })
                }
            },
        );
    }

    fn shares(&self, checks: &mut Checks) {
        let shared = |width_share, depth_share| Context { width_share, depth_share, ..self.context.clone() };
        let contexts = [
            ("half the width", shared(0.5, 1.0)),
            ("half the depth", shared(1.0, 0.5)),
            ("a hundredth of both", shared(0.01, 0.01)),
        ];
        self.in_contexts("shares", &contexts, checks);
    }

    fn inputs(&self, checks: &mut Checks) {
        let contexts = [
            ("grey images of 28 by 28 and 10 classes", Context::full(vec![1, 28, 28], 10)),
            ("images of 64 by 48 and 200 classes", Context::full(vec![3, 64, 48], 200)),
            ("images of 8 by 8 and 2 classes", Context::full(vec![1, 8, 8], 2)),
            ("one pixel", Context::full(vec![3, 1, 1], 10)),
            ("a vector of 16 and 100 classes", Context::full(vec![16], 100)),
        ];
        self.in_contexts("inputs", &contexts, checks);
    }

    /// Builds the points in the opposite order in a fresh instance.
    fn repeats(&self) -> Seen {
        let fresh = open(self.subject)?;
        let first = self.samples().map(|values| self.build(&values)).collect::<Result<Vec<_>, _>>()?;
        let mut again = Vec::new();
        for values in self.samples().rev() {
            again.push(fresh.try_build(&values, self.context)?);
        }
        again.reverse();
        same(&first, &again, "network")
    }
}

/// Opens the space and builds a few points.
pub(super) fn probe(subject: &Subject<'_>) -> Result<(), PluginError> {
    let space = Arc::new(open(subject)?);
    let context = Context::full(vec![3, 32, 32], 10);
    let Ok(whole) = Space::new(Arc::clone(&space) as Arc<dyn SearchSpace>, context.clone()) else { return Ok(()) };
    for seed in 0..3 {
        if let Architecture::Point(values) = whole.sample(seed) {
            match space.try_build(&values, &context) {
                Err(error @ PluginError::Guest { .. }) => tracing::debug!(%error, "declined"),
                built => drop(built?),
            }
        }
    }
    Ok(())
}

/// What a search space answers.
pub(super) fn answers(subject: &Subject<'_>) -> Vec<Result<serde_json::Value, String>> {
    let space = match open(subject) {
        Ok(space) => Arc::new(space),
        Err(error) => return vec![Err(error.to_string())],
    };
    let mut answers = vec![Ok(json!(space.decisions()))];
    let context = Context::full(vec![3, 32, 32], 10);
    match Space::new(Arc::clone(&space) as Arc<dyn SearchSpace>, context.clone()) {
        Err(error) => answers.push(Err(error.to_string())),
        Ok(whole) => {
            for seed in 0..SAMPLES {
                let built = match whole.sample(seed) {
                    Architecture::Point(values) => space.try_build(&values, &context),
                    Architecture::Network(network) => Ok(network),
                };
                answers.push(built.map(|network| json!(network)).map_err(|error| error.to_string()));
            }
        }
    }
    answers
}
