//! From the contract's types to the host's, for what plugins give. Everything is hostile until it passed here.

use archwright_space::{Architecture, Condition, Context, Decision, Domain, Network, Node, Op, Shape, Space, Value};

use crate::bindings::types;
use crate::guest::MESSAGE_BYTES;
use crate::ids::Ids;
use crate::limits::{Bound, InForce, Key};
use crate::model::{CurvePoint, Description, Estimate, Purpose, Query, Relaxation, Subject};
use crate::text::{is_plain, shown};
use crate::{GuestError, PluginError, operation};

/// Longest name in a description, in bytes.
const NAME_BYTES: usize = 64;

/// Longest line in a description, in bytes.
const LINE_BYTES: usize = 400;

/// Longest options schema, in bytes.
const SCHEMA_BYTES: usize = 256 << 10;

/// Longest list in a description.
const LIST_LENGTH: usize = 64;

/// How far the sum of a row of probabilities, in single precision, may be from 1.
const ROW_TOLERANCE: f64 = 1e-3;

/// A value that breaks the contract.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// Path of the value, e.g. `queries[2].fidelity`.
    pub(crate) field: String,
    /// What it is and what would be right.
    pub(crate) problem: String,
}

impl Wrong {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: shown(&problem.into(), MESSAGE_BYTES) }
    }

    pub(crate) fn in_call(self, plugin: &str, call: &str) -> PluginError {
        PluginError::Invalid { plugin: plugin.into(), call: call.into(), field: self.field, problem: self.problem }
    }

    /// The same inside of `outer`.
    pub(crate) fn within(self, outer: &str) -> Self {
        Self { field: format!("{outer}.{}", self.field), problem: self.problem }
    }
}

pub(crate) fn error(error: &types::Error) -> GuestError {
    let text = |text: &str| shown(text, MESSAGE_BYTES);
    match error {
        types::Error::InvalidOptions(message) => GuestError::InvalidOptions(text(message)),
        types::Error::Unsupported(message) => GuestError::Unsupported(text(message)),
        types::Error::Internal(message) => GuestError::Internal(text(message)),
        types::Error::Other(message) => GuestError::Other(text(message)),
    }
}

/// A reason given by a plugin, fit to show.
pub(crate) fn reason(text: &str) -> String {
    shown(text, MESSAGE_BYTES)
}

pub(crate) fn description(given: types::Description) -> Result<Description, Wrong> {
    kebab_case("name", &given.name)?;
    if let Err(error) = semver::Version::parse(&given.version) {
        let problem = format!("{:?} is no semantic version, e.g. 1.0.0: {error}", shown(&given.version, NAME_BYTES));
        return Err(Wrong::new("version", problem));
    }
    line("summary", &given.summary)?;
    for (field, list) in [("references", &given.references), ("needs", &given.needs), ("gives", &given.gives)] {
        if list.len() > LIST_LENGTH {
            return Err(Wrong::new(field, format!("{} entries are more than {LIST_LENGTH}", list.len())));
        }
        for (index, entry) in list.iter().enumerate() {
            line(&format!("{field}[{index}]"), entry)?;
        }
    }
    if given.options_schema.len() > SCHEMA_BYTES {
        let problem = format!("{} bytes are more than {SCHEMA_BYTES}", given.options_schema.len());
        return Err(Wrong::new("options-schema", problem));
    }
    let options_schema = serde_json::from_str(&given.options_schema)
        .map_err(|error| Wrong::new("options-schema", format!("this is not JSON: {error}")))?;
    Ok(Description {
        name: given.name,
        version: given.version,
        summary: given.summary,
        options_schema,
        references: given.references,
        needs: given.needs,
        gives: given.gives,
    })
}

fn kebab_case(field: &str, name: &str) -> Result<(), Wrong> {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if name.len() <= NAME_BYTES && name.split('-').all(word) {
        return Ok(());
    }
    let problem = format!(
        "{:?} is not in kebab-case (lower-case words and digits joined by hyphens) of at most {NAME_BYTES} characters",
        shown(name, 2 * NAME_BYTES)
    );
    Err(Wrong::new(field, problem))
}

