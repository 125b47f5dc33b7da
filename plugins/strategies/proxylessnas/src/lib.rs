//! ProxylessNAS: the weights of one sampled path at a time are trained, and the architecture's parameters learn by binary
//! gates or by rewards, with the cost of a network in view (Cai, Zhu & Han 2019).

mod costs;
mod gates;
mod options;
mod rewards;

use archwright_relaxation::{Adam, Alternation, Derivation, Method, Parameters, Points, Rows, Schedule, gradient};
use archwright_sdk::prelude::*;

use costs::Costs;
use gates::Gates;
pub use options::{Cost, Options, Update};
use rewards::Rewards;

/// Standard deviation of the first logits, as in the authors' code.
const DEVIATION: f64 = 1e-3;
/// Decays of Adam's moments, as in the authors' code: without momentum only the sampled parameters move.
const BETAS: [f64; 2] = [0.0, 0.999];
/// Paths that are sampled until one meets the space's constraints.
const TRIES: usize = 10;

/// ProxylessNAS.
pub struct ProxylessNas {
    search: Alternation<Paths>,
    derivation: Derivation,
}

/// Samples paths.
struct Paths {
    parameters: Parameters,
    points: Points,
    update: Update,
    costs: Option<Costs>,
    goal: Goal,
    rng: Rng,
    /// The gates of the probe in flight.
    gates: Gates,
    /// The path of the probe in flight.
    path: Vec<Value>,
    rewards: Rewards,
}

impl Strategy for ProxylessNas {
    const NAME: &'static str = "proxylessnas";
    const SUMMARY: &'static str = "One path at a time, by binary gates or rewards, with costs (Cai, Zhu & Han 2019)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1812.00332", "https://github.com/mit-han-lab/proxylessnas"];
    const NEEDS: &'static [&'static str] = &["gradients", "shared-weights"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let rows = Rows::of(&setup.decisions)?;
        let mut rng = Rng::new(setup.seed);
        let optimizer = Adam::new(options.learning_rate, BETAS, 0.0);
        let parameters = Parameters::new(rows, DEVIATION, optimizer, &mut rng);
        let points = Points::new(setup.decisions, space);
        let derivation = Derivation::new(points.clone(), options.inputs_per_node, rng.next_u64());
        let mut costs = None;
        if options.cost != Cost::None {
            let mut fitted = Costs::fit(&points, &parameters.rows, options.cost, options.cost_weight, rng.next_u64())?;
            fitted.aim(options.cost_target.unwrap_or_else(|| fitted.expected(&parameters.probabilities())));
            costs = Some(fitted);
        }
        let probes = match options.update {
            Update::Gradient => 1,
            Update::Reinforce => options.samples,
        };
        let paths = Paths {
            parameters,
            points,
            update: options.update,
            costs,
            goal: setup.objectives.first().map_or(Goal::Maximize, |objective| objective.goal),
            rng,
            gates: Gates::default(),
            path: Vec::new(),
            rewards: Rewards::default(),
        };
        let schedule = Schedule { warmup: options.warmup, every: options.update_every, probes };
        Ok(Self { search: Alternation::new(paths, schedule), derivation })
    }

    fn ask(&mut self, _: usize) -> Result<Reply, Error> {
        Ok(self.search.ask())
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        self.search.tell(observations)
    }

    fn recommend(&mut self) -> Vec<Architecture> {
        self.search.recommend(&mut self.derivation)
    }
}

impl Paths {
    /// A path that meets the space's constraints, as a point; nothing where none of a few does.
    fn point(&mut self) -> Option<Vec<Value>> {
        let rows = &self.parameters.rows;
        let probabilities = self.parameters.probabilities();
        (0..TRIES).find_map(|_| {
            let values = self.points.of(rows, &rows.sample(&probabilities, &mut self.rng), &[]);
            self.points.is_admitted(&values).then_some(values)
        })
    }

    /// What a path is worth: its value, larger being better, with its cost.
    fn reward(&self, value: f64) -> f64 {
        let factor = self.costs.as_ref().map_or(1.0, |costs| costs.factor(&self.points, &self.path));
        match self.goal {
            Goal::Maximize => value * factor,
            Goal::Minimize => -value / factor,
        }
    }
}

