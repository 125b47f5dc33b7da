//! The field that values are drawn in, with its axes, and what says which line is whose.

use super::axis::{Axis, Scale, Span, Tick};
use super::sheet::{Anchor, LINE, MARGIN, Sheet, WIDTH, shortened, width};
use super::style::stroke;

/// The field that values are drawn in.
pub(super) struct Field {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    across: Span,
    up: Span,
    /// Whether small values are at the top, as good ranks are.
    downwards: bool,
}

/// How a field is laid out.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// Height of the field.
    pub(super) height: f64,
    /// Width that is kept free on its right.
    pub(super) beside: f64,
    /// Whether small values are at the top.
    pub(super) downwards: bool,
}

impl Field {
    /// Draws axes below everything so far.
    pub(super) fn draw(sheet: &mut Sheet, axes: [&Axis; 2], spans: [Span; 2], layout: Layout) -> Self {
        let [across, up] = spans;
        sheet.cursor += 6.0;
        sheet.paragraph(axes[1].label, "", Anchor::Start);
        sheet.cursor += LINE / 2.0;
        // One for each decade where there is room for them.
        let marks = up.ticks(if axes[1].scale == Scale::Log { 8 } else { 5 });
        let widest = marks.iter().map(|tick| width(&tick.label)).fold(0.0, f64::max);
        let (top, bottom) = (sheet.cursor, sheet.cursor + layout.height);
        let (left, right) = (MARGIN + widest + 6.0, WIDTH - MARGIN - layout.beside);
        let field = Self { left, right, top, bottom, across, up, downwards: layout.downwards };
        for tick in marks {
            let y = field.y(tick.value);
            sheet.line([left, y], [right, y], "grid");
            sheet.text([left - 6.0, y], &tick.label, "", Anchor::End);
        }
        sheet.line([left, top], [left, bottom], "axis");
        below(sheet, &across, axes[0].label, [left, right], bottom);
        field
    }

    pub(super) fn x(&self, value: f64) -> f64 {
        self.left + self.across.share(value) * (self.right - self.left)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        let share = self.up.share(value);
        self.top + if self.downwards { share } else { 1.0 - share } * (self.bottom - self.top)
    }
}

/// Draws a horizontal axis below `y` and goes on below it.
pub(super) fn below(sheet: &mut Sheet, span: &Span, label: &str, [left, right]: [f64; 2], y: f64) {
    sheet.line([left, y], [right, y], "axis");
    for tick in apart(span, right - left) {
        let x = left + span.share(tick.value) * (right - left);
        sheet.line([x, y], [x, y + 5.0], "axis");
        // A label at the end of the axis must not leave the drawing.
        let half = width(&tick.label) / 2.0;
        sheet.text([x.min(WIDTH - half - 2.0), y + 8.0 + LINE / 2.0], &tick.label, "", Anchor::Middle);
    }
    sheet.cursor = y + 8.0 + LINE;
    sheet.paragraph(label, "", Anchor::Middle);
}

/// As many marks as stand beside each other on an axis of this length.
pub(super) fn apart(span: &Span, length: f64) -> Vec<Tick> {
    (1..=5)
        .rev()
        .map(|most| span.ticks(most))
        .find(|ticks| {
            let mut end = f64::NEG_INFINITY;
            ticks.iter().all(|tick| {
                let (place, half) = (span.share(tick.value) * length, width(&tick.label) / 2.0);
                let free = place - half > end;
                end = place + half + 10.0;
                free
            })
        })
        .unwrap_or_default()
}

/// Says that values were clipped, where they were.
pub(super) fn clipped(sheet: &mut Sheet, spans: [&Span; 2]) {
    let mut floors: Vec<f64> = spans.into_iter().filter_map(|span| span.floor).collect();
    floors.dedup();
    for floor in floors {
        let floor = super::axis::number(floor);
        sheet.note(&format!("Values of 0 and below are drawn at {floor}, the smallest positive one."));
    }
}

/// Widest names that stand beside their lines.
const BESIDE: f64 = 108.0;
/// Length of what leads from a line's end to its name.
const LEADER: f64 = 16.0;

/// Width that the names of lines need beside them; nothing where they have to go below.
pub(super) fn beside(names: &[&str], height: f64) -> Option<f64> {
    let widest = names.iter().map(|name| width(name)).fold(0.0, f64::max);
    (widest <= BESIDE && names.len() as f64 * LINE <= height).then_some(LEADER + 6.0 + widest)
}

/// Names beside the ends of their lines, moved apart where these are close.
pub(super) fn name_beside(sheet: &mut Sheet, field: &Field, names: &[&str], ends: &[[f64; 2]]) {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|one, other| ends[*one][1].total_cmp(&ends[*other][1]));
    let mut heights: Vec<f64> = order.iter().map(|place| ends[*place][1]).collect();
    spread(&mut heights, LINE, field.top, field.bottom);
    for (place, y) in order.into_iter().zip(heights) {
        let x = field.right + LEADER;
        let class = format!("leader {}", stroke(place));
        sheet.line(ends[place], [x, y], &class);
        sheet.text([x + 4.0, y], names[place], "", Anchor::Start);
    }
}

/// Moves ascending places apart by at least `distance`, near to where they were, within `low` and `high`.
pub(super) fn spread(places: &mut [f64], distance: f64, low: f64, high: f64) {
    let mut least = low;
    for place in places.iter_mut() {
        *place = place.max(least);
        least = *place + distance;
    }
    let mut most = high;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - distance;
    }
}

/// Names below a drawing, each with a piece of its line.
pub(super) fn name_below(sheet: &mut Sheet, names: &[&str]) {
    const SAMPLE: f64 = 34.0;
    sheet.cursor += 6.0;
    let mut x = MARGIN;
    for (place, name) in names.iter().enumerate() {
        let name = shortened(name, WIDTH - 2.0 * MARGIN - SAMPLE - 6.0);
        let needed = SAMPLE + 6.0 + width(&name);
        if x > MARGIN && x + needed > WIDTH - MARGIN {
            (x, sheet.cursor) = (MARGIN, sheet.cursor + LINE + 2.0);
        }
        let y = sheet.cursor + LINE / 2.0;
        sheet.line([x, y], [x + SAMPLE, y], &format!("line {}", stroke(place)));
        sheet.text([x + SAMPLE + 6.0, y], &name, "", Anchor::Start);
        x += needed + 18.0;
    }
    sheet.cursor += LINE + 4.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_move_apart_and_stay_inside() {
        let mut places = [1.0, 2.0, 3.0, 98.0, 99.0];
        spread(&mut places, 10.0, 0.0, 100.0);
        assert_eq!(places, [1.0, 11.0, 21.0, 90.0, 100.0]);
    }
}
