//! Axes: which values they cover, and where they are marked.

use std::ops::Range;

use plotters::coord::combinators::{IntoLogRange as _, LogCoord};
use plotters::coord::ranged1d::{BoldPoints, KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;

use super::PlotError;
use super::page::{LETTER, width};

/// How distances on an axis grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// With the difference of values.
    #[default]
    Linear,
    /// With their ratio. Values of 0 and below, which have no place there, are drawn at the smallest positive one, and the
    /// figure says so.
    Log,
}

/// What an axis shows.
#[derive(Clone, Copy, Debug)]
pub struct Axis<'a> {
    /// What it is and in which unit, as "cost (GPU hours)".
    pub label: &'a str,
    /// How distances grow.
    pub scale: Scale,
}

impl<'a> Axis<'a> {
    /// An axis on which distances grow with the difference of values.
    pub fn linear(label: &'a str) -> Self {
        Self { label, scale: Scale::Linear }
    }

    /// An axis on which distances grow with the ratio of values.
    pub fn log(label: &'a str) -> Self {
        Self { label, scale: Scale::Log }
    }
}

/// The values that an axis covers, which plotters puts in their places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    from: f64,
    to: f64,
    marks: Marks,
    /// The value at which smaller ones are drawn, where there are any.
    pub(super) floor: Option<f64>,
}

/// What is marked on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marks {
    Values(Scale),
    Ranks,
    Nothing,
}

/// Largest number that is drawn in its place, and the inverse of the smallest on a log axis: without a bound, ratios and
/// differences of numbers were beyond all numbers, among which plotters would look for marks forever.
const LARGEST: f64 = 1e100;

impl Span {
    /// The stretch that finite values need, and a margin as a share of it.
    pub(super) fn over(values: impl Iterator<Item = f64> + Clone, axis: &Axis, margin: f64) -> Result<Self, PlotError> {
        let ends = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
        };
        let (least, most) = ends(&mut values.clone());
        if !least.is_finite() || !most.is_finite() {
            return Err(PlotError::Empty);
        }
        let log = axis.scale == Scale::Log;
        let (low, high) = if log { ends(&mut values.filter(|value| *value > 0.0)) } else { (least, most) };
        if low > high {
            return Err(PlotError::NothingPositive { axis: axis.label.to_owned() });
        }
        let floor = (least < low).then_some(low);
        let smallest = if log { LARGEST.recip() } else { -LARGEST };
        let [from, to] = [low, high].map(|end| end.clamp(smallest, LARGEST));
        let [from, to] = if log { [from, to].map(libm::log10) } else { [from, to] };
        // Values that are all but equal get room, too, or marks could not be told apart.
        let alike = to - from <= 1e-9 * from.abs().max(to.abs());
        let room = if alike { (0.05 * from.abs()).max(0.05) } else { margin * (to - from) };
        let [from, to] = [from - room, to + room];
        let [from, to] = if log { [from, to].map(libm::exp10) } else { [from, to] };
        Ok(Self { from, to, marks: Marks::Values(axis.scale), floor })
    }

    /// Ranks from one to another.
    pub(super) fn ranks(from: f64, to: f64) -> Self {
        Self { from, to, marks: Marks::Ranks, floor: None }
    }

    /// Tenths of the drawing's units from the top of a field.
    pub(super) fn depth(height: i32) -> Self {
        Self { from: f64::from(height), to: 0.0, marks: Marks::Nothing, floor: None }
    }

    /// Round values, `most` of them at most.
    fn marks(&self, most: usize) -> Vec<f64> {
        let (low, high) = (self.from.min(self.to), self.from.max(self.to));
        let found = match self.marks {
            Marks::Nothing => Vec::new(),
            Marks::Ranks => {
                (1..=high as usize).step_by((high as usize).div_ceil(most)).map(|rank| rank as f64).collect()
            }
            Marks::Values(Scale::Log) => log_marks(low, high, most),
            Marks::Values(Scale::Linear) => RangedCoordf64::from(low..high).key_points(BoldPoints(most)),
        };
        within(found, low, high)
    }

    /// How many marks have labels that stand beside each other on an axis of this length.
    pub(super) fn labels_across(&self, length: i32) -> usize {
        let ends = |mark: &f64| {
            let (place, half) = (self.map(mark, (0, length)), (width(&self.format_ext(mark)) + LETTER) / 2);
            [place - half, place + half]
        };
        let fit = |most: &usize| self.marks(*most).windows(2).all(|pair| ends(&pair[0])[1] <= ends(&pair[1])[0]);
        let most = if matches!(self.marks, Marks::Values(_)) { 7 } else { 12 };
        (2..=most).rev().find(fit).unwrap_or(1)
    }

    /// How many marks have labels on a field's side: one for each decade or rank, where there are few.
    pub(super) fn labels_upwards(&self) -> usize {
        if self.marks == Marks::Values(Scale::Linear) { 6 } else { 10 }
    }

    /// Width of the widest of so many labels, where there are any.
    pub(super) fn widest(&self, most: usize) -> Option<i32> {
        self.marks(most).iter().map(|mark| width(&self.format_ext(mark))).max()
    }
}

impl Ranged for Span {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let value = value.max(self.floor.unwrap_or(*value)).clamp(self.from.min(self.to), self.from.max(self.to));
        match self.marks {
            Marks::Values(Scale::Log) => LogCoord::from(self.range().log_scale()).map(&value, limit),
            _ => RangedCoordf64::from(self.range()).map(&value, limit),
        }
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.marks(hint.max_num_points()) }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Span {
    fn format_ext(&self, value: &f64) -> String {
        let log = self.marks == Marks::Values(Scale::Log);
        let largest = if log { value.abs() } else { self.from.abs().max(self.to.abs()) };
        // What sums of steps leave beside 0 is 0.
        let value = if value.abs() < 1e-9 * largest { 0.0 } else { *value };
        written(value, 9, largest)
    }
}

