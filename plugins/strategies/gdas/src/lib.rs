//! Gradient-based search over differentiable samples: one path at a time is computed, and its derivative goes through a
//! Gumbel softmax (Dong & Yang 2019).

use archwright_relaxation::{
    Adam, Alternation, Concrete, Derivation, Method, Parameters, Points, Rows, Sample, Schedule, gradient,
};
use archwright_sdk::prelude::*;

/// Standard deviation of the first logits, as in the authors' code.
const DEVIATION: f64 = 1e-3;
/// Decays of Adam's moments (Dong & Yang 2019).
const BETAS: [f64; 2] = [0.5, 0.999];

/// Options of GDAS.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Learning rate of the architecture's parameters (Adam). 3e-4 in Dong & Yang 2019.
    #[schemars(range(min = 1e-6, max = 1.0))]
    pub learning_rate: f64,
    /// Weight decay of the architecture's parameters, added to their gradients. 1e-3 in the paper.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight_decay: f64,
    /// Temperature of the softmax at the start; from there it changes linearly with the training. 10 in the paper.
    #[schemars(range(min = 0.01, max = 1000.0))]
    pub initial_temperature: f64,
    /// Temperature of the softmax at the end of the training. 0.1 in the paper.
    #[schemars(range(min = 0.01, max = 1000.0))]
    pub final_temperature: f64,
    /// Edges kept into each vertex of a cell, all others become `none`. 2 in the paper. With 0, every decision takes its
    /// most probable label, `none` like any other.
    #[schemars(range(min = 0, max = 100))]
    pub inputs_per_node: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            learning_rate: 3e-4,
            weight_decay: 1e-3,
            initial_temperature: 10.0,
            final_temperature: 0.1,
            inputs_per_node: 2,
        }
    }
}

/// Gradient-based search with a differentiable architecture sampler.
pub struct Gdas {
    search: Alternation<Sampler>,
    derivation: Derivation,
}

/// Samples paths.
struct Sampler {
    parameters: Parameters,
    concrete: Concrete,
    /// What the probe in flight sampled: the largest of logits and noise, and the softmax that its derivative goes through
    /// (section 3.2).
    sampled: Sample,
}

