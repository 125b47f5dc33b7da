//! A figure's page: its title above, the drawing of plotters, remarks below, and what is told people who do not see it.

use plotters::coord::Shift;
use plotters::prelude::{
    Color as _, DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _, IntoFont as _, SVGBackend, Text,
};
use plotters::style::TextStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use textwrap::{Options, WordSeparator, WrapAlgorithm, wrap};

use super::PlotError;
use super::style::{Paint, STYLE, classed};

/// Width of a drawing. Plotters has whole numbers only, so that its unit is a tenth of the drawing's: of 480 units, of which
/// a phone 360 pixels wide shows letters of 16 with 12 pixels.
pub(super) const WIDTH: i32 = 4800;
/// Distance of lines of text.
pub(super) const LINE: i32 = 200;
/// Space around a drawing.
pub(super) const MARGIN: i32 = 120;
/// Width that a letter needs on average: which font a viewer has is not known, and this goes by a wide one.
pub(super) const LETTER: i32 = 84;

/// Where plotters draws.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What drawing ends with.
pub(super) type Drawn<T = ()> = Result<T, DrawingAreaErrorKind<std::io::Error>>;

/// What stands around a drawing.
pub(super) struct Page {
    title: String,
    /// Lines, and the height of each.
    above: Vec<(i32, String, Paint)>,
    /// Where what comes next above the drawing begins.
    top: i32,
    below: Vec<String>,
    description: Vec<String>,
}

impl Page {
    /// A page with its title and what is to be known of the drawing.
    pub(super) fn new(title: &str, caption: &str) -> Self {
        // "n = 3" belongs together.
        let caption = caption.replace(" = ", "\u{a0}=\u{a0}");
        let mut page =
            Self { title: plain(title), above: Vec::new(), top: MARGIN, below: Vec::new(), description: Vec::new() };
        // Bold letters are wider.
        page.paragraph((WIDTH - 2 * MARGIN) * 7 / 8, title, Paint::Title);
        page.paragraph(WIDTH - 2 * MARGIN, &caption, Paint::Faint);
        page.describe(&caption);
        page
    }

    fn paragraph(&mut self, room: i32, text: &str, paint: Paint) {
        for line in wrapped(text, room) {
            self.above.push((self.top + LINE / 2, line, paint));
            self.top += LINE;
        }
    }

    /// Says above the drawing what is on its vertical axis.
    pub(super) fn upwards(&mut self, label: &str) {
        self.top += LINE / 3;
        self.paragraph(WIDTH - 2 * MARGIN, label, Paint::Letters);
    }

    /// A remark below the drawing, which describes it, too.
    pub(super) fn note(&mut self, text: &str) {
        self.below.extend(wrapped(text, WIDTH - 2 * MARGIN));
        self.describe(text);
    }

    /// Adds to what is told people who do not see the drawing.
    pub(super) fn describe(&mut self, text: &str) {
        self.description.push(text.to_owned());
    }

    /// The whole figure, with a drawing of this height.
    pub(super) fn draw(&self, height: i32, draw: impl FnOnce(&Area) -> Drawn) -> Result<String, PlotError> {
        let top = self.top + LINE / 2;
        let bottom = top + height + LINE / 4 + self.below.len() as i32 * LINE + MARGIN;
        let mut drawn = String::new();
        {
            let root = SVGBackend::with_string(&mut drawn, (WIDTH as u32, bottom as u32)).into_drawing_area();
            root.fill(&Paint::Paper.colour())?;
            let (above, rest) = root.split_vertically(top);
            let (middle, below) = rest.split_vertically(height);
            for (y, line, paint) in &self.above {
                write(&above, line, *paint, HPos::Left, (MARGIN, *y))?;
            }
            draw(&middle)?;
            for (place, line) in self.below.iter().enumerate() {
                write(&below, line, Paint::Faint, HPos::Left, (MARGIN, place as i32 * LINE + LINE * 3 / 4))?;
            }
            root.present()?;
        }
        let drawn = drawn.split_once('\n').map_or("", |(_, body)| body);
        let (title, description) = (escaped(&self.title), escaped(&plain(&self.description.join(" "))));
        Ok(format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}" class="archwright-figure" role="img" aria-label="{title}">
<title>{title}</title>
<desc>{description}</desc>
<style>{STYLE}</style>
{}"#,
            classed(drawn)
        ))
    }
}

/// How plotters writes letters; the style has the same size.
pub(super) fn letters(paint: Paint) -> TextStyle<'static> {
    let font = ("sans-serif", 198.4).into_font();
    TextStyle { color: paint.colour().to_backend_color(), ..TextStyle::from(font) }
}

/// Writes a line, centred upon the height of its point.
pub(super) fn write(area: &Area, text: &str, paint: Paint, side: HPos, point: (i32, i32)) -> Drawn {
    area.draw(&Text::new(plain(text), point, letters(paint).pos(Pos::new(side, VPos::Center))))
}

/// A text in lines that are no wider than `room`.
pub(super) fn wrapped(text: &str, room: i32) -> Vec<String> {
    let options = Options::new((room / LETTER).max(1) as usize)
        .word_separator(WordSeparator::AsciiSpace)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    wrap(&plain(text), options).into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Width of a text; one letter more, since all letters of a short one may be wide.
pub(super) fn width(text: &str) -> i32 {
    (textwrap::core::display_width(text) as i32 + 1) * LETTER
}

/// Text without controls, and without the two of Unicode's code points beside them, which cannot stand in XML at all.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control() && !['\u{fffe}', '\u{ffff}'].contains(letter)).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
