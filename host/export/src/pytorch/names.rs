//! Python identifiers.

use std::collections::HashSet;

/// Words that an attribute or a variable cannot be, or had better not: keywords, what the file uses, and what `nn.Module`
/// has.
const TAKEN: &str = "False None True and as assert async await break class continue def del elif else except finally for \
from global if import in is lambda nonlocal not or pass raise return try while with yield match case type \
torch nn self range super tuple list print sum max min input all any map filter id dir hash len next iter open set zip vars \
forward step train eval training to half float double bfloat16 cpu cuda xpu ipu mtia type apply parameters buffers modules \
children named_parameters named_buffers named_modules named_children state_dict load_state_dict add_module \
register_module register_parameter register_buffer get_parameter get_buffer get_submodule set_submodule \
requires_grad_ zero_grad share_memory extra_repr compile call_super_init dump_patches to_empty";

/// Class names that the file or Python has.
const TAKEN_CLASSES: &str =
    "F DropPath LockedDropout TiedLinear Network None True False Path Exception Warning Ellipsis NotImplemented";

/// Makes names of one scope unique.
#[derive(Debug)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// For attributes and variables.
    pub(super) fn lower() -> Self {
        Self(TAKEN.split_whitespace().map(str::to_owned).collect())
    }

    /// For classes.
    pub(super) fn classes() -> Self {
        Self(TAKEN_CLASSES.split_whitespace().map(str::to_owned).collect())
    }

    /// The name, or the first of `name_2`, `name_3`, ... that is free.
    pub(super) fn claim(&mut self, name: &str) -> String {
        let separator = if name.ends_with(|last: char| last.is_ascii_digit()) { "_" } else { "" };
        let numbered = (2..).map(|number: u64| format!("{name}{separator}{number}"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !self.0.contains(name));
        let free = free.unwrap_or_else(|| name.to_owned());
        self.0.insert(free.clone());
        free
    }

    pub(super) fn is_free(&self, name: &str) -> bool {
        !self.0.contains(name)
    }
}

/// Letters, digits and underscores in lower case, starting with a letter.
pub(super) fn snake(text: &str) -> String {
    let plain: String =
        text.chars().map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '_' }).collect();
    let words: Vec<&str> = plain.split('_').filter(|word| !word.is_empty()).collect();
    let name = words.join("_");
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) { name } else { format!("part_{name}") }
}

/// `SepConv3x3` for `sep_conv_3x3`.
pub(super) fn camel(text: &str) -> String {
    let capitalised = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    snake(text).split('_').map(capitalised).collect()
}

/// A name without the number that a repeated part has.
pub(super) fn without_number(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((base, number)) if number.parse::<u64>().is_ok() => base,
        _ => name,
    }
}

/// Where something stands, as a part of an identifier: `node_3_op_1` for `node-3`, `op-1-from-0`.
pub(super) fn place(places: &[String]) -> Option<String> {
    let words: Vec<&str> =
        places.iter().map(|place| place.split_once("-from-").map_or(&**place, |(op, _)| op)).collect();
    (!words.is_empty()).then(|| snake(&words.join("_")))
}
