//! Stochastic neural architecture search: all alternatives are mixed by one soft sample, and the loss is differentiated
//! through it (Xie et al. 2019).

use archwright_relaxation::{
    Adam, Alternation, Concrete, Derivation, Method, Parameters, Points, Rows, Sample, Schedule, gradient,
};
use archwright_sdk::prelude::*;

/// Standard deviation of the first logits, as in the authors' code.
const DEVIATION: f64 = 1e-2;
/// Decays of Adam's moments, as in the authors' code.
const BETAS: [f64; 2] = [0.5, 0.999];

/// Options of SNAS.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Learning rate of the architecture's parameters (Adam). 3e-4 in the authors' code.
    #[schemars(range(min = 1e-6, max = 1.0))]
    pub learning_rate: f64,
    /// Weight decay of the architecture's parameters, added to their gradients. 1e-3 in the authors' code.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight_decay: f64,
    /// Temperature of the samples at the start; from there it changes linearly with the training. 1 in the authors' code.
    #[schemars(range(min = 0.01, max = 100.0))]
    pub initial_temperature: f64,
    /// Temperature of the samples at the end of the training, near 0. 0.03 in the authors' code.
    #[schemars(range(min = 0.01, max = 100.0))]
    pub final_temperature: f64,
    /// Edges kept into each vertex of a cell, all others become `none`, as in DARTS. With 0, as in the paper, every
    /// decision takes its most probable label, `none` like any other.
    #[schemars(range(min = 0, max = 100))]
    pub inputs_per_node: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            learning_rate: 3e-4,
            weight_decay: 1e-3,
            initial_temperature: 1.0,
            final_temperature: 0.03,
            inputs_per_node: 0,
        }
    }
}

/// Stochastic neural architecture search.
pub struct Snas {
    search: Alternation<Sampler>,
    derivation: Derivation,
}

/// Draws soft samples.
struct Sampler {
    parameters: Parameters,
    concrete: Concrete,
    /// The sample that training and probe are of, from the concrete distribution (section 2.2).
    sampled: Sample,
}

impl Strategy for Snas {
    const NAME: &'static str = "snas";
    const SUMMARY: &'static str = "Mixtures of all labels by soft samples that harden (Xie et al. 2019)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1812.09926", "https://github.com/SNAS-Series/SNAS-Series"];
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
    fn subject(&self) -> Subject {
        Subject::Relaxation(self.parameters.rows.relaxation(&self.sampled.soft, Vec::new()))
    }
}

impl Method for Sampler {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn train(&mut self, share: f64) -> Subject {
        self.sampled = self.concrete.sample(&self.parameters, share);
        self.subject()
    }

    /// Of the sample that was just trained: in the paper one pass of back-propagation gives the derivatives by weights and
    /// by parameters.
    fn probe(&mut self, _: f64) -> Option<Subject> {
        Some(self.subject())
    }

    fn learn(&mut self, estimate: &Estimate) -> bool {
        let rows = &self.parameters.rows;
        let Some(gradient) = gradient(estimate, rows.labels()) else { return false };
        let by_logit = self.sampled.to_logits(rows, &gradient);
        self.parameters.descend(&by_logit);
        true
    }
}

archwright_sdk::export_strategy!(Snas);

#[cfg(test)]
mod tests {
    use archwright_relaxation::testing::Planted;
    use archwright_sdk::testing::{bundled_space, setup};

    use super::*;

    fn open(name: &str, seed: u64, options: Options) -> (Snas, Rows) {
        let space = bundled_space(name);
        let setup = setup(&space, seed);
        let rows = Rows::of(&setup.decisions).unwrap();
        (Snas::open(setup, options, space).unwrap(), rows)
    }

    fn plain() -> Options {
        Options::default()
    }

    #[test]
    fn finds_what_is_planted() {
        let found = (0..10).filter(|seed| {
            let (mut snas, rows) = open("nas-bench-201", *seed, plain());
            let mut planted = Planted::new(rows, 4000, 100 + seed);
            planted.run(&mut snas, 1);
            planted.is_found(&mut snas)
        });
        let found = found.count();
        assert!(found >= 9, "{found}");
    }

