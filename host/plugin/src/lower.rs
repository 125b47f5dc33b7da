//! From the host's types to the contract's, for what the host gives to plugins. Nothing here can fail: the host's values
//! are valid.

use archwright_space::{Architecture, Decision, Domain, Network, Value};

use crate::bindings::{actions, types};
use crate::model::{
    ActionOutcome, CurvePoint, Estimate, EstimateOutcome, Goal, Objective, Observation, Purpose, Query, Relaxation,
    Subject,
};
use crate::operation;

pub(crate) fn decisions(decisions: &[Decision]) -> Vec<types::Decision> {
    decisions.iter().map(decision).collect()
}

fn decision(decision: &Decision) -> types::Decision {
    types::Decision {
        name: decision.name.clone(),
        domain: domain(&decision.domain),
        active_when: decision
            .active_when
            .iter()
            .map(|condition| types::Condition { decision: index(condition.decision), any_of: condition.any_of.clone() })
            .collect(),
    }
}

fn domain(domain: &Domain) -> types::Domain {
    match domain {
        Domain::Categorical(labels) => types::Domain::Categorical(labels.clone()),
        Domain::Ordinal(numbers) => types::Domain::Ordinal(numbers.clone()),
        Domain::Integer { low, high, log_scale } => {
            types::Domain::Integer(types::IntegerRange { low: *low, high: *high, log_scale: *log_scale })
        }
        Domain::Real { low, high, log_scale } => {
            types::Domain::Real(types::RealRange { low: *low, high: *high, log_scale: *log_scale })
        }
    }
}

pub(crate) fn objectives(objectives: &[Objective]) -> Vec<types::Objective> {
    objectives
        .iter()
        .map(|objective| types::Objective {
            name: objective.name.clone(),
            goal: match objective.goal {
                Goal::Minimize => types::Goal::Minimize,
                Goal::Maximize => types::Goal::Maximize,
            },
        })
        .collect()
}

pub(crate) fn values(values: &[Value]) -> Vec<types::Value> {
    values
        .iter()
        .map(|value| match value {
            Value::Index(index) => types::Value::Index(*index),
            Value::Integer(integer) => types::Value::Integer(*integer),
            Value::Real(real) => types::Value::Real(*real),
            Value::Inactive => types::Value::Inactive,
        })
        .collect()
}

pub(crate) fn architecture(architecture: &Architecture) -> types::Architecture {
    match architecture {
        Architecture::Point(point) => types::Architecture::Point(values(point)),
        Architecture::Network(one) => types::Architecture::Network(network(one)),
    }
}

pub(crate) fn network(network: &Network) -> types::Network {
    let nodes = network
        .nodes
        .iter()
        .map(|node| types::Node {
            name: node.name.clone(),
            op: node.op.name().into(),
            attributes: operation::attributes(&node.op),
            inputs: node.inputs.iter().map(|input| index(*input)).collect(),
        })
        .collect();
    types::Network { nodes }
}

pub(crate) fn query(query: &Query) -> types::Query {
    types::Query {
        id: query.id,
        subject: match &query.subject {
            Subject::Architecture(one) => types::Subject::Architecture(architecture(one)),
            Subject::Relaxation(one) => types::Subject::Relaxation(relaxation(one)),
        },
        fidelity: query.fidelity,
        parent: query.parent,
        purpose: match query.purpose {
            Purpose::Estimate => types::Purpose::Estimate,
            Purpose::Probe => types::Purpose::Probe,
            Purpose::Train => types::Purpose::Train,
        },
    }
}

fn relaxation(relaxation: &Relaxation) -> types::Relaxation {
    types::Relaxation { probabilities: relaxation.probabilities.clone(), wanted: known(&relaxation.wanted, |one| *one) }
}

pub(crate) fn observation(observation: &Observation) -> types::Observation {
    types::Observation {
        query: observation.query,
        outcome: match &observation.outcome {
            EstimateOutcome::Estimated(one) => types::EstimateOutcome::Estimated(estimate(one)),
            EstimateOutcome::Failed(reason) => types::EstimateOutcome::Failed(reason.clone()),
        },
    }
}

fn estimate(estimate: &Estimate) -> types::Estimate {
    let point = |point: &CurvePoint| types::CurvePoint { fidelity: point.fidelity, value: point.value };
    types::Estimate {
        objectives: estimate.objectives.clone(),
        uncertainty: known(&estimate.uncertainty, |one| *one),
        gradient: known(&estimate.gradient, |one| *one),
        cost: estimate.cost,
        fidelity: estimate.fidelity,
        curve: known(&estimate.curve, point),
    }
}

/// A list that is left out where it is empty.
fn known<T, L>(list: &[T], lower: impl Fn(&T) -> L) -> Option<Vec<L>> {
    (!list.is_empty()).then(|| list.iter().map(lower).collect())
}

pub(crate) fn epochs(outcome: &ActionOutcome) -> Option<Vec<actions::Epoch>> {
    let curve = outcome.curve.as_ref()?;
    let epochs = curve.iter().map(|epoch| actions::Epoch {
        epoch: epoch.epoch,
        train_loss: epoch.train_loss,
        objectives: epoch.objectives.clone(),
    });
    Some(epochs.collect())
}

/// Indices in the contract have 32 bits; the host has no lists that are longer.
fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
