//! Lines over a budget: what was found by when, and who was ahead.

use std::fmt::Write;

use super::axis::{Axis, Span};
use super::frame::{Field, Layout, beside, clipped, name_below, name_beside};
use super::sheet::{Sheet, short};
use super::style::{fill, stroke};
use super::{PlotError, check_finite, counted, with_counts};
use crate::interval::{Band, Shown};

/// Height of the field.
const HEIGHT: f64 = 250.0;
/// Least distance of points that are drawn: at most some 300 of them on a line.
const STEP: f64 = 1.4;

/// A method's curve.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// The method's name.
    pub name: &'a str,
    /// Where it changes, in the unit of the axis, ascending.
    pub positions: &'a [f64],
    /// Its values from each position on, as [`mean_curve`](crate::mean_curve) or
    /// [`median_curve`](crate::median_curve) gives them.
    pub band: &'a Band,
}

/// A method's mean rank over a budget.
#[derive(Clone, Copy, Debug)]
pub struct RankCurve<'a> {
    /// The method's name.
    pub name: &'a str,
    /// Its mean rank at each position, 1 being best.
    pub ranks: &'a [f64],
}

/// A line as it is drawn.
struct Line<'a> {
    name: &'a str,
    positions: &'a [f64],
    middle: &'a [f64],
    band: Option<[&'a [f64]; 2]>,
}

impl Line<'_> {
    fn check(&self) -> Result<(), PlotError> {
        let mut lists = self.band.into_iter().flatten().chain([self.middle]);
        let ordered = self.positions.is_sorted_by(|one, other| one <= other);
        if self.positions.is_empty() || !ordered || lists.any(|list| list.len() != self.positions.len()) {
            return Err(PlotError::Shape { name: self.name.to_owned() });
        }
        check_finite(self.name, self.positions.iter().chain(self.values()))
    }

    fn values(&self) -> impl Iterator<Item = &f64> + Clone {
        self.middle.iter().chain(self.band.into_iter().flatten().flatten())
    }

    /// Places of the points that show: the ends, and between them those where something changes, not too close.
    fn shown(&self, field: &Field) -> Vec<usize> {
        let last = self.positions.len() - 1;
        let lists = || self.band.into_iter().flatten().chain([self.middle]);
        let mut shown = vec![0];
        let mut latest = 0;
        for place in 1..=last {
            // By the last one drawn, not the one before: what changed in between must not be lost.
            let changed = lists().any(|list| list[place] != list[latest]);
            let far = field.x(self.positions[place]) - field.x(self.positions[latest]) >= STEP;
            if place == last || (changed && far) {
                shown.push(place);
                latest = place;
            }
        }
        shown
    }

    /// Steps along one list, from the first of `places` to the last.
    fn steps(&self, field: &Field, list: &[f64], places: &[usize]) -> String {
        let mut path = String::new();
        for (count, place) in places.iter().enumerate() {
            let (x, y) = (short(field.x(self.positions[*place])), short(field.y(list[*place])));
            // Writing to a String cannot fail.
            let _ = if count == 0 { write!(path, "M{x} {y}") } else { write!(path, "H{x}V{y}") };
        }
        path
    }

    /// The area between two lists.
    fn area(&self, field: &Field, [low, high]: [&[f64]; 2], places: &[usize]) -> String {
        let mut path = self.steps(field, high, places);
        for pair in places.windows(2).rev() {
            let (x, y) = (short(field.x(self.positions[pair[1]])), short(field.y(low[pair[0]])));
            let _ = write!(path, "L{x} {y}H{}", short(field.x(self.positions[pair[0]])));
        }
        path + "Z"
    }
}

