//! How good architectures are, made up.

use archwright_space::{Architecture, Decision, Domain, Space, Value, seed};
use serde::Serialize;

use super::EPOCHS;

/// Standard deviation of a noisy landscape's observations.
const NOISE: f64 = 0.05;

/// Summits of a landscape with several.
const SUMMITS: u64 = 4;

/// How much lower each summit is than the one before.
const STEP: f64 = 0.08;

/// A sort of landscape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Toy {
    /// Each decision counts for itself: one summit.
    Additive,
    /// What a decision counts depends on the one before it, too.
    Interactions,
    /// As with interactions, and each training comes out a little different.
    Noisy,
    /// Several summits far from each other, of which the widest is not the highest.
    MultiModal,
}

impl Toy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Additive, Self::Interactions, Self::Noisy, Self::MultiModal];

    /// Its name, in kebab-case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Additive => "additive",
            Self::Interactions => "interactions",
            Self::Noisy => "noisy",
            Self::MultiModal => "multi-modal",
        }
    }
}

/// A landscape over a space, whose heights are like accuracies: from 0 to 1, more is better.
#[derive(Clone, Debug)]
pub struct Landscape {
    toy: Toy,
    seed: u64,
    summits: Vec<Vec<Value>>,
}

impl Landscape {
    /// The landscape of this sort over a space that a seed decides.
    pub fn new(toy: Toy, seed: u64, space: &Space) -> Self {
        let summits = (0..SUMMITS).filter_map(|index| match space.sample(seed::derive(seed, "summit", index)) {
            Architecture::Point(values) => Some(values),
            Architecture::Network(_) => None,
        });
        Self { toy, seed, summits: summits.collect() }
    }

    /// How good an architecture is after a full training, without noise.
    pub fn truth(&self, space: &Space, architecture: &Architecture) -> f64 {
        let Architecture::Point(values) = architecture else {
            let text = space.fingerprint(architecture).unwrap_or_default();
            return unit(self.hash("network", &[fold(&text)]));
        };
        match self.toy {
            Toy::Additive => self.additive(space.decisions(), values),
            Toy::Interactions | Toy::Noisy => {
                0.5 * self.additive(space.decisions(), values) + 0.5 * self.joint(space.decisions(), values)
            }
            Toy::MultiModal => {
                let heights = self.summits.iter().enumerate().map(|(place, summit)| {
                    let near = nearness(space.decisions(), values, summit);
                    // Lower summits are wider.
                    (1.0 - STEP * place as f64) * near.powf(4.0 / (1.0 + place as f64))
                });
                heights.fold(0.0, f64::max)
            }
        }
    }

    /// What training number `training` of an architecture shows after so many of [`EPOCHS`] epochs: it learns fast at first,
    /// and some learn faster than others.
    pub fn seen(&self, space: &Space, architecture: &Architecture, epoch: u32, training: u64) -> f64 {
        let whole = fold(&format!("{architecture:?}"));
        let share = f64::from(epoch.clamp(1, EPOCHS)) / f64::from(EPOCHS);
        let speed = 0.05 + 0.25 * unit(self.hash("speed", &[whole]));
        let noise = match self.toy {
            Toy::Noisy => NOISE * self.gaussian(&[whole, training, epoch.into()]),
            _ => 0.0,
        };
        (self.truth(space, architecture) * share.powf(speed) + noise).clamp(0.0, 1.0)
    }

    /// What a mixture of labels shows, and the derivative of its loss by each probability: that of the mean of what the labels
    /// count for themselves.
    pub fn mixture(&self, space: &Space, probabilities: &[f32]) -> (f64, Vec<f32>) {
        let mut worths = Vec::new();
        let mut rows = 0;
        for (index, decision) in space.decisions().iter().enumerate() {
            if let Domain::Categorical(labels) = &decision.domain {
                rows += 1;
                let label = |label| self.worth(index, decision, Value::Index(label as u32)).unwrap_or(0.0);
                worths.extend((0..labels.len()).map(label));
            }
        }
        let rows = f64::from(rows.max(1));
        let mean: f64 = worths.iter().zip(probabilities).map(|(worth, share)| worth * f64::from(*share)).sum();
        (mean / rows, worths.iter().map(|worth| (-worth / rows) as f32).collect())
    }

