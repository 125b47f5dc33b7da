//! Grid search: every point of a grid over the space, once, in a fixed order.

mod axis;
mod odometer;
mod order;
mod ranks;

use archwright_sdk::prelude::*;

use axis::Axis;
use odometer::Odometer;
use order::Order;
use ranks::Ranks;

/// Points in a row that may not meet the constraints before the search gives up.
const PATIENCE: u32 = 20_000;

/// Options of grid search.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Values of each range of numbers, evenly spaced from one end to the other, by ratio where the scale is logarithmic. A
    /// range of integers that has no more is taken whole; so are labels and listed numbers, always.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub steps: u32,
    /// Whether the points come in a random order, which the seed decides, instead of with the last decision changing fastest.
    /// A budget that is smaller than the grid is then spread over all of it.
    pub shuffle: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { steps: 5, shuffle: false }
    }
}

/// Grid search.
pub struct Grid {
    space: Space,
    decisions: Vec<Decision>,
    axes: Vec<Axis>,
    points: Points,
    next: u64,
    in_flight: u64,
}

/// Where the search is.
enum Points {
    InOrder(Odometer),
    Shuffled { ranks: Ranks, order: Order, next: u128 },
}

impl Strategy for Grid {
    const NAME: &'static str = "grid";
    const SUMMARY: &'static str = "Every point of a grid over the space, once, in order or shuffled";
    const REFERENCES: &'static [&'static str] = &["https://jmlr.org/papers/v13/bergstra12a.html"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        if options.steps == 0 {
            return Err(Error::InvalidOptions("`steps` has to be at least 1".into()));
        }
        let decisions = setup.decisions;
        let axes: Vec<Axis> = decisions.iter().map(|decision| Axis::new(decision, options.steps)).collect();
        let points = if options.shuffle {
            let ranks = Ranks::new(&decisions, &axes)?;
            let order = Order::new(ranks.len(), &mut Rng::new(setup.seed));
            Points::Shuffled { ranks, order, next: 0 }
        } else {
            Points::InOrder(Odometer::new(&decisions, &axes))
        };
        Ok(Self { space, decisions, axes, points, next: 0, in_flight: 0 })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let mut queries = Vec::new();
        let mut refused = 0;
        while queries.len() < capacity {
            let Some(point) = self.points.next(&self.decisions, &self.axes) else {
                return Ok(if queries.is_empty() { Reply::Finished } else { Reply::Queries(self.sent(queries)) });
            };
            let architecture = Architecture::Point(point);
            if self.space.admits(&architecture) {
                queries.push(Query::full(self.next, architecture));
                self.next += 1;
                continue;
            }
            refused += 1;
            if refused == PATIENCE {
                break;
            }
        }
        match queries.is_empty() {
            false => Ok(Reply::Queries(self.sent(queries))),
            true if self.in_flight > 0 => Ok(Reply::Waiting),
            true => Err(Error::Unsupported(format!(
                "none of {PATIENCE} points of the grid in a row meets the constraints; `shuffle = true` spreads those that \
                 do evenly"
            ))),
        }
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        self.in_flight = self.in_flight.saturating_sub(observations.len() as u64);
        Ok(())
    }
}

impl Grid {
    fn sent(&mut self, queries: Vec<Query>) -> Vec<Query> {
        self.in_flight += queries.len() as u64;
        queries
    }
}

impl Points {
    fn next(&mut self, decisions: &[Decision], axes: &[Axis]) -> Option<Vec<Value>> {
        match self {
            Self::InOrder(odometer) => odometer.next(decisions, axes),
            Self::Shuffled { ranks, order, next } => {
                if *next >= ranks.len() {
                    return None;
                }
                *next += 1;
                Some(ranks.point(order.at(*next - 1), axes))
            }
        }
    }
}

archwright_sdk::export_strategy!(Grid);

#[cfg(test)]
mod tests;
