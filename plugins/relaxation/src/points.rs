//! Points of a space from the choices of their categorical decisions.

use archwright_sdk::encoding::is_active;
use archwright_sdk::{Architecture, Decision, Domain, Rng, Space, Value};

use crate::Rows;

/// A space with its decisions.
#[derive(Clone, Debug)]
pub struct Points {
    decisions: Vec<Decision>,
    space: Space,
}

impl Points {
    /// The points of a space that has these decisions.
    pub fn new(decisions: Vec<Decision>, space: Space) -> Self {
        Self { decisions, space }
    }

    /// The space.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The decisions.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The point with these choices of the categorical decisions. Decisions on numbers, which no row weighs, take their
    /// value in `like` where they have one there, else the middle of their domain, the lower of two, by ratio where the
    /// scale is logarithmic.
    pub fn of(&self, rows: &Rows, choices: &[usize], like: &[Value]) -> Vec<Value> {
        let mut choices = rows.iter().zip(choices).peekable();
        self.settled(|index, domain| match choices.next_if(|(row, _)| row.decision == index) {
            Some((_, choice)) => Value::Index(*choice as u32),
            None => match like.get(index) {
                Some(Value::Inactive) | None => middle(domain),
                Some(value) => *value,
            },
        })
    }

    /// A point whose active decisions have the values that `value` gives for them. It is asked for all of them.
    pub fn settled(&self, mut value: impl FnMut(usize, &Domain) -> Value) -> Vec<Value> {
        let mut values = Vec::with_capacity(self.decisions.len());
        for (index, decision) in self.decisions.iter().enumerate() {
            let value = value(index, &decision.domain);
            values.push(if is_active(&self.decisions, index, &values) { value } else { Value::Inactive });
        }
        values
    }

    /// The choices of a point's categorical decisions; those of inactive ones are as in `otherwise`.
    pub fn choices(&self, rows: &Rows, values: &[Value], otherwise: &[usize]) -> Vec<usize> {
        rows.iter()
            .zip(otherwise)
            .map(|(row, otherwise)| match values.get(row.decision) {
                Some(Value::Index(index)) => *index as usize,
                _ => *otherwise,
            })
            .collect()
    }

    /// Whether a point meets the constraints of the space and of the experiment. Its network may still fail to be built.
    pub fn is_admitted(&self, values: &[Value]) -> bool {
        self.space.admits(&Architecture::Point(values.to_vec()))
    }

    /// Whether a point has a network that may be trained: it meets all constraints and can be built.
    pub fn has_network(&self, values: &[Value]) -> bool {
        self.is_admitted(values) && self.space.profile(&Architecture::Point(values.to_vec())).is_ok()
    }

    /// A value of a decision's domain, drawn evenly, on a log scale where the range says so.
    pub fn draw(&self, decision: usize, rng: &mut Rng) -> Value {
        match &self.decisions[decision].domain {
            Domain::Categorical(labels) => Value::Index(rng.below(labels.len()) as u32),
            Domain::Ordinal(numbers) => Value::Index(rng.below(numbers.len()) as u32),
            Domain::Integer { low, high, log_scale: false } => {
                let offset = rng.below(high.abs_diff(*low).saturating_add(1) as usize);
                Value::Integer(low.saturating_add_unsigned(offset as u64).min(*high))
            }
            Domain::Integer { low, high, log_scale: true } => {
                // Each integer owns the stretch of the log scale from itself to the next.
                let drawn = between(*low as f64, *high as f64 + 1.0, true, rng.uniform());
                Value::Integer((drawn.floor() as i64).clamp(*low, *high))
            }
            Domain::Real { low, high, log_scale } => {
                Value::Real(between(*low, *high, *log_scale, rng.uniform()).clamp(*low, *high))
            }
        }
    }
}

fn middle(domain: &Domain) -> Value {
    match domain {
        Domain::Categorical(labels) => Value::Index((labels.len().saturating_sub(1) / 2) as u32),
        Domain::Ordinal(numbers) => Value::Index((numbers.len().saturating_sub(1) / 2) as u32),
        Domain::Integer { low, high, log_scale } => {
            let middle = between(*low as f64, *high as f64, *log_scale, 0.5).floor() as i64;
            Value::Integer(middle.clamp(*low, *high))
        }
        Domain::Real { low, high, log_scale } => Value::Real(between(*low, *high, *log_scale, 0.5).clamp(*low, *high)),
    }
}

fn between(low: f64, high: f64, log_scale: bool, share: f64) -> f64 {
    if log_scale { (low.ln() + (high.ln() - low.ln()) * share).exp() } else { low + (high - low) * share }
}

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, setup};

    use super::*;

    fn points(name: &str) -> Points {
        let space = bundled_space(name);
        Points::new(setup(&space, 0).decisions, space)
    }

    #[test]
    fn numbers_take_the_middle_and_conditions_decide_what_is_inactive() {
        let points = points("chain");
        let rows = Rows::of(points.decisions()).unwrap();
        let values = points.of(&rows, &[0; 6], &[]);
        // `stem` of three channel counts, `depth` from 1 to 6.
        assert_eq!(values[..2], [Value::Index(1), Value::Integer(3)]);
        let active = values.iter().filter(|value| **value != Value::Inactive).count();
        assert_eq!(active, 2 + 3 * 3, "three layers of a convolution with channels and a kernel");
        assert!(points.is_admitted(&values) && points.has_network(&values));
        assert!(!points.is_admitted(&values[1..]));
        assert_eq!(points.choices(&rows, &values, &[3; 6]), [0, 0, 0, 3, 3, 3]);
        let real = Domain::Real { low: 1e-4, high: 1.0, log_scale: true };
        let Value::Real(middle) = middle(&real) else { panic!("not a real number") };
        assert!((middle - 1e-2).abs() < 1e-9, "{middle}");
    }

    #[test]
    fn drawn_values_are_points() {
        for name in ["chain", "nas-bench-201-joint", "residual"] {
            let points = points(name);
            let mut rng = Rng::new(1);
            for _ in 0..50 {
                let values = points.settled(|index, _| points.draw(index, &mut rng));
                points.space().build(&Architecture::Point(values)).unwrap();
            }
        }
    }
}
