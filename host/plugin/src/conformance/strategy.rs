//! Checks of search strategies.

use std::collections::VecDeque;
use std::sync::Arc;

use archwright_space::{Architecture, Space};

use super::{Checks, Subject, declined, log, objectives, same, spaces};
use crate::model::{
    CurvePoint, Estimate, EstimateOutcome, Observation, Purpose, Query, Relaxation, Reply, Subject as Asked,
};
use crate::{PluginError, Strategy, StrategySetup};

/// Observations in a simulated search.
const QUERIES: u64 = 60;

/// Queries after which shared weights have learned all that they will.
const TRAINED: usize = 20;

/// Calls of `ask` after which a search that got nowhere is given up.
const PATIENCE: u64 = 10 * QUERIES;

/// How a simulated search goes.
#[derive(Clone, Copy)]
struct Plan {
    seed: u64,
    max_queries: Option<u64>,
    /// Queries in flight.
    workers: usize,
    /// Every how many queries one fails; 0: none does.
    failing: u64,
}

/// What a strategy did in a simulated search.
#[derive(Debug, PartialEq)]
struct Transcript {
    queries: Vec<Query>,
    finished: bool,
    picks: Vec<Architecture>,
}

pub(super) fn check(subject: &Subject<'_>, checks: &mut Checks) {
    let spaces = match spaces::all() {
        Ok(spaces) => spaces,
        Err(error) => return checks.add("can be tried in the test spaces", Err(error.to_string())),
    };
    let mut accepted = Vec::new();
    for (name, space) in spaces {
        let plan = Plan { seed: 1, max_queries: Some(QUERIES), workers: 1, failing: 0 };
        let first = match simulate(subject, &space, plan) {
            Err(error) if declined(&error) => {
                checks.add(format!("declines the {name} space in due form"), Ok(error.to_string()));
                continue;
            }
            first => first,
        };
        accepted.push(name);
        let searches = first.as_ref().map(summary).map_err(ToString::to_string);
        checks.add(format!("searches the {name} space"), searches);
        let Ok(first) = first else { continue };
        checks.add(format!("repeats itself in the {name} space"), repeats(subject, &space, plan, &first));
        checks.add(format!("takes the seed given to it in the {name} space"), reseeded(subject, &space, plan, &first));
        let parallel = Plan { workers: 5, ..plan };
        checks.add(format!("keeps five queries in flight in the {name} space"), runs(subject, &space, parallel));
        let failing = Plan { workers: 3, failing: 3, ..plan };
        checks.add(format!("goes on after failed queries in the {name} space"), runs(subject, &space, failing));
        let hopeless = Plan { failing: 1, ..plan };
        checks.add(format!("survives that all queries fail in the {name} space"), runs(subject, &space, hopeless));
        let open_ended = Plan { max_queries: None, ..plan };
        checks.add(format!("searches the {name} space without a number of queries"), runs(subject, &space, open_ended));
    }
    let some = if accepted.is_empty() { Err("it declined all of them".into()) } else { Ok(accepted.join(", ")) };
    checks.add("works in one of the test spaces", some);
}

fn summary(transcript: &Transcript) -> String {
    let end = if transcript.finished { ", then finished" } else { "" };
    format!("{} queries{end}; {} recommended", transcript.queries.len(), transcript.picks.len())
}

fn runs(subject: &Subject<'_>, space: &Arc<Space>, plan: Plan) -> Result<String, String> {
    simulate(subject, space, plan).map(|transcript| summary(&transcript)).map_err(|error| error.to_string())
}

fn repeats(subject: &Subject<'_>, space: &Arc<Space>, plan: Plan, first: &Transcript) -> Result<String, String> {
    let again = simulate(subject, space, plan).map_err(|error| error.to_string())?;
    same(&first.picks, &again.picks, "recommendation")?;
    same(&first.queries, &again.queries, "query")
}

