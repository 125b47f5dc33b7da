//! Writing SVG: text from the top down, and shapes whose colours are names.

use std::fmt::Write;

use super::style::STYLE;

/// Width of a drawing in its own units: on a phone 360 pixels wide, [`TEXT`] is 12 pixels high.
pub(super) const WIDTH: f64 = 480.0;
/// Size of text.
pub(super) const TEXT: f64 = 16.0;
/// Distance of lines of text.
pub(super) const LINE: f64 = 20.0;
/// Space around a drawing.
pub(super) const MARGIN: f64 = 12.0;

/// A drawing under way.
pub(super) struct Sheet {
    body: String,
    /// What stands in the drawing, for people who do not see it.
    description: Vec<String>,
    /// Where the next thing goes: what is above is taken.
    pub(super) cursor: f64,
}

/// How a text is placed at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Sheet {
    /// A drawing with its title and what is to be known of it.
    pub(super) fn new(title: &str, caption: &str) -> Self {
        let mut sheet = Self { body: String::new(), description: vec![caption.to_owned()], cursor: MARGIN };
        sheet.paragraph(title, "title", Anchor::Start);
        sheet.paragraph(caption, "faint", Anchor::Start);
        sheet
    }

    /// Lines of text over the whole width.
    pub(super) fn paragraph(&mut self, text: &str, class: &str, anchor: Anchor) {
        let x = match anchor {
            Anchor::Start => MARGIN,
            Anchor::Middle => WIDTH / 2.0,
            Anchor::End => WIDTH - MARGIN,
        };
        // Bold letters are wider.
        let room = (WIDTH - 2.0 * MARGIN) / if class == "title" { 1.15 } else { 1.0 };
        // "n = 3" belongs together.
        for line in wrapped(&text.replace(" = ", "\u{a0}=\u{a0}"), room, usize::MAX) {
            self.text([x, self.cursor + LINE / 2.0], &line, class, anchor);
            self.cursor += LINE;
        }
    }

    /// A remark below a drawing, which describes it, too.
    pub(super) fn note(&mut self, text: &str) {
        self.paragraph(text, "faint", Anchor::Start);
        self.describe(text);
    }

    /// Adds to what is told people who do not see the drawing.
    pub(super) fn describe(&mut self, text: &str) {
        self.description.push(text.to_owned());
    }

    /// A line of text, centred upon the height of its point.
    pub(super) fn text(&mut self, [x, y]: [f64; 2], text: &str, class: &str, anchor: Anchor) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let [x, y] = [short(x), short(y + TEXT * 0.36)];
        // Writing to a String cannot fail.
        let _ = writeln!(self.body, r#"<text x="{x}" y="{y}" class="{class}"{anchor}>{}</text>"#, escaped(text));
    }

    /// A straight line.
    pub(super) fn line(&mut self, [x, y]: [f64; 2], [to_x, to_y]: [f64; 2], class: &str) {
        let [x, y, to_x, to_y] = [x, y, to_x, to_y].map(short);
        let _ = writeln!(self.body, r#"<path d="M{x} {y}L{to_x} {to_y}" class="{class}"/>"#);
    }

    /// A line or an area.
    pub(super) fn path(&mut self, path: &str, class: &str) {
        let _ = writeln!(self.body, r#"<path d="{path}" class="{class}"/>"#);
    }

    /// A rectangle from its upper left corner.
    pub(super) fn rectangle(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], class: &str) {
        let [x, y, width, height] = [x, y, width, height].map(short);
        let _ = writeln!(self.body, r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" class="{class}"/>"#);
    }

    /// A dot.
    pub(super) fn dot(&mut self, [x, y]: [f64; 2], radius: f64, class: &str) {
        let [x, y, radius] = [x, y, radius].map(short);
        let _ = writeln!(self.body, r#"<circle cx="{x}" cy="{y}" r="{radius}" class="{class}"/>"#);
    }

    /// The whole drawing.
    pub(super) fn finish(self, title: &str) -> String {
        let (width, height) = (short(WIDTH), short(self.cursor + MARGIN));
        let (title, description) = (escaped(title), escaped(&self.description.join(" ")));
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="archwright-figure" role="img" aria-label="{title}">
<title>{title}</title>
<desc>{description}</desc>
<style>{STYLE}</style>
<rect width="{width}" height="{height}" class="paper"/>
{}</svg>
"#,
            self.body
        )
    }
}

/// A coordinate in tenths.
pub(super) fn short(value: f64) -> String {
    let tenths = (value * 10.0).round() as i64;
    let (sign, whole, rest) = (if tenths < 0 { "-" } else { "" }, tenths.abs() / 10, tenths.abs() % 10);
    if rest == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

/// Text as it stands in XML.
fn escaped(text: &str) -> String {
    // Controls, and the two of Unicode's code points beside them, cannot stand in XML at all.
    let plain: String =
        text.chars().filter(|letter| !letter.is_control() && !['\u{fffe}', '\u{ffff}'].contains(letter)).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Width of text at most: which font a viewer has is not known, and this goes by a wide one.
pub(super) fn width(text: &str) -> f64 {
    let share = |letter: char| match letter {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' | ' ' | '\u{a0}' => 0.33,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' => 0.42,
        'm' | 'M' | 'w' | 'W' | '%' | '@' => 0.98,
        letter if letter.is_ascii_uppercase() => 0.72,
        letter if letter.is_ascii() => 0.64,
        letter if letter < '\u{1100}' => 0.7,
        _ => 1.05,
    };
    text.chars().map(share).sum::<f64>() * TEXT
}

/// The start of a text that is no wider than `limit`.
pub(super) fn shortened(text: &str, limit: f64) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut short = text.to_owned();
    while !short.is_empty() && width(&short) + width("\u{2026}") > limit {
        short.pop();
    }
    short + "\u{2026}"
}

/// A text in at most `most` lines no wider than `limit`, broken after spaces and hyphens. What does not fit is cut.
pub(super) fn wrapped(text: &str, limit: f64, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive([' ', '-', '_', '/', ',']) {
        let place = lines.len() - 1;
        if lines[place].is_empty() || lines.len() == most || width(&lines[place]) + width(word.trim_end()) <= limit {
            lines[place].push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.retain(|line| !line.trim().is_empty());
    lines.iter().map(|line| shortened(line.trim(), limit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        assert_eq!([0.0, -0.04, 1.25, -3.0, 17.96].map(short), ["0", "0", "1.3", "-3", "18"]);
    }

    #[test]
    fn text_is_broken_and_cut() {
        assert_eq!(wrapped("regularized-evolution", 130.0, 2), ["regularized-", "evolution"]);
        assert_eq!(wrapped("short", 130.0, 2), ["short"]);
        assert!(wrapped("", 130.0, 2).is_empty());
        let long = wrapped("one two three four five six", 60.0, 2);
        assert!(long.len() == 2 && long[1].ends_with('\u{2026}'), "{long:?}");
        assert!(long.iter().all(|line| width(line) <= 60.0));
    }
}