impl Method for Paths {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// One path: as an architecture where that says all, else with the other decisions left as the estimator mixes them.
    fn train(&mut self, _: f64) -> Subject {
        if self.parameters.rows.is_whole()
            && let Some(values) = self.point()
        {
            return Subject::Architecture(Architecture::Point(values));
        }
        let rows = &self.parameters.rows;
        let choices = rows.sample(&self.parameters.probabilities(), &mut self.rng);
        Subject::Relaxation(rows.path(&choices, rows.only(&choices)))
    }

    fn probe(&mut self, _: f64) -> Option<Subject> {
        if self.update == Update::Reinforce {
            self.path = self.point()?;
            return Some(Subject::Architecture(Architecture::Point(self.path.clone())));
        }
        self.gates = Gates::sample(&self.parameters, &mut self.rng);
        let wanted = self.gates.wanted(&self.parameters);
        Some(Subject::Relaxation(self.parameters.rows.path(&self.gates.open, wanted)))
    }

    fn learn(&mut self, estimate: &Estimate) -> bool {
        if self.update == Update::Reinforce {
            let Some(value) = estimate.objectives.first() else { return false };
            let reward = self.reward(*value);
            self.rewards.add(std::mem::take(&mut self.path), reward);
            return true;
        }
        let Some(mut by_gate) = gradient(estimate, self.parameters.rows.labels()) else { return false };
        if let Some(costs) = &self.costs {
            by_gate.iter_mut().enumerate().for_each(|(label, slope)| *slope += costs.slope(label));
        }
        let before = self.parameters.logits.clone();
        self.parameters.descend(&self.gates.to_logits(&by_gate));
        self.gates.rescale(&before, &mut self.parameters.logits);
        true
    }

    fn step(&mut self) {
        self.rewards.step(&mut self.parameters);
    }
}

archwright_sdk::export_strategy!(ProxylessNas);

#[cfg(test)]
mod tests {
    use archwright_relaxation::testing::{Planted, one_cell};
    use archwright_sdk::testing::{bundled_space, setup};

    use super::*;

    fn open(name: &str, seed: u64, goal: Goal, options: Options) -> (ProxylessNas, Rows) {
        open_in(bundled_space(name), seed, goal, options)
    }

    fn open_in(space: Space, seed: u64, goal: Goal, options: Options) -> (ProxylessNas, Rows) {
        let mut setup = setup(&space, seed);
        setup.objectives[0].goal = goal;
        let rows = Rows::of(&setup.decisions).unwrap();
        (ProxylessNas::open(setup, options, space).unwrap(), rows)
    }

    fn reinforce() -> Options {
        Options { update: Update::Reinforce, ..Options::default() }
    }

    fn found(options: &Options, goal: Goal, steps: u64) -> usize {
        let one = |seed: &u64| {
            let (mut proxyless, rows) = open("nas-bench-201", *seed, goal, options.clone());
            let mut planted = Planted { goal, ..Planted::new(rows, steps, 100 + seed) };
            planted.run(&mut proxyless, 1);
            planted.is_found(&mut proxyless)
        };
        (0..10).filter(one).count()
    }

    #[test]
    fn finds_what_is_planted_by_gates() {
        let found = found(&Options { update_every: 1, ..Options::default() }, Goal::Maximize, 2000);
        assert!(found >= 9, "{found}");
    }

    #[test]
    fn finds_what_is_planted_by_rewards() {
        for goal in [Goal::Maximize, Goal::Minimize] {
            let found = found(&Options { update_every: 2, ..reinforce() }, goal, 2000);
            assert!(found >= 9, "{found}");
        }
    }

    #[test]
    fn finds_it_among_failures_and_in_spaces_of_other_decisions() {
        for options in [Options::default(), reinforce()] {
            let options = Options { update_every: 2, ..options };
            let (mut proxyless, rows) = open("nas-bench-201-macro", 1, Goal::Maximize, options);
            let mut planted = Planted { failing: 5, ..Planted::new(rows, 4000, 2) };
            planted.run(&mut proxyless, 3);
            assert!(planted.is_found(&mut proxyless));
        }
    }

