//! The alternatives of a suite's parts, and what they are called.

use std::collections::BTreeSet;
use std::path::Path;

use toml::Table;

/// One of the alternatives of a part.
pub(crate) struct Part {
    /// Which one it is in the suite, from 0.
    pub(crate) number: usize,
    pub(crate) label: String,
    /// For a task, the spaces that it is for; all where it says nothing.
    pub(crate) spaces: Option<BTreeSet<String>>,
}

/// A mistake, and where in the suite it is: keys, and numbers within lists.
pub(crate) struct Misplaced {
    pub(crate) path: Vec<String>,
    pub(crate) problem: String,
}

/// Reads the `[[factor]]` of a suite.
pub(crate) fn parts(factor: &str, given: Option<toml::Value>) -> Result<Vec<Part>, Misplaced> {
    let wrong = |within: &[&str], problem: String| {
        let path = [factor].iter().chain(within).map(|&key| key.to_owned()).collect();
        Err(Misplaced { path, problem })
    };
    let list = match given {
        Some(toml::Value::Array(list)) if !list.is_empty() => list,
        // One of them may be written as in an experiment.
        Some(toml::Value::Table(one)) => vec![toml::Value::Table(one)],
        _ => return wrong(&[], format!("there is no [[{factor}]]")),
    };
    let mut parts = Vec::new();
    for (number, value) in list.into_iter().enumerate() {
        let number = number.to_string();
        let toml::Value::Table(mut settings) = value else {
            return wrong(&[&number], format!("each [[{factor}]] has to be a table"));
        };
        let label = match settings.remove("label") {
            None => None,
            Some(toml::Value::String(label)) if !label.is_empty() => Some(label),
            Some(_) => return wrong(&[&number, "label"], format!("`label` of a [[{factor}]] has to be text")),
        };
        let spaces = match if factor == "task" { settings.remove("spaces") } else { None } {
            None => None,
            Some(value) => match value.try_into() {
                Ok(labels) => Some(labels),
                Err(_) => {
                    let problem = "`spaces` of a [[task]] has to be a list of labels of spaces";
                    return wrong(&[&number, "spaces"], problem.into());
                }
            },
        };
        parts.push((label, settings, spaces));
    }
    let names: Vec<String> = parts.iter().map(|(_, settings, _)| by_default(factor, settings)).collect();
    let mut labelled: Vec<Part> = Vec::new();
    for (number, (label, settings, spaces)) in parts.into_iter().enumerate() {
        let label = label.unwrap_or_else(|| {
            // Twins differ in their options.
            let name = &names[number];
            let twins = names.iter().filter(|other| *other == name).count() > 1;
            let options = settings.iter().filter(|(key, _)| !["use", "data", "data_set"].contains(&key.as_str()));
            let options: Vec<String> = options.map(|(key, value)| format!("{key}={value}")).collect();
            if twins && !options.is_empty() { format!("{name} ({})", options.join(", ")) } else { name.clone() }
        });
        if labelled.iter().any(|other| other.label == label) {
            let problem = format!("two [[{factor}]] have the same label: give each a `label` of its own");
            return wrong(&[&number.to_string()], problem);
        }
        labelled.push(Part { number, label, spaces });
    }
    Ok(labelled)
}

/// What a part is called that has no label.
fn by_default(factor: &str, settings: &Table) -> String {
    let keys: &[&str] = if factor == "task" { &["data_set", "data"] } else { &["use"] };
    let name = keys.iter().find_map(|key| settings.get(*key)?.as_str()).unwrap_or("?");
    let file = Path::new(name).file_stem().map_or(name.into(), |stem| stem.to_string_lossy());
    if name.contains('/') { file.into_owned() } else { name.to_owned() }
}