/// Draws what each method had found by when, with a band around it.
///
/// A curve holds its value until the next position. The figure says what the band is and how many runs there are; a curve
/// of a single run has no band.
///
/// # Errors
/// Where there is no curve, lists differ in length, positions are not ascending, a value is not finite, or a log axis has
/// no value above 0.
pub fn anytime(title: &str, across: &Axis, up: &Axis, curves: &[Curve]) -> Result<String, PlotError> {
    let counts: Vec<(&str, usize)> = curves.iter().map(|curve| (curve.name, curve.band.runs)).collect();
    let (names, runs) = with_counts(&counts);
    let mut kinds: Vec<String> = curves.iter().map(|curve| described(curve.band.shown)).collect();
    kinds.dedup();
    let count = runs.map_or_else(|| "runs in brackets".to_owned(), |runs| format!("n = {}", counted(runs, "run")));
    let caption = format!("{}; {count}", kinds.join(" or "));
    let lines: Vec<Line> = curves
        .iter()
        .zip(&names)
        .map(|(Curve { positions, band, .. }, name)| Line {
            name,
            positions,
            middle: &band.middle,
            band: Some([&band.low, &band.high]),
        })
        .collect();
    draw(title, &caption, [across, up], &lines, None)
}

fn described(shown: Shown) -> String {
    match shown {
        Shown::Mean { level } => format!("mean with {} % interval", super::axis::number(level * 100.0)),
        Shown::Median => "median with quartiles".to_owned(),
    }
}

/// Draws each method's mean rank over a budget, rank 1 on top, as
/// [`mean_ranks_over_budget`](crate::mean_ranks_over_budget) gives them over so many blocks.
///
/// # Errors
/// As [`anytime`].
pub fn average_rank(
    title: &str,
    across: &Axis,
    positions: &[f64],
    curves: &[RankCurve],
    blocks: usize,
) -> Result<String, PlotError> {
    let lines: Vec<Line> =
        curves.iter().map(|RankCurve { name, ranks }| Line { name, positions, middle: ranks, band: None }).collect();
    let caption = format!("1 is best; n = {}", counted(blocks, "block"));
    draw(title, &caption, [across, &Axis::linear("mean rank")], &lines, Some(Span::ranks(curves.len(), 0.1)))
}

/// Draws lines, downwards where the span of ranks is given.
fn draw(
    title: &str,
    caption: &str,
    axes: [&Axis; 2],
    lines: &[Line],
    ranks: Option<Span>,
) -> Result<String, PlotError> {
    for line in lines {
        line.check()?;
    }
    let across = Span::over(lines.iter().flat_map(|line| line.positions.iter().copied()), axes[0], 0.0)?;
    let up = match ranks {
        Some(ranks) => ranks,
        None => Span::over(lines.iter().flat_map(|line| line.values().copied()), axes[1], 0.04)?,
    };
    let names: Vec<&str> = lines.iter().map(|line| line.name).collect();
    let room = beside(&names, HEIGHT);
    let mut sheet = Sheet::new(title, caption);
    let layout = Layout { height: HEIGHT, beside: room.unwrap_or(0.0), downwards: ranks.is_some() };
    let field = Field::draw(&mut sheet, axes, [across, up], layout);
    // Many bands above each other hide what is below.
    let class = if lines.len() > 4 { "band many" } else { "band" };
    let places: Vec<Vec<usize>> = lines.iter().map(|line| line.shown(&field)).collect();
    for (place, (line, shown)) in lines.iter().zip(&places).enumerate() {
        if let Some(band) = line.band.filter(|[low, high]| low != high) {
            sheet.path(&line.area(&field, band, shown), &format!("{class} {}", fill(place)));
        }
    }
    for (place, (line, shown)) in lines.iter().zip(&places).enumerate() {
        sheet.path(&line.steps(&field, line.middle, shown), &format!("line {}", stroke(place)));
        let last = super::axis::number(line.middle[line.middle.len() - 1]);
        sheet.describe(&format!("{} ends at {last}.", line.name));
    }
    if room.is_some() {
        let end = |line: &Line| {
            let last = line.positions.len() - 1;
            [field.x(line.positions[last]), field.y(line.middle[last])]
        };
        name_beside(&mut sheet, &field, &names, &lines.iter().map(end).collect::<Vec<_>>());
    } else {
        name_below(&mut sheet, &names);
    }
    clipped(&mut sheet, [&across, &up]);
    Ok(sheet.finish(title))
}
