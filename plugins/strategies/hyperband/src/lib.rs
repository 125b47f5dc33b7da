//! Hyperband: brackets of successive halving, from many architectures on little to few in full (Li et al. 2018).

use archwright_rungs::{Brackets, Fresh, Sizes, hyperband};
use archwright_sdk::prelude::*;

/// Options of Hyperband.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// What a full training takes, in units of the least that is spent on an architecture: R. A query's fidelity is its share of
    /// this. 81 in Li et al. 2018, table 1.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_resource: u32,
    /// One of so many architectures of a rung is promoted. 3 in Li et al. 2018.
    #[schemars(range(min = 2, max = 1_000))]
    pub eta: u32,
    /// How many architectures a bracket begins with: "even" divides evenly on every rung, 81, 27, 9, 6 and 5 by default;
    /// "rounded-up" is as much as a bracket can afford, 81, 34, 15, 8 and 5, as algorithm 1 of the paper says.
    pub sizes: Sizes,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_resource: 81, eta: 3, sizes: Sizes::Even }
    }
}

/// Hyperband.
pub struct Hyperband {
    rng: Rng,
    fresh: Fresh,
    brackets: Brackets,
}

impl Strategy for Hyperband {
    const NAME: &'static str = "hyperband";
    const SUMMARY: &'static str =
        "Brackets of successive halving, from many cheap architectures to few (Li et al. 2018)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1603.06560"];
    const NEEDS: &'static [&'static str] = &["fidelity"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let plans = hyperband(options.max_resource.into(), options.eta.into(), options.sizes)?;
        let brackets = Brackets::new(&setup.objectives, plans, None);
        Ok(Self { rng: Rng::new(setup.seed), fresh: Fresh::new(space), brackets })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        self.brackets.ask(capacity, || Ok(self.fresh.draw(&mut self.rng)))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        observations.iter().try_for_each(|observation| self.brackets.tell(observation).map(drop))
    }
}

