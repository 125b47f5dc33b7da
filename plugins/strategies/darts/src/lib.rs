//! Differentiable architecture search: the softmax of learned logits mixes all alternatives, and the validation loss is
//! differentiated by it (Liu, Simonyan & Yang 2019).

use archwright_relaxation::{Adam, Alternation, Derivation, Method, Parameters, Points, Rows, Schedule, gradient};
use archwright_sdk::prelude::*;

/// Standard deviation of the first logits, as in the authors' code.
const DEVIATION: f64 = 1e-3;
/// Decays of Adam's moments (Liu, Simonyan & Yang 2019, appendix A.1.1).
const BETAS: [f64; 2] = [0.5, 0.999];

/// Options of differentiable architecture search.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Learning rate of the architecture's parameters (Adam). 3e-4 in Liu, Simonyan & Yang 2019.
    #[schemars(range(min = 1e-6, max = 1.0))]
    pub learning_rate: f64,
    /// Weight decay of the architecture's parameters, added to their gradients. 1e-3 in the paper.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight_decay: f64,
    /// Share of the training before the first step of the architecture's parameters. 0 in the paper.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub warmup: f64,
    /// Edges kept into each vertex of a cell, all others become `none`. 2 in the paper for convolutional cells, 1 for
    /// recurrent ones. With 0, every decision takes its most probable label, `none` like any other.
    #[schemars(range(min = 0, max = 100))]
    pub inputs_per_node: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { learning_rate: 3e-4, weight_decay: 1e-3, warmup: 0.0, inputs_per_node: 2 }
    }
}

/// Differentiable architecture search.
pub struct Darts {
    search: Alternation<Mixture>,
    derivation: Derivation,
}

/// The mixture of all alternatives, weighted by the softmax of the logits in both steps.
struct Mixture {
    parameters: Parameters,
}