/// A strategy need not be random: that another seed changes nothing is worth saying and no failure.
fn reseeded(subject: &Subject<'_>, space: &Arc<Space>, plan: Plan, first: &Transcript) -> Result<String, String> {
    let other = simulate(subject, space, Plan { seed: 2, ..plan }).map_err(|error| error.to_string())?;
    Ok(match other.queries == first.queries {
        true => "another seed gives the same queries: the strategy is not random".into(),
        false => "another seed gives other queries".into(),
    })
}

fn simulate(subject: &Subject<'_>, space: &Arc<Space>, plan: Plan) -> Result<Transcript, PluginError> {
    let setup = StrategySetup {
        objectives: objectives(),
        options: subject.options.clone(),
        seed: plan.seed,
        max_queries: plan.max_queries,
        offers: subject.component.description().needs.clone(),
    };
    let name = subject.component.name();
    let mut strategy = Strategy::open(subject.component, Arc::clone(space), setup, subject.limits, log(name))?;
    let mut transcript = Transcript { queries: Vec::new(), finished: false, picks: Vec::new() };
    let mut in_flight: VecDeque<Query> = VecDeque::new();
    let (mut told, mut trained) = (0, 0);
    for round in 0..PATIENCE {
        let room = (plan.workers - in_flight.len()).min((QUERIES as usize).saturating_sub(transcript.queries.len()));
        if room > 0 && !transcript.finished {
            match strategy.ask(room as u32)? {
                Reply::Queries(queries) => {
                    transcript.queries.extend(queries.iter().cloned());
                    in_flight.extend(queries);
                }
                Reply::Waiting => {}
                Reply::Finished => transcript.finished = true,
            }
        }
        if in_flight.is_empty() {
            break;
        }
        // Sometimes one observation, sometimes all at once.
        let batch = if round % 4 == 3 { in_flight.len() } else { 1 };
        let observations: Vec<_> = in_flight
            .drain(..batch)
            .map(|query| {
                told += 1;
                let fails = plan.failing > 0 && told % plan.failing == 0;
                let outcome = if fails {
                    EstimateOutcome::Failed("the training diverged".into())
                } else {
                    trained += usize::from(query.purpose == Purpose::Train);
                    EstimateOutcome::Estimated(estimate(space, &query, trained))
                };
                Observation { query: query.id, outcome }
            })
            .collect();
        strategy.tell(&observations)?;
    }
    transcript.picks = strategy.recommend()?;
    Ok(transcript)
}

/// An estimate; `trained` queries have trained shared weights so far.
fn estimate(space: &Space, query: &Query, trained: usize) -> Estimate {
    let (accuracy, gradient) = match &query.subject {
        Asked::Architecture(architecture) => (spaces::accuracy(space, architecture), Vec::new()),
        Asked::Relaxation(Relaxation { probabilities, .. }) => relaxed(space, probabilities),
    };
    let fidelity = match query.purpose {
        Purpose::Train => trained.min(TRAINED) as f64 / TRAINED as f64,
        _ => query.fidelity,
    };
    let at = |share: f64| CurvePoint { fidelity: query.fidelity * share, value: accuracy * (0.5 + 0.5 * share) };
    Estimate {
        objectives: vec![accuracy],
        uncertainty: Vec::new(),
        gradient,
        cost: 10.0 * query.fidelity,
        fidelity,
        curve: vec![at(0.5), at(1.0)],
    }
}

/// Accuracy and gradient of a distribution: later labels are better.
fn relaxed(space: &Space, rows: &[f32]) -> (f64, Vec<f32>) {
    let lengths = archwright_space::rows(space.decisions()).into_iter().map(|row| row.length);
    let gradient: Vec<f32> =
        lengths.flat_map(|length| (0..length).map(move |label| -(label as f32) / length as f32)).collect();
    let loss: f32 = rows.iter().zip(&gradient).map(|(share, slope)| share * slope).sum();
    (f64::from(-loss) / rows.len().max(1) as f64, gradient)
}