    #[test]
    fn finds_it_among_failures_and_in_spaces_of_other_decisions() {
        let (mut snas, rows) = open("nas-bench-201-macro", 1, plain());
        let mut planted = Planted { failing: 5, ..Planted::new(rows, 8000, 2) };
        planted.run(&mut snas, 3);
        assert!(planted.is_found(&mut snas));
    }

    #[test]
    fn a_sample_is_trained_then_probed_and_hardens() {
        let (mut snas, rows) = open("nas-bench-201", 0, plain());
        let asked = Planted::new(rows, 200, 0).run(&mut snas, 1);
        let largest = |query: &Query| {
            let Subject::Relaxation(relaxation) = &query.subject else { panic!("an architecture") };
            assert!(relaxation.wanted.is_empty(), "all derivatives are wanted");
            let rows = relaxation.probabilities.chunks(5);
            rows.map(|row| row.iter().copied().fold(0.0, f32::max)).sum::<f32>() / 6.0
        };
        let sharpness: Vec<f32> = asked.iter().map(largest).collect();
        let [early, late] = [&sharpness[..40], &sharpness[360..]].map(|part| part.iter().sum::<f32>() / 40.0);
        assert!(early < 0.8 && late > 0.95, "{early} {late}");
        for pair in asked.chunks(2) {
            assert_eq!(pair[0].subject, pair[1].subject);
        }
        assert_ne!(asked[0].subject, asked[2].subject);
    }

    #[test]
    fn the_temperature_falls_with_the_training() {
        let (snas, _) = open("nas-bench-201", 0, plain());
        let Sampler { parameters, concrete, .. } = snas.search.method();
        let mut concrete = concrete.clone();
        for (share, temperature) in [(0.0, 1.0), (0.5, 0.515), (1.0, 0.03)] {
            assert!((concrete.sample(parameters, share).temperature - temperature).abs() < 1e-12);
        }
    }

    /// With the noise held, the derivative by a logit is that of the loss by it.
    #[test]
    fn the_derivative_goes_through_the_sample() {
        let (snas, rows) = open("nas-bench-201", 0, plain());
        let mut logits = snas.search.method().parameters.logits.clone();
        let mut rng = Rng::new(2);
        let noise: Vec<f64> = logits.iter().map(|_| archwright_relaxation::gumbel(&mut rng)).collect();
        let slopes: Vec<f64> = (0..rows.labels()).map(|label| (label as f64).sin()).collect();
        let temperature = 0.3;
        let soft = |logits: &[f64]| {
            let noisy: Vec<f64> = logits.iter().zip(&noise).map(|(logit, noise)| logit + noise).collect();
            rows.softmax(&noisy, temperature)
        };
        let loss = |logits: &[f64]| -> f64 { soft(logits).iter().zip(&slopes).map(|(one, slope)| one * slope).sum() };
        let by_logit = rows.to_logits(&soft(&logits), &slopes);
        for label in 0..logits.len() {
            let at = logits[label];
            logits[label] = at + 1e-5;
            let above = loss(&logits);
            logits[label] = at - 1e-5;
            let below = loss(&logits);
            logits[label] = at;
            assert!((by_logit[label] / temperature - (above - below) / 2e-5).abs() < 1e-8, "{label}");
        }
    }

    #[test]
    fn seeds_decide() {
        let run = |seed| {
            let (mut snas, rows) = open("nas-bench-201", seed, plain());
            (Planted::new(rows, 30, 1).run(&mut snas, 1), snas.recommend())
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).0, run(2).0);
    }

    #[test]
    fn a_search_in_which_all_fails_ends_with_an_architecture() {
        let (mut snas, rows) = open("nas-bench-201", 0, plain());
        let mut planted = Planted { failing: 1, ..Planted::new(rows, 100, 0) };
        assert_eq!(planted.run(&mut snas, 2).len(), 50);
        assert_eq!(snas.recommend().len(), 1);
    }

    #[test]
    fn spaces_without_a_categorical_decision_are_declined() {
        let space = bundled_space("nas-bench-201");
        let setup = Setup { decisions: Vec::new(), ..setup(&space, 0) };
        assert!(matches!(Snas::open(setup, plain(), space), Err(Error::Unsupported(_))));
    }
}
