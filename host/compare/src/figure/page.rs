//! A figure's page: its title above, the drawing of plotters, remarks below, and what is told people who do not see it.

use plotters::coord::Shift;
use plotters::prelude::{
    Color as _, DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _, IntoFont as _, MultiLineText, SVGBackend,
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
    /// Paragraphs, and where each begins.
    above: Vec<(i32, Vec<String>, Paint)>,
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
        let lines = wrapped(text, room);
        let start = self.top;
        self.top += lines.len() as i32 * LINE;
        self.above.push((start, lines, paint));
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
            for (y, lines, paint) in &self.above {
                write(&above, lines, *paint, HPos::Left, (MARGIN, *y))?;
            }
            draw(&middle)?;
            write(&below, &self.below, Paint::Faint, HPos::Left, (MARGIN, LINE / 4))?;
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

/// Letters as plotters sets them: the distance of lines is 1.25 times their size. The style makes them larger.
pub(super) fn letters(paint: Paint) -> TextStyle<'static> {
    let style = TextStyle::from(("sans-serif", f64::from(LINE) / 1.25).into_font());
    TextStyle { color: paint.colour().to_backend_color(), ..style }
}

/// Writes lines below each other from a point on.
pub(super) fn write(area: &Area, lines: &[String], paint: Paint, side: HPos, (x, y): (i32, i32)) -> Drawn {
    let style = letters(paint).pos(Pos::new(side, VPos::Center));
    let mut text = MultiLineText::<_, &str>::new((x, y + LINE / 2), style);
    lines.iter().for_each(|line| text.push_line(line.as_str()));
    area.draw(&text)
}

/// A text in lines that are no wider than `room`. Plotters breaks lines, too, but within words.
pub(super) fn wrapped(text: &str, room: i32) -> Vec<String> {
    let options = Options::new((room / LETTER).max(1) as usize)
        .word_separator(WordSeparator::AsciiSpace)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    wrap(&plain(text), options).into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// A text in one line that is no wider than `room`.
pub(super) fn shortened(text: &str, room: i32) -> String {
    let mut lines = wrapped(text, room).into_iter();
    let first = lines.next().unwrap_or_default();
    if lines.len() > 0 { first + "\u{2026}" } else { first }
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