    #[test]
    fn weights_learn_from_paths_and_gates_ask_for_two_labels_of_each_row() {
        let options = Options { update_every: 2, warmup: 0.0, ..Options::default() };
        let (mut proxyless, rows) = open("proxylessnas", 0, Goal::Maximize, options);
        let asked = Planted::new(rows.clone(), 40, 0).run(&mut proxyless, 1);
        assert_eq!(asked.len(), 60);
        for query in &asked {
            match (&query.subject, query.purpose) {
                (Subject::Architecture(_), Purpose::Train) => {}
                (Subject::Relaxation(relaxation), Purpose::Probe) => {
                    for row in rows.iter() {
                        assert_eq!(relaxation.wanted[row.range()].iter().filter(|wanted| **wanted).count(), 2);
                        let ones = row.range().filter(|place| relaxation.probabilities[*place] == 1.0);
                        let ones: Vec<usize> = ones.collect();
                        assert!(ones.len() == 1 && relaxation.wanted[ones[0]]);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn in_other_spaces_weights_learn_from_hard_mixtures() {
        let (mut proxyless, rows) = open("chain", 0, Goal::Maximize, Options::default());
        for query in Planted::new(rows, 10, 0).run(&mut proxyless, 1) {
            let Subject::Relaxation(relaxation) = query.subject else { panic!("an architecture") };
            assert!(relaxation.probabilities.iter().all(|one| *one == 0.0 || *one == 1.0));
            assert!(!relaxation.wanted.is_empty(), "not all labels are to be computed");
        }
    }

    #[test]
    fn rewards_take_several_architectures() {
        let (mut proxyless, rows) = open("nas-bench-201", 0, Goal::Maximize, reinforce());
        let asked = Planted::new(rows, 20, 0).run(&mut proxyless, 1);
        let probes: Vec<&Query> = asked.iter().filter(|query| query.purpose == Purpose::Probe).collect();
        // After 10, 15 and 20 steps, the first of them past the warmup of 5.
        assert_eq!(probes.len(), 30 + 10);
        assert!(probes.iter().all(|query| matches!(query.subject, Subject::Architecture(_))));
    }

    /// Where all labels are as good, those without weights are found.
    #[test]
    fn costs_decide_among_equals() {
        for (options, steps) in [(Options::default(), 2000), (reinforce(), 400)] {
            let options = Options { update_every: 1, cost: Cost::Parameters, ..options };
            let (mut proxyless, rows) = open_in(one_cell(), 1, Goal::Maximize, options);
            let mut planted = Planted::new(rows, steps, 0);
            planted.losses.fill(1.0);
            planted.run(&mut proxyless, 1);
            let choices = planted.recommended(&mut proxyless);
            assert!(choices.iter().all(|choice| !matches!(choice, Some(2 | 3))), "{choices:?}");
        }
    }

    #[test]
    fn the_target_of_costs_is_what_is_expected_at_the_start() {
        let options = |cost_target| Options { cost: Cost::MultiplyAdds, cost_target, ..Options::default() };
        let slope = |target| {
            let (proxyless, _) = open("nas-bench-201", 1, Goal::Maximize, options(target));
            let method = proxyless.search.method();
            let costs = method.costs.as_ref().unwrap();
            (costs.slope(3), costs.expected(&method.parameters.probabilities()))
        };
        let (default, expected) = slope(None);
        assert!((slope(Some(expected)).0 - default).abs() < 1e-12);
        assert!((slope(Some(2.0 * expected)).0 - default / 2.0).abs() < 1e-12);
    }

    #[test]
    fn seeds_decide() {
        for options in [Options::default(), reinforce()] {
            let run = |seed| {
                let (mut proxyless, rows) = open("nas-bench-201", seed, Goal::Maximize, options.clone());
                (Planted::new(rows, 30, 1).run(&mut proxyless, 1), proxyless.recommend())
            };
            assert_eq!(run(1), run(1));
            assert_ne!(run(1).0, run(2).0);
        }
    }

    #[test]
    fn a_search_in_which_all_fails_ends_with_an_architecture() {
        for options in [Options::default(), reinforce()] {
            let (mut proxyless, rows) = open("nas-bench-201", 0, Goal::Maximize, options);
            let mut planted = Planted { failing: 1, ..Planted::new(rows, 100, 0) };
            assert_eq!(planted.run(&mut proxyless, 2).len(), 50);
            assert_eq!(proxyless.recommend().len(), 1);
        }
    }

    #[test]
    fn spaces_without_a_categorical_decision_are_declined() {
        let space = bundled_space("nas-bench-201");
        let setup = Setup { decisions: Vec::new(), ..setup(&space, 0) };
        assert!(matches!(ProxylessNas::open(setup, Options::default(), space), Err(Error::Unsupported(_))));
    }
}
