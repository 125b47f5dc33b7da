//! How values are distributed.

use plotters::prelude::{Circle, Color as _, PathElement, Rectangle};
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, Span, number};
use super::chart::{BELOW, Chart, chart};
use super::page::{Drawn, LINE, MARGIN, Page, WIDTH, wrapped, write};
use super::style::Paint;
use super::{PlotError, check_finite, clipped};
use crate::summary::{quantile_of_sorted, sorted};

/// Height of a box.
const BOX: f64 = 220.0;
/// Height of a box and the space around it.
const ROW: i32 = 340;
/// Most points that are drawn of a method.
const POINTS: usize = 300;

/// A method's values.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The method's name.
    pub name: &'a str,
    /// One value a run.
    pub values: &'a [f64],
}

/// Draws all values of each method as points, with a box of the quartiles and the median. Whiskers go to the outermost values
/// within one and a half times the box's length (Tukey 1977).
///
/// # Errors
/// Where there is no method, one has no value, a value is not finite, or a log axis has no value above 0.
pub fn distribution(title: &str, axis: &Axis, samples: &[Sample]) -> Result<String, PlotError> {
    for Sample { name, values } in samples {
        check_finite(name, *values)?;
        if values.is_empty() {
            return Err(PlotError::Empty);
        }
    }
    let span = Span::over(samples.iter().flat_map(|sample| sample.values.iter().copied()), axis, 0.02)?;
    let mut page = Page::new(title, "each run, quartiles and median");
    let mut names = Vec::new();
    for Sample { name, values } in samples {
        let name = format!("{name} (n\u{a0}=\u{a0}{})", values.len());
        page.describe(&format!("{name} has median {}.", number(quantile_of_sorted(&sorted(values), 0.5))));
        names.push(wrapped(&name, WIDTH - 2 * MARGIN));
    }
    if samples.iter().any(|sample| sample.values.len() > POINTS) {
        page.note(&format!("Of more than {POINTS} runs, {POINTS} points are drawn, evenly chosen."));
    }
    clipped(&mut page, [&span, &span]);
    let named = names.iter().map(Vec::len).max().unwrap_or(1) as i32 * LINE;
    let depth = samples.len() as i32 * (named + ROW);
    page.draw(depth + BELOW, |area| {
        let mut chart = chart(area, [span, Span::depth(depth)], axis.label, 0)?;
        let field = chart.plotting_area().strip_coord_spec();
        for (place, (sample, name)) in samples.iter().zip(&names).enumerate() {
            let top = place as i32 * (named + ROW);
            write(&field, name, Paint::Letters, HPos::Left, (0, top))?;
            row(&mut chart, &sorted(sample.values), place, f64::from(top + named + ROW / 2 - 10))?;
        }
        Ok(())
    })
}

/// One method's points and box around a height. The box of plotters has whiskers that go beyond all values.
fn row(chart: &mut Chart, values: &[f64], place: usize, middle: f64) -> Drawn {
    let [low, median, high] = [0.25, 0.5, 0.75].map(|share| quantile_of_sorted(values, share));
    let reach = 1.5 * (high - low);
    let inside = |value: &&f64| (low - reach..=high + reach).contains(*value);
    let least = values.iter().find(inside).copied().unwrap_or(low).min(low);
    let most = values.iter().rev().find(inside).copied().unwrap_or(high).max(high);
    let whisker = |from, to| PathElement::new(vec![(from, middle), (to, middle)], Paint::Axis.colour());
    let across = |value, half, paint: Paint| {
        PathElement::new(vec![(value, middle - half), (value, middle + half)], paint.colour())
    };
    chart.draw_series([whisker(least, low), whisker(high, most)])?;
    chart.draw_series([least, most].map(|end| across(end, BOX / 4.0, Paint::Axis)))?;
    let corners = [(low, middle - BOX / 2.0), (high, middle + BOX / 2.0)];
    chart.draw_series([Rectangle::new(corners, Paint::Box.of(place).filled())])?;
    let shown = values.len().min(POINTS);
    chart.draw_series((0..shown).map(|point| {
        let value = values[if shown > 1 { point * (values.len() - 1) / (shown - 1) } else { 0 }];
        // Multiples of the golden ratio: neighbours are far from each other, and there is no chance in it.
        let away = (point as f64 * 0.618_033_988_749_895).fract() - 0.5;
        Circle::new((value, middle + away * (BOX - 40.0)), 25, Paint::Point.of(place).filled())
    }))?;
    chart.draw_series([across(median, BOX / 2.0 + 20.0, Paint::Median)])?;
    Ok(())
}
