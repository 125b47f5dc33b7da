//! Asynchronous successive halving: whoever is among the best of a rung so far is promoted, and no rung is waited for (Li et
//! al. 2020).

mod ladder;

use archwright_rungs::{Fresh, loss, steps};
use archwright_sdk::prelude::*;

use ladder::Ladder;

/// Options of asynchronous successive halving.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// What a full training takes, in units of your choice, epochs say: R. A query's fidelity is its share of this. 81 as
    /// Hyperband's; 256 times the least in Li et al. 2020, section 4.1.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_resource: u32,
    /// The least to spend on an architecture, in the same units: r. The rungs are full training, a share of `1/eta` of it, and
    /// so on, as long as they take as much as this.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_resource: u32,
    /// One of so many architectures of a rung is promoted. 3 as Hyperband's; 4 in Li et al. 2020, section 4.1.
    #[schemars(range(min = 2, max = 1_000))]
    pub eta: u32,
    /// Cheapest rungs that are left out: s. 0 in Li et al. 2020, section 4.1.
    #[schemars(range(min = 0, max = 20))]
    pub early_stopping_rate: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_resource: 81, min_resource: 1, eta: 3, early_stopping_rate: 0 }
    }
}

/// Asynchronous successive halving.
pub struct Asha {
    rng: Rng,
    fresh: Fresh,
    goal: Goal,
    ladder: Ladder,
    /// Fidelity of each rung.
    fidelities: Vec<f64>,
    next: u64,
}

impl Strategy for Asha {
    const NAME: &'static str = "asha";
    const SUMMARY: &'static str = "Successive halving that promotes without waiting for a rung (Li et al. 2020)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1810.05934"];
    const NEEDS: &'static [&'static str] = &["fidelity"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let steps = steps(options.max_resource.into(), options.min_resource.into(), options.eta.into())?;
        let Some(steps) = steps.checked_sub(options.early_stopping_rate) else {
            return Err(Error::InvalidOptions(format!(
                "`early_stopping_rate` is {}, but there are {steps} rungs below full training",
                options.early_stopping_rate
            )));
        };
        let eta = f64::from(options.eta);
        Ok(Self {
            rng: Rng::new(setup.seed),
            fresh: Fresh::new(space),
            goal: setup.objectives.first().map_or(Goal::Maximize, |objective| objective.goal),
            ladder: Ladder::new(steps as usize + 1, options.eta as usize),
            fidelities: (0..=steps).rev().map(|above| eta.powi(-(above as i32))).collect(),
            next: 0,
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        Ok(Reply::Queries((0..capacity).map(|_| self.query()).collect()))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            if !self.ladder.tell(observation.query, loss(&observation.outcome, self.goal)) {
                return Err(Error::Internal(format!("query {} is not in flight", observation.query)));
            }
        }
        Ok(())
    }
}

impl Asha {
    /// A promotion where there is one, else a new architecture on the first rung.
    fn query(&mut self) -> Query {
        let (architecture, parent, rung) = match self.ladder.promote() {
            Some(promotion) => (promotion.architecture, Some(promotion.parent), promotion.rung),
            None => (self.fresh.draw(&mut self.rng), None, 0),
        };
        let id = self.next;
        self.next += 1;
        self.ladder.asked(id, rung, architecture.clone());
        Query { fidelity: self.fidelities[rung], parent, ..Query::full(id, architecture) }
    }
}

archwright_sdk::export_strategy!(Asha);

#[cfg(test)]
mod tests;
