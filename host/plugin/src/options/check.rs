//! Checking values against a schema.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::schema::{Bound, Node, Others, Type};
use crate::text::{nearest, shown};

/// What is wrong with an option, or with the schema of one.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Where, e.g. `kernel.scale`.
    pub(crate) path: String,
    /// What it is and what would be right.
    pub(crate) problem: String,
    /// The nearest name or value that would be right.
    pub(crate) suggestion: Option<String>,
}

impl Problem {
    pub(super) fn new(path: &str, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into(), suggestion: None }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "`{}`: {}", self.path, self.problem)?;
        match &self.suggestion {
            Some(suggestion) => write!(formatter, "; did you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

/// `value`, completed, where it is what `node` asks for.
pub(super) fn value(node: &Node, value: &Value, path: &str) -> Result<Value, Problem> {
    let mut value = value.clone();
    if !node.types.is_empty() && !node.types.iter().any(|one| is_of(*one, &value)) {
        return Err(unexpected(node, &value, path));
    }
    if let Some(values) = &node.values
        && !values.contains(&value)
    {
        return Err(unexpected(node, &value, path));
    }
    if !node.alternatives.is_empty() {
        value = alternative(node, &value, path)?;
    }
    match &value {
        Value::Number(number) => {
            if !within(number, node) {
                return Err(unexpected(node, &value, path));
            }
            if node.types.contains(&Type::Integer) && !node.types.contains(&Type::Number) {
                return Ok(Value::Number(whole(number).unwrap_or_else(|| number.clone())));
            }
            Ok(value)
        }
        Value::String(text) => {
            let length = text.chars().count() as u64;
            if node.length.least.is_some_and(|least| length < least)
                || node.length.most.is_some_and(|most| length > most)
            {
                return Err(unexpected(node, &value, path));
            }
            Ok(value)
        }
        Value::Array(elements) => {
            let count = elements.len() as u64;
            if node.count.least.is_some_and(|least| count < least) || node.count.most.is_some_and(|most| count > most) {
                return Err(unexpected(node, &value, path));
            }
            let completed = match &node.items {
                Some(items) => elements
                    .iter()
                    .enumerate()
                    .map(|(index, one)| self::value(items, one, &format!("{path}[{index}]")))
                    .collect::<Result<_, _>>()?,
                None => elements.clone(),
            };
            // Whole numbers are the same however they are written.
            let repeats = || completed.iter().enumerate().any(|(index, one)| completed[..index].contains(one));
            if node.unique && repeats() {
                return Err(unexpected(node, &value, path));
            }
            Ok(Value::Array(completed))
        }
        // An object that an alternative has completed is judged by that alternative.
        Value::Object(members) if node.alternatives.is_empty() && node.types.contains(&Type::Object) => {
            object(node, members, path)
        }
        _ => Ok(value),
    }
}

/// Completes an object.
pub(super) fn object(node: &Node, given: &Map<String, Value>, path: &str) -> Result<Value, Problem> {
    let mut complete = Map::new();
    for (name, one) in given {
        let at = join(path, name);
        let one = match (node.properties.get(name), &node.others) {
            (Some(property), _) => value(property, one, &at)?,
            (None, Others::Anything) => one.clone(),
            (None, Others::Each(other)) => value(other, one, &at)?,
            (None, Others::Refused) => return Err(unknown(node, name, &at)),
        };
        complete.insert(name.clone(), one);
    }
    for (name, property) in &node.properties {
        if complete.contains_key(name) {
            continue;
        }
        if let Some(default) = &property.default {
            complete.insert(name.clone(), default.clone());
        } else if node.required.contains(name) {
            return Err(Problem::new(&join(path, name), format!("it is missing; it has to be {}", expected(property))));
        }
    }
    if let Some(name) = node.required.iter().find(|name| !complete.contains_key(*name)) {
        return Err(Problem::new(&join(path, name), "it is missing"));
    }
    Ok(Value::Object(complete))
}

fn alternative(node: &Node, given: &Value, path: &str) -> Result<Value, Problem> {
    let mut problems = Vec::new();
    for one in &node.alternatives {
        match value(one, given, path) {
            Ok(complete) => return Ok(complete),
            Err(problem) => problems.push(problem),
        }
    }
    // A problem inside of the value comes from the one alternative of the value's type, and says more than a list of all.
    let mut inside = problems.into_iter().filter(|problem| problem.path != path);
    match (inside.next(), inside.next()) {
        (Some(problem), None) => Err(problem),
        _ => Err(unexpected(node, given, path)),
    }
}

fn join(path: &str, name: &str) -> String {
    let name = shown(name, 100);
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

fn unknown(node: &Node, name: &str, path: &str) -> Problem {
    let suggestion = nearest(name, node.properties.keys().map(String::as_str));
    let problem = match &suggestion {
        Some(_) => "there is no such option".into(),
        None if node.properties.is_empty() => "there is no such option; there are none".into(),
        None => {
            let names: Vec<_> = node.properties.keys().map(|name| format!("`{name}`")).collect();
            format!("there is no such option; there are {}", names.join(", "))
        }
    };
    Problem { path: path.into(), problem, suggestion }
}

fn unexpected(node: &Node, given: &Value, path: &str) -> Problem {
    let mut texts = Vec::new();
    values(node, &mut texts);
    let suggestion = given.as_str().and_then(|given| nearest(given, texts.iter().filter_map(|one| one.as_str())));
    let given = match given {
        Value::Array(elements) => format!("a list of {}", elements.len()),
        Value::Object(_) => "a table".into(),
        one => shown(&one.to_string(), 100),
    };
    Problem { path: path.into(), problem: format!("it has to be {}, not {given}", expected(node)), suggestion }
}

/// All values that a node lists, its alternatives' included.
fn values<'a>(node: &'a Node, into: &mut Vec<&'a Value>) {
    into.extend(node.values.iter().flatten());
    for one in &node.alternatives {
        values(one, into);
    }
}

/// What a node asks for, in words.
fn expected(node: &Node) -> String {
    if let Some(values) = &node.values {
        return either(values.iter().map(ToString::to_string));
    }
    if !node.alternatives.is_empty() {
        return either(node.alternatives.iter().map(expected));
    }
    if node.types.is_empty() {
        return "anything".into();
    }
    either(node.types.iter().map(|one| match one {
        Type::Null => "null".into(),
        Type::Boolean => "true or false".into(),
        Type::Integer => format!("a whole number{}", range(node)),
        Type::Number => format!("a number{}", range(node)),
        Type::String => match counted(node.length.least, node.length.most, "character") {
            Some(length) => format!("a text ({length})"),
            None => "a text".into(),
        },
        Type::Array => {
            let of = match node.items.as_deref().map(|items| items.types.as_slice()) {
                Some([Type::Integer]) => "a list of whole numbers",
                Some([Type::Number]) => "a list of numbers",
                Some([Type::String]) => "a list of texts",
                _ => "a list",
            };
            match (counted(node.count.least, node.count.most, ""), node.unique) {
                (Some(count), false) => format!("{of} ({count} of them)"),
                (Some(count), true) => format!("{of} ({count} of them, all different)"),
                (None, true) => format!("{of} (all different)"),
                (None, false) => of.into(),
            }
        }
        Type::Object => "a table".into(),
    }))
}

fn either(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" or ")
}

fn counted(least: Option<u64>, most: Option<u64>, noun: &str) -> Option<String> {
    let plural = |count: u64| match noun {
        "" => String::new(),
        noun if count == 1 => format!(" {noun}"),
        noun => format!(" {noun}s"),
    };
    match (least, most) {
        (None | Some(0), None) => None,
        (Some(least), None) => Some(format!("at least {least}{}", plural(least))),
        (None | Some(0), Some(most)) => Some(format!("at most {most}{}", plural(most))),
        (Some(least), Some(most)) if least == most => Some(format!("{least}{}", plural(least))),
        (Some(least), Some(most)) => Some(format!("{least} to {most}{}", plural(most))),
    }
}

fn range(node: &Node) -> String {
    let plain = |number: &Number| whole(number).unwrap_or_else(|| number.clone()).to_string();
    match (&node.minimum, &node.maximum) {
        (None, None) => String::new(),
        (Some(low), Some(high)) if !low.exclusive && !high.exclusive => {
            format!(" from {} to {}", plain(&low.at), plain(&high.at))
        }
        (low, high) => {
            let low = low.as_ref().map(|Bound { at, exclusive }| {
                format!("{} {}", if *exclusive { "above" } else { "of at least" }, plain(at))
            });
            let high = high.as_ref().map(|Bound { at, exclusive }| {
                format!("{} {}", if *exclusive { "below" } else { "at most" }, plain(at))
            });
            format!(" {}", [low, high].into_iter().flatten().collect::<Vec<_>>().join(" and "))
        }
    }
}

fn is_of(one: Type, value: &Value) -> bool {
    match one {
        Type::Null => value.is_null(),
        Type::Boolean => value.is_boolean(),
        Type::Integer => value.as_number().is_some_and(|number| whole(number).is_some()),
        Type::Number => value.is_number(),
        Type::String => value.is_string(),
        Type::Array => value.is_array(),
        Type::Object => value.is_object(),
    }
}

/// A number as an integer, where it is one and the conversion exact.
fn whole(number: &Number) -> Option<Number> {
    /// Below it, neighboring integers are different reals.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.is_i64() || number.is_u64() {
        return Some(number.clone());
    }
    let real = number.as_f64()?;
    (real.fract() == 0.0 && real.abs() < EXACT).then(|| (real as i64).into())
}

fn within(number: &Number, node: &Node) -> bool {
    let above = node.minimum.as_ref().is_none_or(|bound| match compare(number, &bound.at) {
        Ordering::Greater => true,
        Ordering::Equal => !bound.exclusive,
        Ordering::Less => false,
    });
    let below = node.maximum.as_ref().is_none_or(|bound| match compare(number, &bound.at) {
        Ordering::Less => true,
        Ordering::Equal => !bound.exclusive,
        Ordering::Greater => false,
    });
    above && below
}

/// Exact between integers, as reals otherwise.
fn compare(left: &Number, right: &Number) -> Ordering {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => {
            let real = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
            real(left).total_cmp(&real(right))
        }
    }
}
