//! Lines over a budget: what was found by when, and who was ahead.

use plotters::prelude::{Color as _, LineSeries, Polygon};

use super::axis::{Axis, Span, number};
use super::chart::{BELOW, Chart, beside, chart, name_below, name_beside};
use super::page::{LINE, Page};
use super::style::Paint;
use super::{PlotError, check_finite, clipped, counted, with_counts};
use crate::interval::{Band, Shown};

/// Height of the field and its axis.
const HEIGHT: i32 = 3080;
/// Least distance of points that are drawn: at most some 300 of them on a line.
const STEP: i32 = 14;

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
    fn shown(&self, chart: &Chart) -> Vec<usize> {
        let lists = || self.band.into_iter().flatten().chain([self.middle]);
        let x = |place: usize| chart.backend_coord(&(self.positions[place], 0.0)).0;
        let mut shown = vec![0];
        let mut latest = 0;
        for place in 1..self.positions.len() {
            // By the last one drawn, not the one before: what changed in between must not be lost.
            let changed = lists().any(|list| list[place] != list[latest]);
            if place + 1 == self.positions.len() || (changed && x(place) - x(latest) >= STEP) {
                shown.push(place);
                latest = place;
            }
        }
        shown
    }

    /// Steps along one list, from the first of `places` to the last.
    fn steps(&self, list: &[f64], places: &[usize]) -> Vec<(f64, f64)> {
        let first = (self.positions[places[0]], list[places[0]]);
        let step = |pair: &[usize]| [pair[0], pair[1]].map(|place| (self.positions[pair[1]], list[place]));
        [first].into_iter().chain(places.windows(2).flat_map(step)).collect()
    }

    fn end(&self) -> (f64, f64) {
        let last = self.positions.len() - 1;
        (self.positions[last], self.middle[last])
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
        Shown::Mean { level } => format!("mean with {} % interval", number(level * 100.0)),
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
    draw(
        title,
        &caption,
        [across, &Axis::linear("mean rank")],
        &lines,
        Some(Span::ranks(curves.len().max(2) as f64 + 0.1, 0.9)),
    )
}

/// Draws lines, upwards along the span of ranks where it is given.
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
    let room = beside(&names, HEIGHT - BELOW);
    let mut page = Page::new(title, caption);
    page.upwards(axes[1].label);
    for line in lines {
        page.describe(&format!("{} ends at {}.", line.name, number(line.end().1)));
    }
    clipped(&mut page, [&across, &up]);
    // Many bands above each other hide what is below.
    let band = if lines.len() > 4 { Paint::Thin } else { Paint::Band };
    let legend = if room.is_some() { 0 } else { names.len() as i32 * LINE + LINE / 4 };
    page.draw(HEIGHT + legend, |area| {
        let (field, below) = area.split_vertically(HEIGHT);
        let mut chart = chart(&field, [across, up], axes[0].label, room.unwrap_or(0))?;
        let places: Vec<Vec<usize>> = lines.iter().map(|line| line.shown(&chart)).collect();
        for (place, (line, shown)) in lines.iter().zip(&places).enumerate() {
            if let Some([low, high]) = line.band.filter(|[low, high]| low != high) {
                let around = line.steps(high, shown).into_iter().chain(line.steps(low, shown).into_iter().rev());
                chart.draw_series([Polygon::new(around.collect::<Vec<_>>(), band.of(place).filled())])?;
            }
        }
        for (place, (line, shown)) in lines.iter().zip(&places).enumerate() {
            chart.draw_series(LineSeries::new(line.steps(line.middle, shown), Paint::Line.of(place)))?;
        }
        match room {
            Some(_) => name_beside(&field, &chart, &names, &lines.iter().map(Line::end).collect::<Vec<_>>()),
            None => name_below(&below, &names),
        }
    })
}