fn line(field: &str, text: &str) -> Result<(), Wrong> {
    if text.trim().is_empty() {
        return Err(Wrong::new(field, "it is empty"));
    }
    if text.len() > LINE_BYTES {
        return Err(Wrong::new(field, format!("{} bytes are more than {LINE_BYTES}", text.len())));
    }
    match text.chars().find(|character| !is_plain(*character)) {
        Some(character) => {
            Err(Wrong::new(field, format!("it holds the control character {}", character.escape_default())))
        }
        None => Ok(()),
    }
}

fn values(values: Vec<types::Value>) -> Vec<Value> {
    values
        .into_iter()
        .map(|value| match value {
            types::Value::Index(index) => Value::Index(index),
            types::Value::Integer(integer) => Value::Integer(integer),
            types::Value::Real(real) => Value::Real(real),
            types::Value::Inactive => Value::Inactive,
        })
        .collect()
}

/// An architecture that is one of `space`.
pub(crate) fn architecture(
    given: types::Architecture,
    space: &Space,
    networks: &NetworkBounds,
) -> Result<Architecture, Wrong> {
    let architecture = unchecked_architecture(given, networks)?;
    space.check(&architecture).map_err(|error| Wrong::new("architecture", error.to_string()))?;
    if let Architecture::Network(network) = &architecture {
        fits(network, space.context(), networks).map_err(|problem| Wrong::new("architecture", problem))?;
    }
    Ok(architecture)
}

/// How large a network of a plugin may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NetworkBounds {
    nodes: Bound,
    parameters: Bound,
    activation_bytes: Bound,
}

impl NetworkBounds {
    pub(crate) fn new(limits: &InForce) -> Self {
        Self {
            nodes: limits.bound("nodes", Key::network_nodes),
            parameters: limits.bound("parameters", Key::network_parameters),
            activation_bytes: limits.bound("bytes of activations", Key::network_activation_bytes),
        }
    }
}

/// Refuses `found` of what `bound` limits, where that is more.
fn within(found: u64, bound: Bound) -> Result<(), String> {
    let Bound { of, limit, setting } = bound;
    if found <= limit { Ok(()) } else { Err(format!("{found} {of} are more than {limit}; {setting}")) }
}

/// Whether a network is sound, no larger than it may be, and takes and gives what `context` says.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn fits(network: &Network, context: &Context, bounds: &NetworkBounds) -> Result<(), String> {
    let sized = network.validate().and_then(|()| Ok((network.shapes()?, network.footprint()?)));
    let (shapes, footprint) = sized.map_err(|error| error.to_string())?;
    within(footprint.parameters, bounds.parameters)?;
    within(footprint.activation_bytes, bounds.activation_bytes)?;
    match network.nodes.first().map(|node| &node.op) {
        Some(Op::Input { shape }) if *shape == context.input => {}
        Some(Op::Input { shape }) => {
            return Err(format!("the input has shape {shape:?}, which has to be {:?}", context.input));
        }
        _ => return Err("the first node is no input".into()),
    }
    match shapes.last() {
        Some(Shape::Vector(scores)) if *scores == context.classes => Ok(()),
        Some(shape) => Err(format!("the last node gives {shape}, which has to be {} scores", context.classes)),
        None => Err("there are no nodes".into()),
    }
}

/// An architecture that is well-formed, of whatever space.
pub(crate) fn unchecked_architecture(
    given: types::Architecture,
    networks: &NetworkBounds,
) -> Result<Architecture, Wrong> {
    Ok(match given {
        types::Architecture::Point(point) => Architecture::Point(values(point)),
        types::Architecture::Network(given) => Architecture::Network(network(given, networks)?),
    })
}

