//! Small search spaces that show a plugin every sort of decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use archwright_space::{
    Architecture, Condition, Context, Decision, Domain, Network, Node, Op, Scalar, SearchSpace, Space, SpaceError,
    Value,
};

use super::report::{Checks, Fault};

/// A chain of activations behind one convolution.
struct TestSpace {
    decisions: Vec<Decision>,
}

/// A test space.
pub(super) struct TestedSpace {
    /// What it is called in reports.
    pub(super) name: &'static str,
    /// The check that is about it.
    pub(super) id: &'static str,
    /// Whether everything is tried in it, and not only whether a plugin copes with it.
    pub(super) thorough: bool,
    pub(super) space: Arc<Space>,
}

/// The spaces, those first in which everything is tried.
pub(super) fn all() -> Result<Vec<TestedSpace>, SpaceError> {
    let mut spaces = Vec::new();
    let mut add = |name, id, thorough, decisions| {
        let context = Context::full(vec![3, 8, 8], 10);
        let space = Arc::new(Space::new(Arc::new(TestSpace { decisions }), context)?);
        spaces.push(TestedSpace { name, id, thorough, space });
        Ok::<_, SpaceError>(())
    };
    let labels = |count: usize| (0..count).map(|index| operation(&format!("{index}"), &[])).collect::<Vec<_>>();
    add("categorical", "space-categorical", true, labels(3))?;
    add(
        "conditional",
        "space-conditional",
        true,
        vec![
            decision("depth", Domain::Ordinal(vec![1.0, 2.0, 3.0]), &[]),
            operation("a", &[]),
            operation("b", &[(0, &[1, 2])]),
            operation("c", &[(0, &[2])]),
            operation("d", &[(3, &[0, 1])]),
        ],
    )?;
    add(
        "mixed",
        "space-mixed",
        true,
        vec![
            decision("channels", Domain::Integer { low: 4, high: 64, log_scale: true }, &[]),
            operation("a", &[]),
            decision("learning_rate", Domain::Real { low: 1e-4, high: 1.0, log_scale: true }, &[]),
            decision("momentum", Domain::Real { low: 0.0, high: 0.9, log_scale: false }, &[(1, &[0, 1])]),
        ],
    )?;
    let numbers = || Domain::Ordinal(vec![4.0, 8.0, 16.0, 32.0]);
    add("ordinal", "space-ordinal", false, vec![decision("a", numbers(), &[]), decision("b", numbers(), &[])])?;
    let integers = |low, high| Domain::Integer { low, high, log_scale: false };
    add(
        "integer",
        "space-integer",
        false,
        vec![decision("channels", integers(1, 64), &[]), decision("offset", integers(-1000, 1_000_000), &[])],
    )?;
    let real = |low, high, log_scale| Domain::Real { low, high, log_scale };
    add(
        "real",
        "space-real",
        false,
        vec![decision("momentum", real(-1.0, 1.0, false), &[]), decision("decay", real(0.0, 0.5, false), &[])],
    )?;
    add(
        "log-scale",
        "space-log-scale",
        false,
        vec![
            decision("learning_rate", real(1e-8, 10.0, true), &[]),
            decision("width", Domain::Integer { low: 1, high: 1 << 40, log_scale: true }, &[]),
        ],
    )?;
    add("one-decision", "space-one-decision", false, labels(1))?;
    add(
        "one-point",
        "space-one-point",
        false,
        vec![
            decision("chain/0/op", Domain::Categorical(vec!["relu".into()]), &[]),
            decision("depth", Domain::Ordinal(vec![1.0]), &[]),
            decision("channels", integers(8, 8), &[]),
            decision("momentum", real(0.5, 0.5, false), &[]),
        ],
    )?;
    add("empty", "space-empty", false, Vec::new())?;
    add("large", "space-large", false, labels(240))?;
    Ok(spaces)
}

