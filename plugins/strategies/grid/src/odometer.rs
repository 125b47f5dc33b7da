//! The points of the grid one after the other.

use archwright_sdk::encoding::is_active;
use archwright_sdk::{Decision, Value};

use crate::axis::Axis;

/// Stands at one point of the grid. The last decision changes fastest. Decisions whose conditions do not hold are passed
/// over, so that no point comes twice.
#[derive(Clone, Debug)]
pub(crate) struct Odometer {
    numbers: Vec<u32>,
    values: Vec<Value>,
    /// Whether there is such a point: false once all have passed.
    stands: bool,
}

impl Odometer {
    /// At the first point.
    pub(crate) fn new(decisions: &[Decision], axes: &[Axis]) -> Self {
        let mut odometer = Self { numbers: vec![0; axes.len()], values: Vec::new(), stands: true };
        odometer.settle(decisions, axes);
        odometer
    }

    /// The point it stands at; it goes on to the next one.
    pub(crate) fn next(&mut self, decisions: &[Decision], axes: &[Axis]) -> Option<Vec<Value>> {
        if !self.stands {
            return None;
        }
        let point = self.values.clone();
        let turn = (0..axes.len())
            .rfind(|index| self.values[*index] != Value::Inactive && self.numbers[*index] + 1 < axes[*index].len());
        match turn {
            Some(index) => {
                self.numbers[index] += 1;
                self.numbers[index + 1..].fill(0);
                self.values.truncate(index);
                self.settle(decisions, axes);
            }
            None => self.stands = false,
        }
        Some(point)
    }

    /// Gives the decisions that have no value yet theirs.
    fn settle(&mut self, decisions: &[Decision], axes: &[Axis]) {
        for (index, axis) in axes.iter().enumerate().skip(self.values.len()) {
            let active = is_active(decisions, index, &self.values);
            self.values.push(if active { axis.value(self.numbers[index]) } else { Value::Inactive });
        }
    }
}