/// A network whose operations exist and whose inputs come before them. Shapes are not checked.
pub(crate) fn network(given: types::Network, bounds: &NetworkBounds) -> Result<Network, Wrong> {
    within(given.nodes.len() as u64, bounds.nodes).map_err(|problem| Wrong::new("network", problem))?;
    let mut nodes = Vec::with_capacity(given.nodes.len());
    for (index, types::Node { name, op, attributes, inputs }) in given.nodes.into_iter().enumerate() {
        let wrong =
            |problem: String| Wrong::new(format!("nodes[{index}]"), format!("{}: {problem}", shown(&name, LINE_BYTES)));
        if name.len() > LINE_BYTES {
            return Err(wrong(format!("its name of {} bytes is longer than {LINE_BYTES}", name.len())));
        }
        if let Some(input) = inputs.iter().find(|input| **input as usize >= index) {
            return Err(wrong(format!("its input {input} does not come before it")));
        }
        let op = operation::parse(&op, attributes).map_err(wrong)?;
        nodes.push(Node { name, op, inputs: inputs.into_iter().map(|input| input as usize).collect() });
    }
    Ok(Network { nodes })
}

pub(crate) fn decisions(given: Vec<types::Decision>) -> Vec<Decision> {
    given
        .into_iter()
        .map(|decision| Decision {
            name: decision.name,
            domain: match decision.domain {
                types::Domain::Categorical(labels) => Domain::Categorical(labels),
                types::Domain::Ordinal(numbers) => Domain::Ordinal(numbers),
                types::Domain::Integer(range) => {
                    Domain::Integer { low: range.low, high: range.high, log_scale: range.log_scale }
                }
                types::Domain::Real(range) => {
                    Domain::Real { low: range.low, high: range.high, log_scale: range.log_scale }
                }
            },
            active_when: decision
                .active_when
                .into_iter()
                .map(|condition| Condition { decision: condition.decision as usize, any_of: condition.any_of })
                .collect(),
        })
        .collect()
}

/// The queries of one answer; `asked` are the ids of all before.
pub(crate) fn queries(
    given: Vec<types::Query>,
    capacity: u32,
    asked: &Ids,
    space: &Space,
    networks: &NetworkBounds,
) -> Result<Vec<Query>, Wrong> {
    if given.is_empty() {
        return Err(Wrong::new("queries", "the list is empty; it has to be `waiting` or `finished` instead"));
    }
    if given.len() > capacity as usize {
        return Err(Wrong::new("queries", format!("{} queries are more than the {capacity} asked for", given.len())));
    }
    let mut fresh = asked.counted();
    let mut queries = Vec::with_capacity(given.len());
    for (index, query) in given.into_iter().enumerate() {
        let at = || format!("queries[{index}]");
        if asked.contains(query.id) || fresh.contains(query.id) {
            return Err(Wrong::new(format!("{}.id", at()), format!("{} is the id of an earlier query", query.id)));
        }
        share("fidelity", query.fidelity).map_err(|wrong| wrong.within(&at()))?;
        if let Some(parent) = query.parent
            && !asked.contains(parent)
            && !fresh.contains(parent)
        {
            return Err(Wrong::new(format!("{}.parent", at()), format!("{parent} is not the id of an earlier query")));
        }
        let subject = subject(query.subject, space, networks).map_err(|wrong| wrong.within(&at()))?;
        let purpose = match query.purpose {
            types::Purpose::Estimate => Purpose::Estimate,
            types::Purpose::Probe => Purpose::Probe,
            types::Purpose::Train => Purpose::Train,
        };
        fresh.insert(query.id);
        queries.push(Query { id: query.id, subject, fidelity: query.fidelity, parent: query.parent, purpose });
    }
    Ok(queries)
}

/// What a query is about, in `space`.
pub(crate) fn subject(given: types::Subject, space: &Space, networks: &NetworkBounds) -> Result<Subject, Wrong> {
    Ok(match given {
        types::Subject::Architecture(given) => Subject::Architecture(architecture(given, space, networks)?),
        types::Subject::Relaxation(given) => Subject::Relaxation(relaxation(given, space.decisions())?),
    })
}

/// One row of probabilities per categorical decision, concatenated.
pub(crate) fn relaxation(given: types::Relaxation, decisions: &[Decision]) -> Result<Relaxation, Wrong> {
    let types::Relaxation { probabilities, wanted } = given;
    let wanted = wanted.unwrap_or_default();
    if !wanted.is_empty() && wanted.len() != probabilities.len() {
        let problem = format!("{} values for {} probabilities", wanted.len(), probabilities.len());
        return Err(Wrong::new("relaxation.wanted", problem));
    }
    check_rows(&probabilities, decisions)?;
    Ok(Relaxation { probabilities, wanted })
}