/// Takes down in which spaces a plugin works; `declined` is why it declined one, `problem` what went wrong in one.
pub(super) fn works_somewhere(names: &[&str], declined: Option<&str>, problem: Option<&Fault>, checks: &mut Checks) {
    checks.add(
        "works-somewhere",
        match (names, declined, problem) {
            ([], Some(reason), None) => Err(Fault::new(
                format!("it declined them all: {reason}"),
                "decline only what the plugin cannot work with: one that works nowhere is of no use to anybody",
            )),
            ([], ..) => Err(Fault::new("it failed in all of them", "see the checks of the spaces")),
            (names, ..) => Ok(names.join(", ")),
        },
    );
}

/// A made-up accuracy: better for larger values, and different for architectures that differ.
pub(super) fn accuracy(space: &Space, architecture: &Architecture) -> f64 {
    let Architecture::Point(values) = architecture else { return 0.5 };
    let mut sum = 0.0;
    for (index, (value, decision)) in values.iter().zip(space.decisions()).enumerate() {
        let share = match (value, &decision.domain) {
            (Value::Index(at), Domain::Categorical(labels)) => f64::from(*at) / labels.len() as f64,
            (Value::Index(at), Domain::Ordinal(numbers)) => f64::from(*at) / numbers.len() as f64,
            (Value::Integer(at), Domain::Integer { low, high, .. }) if low < high => {
                (at - low) as f64 / (high - low) as f64
            }
            (Value::Real(at), Domain::Real { low, high, .. }) if low < high => (at - low) / (high - low),
            _ => 0.3,
        };
        sum += share / (index + 2) as f64;
    }
    sum / (1.0 + sum)
}

fn decision(name: &str, domain: Domain, active_when: &[(usize, &[u32])]) -> Decision {
    let active_when = active_when
        .iter()
        .map(|(decision, any_of)| Condition { decision: *decision, any_of: any_of.to_vec() })
        .collect();
    Decision { name: name.into(), domain, active_when }
}

fn operation(name: &str, active_when: &[(usize, &[u32])]) -> Decision {
    let labels = ["relu", "tanh", "sigmoid", "gelu"].map(String::from).to_vec();
    decision(&format!("chain/{name}/op"), Domain::Categorical(labels), active_when)
}

impl SearchSpace for TestSpace {
    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn build(&self, values: &[Value], context: &Context) -> Result<Network, SpaceError> {
        let mut channels = 8;
        let mut operations = Vec::new();
        for (value, decision) in values.iter().zip(&self.decisions) {
            match (value, &decision.domain) {
                (Value::Integer(integer), _) if decision.name == "channels" => {
                    channels = u32::try_from(*integer).unwrap_or(channels);
                }
                (Value::Index(0), Domain::Categorical(_)) => operations.push((&decision.name, Op::Relu)),
                (Value::Index(1), Domain::Categorical(_)) => operations.push((&decision.name, Op::Tanh)),
                (Value::Index(2), Domain::Categorical(_)) => operations.push((&decision.name, Op::Sigmoid)),
                (Value::Index(_), Domain::Categorical(_)) => operations.push((&decision.name, Op::Gelu)),
                _ => {}
            }
        }
        let mut nodes = Vec::new();
        let mut append = |name: &str, op| {
            let inputs = nodes.len().checked_sub(1).into_iter().collect();
            nodes.push(Node { name: name.into(), op, inputs });
        };
        append("input", Op::Input { shape: context.input.clone() });
        append(
            "stem",
            Op::Conv2d {
                out_channels: channels,
                kernel: [3, 3],
                stride: [1, 1],
                padding: [1, 1],
                dilation: [1, 1],
                groups: 1,
                bias: false,
            },
        );
        for (name, op) in operations {
            append(name, op);
        }
        append("pool", Op::GlobalAvgPool);
        append("scores", Op::Linear { out_features: context.classes, bias: true });
        Ok(Network { nodes })
    }

    fn recipe(&self, values: &[Value]) -> Result<BTreeMap<String, Scalar>, SpaceError> {
        let decided = values.iter().zip(&self.decisions).filter_map(|(value, decision)| match value {
            Value::Real(real) => Some((decision.name.clone(), Scalar::Real(*real))),
            _ => None,
        });
        Ok(decided.collect())
    }
}