    /// The mean of what active decisions count for themselves.
    fn additive(&self, decisions: &[Decision], values: &[Value]) -> f64 {
        let worths = decisions.iter().zip(values).enumerate();
        mean(worths.filter_map(|(index, (decision, value))| self.worth(index, decision, *value)))
    }

    /// The mean of what neighbouring active decisions count together.
    fn joint(&self, decisions: &[Decision], values: &[Value]) -> f64 {
        let active: Vec<(u64, u64)> = decisions
            .iter()
            .zip(values)
            .enumerate()
            .filter_map(|(index, (decision, value))| Some((index as u64, step(decision, *value)?)))
            .collect();
        if active.len() < 2 {
            return self.additive(decisions, values);
        }
        let pairs = active.iter().zip(active.iter().cycle().skip(1));
        mean(pairs.map(|((one, its), (other, others))| unit(self.hash("pair", &[*one, *its, *other, *others]))))
    }

    /// What a decision's value counts for itself: a label as chance has it, a number by how near it is to the best one.
    fn worth(&self, index: usize, decision: &Decision, value: Value) -> Option<f64> {
        let chance = |what: u64| unit(self.hash("worth", &[index as u64, what]));
        match (&decision.domain, value) {
            (_, Value::Inactive) => None,
            (Domain::Categorical(_), Value::Index(label)) => Some(chance(label.into())),
            _ => Some(1.0 - (place(decision, value)? - chance(0)).abs()),
        }
    }

    fn gaussian(&self, of: &[u64]) -> f64 {
        // The sum of twelve even ones is near enough.
        (0..12).map(|index| unit(seed::derive(self.hash("noise", of), "part", index))).sum::<f64>() - 6.0
    }

    fn hash(&self, label: &str, of: &[u64]) -> u64 {
        of.iter().fold(self.seed, |so_far, one| seed::derive(so_far, label, *one))
    }
}

/// How near a point is to a summit, from 0 to 1: the mean over the decisions that either has.
fn nearness(decisions: &[Decision], values: &[Value], summit: &[Value]) -> f64 {
    let each = decisions.iter().zip(values.iter().zip(summit)).filter_map(|(decision, (one, other))| {
        match (one, other, &decision.domain) {
            (Value::Inactive, Value::Inactive, _) => None,
            (Value::Inactive, _, _) | (_, Value::Inactive, _) => Some(0.0),
            (_, _, Domain::Categorical(_)) => Some(if one == other { 1.0 } else { 0.0 }),
            _ => Some(1.0 - (place(decision, *one)? - place(decision, *other)?).abs()),
        }
    });
    mean(each)
}

/// Where a number lies in its domain, from 0 to 1.
fn place(decision: &Decision, value: Value) -> Option<f64> {
    let within = |low: f64, high: f64, value: f64, log_scale: bool| {
        let scale = |number: f64| if log_scale { number.ln() } else { number };
        if low < high { (scale(value) - scale(low)) / (scale(high) - scale(low)) } else { 0.5 }
    };
    match (&decision.domain, value) {
        (Domain::Categorical(labels), Value::Index(index)) => {
            Some(within(0.0, labels.len() as f64 - 1.0, f64::from(index), false))
        }
        (Domain::Ordinal(numbers), Value::Index(index)) => {
            Some(within(0.0, numbers.len() as f64 - 1.0, f64::from(index), false))
        }
        (Domain::Integer { low, high, log_scale }, Value::Integer(value)) => {
            Some(within(*low as f64, *high as f64, value as f64, *log_scale))
        }
        (Domain::Real { low, high, log_scale }, Value::Real(value)) => Some(within(*low, *high, value, *log_scale)),
        _ => None,
    }
}

/// A value among few: labels as they are, numbers in eighths of their domain.
fn step(decision: &Decision, value: Value) -> Option<u64> {
    match value {
        Value::Inactive => None,
        Value::Index(index) => Some(index.into()),
        _ => Some((place(decision, value)? * 8.0) as u64),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.5 } else { sum / f64::from(count) }
}

fn fold(text: &str) -> u64 {
    let hash = blake3::hash(text.as_bytes());
    hash.as_bytes()[..8].iter().fold(0, |so_far, byte| (so_far << 8) | u64::from(*byte))
}

/// Bits as a number in [0, 1).
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}
