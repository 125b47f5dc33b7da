//! Constraints: which of the points that the decisions span belong to the space.

use super::diagnostic::Diagnostic;
use super::matrix::Paths;
use super::model::{Number, Span, Written, WrittenNumber};
use super::parse::number;
use super::read::{Entry, Reader, Source, integer, list, text};
use crate::{Decision, Domain, SpaceError, Value};

/// A constraint as written.
#[derive(Debug)]
pub(super) struct WrittenConstraint {
    pub(super) measure: WrittenMeasure,
    /// The constraint in words.
    text: String,
    least: Option<i64>,
    most: Option<i64>,
    /// Where it stands.
    pub(super) span: Span,
}

/// What a constraint bounds.
#[derive(Debug)]
pub(super) enum WrittenMeasure {
    /// How often these labels are chosen, by the decisions whose names begin like this.
    Count { labels: Vec<(String, Span)>, within: Option<(String, Span)> },
    /// A number.
    Number(Written),
}

/// A constraint on numbered decisions.
#[derive(Clone, Debug)]
pub(super) struct Constraint {
    measure: Measure,
    text: String,
    least: Option<i64>,
    most: Option<i64>,
}

#[derive(Clone, Debug)]
pub(super) enum Measure {
    /// How many of these decisions have these values.
    Count(Vec<(usize, u32)>),
    Number(Number),
    /// Edges on paths from input to output, of a graph with so many vertices whose edges these decisions are.
    Paths {
        vertices: usize,
        edges: Vec<usize>,
    },
}

/// The list of constraints of a file.
pub(super) fn constraints(source: Source<'_>, entry: Entry<'_>) -> Result<Vec<WrittenConstraint>, Diagnostic> {
    list(source, entry, "constraint")?.into_iter().map(|one| constraint(source, one)).collect()
}

fn constraint(source: Source<'_>, entry: Entry<'_>) -> Result<WrittenConstraint, Diagnostic> {
    let reader = Reader::of(source, entry, "a constraint")?;
    let bound = |key| reader.get(key).map(|entry| integer(source, entry, key)).transpose();
    let (least, most) = (bound("least")?, bound("most")?);
    let named = |entry: Entry<'_>, key| Ok::<_, Diagnostic>((text(source, entry, key)?, entry.span()));
    let (measure, text) = match (reader.get("count"), reader.get("number")) {
        (Some(count), None) => {
            let labels: Vec<(String, Span)> =
                list(source, count, "count")?.into_iter().map(|one| named(one, "count")).collect::<Result<_, _>>()?;
            let within = reader.get("within").map(|entry| named(entry, "within")).transpose()?;
            let text = labels.iter().map(|(label, _)| format!("`{label}`")).collect::<Vec<_>>().join(" or ");
            (WrittenMeasure::Count { labels, within }, format!("the number of choices of {text}"))
        }
        (None, Some(entry)) => {
            let written = number(source, entry, "number")?;
            let text = match &written.number {
                WrittenNumber::Name(name) => format!("the number `{name}`"),
                _ => "the constrained number".to_owned(),
            };
            (WrittenMeasure::Number(written), text)
        }
        _ => return source.error(entry.span(), "a constraint has one of the keys `count` and `number`"),
    };
    reader.finish()?;
    if least.is_none() && most.is_none() {
        return source.error(entry.span(), "a constraint has `least`, `most` or both");
    }
    Ok(WrittenConstraint { measure, text, least, most, span: entry.span() })
}

impl WrittenConstraint {
    pub(super) fn compiled(&self, measure: Measure) -> Constraint {
        Constraint { measure, text: self.text.clone(), least: self.least, most: self.most }
    }
}