/// Round values on a log axis. Plotters has whole decades alone, of which a short axis has few or none.
fn log_marks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let decades = libm::floor(libm::log10(low)) as i32..=libm::floor(libm::log10(high)) as i32;
    let digits = |decade: i32| [1.0, 2.0, 5.0].map(|digit| digit * libm::exp10(f64::from(decade)));
    let fine = within(decades.flat_map(digits).collect(), low, high);
    if (3..=most).contains(&fine.len()) {
        return fine;
    }
    let coarse = LogCoord::from((low * (1.0 - 1e-9)..high).log_scale()).key_points(BoldPoints(most));
    let coarse = within(coarse, low, high);
    if coarse.len() < 2 { RangedCoordf64::from(low..high).key_points(BoldPoints(most)) } else { coarse }
}

/// Marks from `low` to `high`, whose last digits may be off.
fn within(marks: Vec<f64>, low: f64, high: f64) -> Vec<f64> {
    let slack = |end: f64| 1e-9 * end.abs();
    marks.into_iter().filter(|mark| (low - slack(low)..=high + slack(high)).contains(mark)).collect()
}

/// A number with so many digits after the first, with an exponent where the largest one beside it is long without.
fn written(value: f64, digits: usize, largest: f64) -> String {
    let value: f64 = format!("{value:.digits$e}").parse().unwrap_or(value);
    if value == 0.0 || (1e-3..1e5).contains(&largest) { (value + 0.0).to_string() } else { format!("{value:e}") }
}

/// A number for a text: three digits, without an exponent where it is short.
pub(super) fn number(value: f64) -> String {
    written(value, 2, value.abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(values: &[f64], axis: &Axis) -> Vec<String> {
        labels_of(&Span::over(values.iter().copied(), axis, 0.0).unwrap())
    }

    fn labels_of(span: &Span) -> Vec<String> {
        span.key_points(BoldPoints(6)).iter().map(|mark| span.format_ext(mark)).collect()
    }

    #[test]
    fn marks_are_round() {
        let linear = Axis::linear("");
        assert_eq!(labels(&[0.0, 1.0], &linear), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(&[-3.0, 9.0], &linear), ["-2", "0", "2", "4", "6", "8"]);
        assert_eq!(labels(&[-0.3, 0.3], &linear), ["-0.2", "-0.1", "0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(&[0.0, 50_000.0], &linear), ["0", "10000", "20000", "30000", "40000", "50000"]);
        assert_eq!(labels(&[0.0, 3.0e6], &linear), ["0", "1e6", "2e6", "3e6"]);
        assert_eq!(labels(&[0.0, 2.0e-5], &linear), ["0", "5e-6", "1e-5", "1.5e-5", "2e-5"]);
        assert_eq!(
            labels(&[94.371, 94.3735], &linear),
            ["94.371", "94.3715", "94.372", "94.3725", "94.373", "94.3735"]
        );
        assert_eq!(labels(&[0.001, 10.0], &Axis::log("")), ["0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(labels(&[0.9, 20.0], &Axis::log("")), ["1", "2", "5", "10", "20"]);
        assert_eq!(labels(&[2.2, 3.6], &Axis::log("")), ["2.5", "3", "3.5"]);
        assert_eq!(labels_of(&Span::ranks(3.1, 0.9)), ["1", "2", "3"]);
        assert_eq!(labels_of(&Span::ranks(1.0, 25.0)), ["1", "6", "11", "16", "21"]);
        assert!(labels(&[1e-12, 1e8], &Axis::log("")).len() > 2);
    }

    #[test]
    fn what_is_not_positive_is_clipped_on_a_log_axis() {
        let span = Span::over([0.0, 0.5, 3.0].into_iter(), &Axis::log(""), 0.0).unwrap();
        let at = |value| span.map(&value, (0, 100));
        assert_eq!((span.floor, at(0.0), at(0.5), at(3.0)), (Some(0.5), 0, 0, 100));
        let none = Span::over([0.0, -1.0].into_iter(), &Axis::log("x"), 0.0);
        assert!(matches!(none, Err(PlotError::NothingPositive { axis }) if axis == "x"));
        assert!(matches!(Span::over([].into_iter(), &Axis::linear(""), 0.0), Err(PlotError::Empty)));
    }

    #[test]
    fn numbers_in_texts_are_short() {
        assert_eq!([0.0, 12.3456, 0.5, 1234.0, 1e-5].map(number), ["0", "12.3", "0.5", "1230", "1e-5"]);
    }

    proptest! {
        #[test]
        fn any_axis_has_marks_inside(
            low in prop::num::f64::NORMAL, length in prop::num::f64::POSITIVE, log in any::<bool>()
        ) {
            let axis = if log { Axis::log("") } else { Axis::linear("") };
            let values = [low, (low + length).clamp(f64::MIN, f64::MAX)];
            if let Ok(span) = Span::over(values.into_iter(), &axis, 0.05) {
                let inside = |value: &f64| (0..=1000).contains(&span.map(value, (0, 1000)));
                let marks = span.key_points(BoldPoints(6));
                prop_assert!(marks.len() < 20, "{:?}", marks);
                prop_assert!(marks.iter().chain(&values).all(inside), "{:?}", marks);
                prop_assert!(marks.iter().all(|mark| mark.is_finite()), "{:?}", marks);
            }
        }
    }
}