impl Strategy for Gdas {
    const NAME: &'static str = "gdas";
    const SUMMARY: &'static str = "One sampled path in each step, through a Gumbel softmax (Dong & Yang 2019)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1910.04465", "https://github.com/D-X-Y/AutoDL-Projects"];
    const NEEDS: &'static [&'static str] = &["gradients", "shared-weights"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let rows = Rows::of(&setup.decisions)?;
        let mut rng = Rng::new(setup.seed);
        let optimizer = Adam::new(options.learning_rate, BETAS, options.weight_decay);
        let parameters = Parameters::new(rows, DEVIATION, optimizer, &mut rng);
        let points = Points::new(setup.decisions, space);
        let derivation = Derivation::new(points, options.inputs_per_node, rng.next_u64());
        let temperatures = [options.initial_temperature, options.final_temperature];
        let concrete = Concrete::new(temperatures, rng);
        let sampler = Sampler { parameters, concrete, sampled: Sample::default() };
        Ok(Self { search: Alternation::new(sampler, Schedule::default()), derivation })
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

impl Sampler {
    /// The sampled path, and nothing but it computed.
    fn subject(&self, sample: &Sample) -> Subject {
        let rows = &self.parameters.rows;
        Subject::Relaxation(rows.path(&sample.choices, rows.only(&sample.choices)))
    }
}

impl Method for Sampler {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn train(&mut self, share: f64) -> Subject {
        let sample = self.concrete.sample(&self.parameters, share);
        self.subject(&sample)
    }

    fn probe(&mut self, share: f64) -> Option<Subject> {
        self.sampled = self.concrete.sample(&self.parameters, share);
        Some(self.subject(&self.sampled))
    }

    fn learn(&mut self, estimate: &Estimate) -> bool {
        let rows = &self.parameters.rows;
        let Some(gradient) = gradient(estimate, rows.labels()) else { return false };
        let hard = rows.one_hot(&self.sampled.choices);
        // Whatever the estimate has for other labels was not asked for.
        let gradient: Vec<f64> = hard.iter().zip(gradient).map(|(one, slope)| one * slope).collect();
        let by_logit = self.sampled.to_logits(rows, &gradient);
        self.parameters.descend(&by_logit);
        true
    }
}

archwright_sdk::export_strategy!(Gdas);

#[cfg(test)]
mod tests {
    use archwright_relaxation::testing::Planted;
    use archwright_sdk::testing::{bundled_space, estimate, setup};

    use super::*;

    fn open(name: &str, seed: u64, options: Options) -> (Gdas, Rows) {
        let space = bundled_space(name);
        let setup = setup(&space, seed);
        let rows = Rows::of(&setup.decisions).unwrap();
        (Gdas::open(setup, options, space).unwrap(), rows)
    }

    fn plain() -> Options {
        Options { inputs_per_node: 0, ..Options::default() }
    }

    #[test]
    fn finds_what_is_planted() {
        let found = (0..10).filter(|seed| {
            let (mut gdas, rows) = open("nas-bench-201", *seed, plain());
            let mut planted = Planted::new(rows, 6000, 100 + seed);
            planted.run(&mut gdas, 1);
            planted.is_found(&mut gdas)
        });
        let found = found.count();
        assert!(found >= 9, "{found}");
    }

    #[test]
    fn finds_it_among_failures_and_in_spaces_of_other_decisions() {
        let (mut gdas, rows) = open("nas-bench-201-macro", 1, plain());
        let mut planted = Planted { failing: 5, ..Planted::new(rows, 8000, 2) };
        planted.run(&mut gdas, 3);
        assert!(planted.is_found(&mut gdas));
    }

    #[test]
    fn every_query_has_a_sample_of_its_own_and_wants_no_more() {
        let (mut gdas, rows) = open("nas-bench-201", 0, plain());
        let asked = Planted::new(rows, 50, 0).run(&mut gdas, 1);
        let mut differ = 0;
        for (index, query) in asked.iter().enumerate() {
            let Subject::Relaxation(relaxation) = &query.subject else { panic!("an architecture") };
            assert!(relaxation.probabilities.iter().all(|one| *one == 0.0 || *one == 1.0));
            let sampled: Vec<bool> = relaxation.probabilities.iter().map(|one| *one == 1.0).collect();
            assert_eq!(relaxation.wanted, sampled);
            differ += usize::from(index > 0 && query.subject != asked[index - 1].subject);
        }
        assert!(differ > 95, "{differ} of 99");
    }

    #[test]
    fn the_temperature_falls_with_the_training() {
        let (mut gdas, _) = open("nas-bench-201", 0, plain());
        let Reply::Queries(queries) = gdas.ask(1).unwrap() else { panic!("no query") };
        let outcome = EstimateOutcome::Estimated(Estimate { fidelity: 0.5, ..estimate(0.5) });
        gdas.tell(&[Observation { query: queries[0].id, outcome }]).unwrap();
        gdas.ask(1).unwrap();
        assert!((gdas.search.method().sampled.temperature - 5.05).abs() < 1e-12);
    }

    /// What reaches the logits is the derivative of the loss by a softmax, of the one sampled label of each row.
    #[test]
    fn only_the_sampled_derivatives_count() {
        let (mut gdas, rows) = open("nas-bench-201", 4, Options { weight_decay: 0.0, ..plain() });
        let probe = loop {
            let Reply::Queries(queries) = gdas.ask(1).unwrap() else { panic!("no query") };
            if queries[0].purpose == Purpose::Probe {
                break queries[0].id;
            }
            let outcome = EstimateOutcome::Estimated(Estimate { fidelity: 0.1, ..estimate(0.5) });
            gdas.tell(&[Observation { query: queries[0].id, outcome }]).unwrap();
        };
        let before = gdas.search.method().parameters.logits.clone();
        let sampled = gdas.search.method().sampled.clone();
        let gradient = vec![2.0; rows.labels()];
        let outcome = EstimateOutcome::Estimated(Estimate { gradient, ..estimate(0.5) });
        gdas.tell(&[Observation { query: probe, outcome }]).unwrap();
        let after = &gdas.search.method().parameters.logits;
        for (row, choice) in rows.iter().zip(sampled.choices) {
            for label in row.range() {
                // The chosen one costs more than it is worth: it falls, and the others rise.
                assert_eq!(after[label] < before[label], label == row.start + choice, "{}", row.name);
            }
        }
    }

    #[test]
    fn seeds_decide() {
        let run = |seed| {
            let (mut gdas, rows) = open("nas-bench-201", seed, plain());
            (Planted::new(rows, 30, 1).run(&mut gdas, 1), gdas.recommend())
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).0, run(2).0);
    }

    #[test]
    fn a_search_in_which_all_fails_ends_with_an_architecture() {
        let (mut gdas, rows) = open("nas-bench-201", 0, plain());
        let mut planted = Planted { failing: 1, ..Planted::new(rows, 100, 0) };
        assert_eq!(planted.run(&mut gdas, 2).len(), 50);
        assert_eq!(gdas.recommend().len(), 1);
    }

    #[test]
    fn spaces_without_a_categorical_decision_are_declined() {
        let space = bundled_space("nas-bench-201");
        let setup = Setup { decisions: Vec::new(), ..setup(&space, 0) };
        assert!(matches!(Gdas::open(setup, plain(), space), Err(Error::Unsupported(_))));
    }
}
