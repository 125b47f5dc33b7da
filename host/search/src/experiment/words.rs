//! What deserializing says of mistakes, in the words of people who write files.

/// The message in plain words, about the value of `key`.
pub(super) fn plain(message: &str, key: Option<&str>) -> String {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return format!("unknown key {rest}");
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let place = key.map(|key| format!("`{key}`: ")).unwrap_or_default();
        return format!("{place}unknown value {rest}");
    }
    let Some((found, expected)) = mistaken(message) else { return message.to_owned() };
    let (found, expected) = (given(found), wanted(expected));
    match key {
        Some(key) => format!("`{key}` has to be {expected}, not {found}"),
        None => format!("{expected} is expected, not {found}"),
    }
}

/// What was found and what was expected.
fn mistaken(message: &str) -> Option<(&str, &str)> {
    let rest = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    rest.rsplit_once(", expected ")
}

fn given(found: &str) -> String {
    match found.split_once(' ') {
        Some(("string", text)) => format!("text {text}"),
        Some(("integer" | "boolean", value)) => value.trim_matches('`').to_owned(),
        Some(("floating", value)) => value.trim_start_matches("point ").trim_matches('`').to_owned(),
        _ => match found {
            "sequence" => "a list".into(),
            "map" => "a table".into(),
            other => other.to_owned(),
        },
    }
}

fn wanted(expected: &str) -> String {
    let words = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, at least 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "string only" => "text",
        "a sequence" => "a list",
        "an array of length 2" => "two numbers",
        "struct Choice" => "a table with `use`",
        "struct TaskSettings" => "a table with `data`",
        "struct Budget" => "a table with `queries`, `cost` or `time`",
        other if other == "a map" || other.starts_with("struct ") => "a table",
        other => other,
    };
    words.to_owned()
}