fn check_rows(rows: &[f32], decisions: &[Decision]) -> Result<(), Wrong> {
    let categorical = decisions.iter().filter_map(|decision| match &decision.domain {
        Domain::Categorical(labels) => Some((decision.name.as_str(), labels.len())),
        _ => None,
    });
    let expected: usize = categorical.clone().map(|(_, length)| length).sum();
    if rows.len() != expected {
        let problem = format!("{} probabilities instead of {expected}, one per label", rows.len());
        return Err(Wrong::new("relaxation", problem));
    }
    let mut rest = rows;
    for (name, length) in categorical {
        let (row, after) = rest.split_at(length);
        rest = after;
        if let Some(one) = row.iter().find(|one| !one.is_finite() || **one < 0.0) {
            return Err(Wrong::new("relaxation", format!("a probability of decision `{name}` is {one}")));
        }
        let sum: f64 = row.iter().map(|one| f64::from(*one)).sum();
        if (sum - 1.0).abs() > ROW_TOLERANCE {
            return Err(Wrong::new(
                "relaxation",
                format!("the probabilities of decision `{name}` sum to {sum}, not 1"),
            ));
        }
    }
    Ok(())
}

/// An estimate of `query`.
pub(crate) fn estimate(given: types::Estimate, objectives: usize, subject: &Subject) -> Result<Estimate, Wrong> {
    finite("objectives", &given.objectives, objectives)?;
    let uncertainty = given.uncertainty.unwrap_or_default();
    if !uncertainty.is_empty() {
        finite("uncertainty", &uncertainty, objectives)?;
    }
    if let Some((index, one)) = uncertainty.iter().enumerate().find(|(_, one)| **one < 0.0) {
        return Err(Wrong::new(format!("uncertainty[{index}]"), format!("{one} is below 0")));
    }
    let probabilities = match subject {
        Subject::Architecture(_) => 0,
        Subject::Relaxation(relaxation) => relaxation.probabilities.len(),
    };
    let gradient = given.gradient.unwrap_or_default();
    if !gradient.is_empty() && gradient.len() != probabilities {
        let problem = format!("{} values, where the query has {probabilities} probabilities", gradient.len());
        return Err(Wrong::new("gradient", problem));
    }
    if let Some((index, one)) = gradient.iter().enumerate().find(|(_, one)| !one.is_finite()) {
        return Err(Wrong::new(format!("gradient[{index}]"), format!("it is {one}")));
    }
    if !given.cost.is_finite() || given.cost < 0.0 {
        return Err(Wrong::new("cost", format!("{} is not a number of seconds of at least 0", given.cost)));
    }
    share("fidelity", given.fidelity)?;
    let points = given.curve.unwrap_or_default();
    let mut curve = Vec::with_capacity(points.len());
    for (index, point) in points.iter().enumerate() {
        share("fidelity", point.fidelity).map_err(|wrong| wrong.within(&format!("curve[{index}]")))?;
        if !point.value.is_finite() {
            return Err(Wrong::new(format!("curve[{index}].value"), format!("it is {}", point.value)));
        }
        curve.push(CurvePoint { fidelity: point.fidelity, value: point.value });
    }
    Ok(Estimate {
        objectives: given.objectives,
        uncertainty,
        gradient,
        cost: given.cost,
        fidelity: given.fidelity,
        curve,
    })
}

/// A share, in (0, 1].
pub(crate) fn share(field: &str, value: f64) -> Result<(), Wrong> {
    if value > 0.0 && value <= 1.0 {
        return Ok(());
    }
    Err(Wrong::new(field, format!("{value} is not in (0, 1]")))
}

fn finite(field: &str, values: &[f64], length: usize) -> Result<(), Wrong> {
    if values.len() != length {
        return Err(Wrong::new(field, format!("{} values instead of {length}, one per objective", values.len())));
    }
    match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((index, value)) => Err(Wrong::new(format!("{field}[{index}]"), format!("it is {value}"))),
        None => Ok(()),
    }
}