impl Strategy for Darts {
    const NAME: &'static str = "darts";
    const SUMMARY: &'static str = "The validation loss's derivative by the mixture of all labels (Liu et al. 2019)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1806.09055", "https://github.com/quark0/darts"];
    const NEEDS: &'static [&'static str] = &["gradients", "shared-weights"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let rows = Rows::of(&setup.decisions)?;
        let mut rng = Rng::new(setup.seed);
        let optimizer = Adam::new(options.learning_rate, BETAS, options.weight_decay);
        let parameters = Parameters::new(rows, DEVIATION, optimizer, &mut rng);
        let points = Points::new(setup.decisions, space);
        let derivation = Derivation::new(points, options.inputs_per_node, rng.next_u64());
        let schedule = Schedule { warmup: options.warmup, ..Schedule::default() };
        Ok(Self { search: Alternation::new(Mixture { parameters }, schedule), derivation })
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

impl Mixture {
    fn subject(&self) -> Subject {
        let probabilities = self.parameters.probabilities();
        Subject::Relaxation(self.parameters.rows.relaxation(&probabilities, Vec::new()))
    }
}

impl Method for Mixture {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn train(&mut self, _: f64) -> Subject {
        self.subject()
    }

    fn probe(&mut self, _: f64) -> Option<Subject> {
        Some(self.subject())
    }

    fn learn(&mut self, estimate: &Estimate) -> bool {
        let rows = &self.parameters.rows;
        let Some(gradient) = gradient(estimate, rows.labels()) else { return false };
        // The logits are still those that the probe was asked with.
        let by_logit = rows.to_logits(&self.parameters.probabilities(), &gradient);
        self.parameters.descend(&by_logit);
        true
    }
}

archwright_sdk::export_strategy!(Darts);

#[cfg(test)]
mod tests {
    use archwright_relaxation::testing::Planted;
    use archwright_sdk::testing::{bundled_space, setup};

    use super::*;

    fn open(name: &str, seed: u64, options: Options) -> (Darts, Rows) {
        let space = bundled_space(name);
        let setup = setup(&space, seed);
        let rows = Rows::of(&setup.decisions).unwrap();
        (Darts::open(setup, options, space).unwrap(), rows)
    }

    fn plain() -> Options {
        Options { inputs_per_node: 0, ..Options::default() }
    }

    #[test]
    fn finds_what_is_planted() {
        let found = (0..10).filter(|seed| {
            let (mut darts, rows) = open("nas-bench-201", *seed, plain());
            let mut planted = Planted::new(rows, 4000, 100 + seed);
            planted.run(&mut darts, 1);
            planted.is_found(&mut darts)
        });
        assert!(found.count() >= 9);
    }

    #[test]
    fn finds_it_among_failures_and_in_spaces_of_other_decisions() {
        for (name, failing) in [("nas-bench-201", 3), ("proxylessnas", 0), ("nas-bench-201-macro", 5)] {
            let (mut darts, rows) = open(name, 1, plain());
            let mut planted = Planted { failing, ..Planted::new(rows, 4000, 2) };
            planted.run(&mut darts, 4);
            assert!(planted.is_found(&mut darts), "{name}");
        }
    }

    #[test]
    fn training_and_probes_alternate_over_the_softmax() {
        let (mut darts, rows) = open("nas-bench-201", 0, plain());
        let asked = Planted::new(rows, 20, 0).run(&mut darts, 1);
        assert_eq!(asked.len(), 40);
        for (index, query) in asked.iter().enumerate() {
            assert_eq!(query.purpose, if index % 2 == 0 { Purpose::Train } else { Purpose::Probe });
            let Subject::Relaxation(relaxation) = &query.subject else { panic!("an architecture") };
            assert!(relaxation.wanted.is_empty(), "all derivatives are wanted");
            assert!(relaxation.probabilities.iter().all(|one| *one > 0.1), "near a fifth each");
        }
        // The probe is of what was just trained, and moves it.
        assert_eq!(asked[0].subject, asked[1].subject);
        assert_ne!(asked[1].subject, asked[2].subject);
    }

    #[test]
    fn the_weights_warm_up() {
        let (mut darts, rows) = open("nas-bench-201", 0, Options { warmup: 0.25, ..plain() });
        let asked = Planted::new(rows, 20, 0).run(&mut darts, 1);
        assert_eq!(asked.iter().position(|query| query.purpose == Purpose::Probe), Some(6));
        assert_eq!(asked.len(), 20 + 15);
    }

    #[test]
    fn seeds_decide() {
        let run = |seed| {
            let (mut darts, rows) = open("nas-bench-201", seed, plain());
            (Planted::new(rows, 30, 1).run(&mut darts, 1), darts.recommend())
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).0, run(2).0);
    }

    /// In NAS-Bench-201 the last vertex has three edges: the weakest becomes `none`.
    #[test]
    fn two_inputs_of_each_vertex_are_kept() {
        let (mut darts, rows) = open("nas-bench-201", 3, Options::default());
        let mut planted = Planted::new(rows, 4000, 3);
        // Only the edge from the second vertex to the last has but slight advantages.
        for (label, loss) in planted.losses[20..25].iter_mut().enumerate() {
            *loss = label as f64 * 1e-9;
        }
        planted.run(&mut darts, 1);
        let expected: Vec<_> = (0..6).map(|row| Some(if row == 4 { 0 } else { planted.best[row] })).collect();
        assert_eq!(planted.recommended(&mut darts), expected);
    }

    #[test]
    fn a_search_in_which_all_fails_ends_with_an_architecture() {
        let (mut darts, rows) = open("nas-bench-201", 0, plain());
        let mut planted = Planted { failing: 1, ..Planted::new(rows, 100, 0) };
        assert_eq!(planted.run(&mut darts, 2).len(), 50);
        assert_eq!(darts.recommend().len(), 1);
    }

    #[test]
    fn spaces_without_a_categorical_decision_are_declined() {
        let space = bundled_space("nas-bench-201");
        let setup = Setup { decisions: Vec::new(), ..setup(&space, 0) };
        assert!(matches!(Darts::open(setup, plain(), space), Err(Error::Unsupported(_))));
    }
}
