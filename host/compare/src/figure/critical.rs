//! The critical-difference diagram.

use super::axis::{Span, number};
use super::frame::{apart, spread};
use super::sheet::{Anchor, LINE, MARGIN, Sheet, TEXT, WIDTH, short, width, wrapped};
use super::style::stroke;
use super::{PlotError, check_finite, counted};
use crate::ranks::ordered;

/// Widest line of a name; longer names have two.
const NAME: f64 = 150.0;
/// Space between a name and what is beside it.
const GAP: f64 = 6.0;
/// Distance of bars that join methods.
const BAR: f64 = 9.0;
/// Where the axis begins and ends.
const ENDS: [f64; 2] = [MARGIN + 8.0, WIDTH - MARGIN - 8.0];
/// Height in which lines lean.
const LEAN: f64 = 26.0;
/// Distance of lines beside each other below the axis.
const APART: f64 = 11.0;
/// Distance of the lines of a name.
const ROW: f64 = TEXT + 2.0;

/// What a critical-difference diagram shows.
#[derive(Clone, Copy, Debug)]
pub struct Differences<'a> {
    /// The methods' names.
    pub names: &'a [&'a str],
    /// Each method's mean rank, 1 being best.
    pub mean_ranks: &'a [f64],
    /// Methods that do not differ significantly, as [`groups`](crate::groups) finds them.
    pub groups: &'a [Vec<usize>],
    /// The critical difference, where the test has one.
    pub difference: Option<f64>,
    /// The test and its level, as "Nemenyi, \u{3b1} = 0.05".
    pub test: &'a str,
    /// How many blocks there are.
    pub blocks: usize,
}

/// Draws methods along their mean ranks, the best on the left, and joins those that do not differ significantly (Demsar
/// 2006, figure 1).
///
/// # Errors
/// Where there is no method, lists differ in length, a rank is not between 1 and the number of methods, or a group names a
/// method that there is not.
pub fn critical_difference_diagram(title: &str, shown: &Differences) -> Result<String, PlotError> {
    let Differences { names, mean_ranks, groups, difference, test, blocks } = *shown;
    let methods = names.len();
    let first = names.first().ok_or(PlotError::Empty)?;
    check_finite(first, mean_ranks.iter().chain(difference.as_ref()))?;
    let within = mean_ranks.iter().all(|rank| (1.0 - 1e-9..=methods as f64 + 1e-9).contains(rank));
    if mean_ranks.len() != methods || !within || groups.iter().flatten().any(|method| *method >= methods) {
        return Err(PlotError::Shape { name: (*first).to_owned() });
    }
    let span = Span::ranks(methods, 0.0);
    let x = |rank: f64| ENDS[0] + span.share(rank) * (ENDS[1] - ENDS[0]);

    let mut sheet = Sheet::new(title, &format!("mean rank, 1 is best; n = {}; {test}", counted(blocks, "block")));
    sheet.cursor += LINE / 2.0;
    if let Some(difference) = difference {
        let fits = difference <= methods as f64 - 1.0;
        scale(&mut sheet, difference, fits.then(|| x(1.0 + difference)));
    }
    let axis = sheet.cursor + LINE + 6.0;
    sheet.line([ENDS[0], axis], [ENDS[1], axis], "axis");
    for tick in apart(&span, ENDS[1] - ENDS[0]) {
        sheet.line([x(tick.value), axis], [x(tick.value), axis - 6.0], "axis");
        sheet.text([x(tick.value), axis - 6.0 - LINE / 2.0], &tick.label, "", Anchor::Middle);
    }
    let order = ordered(mean_ranks);
    sheet.cursor = axis;
    branches(&mut sheet, shown, &order, x);
    for (place, group) in groups.iter().enumerate() {
        let ranks = || group.iter().map(|method| mean_ranks[*method]);
        let (low, high) = (ranks().fold(f64::INFINITY, f64::min), ranks().fold(0.0, f64::max));
        if low <= high {
            let y = axis + BAR + place as f64 * BAR;
            sheet.line([x(low) - 3.0, y], [x(high) + 3.0, y], "bar");
        }
    }
    describe(&mut sheet, shown, &order);
    match (methods, groups.is_empty()) {
        (..2, _) => {}
        (_, true) => sheet.note("All methods differ significantly."),
        (_, false) => sheet.note("Bars join methods that do not differ significantly."),
    }
    Ok(sheet.finish(title))
}

