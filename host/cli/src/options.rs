//! A plugin's options for a person, from their JSON schema.

use serde_json::Value;

/// One option a paragraph: its name, what it may be, its default, its meaning.
pub(crate) fn described(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object().filter(|properties| !properties.is_empty()) else {
        return "no options".to_owned();
    };
    let width = properties.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let indent = " ".repeat(width + 4);
    let mut text = String::from("options");
    for (name, property) in properties {
        let first = format!("  {name:<width$}  ");
        let standing = standing(schema, name, property);
        text.push_str(&wrapped(&format!("{}; {standing}", allowed(schema, property)), &first, &indent));
        let meaning = property["description"].as_str().or_else(|| resolved(schema, property)["description"].as_str());
        if let Some(meaning) = meaning {
            text.push_str(&wrapped(&meaning.replace('\n', " "), &indent, &indent));
        }
    }
    text
}

fn wrapped(text: &str, first: &str, others: &str) -> String {
    let options = textwrap::Options::with_termwidth()
        .initial_indent(first)
        .subsequent_indent(others)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    format!("\n{}", textwrap::fill(text, options))
}

/// Whether an option has to be given, or what it is otherwise.
fn standing(schema: &Value, name: &str, property: &Value) -> String {
    let required = schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
    match property.get("default") {
        _ if required => "required".to_owned(),
        Some(default) if !default.is_null() => format!("default {default}"),
        _ => "no default".to_owned(),
    }
}

/// The definition that a property refers to, or the property itself.
fn resolved<'a>(schema: &'a Value, property: &'a Value) -> &'a Value {
    let pointer = property["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| schema.pointer(pointer)).unwrap_or(property)
}

/// The values that a property may have.
fn allowed(schema: &Value, property: &Value) -> String {
    let property = resolved(schema, property);
    if let Some(choices) = choices(schema, property) {
        return choices.join(" or ");
    }
    let kinds: Vec<String> = match &property["type"] {
        Value::String(kind) => vec![kind_name(schema, property, kind)],
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .map(|kind| kind_name(schema, property, kind))
            .collect(),
        _ => Vec::new(),
    };
    let kind = if kinds.is_empty() { "anything".to_owned() } else { kinds.join(" or ") };
    [kind].into_iter().chain(bounds(property)).collect::<Vec<_>>().join(", ")
}

fn kind_name(schema: &Value, property: &Value, kind: &str) -> String {
    match kind {
        "boolean" => "true or false".to_owned(),
        "string" => "text".to_owned(),
        "object" => "table".to_owned(),
        "array" if property["items"].is_object() => format!("list of: {}", allowed(schema, &property["items"])),
        "array" => "list".to_owned(),
        kind => kind.to_owned(),
    }
}

/// The values of a property that lists them. Nothing in an experiment file is null.
fn choices(schema: &Value, property: &Value) -> Option<Vec<String>> {
    if let Some(value) = property.get("const") {
        return Some(vec![value.to_string()]);
    }
    if let Some(values) = property["enum"].as_array() {
        return Some(values.iter().filter(|value| !value.is_null()).map(Value::to_string).collect());
    }
    let forms = property["oneOf"].as_array().or_else(|| property["anyOf"].as_array())?;
    let forms = forms.iter().filter(|form| form["type"] != "null");
    Some(forms.map(|form| allowed(schema, form)).collect())
}

/// What numbers are bounded by.
fn bounds(property: &Value) -> Vec<String> {
    let bound = |name: &str| property[name].as_f64();
    if let (Some(least), Some(most)) = (bound("minimum"), bound("maximum")) {
        return vec![format!("{least} to {most}")];
    }
    let names =
        [("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "up to"), ("exclusiveMaximum", "below")];
    names.into_iter().filter_map(|(name, word)| Some(format!("{word} {}", bound(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::described;

    #[test]
    fn says_what_each_option_may_be() {
        let schema = json!({
            "$defs": {"Report": {
                "description": "Which counts.",
                "oneOf": [{"const": "last", "type": "string"}, {"const": "best", "type": "string"}],
            }},
            "properties": {
                "choice": {"$ref": "#/$defs/Report", "default": "last"},
                "few": {"enum": ["a", 2, null]},
                "flag": {"type": "boolean", "default": false, "description": "Either\nor."},
                "list": {"type": "array", "items": {"type": "integer", "minimum": 1}},
                "maybe": {"anyOf": [{"$ref": "#/$defs/Report"}, {"type": "null"}], "default": null},
                "range": {"type": "integer", "minimum": 1, "maximum": 100_000, "default": 7},
                "share": {"type": ["number", "null"], "exclusiveMinimum": 0.0, "maximum": 1.0, "default": 0.5},
                "what": true,
            },
            "required": ["few"],
        });
        let text = described(&schema);
        for part in [
            "  choice  \"last\" or \"best\"; default \"last\"\n          Which counts.\n",
            "  few     \"a\" or 2; required\n",
            "  flag    true or false; default false\n          Either or.\n",
            "  list    list of: integer, from 1; no default\n",
            "  maybe   \"last\" or \"best\"; no default\n",
            "  range   integer, 1 to 100000; default 7\n",
            "  share   number, above 0, up to 1; default 0.5\n",
            "  what    anything; no default",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        assert_eq!(described(&json!({"type": "object"})), "no options");
    }
}
