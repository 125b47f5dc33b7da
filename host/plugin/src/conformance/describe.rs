//! Checks of what a plugin says of itself, and of its options.

use serde_json::{Map, Value, json};

use super::report::{Checks, Fault, Seen};
use super::{Subject, estimator, search_space, strategy, trial};
use crate::{Component, GuestError, Kind, Limits, PluginError};

/// Values of options that are tried at most.
const TRIES: usize = 60;

/// Checks the description; gives complete options, where there are some.
pub(super) fn check(
    component: &Component,
    limits: &Limits,
    given: &Map<String, Value>,
    checks: &mut Checks,
) -> Option<Value> {
    let description = component.description();
    checks
        .add("describes-itself", Ok(format!("{} {}: {}", description.name, description.version, description.summary)));
    checks.check("same-description", || stable(component, limits));
    checks.check("refuses-unknown-options", || refuses_unknown(component, given));
    checks.consider("options-documented", || documented(&description.options_schema));
    checks.consider("references", || match description.references.as_slice() {
        [] => Err(Fault::new(
            "it names no paper and no code",
            "name in `references` what the method comes from, if it does",
        )),
        references => Ok(references.join(", ")),
    });
    checks.check("outside-bounds", || outside(component, given));
    let options = match component.options(given) {
        Ok(options) => options,
        Err(error) => {
            checks.add("accepts-options", Err(error.into()));
            return None;
        }
    };
    let subject = Subject::new(component, limits, options, true);
    let opened = opens(&subject);
    let opens = opened.is_ok();
    checks.add("accepts-options", opened);
    opens.then_some(subject.options)
}

fn stable(component: &Component, limits: &Limits) -> Seen {
    let [again, twice] = component.describe_again(limits)?;
    let first = component.description();
    for (other, when) in [(&again, "in another instance"), (&twice, "when asked again in the same instance")] {
        if other != first {
            return Err(Fault::new(
                format!("{when} it says {}, and said {}", json!(other), json!(first)),
                "let `describe` depend on nothing: no counter, no state",
            ));
        }
    }
    Ok("asked three times, it says the same".into())
}

fn refuses_unknown(component: &Component, options: &Map<String, Value>) -> Seen {
    let mut options = options.clone();
    options.insert("no such option".into(), json!(1));
    match component.options(&options) {
        Err(PluginError::Options { .. }) => Ok("an unknown option was refused".into()),
        Err(error) => Err(error.into()),
        Ok(_) => Err(Fault::new(
            "an unknown option was accepted: whoever misspells an option would not learn of it",
            "leave `additionalProperties` out of the schema, or make it false",
        )),
    }
}

/// Opens the plugin and uses it a little; what goes wrong later is for other checks.
fn opens(subject: &Subject<'_>) -> Seen {
    let complete = subject.options.to_string();
    match probe(subject) {
        Err(error) if trial::declines(&error) => Ok(format!("it declines all test spaces, with {complete}")),
        Err(error) if is_opening(&error) => Err(error.into()),
        _ => Ok(format!("opened with {complete}")),
    }
}

/// Whether an error came when the plugin was opened.
fn is_opening(error: &PluginError) -> bool {
    let (PluginError::Guest { call, .. }
    | PluginError::Trap { call, .. }
    | PluginError::Limit { call, .. }
    | PluginError::Invalid { call, .. }) = error
    else {
        return false;
    };
    call == "open" || call == "instantiate"
}

/// Whether a plugin said in due form that an option is out of range, be it when it was opened or when that showed.
fn refuses_options(error: &PluginError) -> bool {
    matches!(error, PluginError::Guest { error: GuestError::InvalidOptions(_), .. })
}

/// Uses a plugin a little.
fn probe(subject: &Subject<'_>) -> Result<(), PluginError> {
    match subject.component.kind() {
        Kind::Strategy => strategy::probe(subject),
        Kind::Estimator => estimator::probe(subject),
        Kind::SearchSpace => search_space::probe(subject),
    }
}

