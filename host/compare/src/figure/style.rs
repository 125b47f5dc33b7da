//! What things in a figure look like: names in the drawing, whose colours follow what the reader prefers.

use plotters::style::RGBColor;

/// Colours, and dashes, that lines take in turn.
const LOOKS: usize = 8;

/// What the classes look like, in tenths of the drawing's units.
///
/// Colours are those of Okabe and Ito (2008), which people with every kind of colour vision tell apart; the two that a
/// background swallows are changed: their black is the ink, and their yellow is darker on a light background. A page can
/// set `--figure-paper`, `--figure-ink` and `--figure-grid` to what it has itself. Letters have a rim of the background, so
/// that they can be read where they cross a line.
pub(super) const STYLE: &str = "
.archwright-figure{max-width:720px;color-scheme:light dark;\
--paper:var(--figure-paper,#fcfcfa);--ink:var(--figure-ink,#22262c);--grid:var(--figure-grid,#d9dce1);\
--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#e69f00;--c5:#56b4e9;--c6:var(--ink);--c7:#a89a00}
@media(prefers-color-scheme:dark){.archwright-figure{\
--paper:var(--figure-paper,#15181d);--ink:var(--figure-ink,#e3e6ea);--grid:var(--figure-grid,#3b4149);\
--c0:#2a8fd0;--c7:#f0e442}}
.archwright-figure .paper{fill:var(--paper)}
.archwright-figure text{font:160px system-ui,sans-serif;fill:var(--ink);\
stroke:var(--paper);stroke-width:40;stroke-linejoin:round;paint-order:stroke}
.archwright-figure .title{font-weight:600}
.archwright-figure .faint{fill-opacity:.75}
.archwright-figure :is(line,polyline){fill:none;stroke-linejoin:round;stroke:var(--ink);stroke-width:12}
.archwright-figure .grid{stroke:var(--grid);stroke-width:10}
.archwright-figure .median{stroke-width:26}
.archwright-figure .bar{stroke-width:50;stroke-linecap:round}
.archwright-figure :is(.line,.leader){stroke:var(--c);stroke-dasharray:var(--d)}
.archwright-figure .line{stroke-width:24}
.archwright-figure .leader{stroke-opacity:.7}
.archwright-figure :is(.band,.thin,.point,.box){fill:var(--c)}
.archwright-figure .band{fill-opacity:.18}
.archwright-figure .thin{fill-opacity:.09}
.archwright-figure .point{fill-opacity:.6}
.archwright-figure .box{fill-opacity:.2;stroke:var(--c);stroke-width:16}
.archwright-figure .c0{--c:var(--c0)}.archwright-figure .c1{--c:var(--c1)}\
.archwright-figure .c2{--c:var(--c2)}.archwright-figure .c3{--c:var(--c3)}\
.archwright-figure .c4{--c:var(--c4)}.archwright-figure .c5{--c:var(--c5)}\
.archwright-figure .c6{--c:var(--c6)}.archwright-figure .c7{--c:var(--c7)}
.archwright-figure .d1{--d:90 40}.archwright-figure .d2{--d:20 30}\
.archwright-figure .d3{--d:90 30 20 30}.archwright-figure .d4{--d:50 30}\
.archwright-figure .d5{--d:90 30 20 30 20 30}.archwright-figure .d6{--d:140 40}\
.archwright-figure .d7{--d:40 20 10 20}
";

/// What is drawn. To plotters, which knows no classes, each is a colour; [`classed`] makes it a class.
#[derive(Clone, Copy, Debug)]
pub(super) enum Paint {
    Paper,
    Letters,
    Title,
    Faint,
    Grid,
    Axis,
    Median,
    Bar,
    /// From here on each method has its own.
    Line,
    Leader,
    Band,
    Thin,
    Point,
    Box,
}

const PAINTS: [Paint; 14] = {
    use Paint::*;
    [Paper, Letters, Title, Faint, Grid, Axis, Median, Bar, Line, Leader, Band, Thin, Point, Box]
};

impl Paint {
    pub(super) fn colour(self) -> RGBColor {
        self.of(0)
    }

    /// The colour of the method in this place of the list.
    pub(super) fn of(self, place: usize) -> RGBColor {
        RGBColor(self as u8, (place % (LOOKS * LOOKS)) as u8, 0)
    }
}

/// The class that a colour, as plotters writes it, stands for. No two of the first 64 methods share colour and dash.
fn class(colour: &str) -> String {
    let part = |range| colour.get(range).and_then(|digits| usize::from_str_radix(digits, 16).ok()).unwrap_or(0);
    let (kind, place) = (part(0..2), part(2..4));
    let name = PAINTS.get(kind).map(|paint| format!("{paint:?}").to_lowercase()).unwrap_or_default();
    if kind < Paint::Line as usize {
        return name;
    }
    format!("{name} c{} d{}", place % LOOKS, (place + place / LOOKS) % LOOKS)
}

/// A drawing of plotters with classes for its colours, and without what the classes say.
pub(super) fn classed(drawn: &str) -> String {
    // Quotes in texts are escaped, so this is where attributes are.
    let mut parts = drawn.split("=\"#");
    let mut classed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = classed.rfind(' ').unwrap_or(classed.len());
        classed.truncate(end);
        let (colour, rest) = part.split_once('"').unwrap_or((part, ""));
        classed = classed + " class=\"" + &class(colour) + "\"" + rest;
    }
    let said = [r#" opacity="1""#, r#" fill="none""#, r#" stroke="none""#, r#" stroke-width="1""#];
    said.into_iter().fold(classed, |classed, attributes| classed.replace(attributes, ""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn colours_become_classes() {
        assert_eq!(classed(r##"<a fill="none" stroke="#080A00" x="1"/>"##), r#"<a class="line c2 d3" x="1"/>"#);
        for (place, paint) in PAINTS.into_iter().enumerate() {
            assert_eq!(paint as usize, place);
        }
    }

    #[test]
    fn many_lines_look_different() {
        let looks = (0..64).map(|place| class(&format!("08{place:02X}00")));
        assert_eq!(looks.collect::<BTreeSet<_>>().len(), 64);
    }
}
