//! Text from plugins, made fit to show.

/// `text` with control characters escaped (no line breaks, no terminal sequences), cut after about `limit` bytes.
pub(crate) fn shown(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(limit));
    for character in text.chars() {
        if shown.len() >= limit {
            shown.push('…');
            break;
        }
        if is_plain(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

/// Whether a character stands for itself on a terminal. Control characters do not, nor do those that reorder or hide
/// what is around them.
pub(crate) fn is_plain(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
}

/// The nearest of `names` to `name`, where one is near.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let wanted = plain(name);
    names
        .map(|one| (strsim::normalized_damerau_levenshtein(&wanted, &plain(one)), one))
        .filter(|(similarity, _)| *similarity >= 0.6)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, one)| one.to_owned())
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(shown("a\n\u{1b}[31mred\u{202e}", 100), "a\\n\\u{1b}[31mred\\u{202e}");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(shown("äöü", 3), "äö…");
        assert_eq!(shown("abc", 3), "abc");
    }
}