/// Tries options at their bounds, and each of their choices, one by one.
pub(super) fn bounds(subject: &Subject<'_>, given: &Map<String, Value>, checks: &mut Checks) {
    if !checks.wants(super::Group::Describe) {
        return;
    }
    if let Err(error) = probe(subject) {
        return checks.skip("option-bounds", format!("it does not work with its default options: {error}"));
    }
    let schema = &subject.component.description().options_schema;
    let (mut tried, mut declined) = (0, 0);
    let mut costly = None;
    for (name, node) in properties(schema) {
        for value in legal(&resolved(schema, node)).into_iter().take(TRIES) {
            if tried >= TRIES {
                break;
            }
            tried += 1;
            let mut options = given.clone();
            options.insert(name.clone(), value.clone());
            let complete = match subject.component.options(&options) {
                Ok(complete) => complete,
                Err(error) => {
                    let advice = "mend the schema: it refuses a bound or a choice of its own";
                    return checks.add("option-bounds", Err(Fault::new(error.to_string(), advice)));
                }
            };
            match probe(&subject.with(complete)) {
                Ok(()) => {}
                Err(error) if refuses_options(&error) || trial::declines(&error) => declined += 1,
                Err(error @ PluginError::Limit { .. }) => {
                    costly.get_or_insert_with(|| format!("with `{name}` = {value}: {error}"));
                }
                Err(error) => {
                    let fault = Fault::from(error).at(&format!("with `{name}` = {value}, which its schema allows"));
                    return checks.add("option-bounds", Err(fault));
                }
            }
        }
    }
    checks.advise(
        "option-bounds",
        match costly {
            Some(seen) => Err(Fault::new(seen, "give the option a maximum that the plugin stays within its limits at")),
            None => Ok(format!("{tried} bounds and choices tried, {declined} of them declined in due form")),
        },
    );
}

/// Tries values just outside of what each option declares.
fn outside(component: &Component, given: &Map<String, Value>) -> Seen {
    let schema = &component.description().options_schema;
    let mut tried = 0;
    for (name, node) in properties(schema) {
        for value in illegal(&resolved(schema, node)) {
            tried += 1;
            let mut options = given.clone();
            options.insert(name.clone(), value.clone());
            if component.options(&options).is_ok() {
                return Err(Fault::new(format!("`{name}` = {value} was accepted"), "mend the schema of this option"));
            }
        }
    }
    Ok(format!("{tried} values just outside were refused"))
}

fn documented(schema: &Value) -> Seen {
    let silent: Vec<_> = properties(schema)
        .filter(|(_, node)| node.get("description").is_none() && resolved(schema, node).get("description").is_none())
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if silent.is_empty() {
        return Ok(format!("{} options, each with a description", properties(schema).count()));
    }
    Err(Fault::new(
        format!("{} has no description", silent.join(", ")),
        "give each option a `description` in the schema: in Rust its doc comment",
    ))
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// A schema with what it refers to put in its place.
fn resolved(schema: &Value, node: &Value) -> Value {
    let reference = node["$ref"].as_str().or_else(|| node["allOf"][0]["$ref"].as_str());
    let target = reference.and_then(|reference| schema.pointer(reference.strip_prefix('#')?));
    let mut merged = target.and_then(Value::as_object).cloned().unwrap_or_default();
    merged.extend(node.as_object().cloned().unwrap_or_default());
    Value::Object(merged)
}

/// The bounds that a schema declares, and its choices.
fn legal(node: &Value) -> Vec<Value> {
    let bounds = ["minimum", "maximum"].into_iter().filter_map(|bound| node.get(bound)).cloned();
    let listed = node["enum"].as_array().into_iter().flatten().cloned();
    let choices = ["oneOf", "anyOf"].into_iter().filter_map(|one| node[one].as_array()).flatten();
    let constants = choices.flat_map(|one| {
        one.get("const").cloned().into_iter().chain(one["enum"].as_array().into_iter().flatten().cloned())
    });
    let flags = if node["type"] == "boolean" { vec![json!(true), json!(false)] } else { Vec::new() };
    bounds.chain(listed).chain(constants).chain(flags).collect()
}

/// Values just outside of the bounds that a schema declares, and of another type.
fn illegal(node: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    let is_whole = node["type"] == "integer";
    let step = |bound: f64| if is_whole { 1.0 } else { bound.abs().max(1.0) * 1e-6 };
    let number = |value: f64| if is_whole { json!(value as i64) } else { json!(value) };
    let near = |value: &f64| value.abs() < 1e15;
    let bound = |name: &str| node[name].as_f64().filter(near);
    values.extend(bound("minimum").map(|bound| number(bound - step(bound))));
    values.extend(bound("maximum").map(|bound| number(bound + step(bound))));
    values.extend(["exclusiveMinimum", "exclusiveMaximum"].into_iter().filter_map(bound).map(number));
    if node["type"] == "integer" || node["type"] == "number" {
        values.push(json!("text"));
    }
    values
}
