//! Successive halving: many architectures cheaply, then the better share of them at a higher fidelity, until one is left
//! (Jamieson & Talwalkar 2016).

use archwright_rungs::{Brackets, Fresh, halvings, steps};
use archwright_sdk::prelude::*;

/// Options of successive halving.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// What a full training takes, in units of your choice, epochs say. A query's fidelity is its share of this.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_resource: u32,
    /// The least to spend on an architecture, in the same units. The rungs are full training, a share of `1/eta` of it, and so
    /// on, as long as they take as much as this.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_resource: u32,
    /// One of so many architectures of a rung is promoted. 3 as Hyperband's; 2 in Jamieson & Talwalkar 2016: halving.
    #[schemars(range(min = 2, max = 1_000))]
    pub eta: u32,
    /// Random architectures that a bracket begins with. Left out, as many as leave one for the last rung: `eta` to the power of
    /// the number of promotions.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub architectures: Option<u32>,
    /// Brackets after which the search is finished. Left out, one follows another until the budget ends.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub brackets: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_resource: 81, min_resource: 1, eta: 3, architectures: None, brackets: None }
    }
}

/// Successive halving.
pub struct SuccessiveHalving {
    rng: Rng,
    fresh: Fresh,
    brackets: Brackets,
}

impl Strategy for SuccessiveHalving {
    const NAME: &'static str = "successive-halving";
    const SUMMARY: &'static str = "Many architectures cheaply, the better of them again (Jamieson & Talwalkar 2016)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1502.07943"];
    const NEEDS: &'static [&'static str] = &["fidelity"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let eta = u64::from(options.eta);
        let steps = steps(options.max_resource.into(), options.min_resource.into(), eta)?;
        // Not more than `max_resource`.
        let size = options.architectures.map_or(eta.pow(steps), u64::from);
        if size == 0 || options.brackets == Some(0) {
            return Err(Error::InvalidOptions("`architectures` and `brackets` have to be at least 1".into()));
        }
        let plan = halvings(size, steps, eta);
        let brackets = Brackets::new(&setup.objectives, vec![plan], options.brackets.map(u64::from));
        Ok(Self { rng: Rng::new(setup.seed), fresh: Fresh::new(space), brackets })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        self.brackets.ask(capacity, || Ok(self.fresh.draw(&mut self.rng)))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        observations.iter().try_for_each(|observation| self.brackets.tell(observation).map(drop))
    }
}

archwright_sdk::export_strategy!(SuccessiveHalving);

#[cfg(test)]
mod tests {
    use archwright_rungs::testing::{ONE_POINT, Run, best, best_of_random, run, small_space, value};
    use archwright_sdk::testing::{setup, space};

    use super::*;

    fn open(options: Options, seed: u64) -> SuccessiveHalving {
        let space = small_space();
        SuccessiveHalving::open(setup(&space, seed), options, space).unwrap()
    }

    fn search(options: Options, seed: u64, budget: f64, in_flight: usize) -> Vec<Run> {
        run(&mut open(options, seed), budget, in_flight, None, |query| Some(value(query, 0.1)))
    }

    fn one(max_resource: u32, eta: u32) -> Options {
        Options { max_resource, eta, brackets: Some(1), ..Options::default() }
    }

    #[test]
    fn a_bracket_halves_until_one_is_left_and_the_search_is_finished() {
        let history = search(one(16, 2), 0, f64::INFINITY, 1);
        let mut left = history.as_slice();
        let mut before: Vec<u64> = Vec::new();
        for (size, fidelity) in [(16, 1.0 / 16.0), (8, 0.125), (4, 0.25), (2, 0.5), (1, 1.0)] {
            let (rung, rest) = left.split_at(size);
            assert!(rung.iter().all(|run| run.query.fidelity == fidelity));
            let parents: Vec<_> = rung.iter().filter_map(|run| run.query.parent).collect();
            assert_eq!(parents, before, "the best of the rung before, best first");
            let mut order: Vec<&Run> = rung.iter().collect();
            order.sort_by(|left, right| right.value.unwrap().total_cmp(&left.value.unwrap()));
            before = order.iter().take(size / 2).map(|run| run.query.id).collect();
            left = rest;
        }
        assert!(left.is_empty());
    }

    #[test]
    fn promoted_architectures_are_those_of_their_parents() {
        for run in search(one(81, 3), 0, f64::INFINITY, 4).iter().filter(|run| run.query.parent.is_some()) {
            let history = search(one(81, 3), 0, f64::INFINITY, 4);
            let parent = history.iter().find(|other| Some(other.query.id) == run.query.parent).unwrap();
            assert_eq!(parent.query.subject, run.query.subject);
        }
    }

    #[test]
    fn many_workers_begin_the_next_bracket_or_wait_for_the_last() {
        for in_flight in [1, 3, 200] {
            for seed in 0..5 {
                let options = Options { brackets: Some(3), ..one(16, 2) };
                let mut search = open(options, seed);
                let mut order = Rng::new(seed);
                let history =
                    run(&mut search, f64::INFINITY, in_flight, Some(&mut order), |query| Some(value(query, 0.1)));
                assert_eq!(history.len(), 3 * 31);
            }
        }
        assert_eq!(search(one(16, 2), 0, 40.0, 7).len(), 31);
        let endless = search(Options::default(), 0, 40.0, 300);
        assert!(endless.len() > 300);
    }

    #[test]
    fn goes_on_when_everything_fails() {
        assert!(run(&mut open(Options::default(), 0), 10.0, 3, None, |_| None).len() > 500);
    }

    #[test]
    fn beats_random_search_at_equal_cost() {
        // Three brackets of 7 full trainings each, against as many random architectures in full: 29 wins of 40 have a
        // probability of 0.003 under equal chances.
        let space = small_space();
        let wins = (0..40).filter(|seed| {
            let history = search(Options { brackets: Some(3), ..Options::default() }, *seed, f64::INFINITY, 1);
            let cost: f64 = history.iter().map(|run| run.query.fidelity).sum();
            value(best(&history), 0.0) > best_of_random(&space, cost.ceil() as usize, 1_000 + seed)
        });
        let wins = wins.count();
        assert!(wins >= 29, "{wins} of 40");
    }

    #[test]
    fn a_space_of_one_point_fills_a_bracket() {
        let one_point = space(ONE_POINT);
        let mut search = SuccessiveHalving::open(setup(&one_point, 0), one(16, 2), one_point).unwrap();
        assert_eq!(run(&mut search, f64::INFINITY, 3, None, |_| Some(0.5)).len(), 31);
    }

    #[test]
    fn the_seed_alone_decides_and_options_are_checked() {
        let asked = |seed| -> Vec<Query> {
            search(one(16, 2), seed, f64::INFINITY, 3).into_iter().map(|run| run.query).collect()
        };
        assert_eq!(asked(1), asked(1));
        assert_ne!(asked(1), asked(2));
        let space = small_space();
        for options in [
            Options { eta: 1, ..Options::default() },
            Options { min_resource: 82, ..Options::default() },
            Options { architectures: Some(0), ..Options::default() },
        ] {
            assert!(SuccessiveHalving::open(setup(&space, 0), options, space.clone()).is_err());
        }
    }
}
