use archwright_space::{Domain, Value};

/// The values of a decision as coordinates: those of a number are in [0, 1], that of a label is its index.
#[derive(Clone, Debug, PartialEq)]
pub enum Axis {
    /// So many labels.
    Labels(usize),
    /// The places of a list of so many ordered numbers. How far the numbers are apart is not used.
    Ordered(usize),
    /// Integers, each with the stretch of the scale that the space's draws give it.
    Integers {
        /// The smallest.
        low: i64,
        /// The largest.
        high: i64,
        /// Whether ratios count.
        log_scale: bool,
    },
    /// Reals.
    Reals {
        /// The smallest.
        low: f64,
        /// The largest.
        high: f64,
        /// Whether ratios count.
        log_scale: bool,
    },
}

impl Axis {
    /// The axis of a decision.
    pub fn new(domain: &Domain) -> Self {
        match domain {
            Domain::Categorical(labels) => Self::Labels(labels.len()),
            Domain::Ordinal(numbers) => Self::Ordered(numbers.len()),
            Domain::Integer { low, high, log_scale } => {
                Self::Integers { low: *low, high: *high, log_scale: *log_scale }
            }
            Domain::Real { low, high, log_scale } => Self::Reals { low: *low, high: *high, log_scale: *log_scale },
        }
    }

    /// The number of labels, where it has labels.
    pub fn labels(&self) -> Option<usize> {
        if let Self::Labels(count) = self { Some(*count) } else { None }
    }

    /// All values in order, where there are so many at most.
    pub fn values(&self, most: usize) -> Option<Vec<Value>> {
        match self {
            Self::Labels(count) | Self::Ordered(count) if *count <= most => {
                Some((0..*count as u32).map(Value::Index).collect())
            }
            Self::Integers { low, high, .. } if high.abs_diff(*low) < most as u64 => {
                Some((*low..=*high).map(Value::Integer).collect())
            }
            _ => None,
        }
    }

    /// The coordinate of a value, of a number the middle of its stretch; none of an inactive decision.
    pub fn coordinate(&self, value: Value) -> Option<f64> {
        match (self, value) {
            (Self::Labels(_), Value::Index(index)) => Some(f64::from(index)),
            (Self::Reals { low, high, log_scale }, Value::Real(value)) => Some(share(*low, *high, *log_scale, value)),
            (_, Value::Inactive) => None,
            (_, value) => {
                let (from, to) = self.stretch(value);
                Some((from + to) / 2.0)
            }
        }
    }

    /// The value at a coordinate.
    pub fn value(&self, coordinate: f64) -> Value {
        match self {
            Self::Labels(count) => Value::Index((coordinate.max(0.0) as usize).min(count.saturating_sub(1)) as u32),
            Self::Ordered(count) => {
                let place = (coordinate.max(0.0) * *count as f64) as usize;
                Value::Index(place.min(count.saturating_sub(1)) as u32)
            }
            Self::Integers { low, high, log_scale } => {
                let (from, to) = ends(*low, *high);
                Value::Integer((between(from, to, *log_scale, coordinate).floor() as i64).clamp(*low, *high))
            }
            Self::Reals { low, high, log_scale } => {
                Value::Real(between(*low, *high, *log_scale, coordinate).clamp(*low, *high))
            }
        }
    }

    /// The stretch of [0, 1] that has a number's value; a real's begins and ends at its coordinate.
    pub fn stretch(&self, value: Value) -> (f64, f64) {
        match (self, value) {
            (Self::Ordered(count), Value::Index(index)) => {
                let count = *count as f64;
                (f64::from(index) / count, f64::from(index + 1) / count)
            }
            (Self::Integers { low, high, log_scale }, Value::Integer(value)) => {
                let (from, to) = ends(*low, *high);
                let at = |number: f64| share(from, to, *log_scale, number);
                (at(value as f64), at(value as f64 + 1.0))
            }
            (axis, value) => {
                let coordinate = match (axis, value) {
                    (Self::Reals { .. }, Value::Real(_)) => axis.coordinate(value),
                    _ => None,
                };
                let coordinate = coordinate.unwrap_or(0.5);
                (coordinate, coordinate)
            }
        }
    }
}

/// Each integer owns the stretch of the scale from itself to the next.
fn ends(low: i64, high: i64) -> (f64, f64) {
    (low as f64, high as f64 + 1.0)
}

fn between(low: f64, high: f64, log_scale: bool, share: f64) -> f64 {
    if log_scale { (low.ln() + (high.ln() - low.ln()) * share).exp() } else { low + (high - low) * share }
}

/// How far a number is on the way from `low` to `high`; half way where they are one.
fn share(low: f64, high: f64, log_scale: bool, number: f64) -> f64 {
    let (way, whole) = if log_scale { ((number / low).ln(), (high / low).ln()) } else { (number - low, high - low) };
    if whole > 0.0 { (way / whole).clamp(0.0, 1.0) } else { 0.5 }
}
