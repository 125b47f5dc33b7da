//! Writing SVG, and how wide text is.

use std::fmt::Write;
use std::sync::LazyLock;

use ttf_parser::Face;

/// DejaVu Sans, its Latin and Greek letters.
pub(super) const FONT: &[u8] = include_bytes!("../../fonts/DejaVuSans-subset.ttf");
/// Size of text in pixels.
pub(super) const TEXT: f64 = 12.0;
/// Space around a drawing.
const MARGIN: f64 = 12.0;

static FACE: LazyLock<Option<Face<'static>>> = LazyLock::new(|| Face::parse(FONT, 0).ok());

/// Width of text in pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let Some(face) = &*FACE else { return text.chars().count() as f64 * size * 0.7 };
    let units: f64 = text
        .chars()
        .map(|letter| {
            let glyph = face.glyph_index(letter).unwrap_or_default();
            f64::from(face.glyph_hor_advance(glyph).unwrap_or(face.units_per_em()))
        })
        .sum();
    units / f64::from(face.units_per_em()) * size
}

/// The start of a text that is no wider than `limit`.
pub(super) fn shortened(text: &str, size: f64, limit: f64) -> String {
    if width(text, size) <= limit {
        return text.to_owned();
    }
    let mut short: String = text.to_owned();
    while !short.is_empty() && width(&short, size) + width("\u{2026}", size) > limit {
        short.pop();
    }
    short.push('\u{2026}');
    short
}

/// A drawing under way.
#[derive(Default)]
pub(super) struct Canvas {
    body: String,
    /// Left, top, right and bottom of what was drawn.
    bounds: Option<[f64; 4]>,
}

/// How a text is placed at its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
}

impl Canvas {
    fn cover(&mut self, [left, top, right, bottom]: [f64; 4]) {
        let [l, t, r, b] = self.bounds.unwrap_or([left, top, right, bottom]);
        self.bounds = Some([l.min(left), t.min(top), r.max(right), b.max(bottom)]);
    }

    /// A rounded box around a centre.
    pub(super) fn rectangle(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], fill: &str) {
        let [left, top] = [x - width / 2.0, y - height / 2.0];
        let radius = 4.0;
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.body,
            r##"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" rx="{radius}" fill="{fill}" stroke="#333333"/>"##
        );
        self.cover([left, top, left + width, top + height]);
    }

    /// An ellipse around a centre.
    pub(super) fn ellipse(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], fill: &str) {
        let [rx, ry] = [width / 2.0, height / 2.0];
        let _ = writeln!(
            self.body,
            r##"<ellipse cx="{x:.1}" cy="{y:.1}" rx="{rx:.1}" ry="{ry:.1}" fill="{fill}" stroke="#333333"/>"##
        );
        self.cover([x - rx, y - ry, x + rx, y + ry]);
    }

    /// One line of text, centred upon `y`; `below` is its subscript.
    pub(super) fn text(&mut self, [x, y]: [f64; 2], size: f64, anchor: Anchor, text: &str, below: &str) {
        let small = size * 0.75;
        let whole = width(text, size) + width(below, small);
        let (name, left) = match anchor {
            Anchor::Start => ("start", x),
            Anchor::Middle => ("middle", x - whole / 2.0),
        };
        let base = y + size * 0.36;
        let subscript = if below.is_empty() {
            String::new()
        } else {
            format!(r#"<tspan dy="{:.1}" font-size="{small:.1}">{}</tspan>"#, size * 0.25, escaped(below))
        };
        let text = escaped(text);
        let _ = writeln!(
            self.body,
            r#"<text x="{x:.1}" y="{base:.1}" font-size="{size}" text-anchor="{name}">{text}{subscript}</text>"#
        );
        self.cover([left, y - size / 2.0, left + whole, y + size / 2.0]);
    }

    /// A smooth line through points, as pairs of a point and the way that the line goes there.
    pub(super) fn line(&mut self, points: &[[f64; 2]], horizontal: bool, arrow: bool) {
        let Some((first, rest)) = points.split_first() else { return };
        let mut path = format!("M{:.1},{:.1}", first[0], first[1]);
        let mut before = *first;
        for point in rest {
            let [x, y] = *point;
            let straight = (before[0] - x).abs() < 0.05 || (before[1] - y).abs() < 0.05;
            if straight {
                let _ = write!(path, " L{x:.1},{y:.1}");
            } else if horizontal {
                let middle = f64::midpoint(before[0], x);
                let _ = write!(path, " C{middle:.1},{:.1} {middle:.1},{y:.1} {x:.1},{y:.1}", before[1]);
            } else {
                let middle = f64::midpoint(before[1], y);
                let _ = write!(path, " C{:.1},{middle:.1} {x:.1},{middle:.1} {x:.1},{y:.1}", before[0]);
            }
            before = *point;
        }
        let marker = if arrow { r#" marker-end="url(#arrow)""# } else { "" };
        let _ = writeln!(self.body, r##"<path d="{path}" fill="none" stroke="#333333"{marker}/>"##);
        points.iter().for_each(|[x, y]| self.cover([*x, *y, *x, *y]));
    }

    /// The whole drawing.
    pub(super) fn finish(self, title: &str) -> String {
        let [left, top, right, bottom] = self.bounds.unwrap_or_default();
        let [left, top] = [left - MARGIN, top - MARGIN];
        let [width, height] = [right + MARGIN - left, bottom + MARGIN - top];
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="{left:.1} {top:.1} {width:.1} {height:.1}" font-family="DejaVu Sans, Verdana, Helvetica, sans-serif">
<title>{}</title>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0.5 L8,4 L0,7.5 z" fill="#333333"/></marker></defs>
{}</svg>
"##,
            escaped(title),
            self.body
        )
    }
}

fn escaped(text: &str) -> String {
    let plain: String = text.chars().filter(|letter| !letter.is_control()).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