/// The critical difference as a length from rank 1 to `end`, where it fits on the axis.
fn scale(sheet: &mut Sheet, difference: f64, end: Option<f64>) {
    let text = format!("critical difference {}", number(difference));
    let mut y = sheet.cursor + LINE / 2.0;
    let beside = end.map_or(ENDS[0], |end| end + GAP);
    if beside + width(&text) <= WIDTH - MARGIN {
        sheet.text([beside, y], &text, "", Anchor::Start);
    } else {
        sheet.text([ENDS[0], y], &text, "", Anchor::Start);
        y += LINE;
    }
    if let Some(end) = end {
        sheet.line([ENDS[0], y], [end, y], "axis");
        for x in [ENDS[0], end] {
            sheet.line([x, y - 5.0], [x, y + 5.0], "axis");
        }
    }
    sheet.cursor = y + LINE / 2.0 + 4.0;
}

/// Lines from the axis, where the cursor is, to the names: the better half's on the left, the others' on the right.
///
/// The axis is as wide as the drawing, so lines lean inwards to pass between the names, and apart where ranks are close.
fn branches(sheet: &mut Sheet, shown: &Differences, order: &[usize], x: impl Fn(f64) -> f64) {
    let Differences { names, mean_ranks, groups, .. } = *shown;
    let (axis, (better, worse)) = (sheet.cursor, order.split_at(order.len().div_ceil(2)));
    let rank = |method: usize| format!("{:.2}", mean_ranks[method]);
    let labels: Vec<Vec<String>> = names.iter().map(|name| wrapped(name, NAME, 2)).collect();
    let widest = |side: &[usize]| {
        let lines = side.iter().flat_map(|method| labels[*method].iter().cloned().chain([rank(*method)]));
        lines.map(|line| width(&line)).fold(0.0, f64::max)
    };
    let (left, right) = (MARGIN + widest(better) + 3.0 * GAP, WIDTH - MARGIN - widest(worse) - 3.0 * GAP);
    let mut inner: Vec<f64> = order.iter().map(|method| x(mean_ranks[*method]).clamp(left, right)).collect();
    spread(&mut inner, APART.min((right - left) / order.len() as f64), left, right);

    let straight = axis + 2.0 * BAR + groups.len() as f64 * BAR;
    let top = straight + LEAN + LINE / 2.0;
    let height = if labels.iter().any(|lines| lines.len() > 1) { 3.0 } else { 2.0 } * ROW + 8.0;
    // The outermost come first, so that no line crosses another.
    let left_side = (0..better.len()).map(|place| (place, place, MARGIN, Anchor::Start));
    let right_side = (0..worse.len()).map(|row| (order.len() - 1 - row, row, WIDTH - MARGIN, Anchor::End));
    for (place, row, edge, anchor) in left_side.chain(right_side) {
        let method = order[place];
        let (lines, y) = (&labels[method], top + row as f64 * height);
        let long = lines.iter().map(|line| width(line)).fold(0.0, f64::max) + GAP;
        let end = if anchor == Anchor::Start { edge + long } else { edge - long };
        let [at, under, end] = [x(mean_ranks[method]), inner[place], end].map(short);
        let [from, straight, lean, to] = [axis, straight, straight + LEAN, y].map(short);
        let path = format!("M{at} {from}V{straight}L{under} {lean}V{to}H{end}");
        sheet.path(&path, &format!("line {}", stroke(method)));
        for (count, line) in lines.iter().chain([&rank(method)]).enumerate() {
            let class = if count == lines.len() { "faint" } else { "" };
            sheet.text([edge, y + count as f64 * ROW], line, class, anchor);
        }
    }
    sheet.cursor = top + better.len() as f64 * height - LINE / 2.0;
}

fn describe(sheet: &mut Sheet, shown: &Differences, order: &[usize]) {
    for method in order {
        sheet.describe(&format!("{} has mean rank {}.", shown.names[*method], number(shown.mean_ranks[*method])));
    }
    for group in shown.groups {
        let names: Vec<&str> = group.iter().map(|method| shown.names[*method]).collect();
        sheet.describe(&format!("Not significantly different: {}.", names.join(", ")));
    }
}
