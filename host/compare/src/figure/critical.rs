//! The critical-difference diagram.

use plotters::prelude::{ChartBuilder, PathElement};
use plotters::style::text_anchor::HPos;

use super::axis::{Span, number};
use super::chart::{Chart, TICK, spread, styled};
use super::page::{Area, Drawn, LINE, MARGIN, Page, WIDTH, width, wrapped, write};
use super::style::Paint;
use super::{PlotError, check_finite, counted};
use crate::ranks::ordered;

/// Widest line of a name; longer names have more.
const NAME: i32 = 1500;
/// Space between a name and what is beside it.
const GAP: i32 = 100;
/// Distance of bars that join methods.
const BAR: i32 = 90;
/// Space beside the axis.
const SIDE: i32 = MARGIN + 80;
/// Height in which lines lean.
const LEAN: i32 = 260;
/// Distance of lines beside each other below the axis.
const APART: i32 = 110;

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
    let mut page = Page::new(title, &format!("mean rank, 1 is best; n = {}; {test}", counted(blocks, "block")));
    for method in ordered(mean_ranks) {
        page.describe(&format!("{} has mean rank {}.", names[method], number(mean_ranks[method])));
    }
    for group in groups {
        let names: Vec<&str> = group.iter().map(|method| names[*method]).collect();
        page.describe(&format!("Not significantly different: {}.", names.join(", ")));
    }
    match (methods, groups.is_empty()) {
        (..2, _) => {}
        (_, true) => page.note("All methods differ significantly."),
        (_, false) => page.note("Bars join methods that do not differ significantly."),
    }
    let labels: Vec<Vec<String>> = names.iter().map(|name| wrapped(name, NAME)).collect();
    let row = (labels.iter().map(Vec::len).max().unwrap_or(0) as i32 + 1) * LINE + GAP / 2;
    let straight = (2 + groups.len() as i32) * BAR;
    let height = straight + LEAN + methods.div_ceil(2) as i32 * row;
    let (scale, axis) = (if difference.is_some() { 2 * LINE } else { 0 }, LINE + 2 * TICK);
    page.draw(scale + axis + height, |area| {
        let (above, below) = area.split_vertically(scale);
        let span = Span::ranks(1.0, methods.max(2) as f64);
        let mut chart = ChartBuilder::on(&below)
            .margin_left(SIDE)
            .margin_right(SIDE)
            .top_x_label_area_size(axis)
            .build_cartesian_2d(span, Span::depth(height))?;
        styled(&mut chart.configure_mesh(), span.labels_across(WIDTH - 2 * SIDE)).disable_mesh().draw()?;
        if let Some(difference) = difference {
            let end = (difference <= methods as f64 - 1.0).then(|| chart.backend_coord(&(1.0 + difference, 0.0)).0);
            length(&above, difference, end)?;
        }
        branches(&below, &chart, mean_ranks, &labels, [straight, row])?;
        for (place, group) in groups.iter().enumerate() {
            let ranks = || group.iter().map(|method| mean_ranks[*method]);
            let (low, high) = (ranks().fold(f64::INFINITY, f64::min), ranks().fold(0.0, f64::max));
            let y = f64::from(BAR + place as i32 * BAR);
            if low <= high {
                chart.draw_series([PathElement::new(vec![(low, y), (high, y)], Paint::Bar.colour())])?;
            }
        }
        Ok(())
    })
}

/// The critical difference as a length from rank 1 to `end`, where it fits on the axis.
fn length(area: &Area, difference: f64, end: Option<i32>) -> Drawn {
    let text = format!("critical difference {}", number(difference));
    write(area, &[text], Paint::Letters, HPos::Left, (SIDE, 0))?;
    if let Some(end) = end {
        let (y, half) = (LINE * 3 / 2, 50);
        for line in [[(SIDE, y), (end, y)], [(SIDE, y - half), (SIDE, y + half)], [(end, y - half), (end, y + half)]] {
            area.draw(&PathElement::new(line, Paint::Axis.colour()))?;
        }
    }
    Ok(())
}

/// Draws lines from the axis to the names: the better half's on the left, the others' on the right. They are straight down
/// to a depth; a name and its rank are so high.
///
/// The axis is as wide as the drawing, so lines lean inwards to pass between the names, and apart where ranks are close.
fn branches(area: &Area, chart: &Chart, ranks: &[f64], labels: &[Vec<String>], [depth, height]: [i32; 2]) -> Drawn {
    let order = ordered(ranks);
    let (better, worse) = order.split_at(order.len().div_ceil(2));
    let long = |method: usize| labels[method].iter().map(|line| width(line)).max().unwrap_or(0) + GAP;
    let widest = |side: &[usize]| side.iter().map(|method| long(*method)).max().unwrap_or(0) + GAP;
    let (left, right) = (MARGIN + widest(better), WIDTH - MARGIN - widest(worse));
    let at: Vec<i32> = order.iter().map(|method| chart.backend_coord(&(ranks[*method], 0.0)).0).collect();
    let mut inner: Vec<i32> = at.iter().map(|x| (*x).clamp(left, right)).collect();
    spread(&mut inner, APART.min((right - left) / order.len() as i32), left, right);
    let (page, axis) = (area.use_screen_coord(), chart.plotting_area().get_base_pixel().1);
    let (straight, lean) = (axis + depth, axis + depth + LEAN);
    for (place, method) in order.iter().copied().enumerate() {
        // The outermost come first, so that no line crosses another.
        let (row, edge, end, side) = if place < better.len() {
            (place, MARGIN, MARGIN + long(method), HPos::Left)
        } else {
            (order.len() - 1 - place, WIDTH - MARGIN, WIDTH - MARGIN - long(method), HPos::Right)
        };
        let (top, x, inner) = (lean + row as i32 * height, at[place], inner[place]);
        let y = top + LINE / 2;
        let path = vec![(x, axis), (x, straight), (inner, lean), (inner, y), (end, y)];
        page.draw(&PathElement::new(path, Paint::Line.of(method)))?;
        write(&page, &labels[method], Paint::Letters, side, (edge, top))?;
        let rank = format!("{:.2}", ranks[method]);
        write(&page, &[rank], Paint::Faint, side, (edge, top + labels[method].len() as i32 * LINE))?;
    }
    Ok(())
}