/// The decisions and values that a count is about.
pub(super) fn counted(
    source: Source<'_>,
    decisions: &[Decision],
    labels: &[(String, Span)],
    within: Option<&(String, Span)>,
) -> Result<Measure, Diagnostic> {
    let inside = |decision: &&(usize, &Decision)| {
        within.is_none_or(|(prefix, _)| {
            decision.1.name.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let all: Vec<(usize, &Decision)> = decisions.iter().enumerate().collect();
    let inside: Vec<&(usize, &Decision)> = all.iter().filter(inside).collect();
    if let (true, Some((prefix, span))) = (inside.is_empty(), within) {
        let known = decisions.iter().filter_map(|decision| decision.name.split('/').next());
        return source.unknown(span.clone(), "part of decisions' names", prefix, known);
    }
    let known = |decision: &Decision| match &decision.domain {
        Domain::Categorical(labels) => labels.clone(),
        _ => Vec::new(),
    };
    let mut counted = Vec::new();
    for (label, span) in labels {
        let before = counted.len();
        for (index, decision) in &inside {
            let places = known(decision).into_iter().enumerate().filter(|(_, its)| its == label);
            counted.extend(places.map(|(place, _)| (*index, place as u32)));
        }
        if counted.len() == before {
            let mut all: Vec<String> = inside.iter().flat_map(|(_, decision)| known(decision)).collect();
            all.sort();
            all.dedup();
            return source.unknown(span.clone(), "choice", label, all.iter().map(String::as_str));
        }
    }
    Ok(Measure::Count(counted))
}

impl Constraint {
    /// That a graph joins its input and its output, with no more edges than it may have.
    pub(super) fn on_paths((vertices, most, edges): &(usize, usize, Vec<usize>)) -> Self {
        let measure = Measure::Paths { vertices: *vertices, edges: edges.clone() };
        let text = "the number of edges on paths from input to output".to_owned();
        Self { measure, text, least: Some(1), most: Some(*most as i64) }
    }

    /// Whether a constraint that no decision has a part in is met; nothing for others.
    pub(super) fn settled(&self) -> Option<Result<(), SpaceError>> {
        match &self.measure {
            Measure::Number(number) => evaluate(number, &[], &[]).map(|_| self.check(&[], &[])),
            Measure::Count(_) | Measure::Paths { .. } => None,
        }
    }

    /// Checks that a point with these values meets the constraint.
    pub(super) fn check(&self, decisions: &[Decision], values: &[Value]) -> Result<(), SpaceError> {
        let found = match &self.measure {
            Measure::Count(counted) => {
                let chosen = |(decision, label): &&(usize, u32)| values.get(*decision) == Some(&Value::Index(*label));
                Some(counted.iter().filter(chosen).count() as i64)
            }
            Measure::Number(number) => evaluate(number, decisions, values),
            // A graph that is not there has no edges to count.
            Measure::Paths { edges, .. } if edges.iter().all(|edge| values.get(*edge) == Some(&Value::Inactive)) => {
                return Ok(());
            }
            Measure::Paths { vertices, edges } => Some(Paths::of(*vertices, edges, values).count() as i64),
        };
        let wrong = |problem: String| Err(SpaceError::Constraint(format!("{} {problem}", self.text)));
        match (found, self.least, self.most) {
            (None, _, _) => wrong("has no value".into()),
            (Some(found), Some(least), _) if found < least => wrong(format!("is {found}, not at least {least}")),
            (Some(found), _, Some(most)) if found > most => wrong(format!("is {found}, not at most {most}")),
            _ => Ok(()),
        }
    }
}

/// The value of a number that depends on these decisions alone.
pub(super) fn evaluate(number: &Number, decisions: &[Decision], values: &[Value]) -> Option<i64> {
    match number {
        Number::Literal(value) => Some(*value),
        Number::Local(_) => None,
        Number::Decided(decision) => decided(&decisions.get(*decision)?.domain, *values.get(*decision)?),
        Number::Combine(combine, parts) => {
            let mut parts = parts.iter().map(|part| evaluate(part, decisions, values));
            let first = parts.next()??;
            parts.try_fold(first, |left, right| combine.apply(left, right?))
        }
    }
}

/// The number that a value of a whole-numbered domain stands for.
pub(super) fn decided(domain: &Domain, value: Value) -> Option<i64> {
    match (domain, value) {
        (Domain::Ordinal(numbers), Value::Index(index)) => Some(*numbers.get(index as usize)? as i64),
        (_, Value::Integer(value)) => Some(value),
        _ => None,
    }
}

/// Whether a number depends on the place in the network.
pub(super) fn is_local(number: &Number) -> bool {
    match number {
        Number::Local(_) => true,
        Number::Combine(_, parts) => parts.iter().any(is_local),
        Number::Literal(_) | Number::Decided(_) => false,
    }
}

/// Whether a number as written decides something itself.
pub(super) fn decides(written: &Written) -> bool {
    match &written.number {
        WrittenNumber::Decide { .. } => true,
        WrittenNumber::Combine(_, parts) => parts.iter().any(decides),
        WrittenNumber::Literal(_) | WrittenNumber::Name(_) => false,
    }
}
