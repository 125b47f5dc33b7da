//! Axes: which values they cover, and where they are marked.

use super::PlotError;

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

/// The values that an axis covers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    low: f64,
    high: f64,
    scale: Scale,
    /// Whether values are ranks, marked from 1 on.
    ranks: bool,
    /// The value at which smaller ones are drawn, where there are any.
    pub(super) floor: Option<f64>,
}

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

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
        let (low, high) = match axis.scale {
            Scale::Linear => (least, most),
            Scale::Log => ends(&mut values.filter(|value| *value > 0.0)),
        };
        if low > high {
            return Err(PlotError::NothingPositive { axis: axis.label.to_owned() });
        }
        let floor = (least < low).then_some(low);
        let mut span = Self { low, high, scale: axis.scale, ranks: false, floor };
        let (from, to) = (span.inner(low), span.inner(high));
        // Halves, since the difference of the largest numbers would be beyond all numbers.
        let length = to / 2.0 - from / 2.0;
        // Values that are all but equal get room, too, or marks could not be told apart.
        let smallest = 1e-9 * from.abs().max(to.abs());
        let room = if length > smallest { 2.0 * margin * length } else { (0.05 * from.abs()).max(0.05) };
        (span.low, span.high) = (span.outer(from - room), span.outer(to + room));
        Ok(span)
    }

    /// The stretch that the ranks of so many methods need, and a margin in ranks.
    pub(super) fn ranks(methods: usize, margin: f64) -> Self {
        let last = (methods as f64).max(2.0);
        Self { low: 1.0 - margin, high: last + margin, scale: Scale::Linear, ranks: true, floor: None }
    }

    fn inner(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Log => libm::log10(value.max(f64::MIN_POSITIVE)),
        }
    }

    fn outer(&self, place: f64) -> f64 {
        match self.scale {
            Scale::Linear => place.clamp(f64::MIN, f64::MAX),
            Scale::Log => libm::exp10(place).clamp(f64::MIN_POSITIVE, f64::MAX),
        }
    }

    /// Where a value lies, as a share of the axis in [0, 1].
    pub(super) fn share(&self, value: f64) -> f64 {
        let value = self.floor.map_or(value, |floor| value.max(floor));
        let [low, high, place] = [self.low, self.high, value].map(|value| self.inner(value) / 2.0);
        ((place - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// Marks at round values, about `most` of them.
    pub(super) fn ticks(&self, most: usize) -> Vec<Tick> {
        let found = match self.scale {
            Scale::Linear if self.ranks => return self.rank_ticks(most),
            Scale::Linear => Vec::new(),
            Scale::Log => self.log_ticks(most),
        };
        if found.len() < 2 { self.linear_ticks(most) } else { found }
    }

    fn rank_ticks(&self, most: usize) -> Vec<Tick> {
        // Their labels are short, so twice as many have room.
        let last = self.high.floor() as usize;
        let ranks = (1..=last).step_by(last.div_ceil(2 * most));
        ranks.map(|rank| Tick { value: rank as f64, label: rank.to_string() }).collect()
    }

    fn linear_ticks(&self, most: usize) -> Vec<Tick> {
        let least = (self.high / most as f64 - self.low / most as f64).max(f64::MIN_POSITIVE);
        let mut exponent = libm::floor(libm::log10(least)) as i32;
        let mut factor = 1.0;
        // One digit of 1, 2 and 5; rounding may have put the exponent one too low or high.
        while factor * libm::exp10(f64::from(exponent)) < least * (1.0 - 1e-9) {
            (factor, exponent) = match factor {
                1.0 => (2.0, exponent),
                2.0 => (5.0, exponent),
                _ => (1.0, exponent + 1),
            };
        }
        // Dividing by a power of ten is exact where multiplying with its inverse is not: 3 / 10, not 3 * 0.1.
        let at = |count: f64| {
            let power = libm::exp10(f64::from(exponent.abs()));
            if exponent < 0 { count * factor / power } else { count * factor * power }
        };
        let unit = at(1.0);
        if !(unit > 0.0 && unit.is_finite()) {
            return Vec::new();
        }
        let (first, last) = ((self.low / unit - 1e-9).ceil(), (self.high / unit + 1e-9).floor());
        // Where values differ in their last digits alone, marks could be any number, or none that is one.
        let few = last - first < 4.0 * most as f64;
        if !few {
            return Vec::new();
        }
        let largest = self.low.abs().max(self.high.abs());
        let count = (last - first + 1.0).max(0.0) as usize;
        (0..count)
            .map(|place| at(first + place as f64) + 0.0)
            .map(|value| Tick { value, label: written(value, exponent, largest) })
            .collect()
    }

    fn log_ticks(&self, most: usize) -> Vec<Tick> {
        let (from, to) = (libm::log10(self.low) - 1e-9, libm::log10(self.high) + 1e-9);
        let (first, last) = (from.ceil() as i32, to.floor() as i32);
        let factors: &[f64] = if to - from > 2.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let stride = ((last - first).max(0) as usize / most.max(1)) + 1;
        (first - 1..=last)
            .flat_map(|exponent| factors.iter().map(move |factor| (*factor, exponent)))
            .filter(|(_, exponent)| (exponent - first).rem_euclid(stride as i32) == 0 || factors.len() > 1)
            .map(|(factor, exponent)| (factor * libm::exp10(f64::from(exponent)), exponent))
            .filter(|(value, _)| (from..=to).contains(&libm::log10(*value)))
            .map(|(value, exponent)| Tick { value, label: written(value, exponent, value) })
            .collect()
    }
}

/// A round value, whose last digit stands for 10^exponent, beside others up to `largest`.
fn written(value: f64, exponent: i32, largest: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let (power, suffix) = match largest {
        largest if !(1e-4..1e12).contains(&largest) || exponent < -6 => {
            let digits = (libm::floor(libm::log10(value.abs()) + 1e-9) as i32 - exponent).clamp(0, 6) as usize;
            return format!("{value:.digits$e}");
        }
        largest if largest >= 1e9 => (9, "G"),
        largest if largest >= 1e6 => (6, "M"),
        largest if largest >= 1e4 => (3, "k"),
        _ => (0, ""),
    };
    let digits = (power - exponent).max(0) as usize;
    format!("{:.digits$}{suffix}", value / libm::exp10(f64::from(power)))
}

/// A number for a text: three digits, without an exponent where it is short.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if !(1e-3..1e6).contains(&value.abs()) {
        return format!("{value:.1e}");
    }
    let digits = (2 - libm::floor(libm::log10(value.abs())) as i32).max(0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(values: &[f64], axis: &Axis) -> Vec<String> {
        let span = Span::over(values.iter().copied(), axis, 0.0).unwrap();
        span.ticks(5).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn marks_are_round() {
        let linear = Axis::linear("");
        assert_eq!(labels(&[0.0, 1.0], &linear), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&[-3.0, 9.0], &linear), ["0", "5"]);
        assert_eq!(labels(&[0.0, 50_000.0], &linear), ["0", "10k", "20k", "30k", "40k", "50k"]);
        assert_eq!(labels(&[0.0, 2.0e-5], &linear), ["0", "5e-6", "1.0e-5", "1.5e-5", "2.0e-5"]);
        assert_eq!(
            labels(&[94.371, 94.3735], &linear),
            ["94.3710", "94.3715", "94.3720", "94.3725", "94.3730", "94.3735"]
        );
        assert_eq!(labels(&[0.001, 10.0], &Axis::log("")), ["0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(labels(&[0.9, 20.0], &Axis::log("")), ["1", "2", "5", "10", "20"]);
        assert_eq!(labels(&[2.2, 3.6], &Axis::log("")), ["2.5", "3.0", "3.5"]);
        let ranks = |methods: usize| Span::ranks(methods, 0.1).ticks(5).into_iter().map(|tick| tick.label);
        assert_eq!(ranks(3).collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(ranks(25).collect::<Vec<_>>(), ["1", "4", "7", "10", "13", "16", "19", "22", "25"]);
        assert_eq!(labels(&[1e-12, 1e8], &Axis::log("")).len(), 5);
    }

    #[test]
    fn what_is_not_positive_is_clipped_on_a_log_axis() {
        let span = Span::over([0.0, 0.5, 3.0].into_iter(), &Axis::log(""), 0.0).unwrap();
        assert_eq!((span.floor, span.share(0.0), span.share(3.0)), (Some(0.5), 0.0, 1.0));
        let none = Span::over([0.0, -1.0].into_iter(), &Axis::log("x"), 0.0);
        assert!(matches!(none, Err(PlotError::NothingPositive { axis }) if axis == "x"));
        assert!(matches!(Span::over([].into_iter(), &Axis::linear(""), 0.0), Err(PlotError::Empty)));
    }

    #[test]
    fn numbers_in_texts_are_short() {
        assert_eq!([0.0, 12.3456, 0.5, 1234.0, 1e-5].map(number), ["0", "12.3", "0.5", "1234", "1.0e-5"]);
    }

    proptest! {
        #[test]
        fn any_axis_has_marks_inside(
            low in prop::num::f64::NORMAL, length in prop::num::f64::POSITIVE, log in any::<bool>()
        ) {
            let axis = if log { Axis::log("") } else { Axis::linear("") };
            let values = [low, (low + length).clamp(f64::MIN, f64::MAX)];
            if let Ok(span) = Span::over(values.into_iter(), &axis, 0.05) {
                let ticks = span.ticks(5);
                prop_assert!(ticks.len() < 20, "{:?}", ticks);
                for tick in ticks {
                    prop_assert!(tick.value.is_finite() && (0.0..=1.0).contains(&span.share(tick.value)));
                }
                prop_assert!(values.iter().all(|value| (0.0..=1.0).contains(&span.share(*value))));
            }
        }
    }
}
