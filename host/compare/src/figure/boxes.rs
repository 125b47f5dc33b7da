//! How values are distributed.

use super::axis::{Axis, Span, number};
use super::frame::{apart, below, clipped};
use super::sheet::{Anchor, LINE, MARGIN, Sheet, WIDTH, shortened};
use super::style::{fill, outline};
use super::{PlotError, check_finite};
use crate::summary::{quantile_of_sorted, sorted};

/// Height of a box.
const BOX: f64 = 22.0;
/// Height of a box and the space around it.
const ROW: f64 = 34.0;
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
    let mut sheet = Sheet::new(title, "each run, quartiles and median");
    sheet.cursor += LINE / 2.0;
    let (left, right) = (MARGIN, WIDTH - MARGIN);
    let bottom = sheet.cursor + samples.len() as f64 * (LINE + ROW);
    for tick in apart(&span, right - left) {
        let x = left + span.share(tick.value) * (right - left);
        sheet.line([x, sheet.cursor], [x, bottom], "grid");
    }
    for (place, sample) in samples.iter().enumerate() {
        let about = format!(" (n = {})", sample.values.len());
        let name = shortened(sample.name, right - left - super::sheet::width(&about)) + &about;
        sheet.text([left, sheet.cursor + LINE / 2.0], &name, "", Anchor::Start);
        sheet.cursor += LINE;
        row(&mut sheet, &sorted(sample.values), place, |value| left + span.share(value) * (right - left));
        let median = number(quantile_of_sorted(&sorted(sample.values), 0.5));
        sheet.describe(&format!("{}{about} has median {median}.", sample.name));
        sheet.cursor += ROW;
    }
    below(&mut sheet, &span, axis.label, [left, right], bottom);
    if samples.iter().any(|sample| sample.values.len() > POINTS) {
        sheet.note(&format!("Of more than {POINTS} runs, {POINTS} points are drawn, evenly chosen."));
    }
    clipped(&mut sheet, [&span, &span]);
    Ok(sheet.finish(title))
}

/// One method's points and box, below the cursor.
fn row(sheet: &mut Sheet, values: &[f64], place: usize, x: impl Fn(f64) -> f64) {
    let middle = sheet.cursor + ROW / 2.0 - 1.0;
    let [low, median, high] = [0.25, 0.5, 0.75].map(|share| quantile_of_sorted(values, share));
    let reach = 1.5 * (high - low);
    let inside = |value: &&f64| (low - reach..=high + reach).contains(*value);
    let least = values.iter().find(inside).copied().unwrap_or(low).min(low);
    let most = values.iter().rev().find(inside).copied().unwrap_or(high).max(high);
    let class = format!("box {} {}", fill(place), outline(place));
    for [from, to] in [[least, low], [high, most]] {
        sheet.line([x(from), middle], [x(to), middle], "axis");
    }
    for end in [least, most] {
        sheet.line([x(end), middle - BOX / 4.0], [x(end), middle + BOX / 4.0], "axis");
    }
    sheet.rectangle([x(low), middle - BOX / 2.0], [x(high) - x(low), BOX], &class);
    let shown = values.len().min(POINTS);
    let class = format!("point {}", fill(place));
    for point in 0..shown {
        let value = values[if shown > 1 { point * (values.len() - 1) / (shown - 1) } else { 0 }];
        // Multiples of the golden ratio: neighbours are far from each other, and there is no chance in it.
        let away = (point as f64 * 0.618_033_988_749_895).fract() - 0.5;
        sheet.dot([x(value), middle + away * (BOX - 4.0)], 2.5, &class);
    }
    sheet.line([x(median), middle - BOX / 2.0 - 2.0], [x(median), middle + BOX / 2.0 + 2.0], "median");
}