archwright_sdk::export_strategy!(Hyperband);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use archwright_rungs::testing::{ONE_POINT, Run, best, best_of_random, run, small_space, value};
    use archwright_sdk::testing::{setup, space};

    use super::*;

    /// What the brackets of R = 81 and eta = 3 cost.
    const ROUND: f64 = 21.0;

    /// Table 1 of the paper: architectures and resource on each rung of each bracket.
    const TABLE: [&[(usize, u32)]; 5] = [
        &[(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        &[(27, 3), (9, 9), (3, 27), (1, 81)],
        &[(9, 9), (3, 27), (1, 81)],
        &[(6, 27), (2, 81)],
        &[(5, 81)],
    ];

    fn open(options: Options, seed: u64) -> Hyperband {
        let space = small_space();
        Hyperband::open(setup(&space, seed), options, space).unwrap()
    }

    fn search(seed: u64, budget: f64, in_flight: usize) -> Vec<Run> {
        run(&mut open(Options::default(), seed), budget, in_flight, None, |query| Some(value(query, 0.1)))
    }

    #[test]
    fn the_papers_table_is_what_is_asked() {
        let history = search(0, 2.0 * ROUND - 1e-6, 1);
        let mut rungs: Vec<(usize, u32)> = Vec::new();
        let mut fresh = true;
        for run in &history {
            let resource = (run.query.fidelity * 81.0).round() as u32;
            assert!((f64::from(resource) - run.query.fidelity * 81.0).abs() < 1e-9);
            let is_fresh = run.query.parent.is_none();
            match rungs.last_mut() {
                Some((size, at)) if *at == resource && fresh == is_fresh => *size += 1,
                _ => rungs.push((1, resource)),
            }
            fresh = is_fresh;
        }
        let table = TABLE.concat();
        assert_eq!(rungs, [table.clone(), table].concat());
        for run in &history {
            let parent = history.iter().find(|other| Some(other.query.id) == run.query.parent);
            assert!(parent.is_none_or(|parent| parent.query.subject == run.query.subject));
        }
    }

    #[test]
    fn each_rung_has_its_size_with_many_workers_in_any_order() {
        for (in_flight, seed) in [(2, 0), (16, 1), (500, 2)] {
            let mut order = Rng::new(seed);
            let mut hyperband = open(Options::default(), seed);
            let history =
                run(&mut hyperband, 10.0 * ROUND, in_flight, Some(&mut order), |query| Some(value(query, 0.1)));
            // New architectures come bracket by bracket; the others are in the brackets of their parents.
            let mut starts = (0_usize..).zip(TABLE.iter().cycle()).flat_map(|(serial, rungs)| vec![serial; rungs[0].0]);
            let mut brackets: BTreeMap<u64, usize> = BTreeMap::new();
            let mut sizes: BTreeMap<(usize, u32), usize> = BTreeMap::new();
            for Run { query, .. } in &history {
                let bracket = query.parent.map_or_else(|| starts.next().unwrap(), |parent| brackets[&parent]);
                brackets.insert(query.id, bracket);
                *sizes.entry((bracket, (query.fidelity * 81.0).round() as u32)).or_default() += 1;
            }
            let mut complete = 0;
            for serial in 0..=*brackets.values().max().unwrap() {
                let mut ended = false;
                for (size, resource) in TABLE[serial % 5] {
                    let found = sizes.get(&(serial, *resource)).copied().unwrap_or(0);
                    assert!(found <= *size && (found == 0 || !ended), "{found} at {resource} in bracket {serial}");
                    ended |= found < *size;
                }
                complete += usize::from(!ended);
            }
            assert!(complete >= 25, "{complete} of 50 brackets are complete with {in_flight} in flight");
        }
    }

    #[test]
    fn goes_on_when_everything_fails() {
        assert!(run(&mut open(Options::default(), 0), 30.0, 3, None, |_| None).len() > 300);
    }

    #[test]
    fn beats_random_search_at_equal_cost() {
        // A round against as many random architectures in full: 29 wins of 40 have a probability of 0.003 under equal chances.
        let space = small_space();
        let wins = (0..40).filter(|seed| {
            let found = value(best(&search(*seed, ROUND - 1e-6, 1)), 0.0);
            found > best_of_random(&space, ROUND as usize, 1_000 + seed)
        });
        let wins = wins.count();
        assert!(wins >= 29, "{wins} of 40");
    }

    #[test]
    fn a_smaller_loss_is_better_where_the_goal_says_so() {
        let space = small_space();
        let mut setup = setup(&space, 0);
        setup.objectives[0].goal = Goal::Minimize;
        setup.objectives.push(Objective { name: "parameters".into(), goal: Goal::Maximize });
        let mut hyperband = Hyperband::open(setup, Options::default(), space).unwrap();
        let history = run(&mut hyperband, 5.0, 1, None, |query| Some(value(query, 0.0)));
        let first = |ids: &[Option<u64>]| -> f64 {
            let values = history.iter().filter(|run| ids.contains(&Some(run.query.id))).filter_map(|run| run.value);
            values.sum::<f64>() / ids.len() as f64
        };
        let promoted: Vec<_> = history[81..108].iter().map(|run| run.query.parent).collect();
        let all: Vec<_> = history[..81].iter().map(|run| Some(run.query.id)).collect();
        assert!(first(&promoted) < first(&all) - 0.1);
    }

    #[test]
    fn a_space_of_one_point_is_asked_for_again() {
        let one = space(ONE_POINT);
        let mut hyperband = Hyperband::open(setup(&one, 0), Options::default(), one).unwrap();
        assert_eq!(run(&mut hyperband, ROUND - 1e-6, 1, None, |_| Some(0.5)).len(), 187);
    }

    #[test]
    fn the_seed_alone_decides() {
        let asked = |seed| -> Vec<Query> { search(seed, ROUND, 3).into_iter().map(|run| run.query).collect() };
        assert_eq!(asked(1), asked(1));
        assert_ne!(asked(1), asked(2));
    }
}
