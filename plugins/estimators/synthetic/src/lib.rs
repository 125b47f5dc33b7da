//! Trains nothing: gives architectures the values of points in an NK landscape (Kauffman & Levin 1987).

use archwright_sdk::prelude::*;

/// Most that a value falls short of the true one, at no fidelity at all.
const LARGEST_GAP: f64 = 0.5;
/// Bits of a real that are dropped: reals that differ by less than one in 4,096 have the same place.
const DROPPED_BITS: u32 = 40;

/// Options of the landscape.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Other decisions that the contribution of each one depends on: 0 for a smooth landscape with one summit.
    #[schemars(range(min = 0, max = 64))]
    pub interactions: u32,
    /// Seconds charged for a query at full fidelity.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub cost: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { interactions: 1, cost: 1.0 }
    }
}

/// The landscape.
pub struct Synthetic {
    seed: u64,
    goals: Vec<Goal>,
    options: Options,
    /// What tells a value of a decision apart, of the query at hand.
    values: Vec<u64>,
}

impl Estimator for Synthetic {
    const NAME: &'static str = "synthetic";
    const SUMMARY: &'static str = "Trains nothing: a random landscape, to try strategies on (Kauffman & Levin 1987)";
    const REFERENCES: &'static [&'static str] = &["doi:10.1016/S0022-5193(87)80029-2"];
    const GIVES: &'static [&'static str] = &["fidelity"];
    type Options = Options;

    fn open(setup: EstimatorSetup, options: Options, _: Space) -> Result<Self, Error> {
        let goals = setup.objectives.iter().map(|objective| objective.goal).collect();
        Ok(Self { seed: setup.seed, goals, options, values: Vec::new() })
    }

    fn begin(&mut self, _: u64, query: &Query) -> Result<Step, Error> {
        let Subject::Architecture(Architecture::Point(point)) = &query.subject else {
            return Err(Error::Unsupported("the landscape has a place for points of the space only".into()));
        };
        self.values.clear();
        self.values.extend(point.iter().map(|value| identity(*value)));
        let objectives = (0..self.goals.len()).map(|objective| self.value(objective, query.fidelity)).collect();
        Ok(Step::Done(Estimate {
            objectives,
            uncertainty: Vec::new(),
            gradient: Vec::new(),
            cost: self.options.cost * query.fidelity,
            fidelity: query.fidelity,
            curve: Vec::new(),
        }))
    }

    fn advance(&mut self, _: u64, _: &Outcome) -> Result<Step, Error> {
        Err(Error::Internal("nothing was to be done".into()))
    }
}

impl Synthetic {
    /// The value of the query at hand by one objective.
    fn value(&self, objective: usize, fidelity: f64) -> f64 {
        let seed = mixed(self.seed, objective as u64);
        let (mut sum, mut count, mut whole) = (0.0, 0u32, seed);
        for (index, value) in self.values.iter().enumerate() {
            whole = mixed(whole, *value);
            if *value == INACTIVE {
                continue;
            }
            let neighbours = self.values.iter().cycle().skip(index + 1).take(self.options.interactions as usize);
            let own = mixed(mixed(seed, index as u64), *value);
            sum += unit(neighbours.fold(own, |so_far, neighbour| mixed(so_far, *neighbour)));
            count += 1;
        }
        let gap = (1.0 - fidelity) * LARGEST_GAP * unit(whole);
        let good = (sum / f64::from(count.max(1)) - gap).max(0.0);
        match self.goals[objective] {
            Goal::Maximize => good,
            Goal::Minimize => 1.0 - good,
        }
    }
}

/// What stands for a decision that is not there.
const INACTIVE: u64 = u64::MAX;

fn identity(value: Value) -> u64 {
    match value {
        Value::Index(index) => index.into(),
        Value::Integer(integer) => integer.cast_unsigned(),
        Value::Real(real) => real.to_bits() >> DROPPED_BITS,
        Value::Inactive => INACTIVE,
    }
}

/// Two numbers as one that looks random: the finalizer of SplitMix64 (Steele et al. 2014).
fn mixed(one: u64, other: u64) -> u64 {
    let mut bits = one.wrapping_add(other.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Bits as a number in [0, 1).
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

archwright_sdk::export_estimator!(Synthetic);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, estimator_setup};

    use super::*;

    fn value(seed: u64, options: Options, point: Vec<Value>, fidelity: f64) -> f64 {
        let space = bundled_space("nas-bench-201");
        let mut estimator = Synthetic::open(estimator_setup(&space, seed, 20), options, space).unwrap();
        let query = Query { fidelity, ..Query::full(0, Architecture::Point(point)) };
        match estimator.begin(0, &query).unwrap() {
            Step::Done(estimate) => estimate.objectives[0],
            other => panic!("{other:?}"),
        }
    }

    fn points() -> impl Iterator<Item = Vec<Value>> {
        (0..15_625u32).map(|mut number| {
            (0..6)
                .map(|_| {
                    let value = Value::Index(number % 5);
                    number /= 5;
                    value
                })
                .collect()
        })
    }

    #[test]
    fn without_interactions_the_best_is_made_of_the_best_of_each_decision() {
        let options = Options { interactions: 0, ..Options::default() };
        let best_of = |points: &mut dyn Iterator<Item = Vec<Value>>| {
            points.max_by(|one, other| {
                value(3, options.clone(), one.clone(), 1.0).total_cmp(&value(3, options.clone(), other.clone(), 1.0))
            })
        };
        let best = best_of(&mut points().step_by(7)).unwrap();
        let mut improved = best.clone();
        for decision in 0..6 {
            let choices = (0..5).map(|choice| {
                let mut point = improved.clone();
                point[decision] = Value::Index(choice);
                point
            });
            improved = best_of(&mut choices.collect::<Vec<_>>().into_iter()).unwrap();
        }
        let summit = value(3, options.clone(), improved, 1.0);
        assert!(points().step_by(3).all(|point| value(3, options.clone(), point, 1.0) <= summit));
    }

    #[test]
    fn the_seed_and_the_point_decide() {
        let point: Vec<Value> = [0, 1, 2, 3, 4, 0].map(Value::Index).to_vec();
        let default = Options::default;
        assert_eq!(value(1, default(), point.clone(), 1.0), value(1, default(), point.clone(), 1.0));
        assert_ne!(value(1, default(), point.clone(), 1.0), value(2, default(), point.clone(), 1.0));
        let (low, full) = (value(1, default(), point.clone(), 0.25), value(1, default(), point, 1.0));
        assert!(low < full && full - low < 0.75 * LARGEST_GAP);
    }
}
