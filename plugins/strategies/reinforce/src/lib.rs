//! REINFORCE: a recurrent controller draws architectures, and learns from how good they are by policy gradients (Zoph & Le
//! 2017).

use std::collections::VecDeque;

use archwright_controller::{Adam, Agent, Baseline, Settings};
use archwright_sdk::prelude::*;

/// Options of REINFORCE.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Architectures that an update of the controller learns from. 8 in Zoph & Le 2017 (section 4.1).
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_size: u32,
    /// Step size of Adam. 0.0006 in the paper (section 4.1).
    #[schemars(range(min = 0.000_000_1, max = 1.0))]
    pub learning_rate: f64,
    /// How much of the baseline, a moving average of rewards, is kept at each reward. The paper does not say; 0.95 in Zoph et
    /// al. 2018.
    #[schemars(range(min = 0.0, max = 0.999_999))]
    pub baseline_decay: f64,
    /// Weight of the controller's entropy, which keeps it exploring. 0, the default, as in the paper: there is no such term.
    #[schemars(range(min = 0.0, max = 1_000.0))]
    pub entropy_weight: f64,
    /// Units of each of the controller's layers. 35 in the paper (section 4.1).
    #[schemars(range(min = 1, max = 500))]
    pub hidden_size: u32,
    /// The controller's layers. 2 in the paper (section 4.1).
    #[schemars(range(min = 1, max = 10))]
    pub layers: u32,
    /// The controller's weights start out even in plus or minus this. 0.08 in the paper (section 4.1).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub initial_range: f64,
    /// What scores are divided by before the softmax. 1, the default, changes nothing, as in the paper.
    #[schemars(range(min = 0.01, max = 1_000.0))]
    pub temperature: f64,
    /// Bounds scores to plus or minus this, by a hyperbolic tangent. 0, the default, does not, as in the paper.
    #[schemars(range(min = 0.0, max = 1_000.0))]
    pub tanh_constant: f64,
    /// Largest norm of a gradient; a longer one is scaled down. 0, the default, lets any pass, as in the paper.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub gradient_clip: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch_size: 8,
            learning_rate: 0.0006,
            baseline_decay: 0.95,
            entropy_weight: 0.0,
            hidden_size: 35,
            layers: 2,
            initial_range: 0.08,
            temperature: 1.0,
            tanh_constant: 0.0,
            gradient_clip: 0.0,
        }
    }
}

/// REINFORCE.
pub struct Reinforce {
    agent: Agent,
    baseline: Baseline,
    batch_size: usize,
    entropy_weight: f64,
    /// Points with their rewards that the controller has not learned from, in the order they were told.
    told: VecDeque<(Vec<Value>, f64)>,
}

impl Strategy for Reinforce {
    const NAME: &'static str = "reinforce";
    const SUMMARY: &'static str = "A recurrent controller that learns by policy gradients (Zoph & Le 2017)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1611.01578"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let settings = Settings {
            hidden: options.hidden_size as usize,
            layers: options.layers as usize,
            temperature: options.temperature,
            tanh_constant: options.tanh_constant,
            initial_range: options.initial_range,
        };
        let adam = Adam::new(options.learning_rate, options.gradient_clip);
        let agent = Agent::new(&setup, space, &settings, adam)?;
        let batch_size = options.batch_size as usize;
        // Warns of one that is large: there is one a call.
        agent.updates_at_once(batch_size);
        let baseline = Baseline::new(options.baseline_decay);
        Ok(Self { agent, baseline, batch_size, entropy_weight: options.entropy_weight, told: VecDeque::new() })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        self.learn()?;
        // One batch at most, so that no more than one is ready when the next queries are asked for.
        let count = capacity.min(self.batch_size).min(self.agent.at_once());
        let queries = (0..count).map(|_| self.agent.query(Purpose::Estimate)).collect::<Result<_, _>>()?;
        Ok(Reply::Queries(queries))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            let told = self.agent.tell(observation)?;
            // What failed before anything was estimated says nothing.
            self.told.extend(told.reward.map(|reward| (told.sample.point, reward)));
        }
        Ok(())
    }
}

impl Reinforce {
    /// Learns from a batch where one is complete (section 3.2): up the mean of `(reward - baseline) * log p`.
    fn learn(&mut self) -> Result<(), Error> {
        if self.told.len() < self.batch_size {
            return Ok(());
        }
        let (points, rewards): (Vec<_>, Vec<_>) = self.told.drain(..self.batch_size).unzip();
        let advantages = self.baseline.advantages(&rewards);
        let points: Vec<&[Value]> = points.iter().map(Vec::as_slice).collect();
        let share = 1.0 / points.len() as f64;
        self.agent.controller.improve(&points, share * self.entropy_weight, |place, score| {
            vec![share * advantages[place]; score.log_probabilities.len()]
        })
    }
}

archwright_sdk::export_strategy!(Reinforce);

#[cfg(test)]
mod tests {
    use archwright_sdk::Encoding;
    use archwright_sdk::testing::{bundled_space, run, setup};

    use super::*;

    /// Share of operations that are 3x3 convolutions.
    fn value(architecture: &Architecture) -> f64 {
        let Architecture::Point(values) = architecture else { panic!("a network") };
        values.iter().filter(|value| **value == Value::Index(3)).count() as f64 / 6.0
    }

    fn search(options: Options, seed: u64, goal: Goal) -> Reinforce {
        let space = bundled_space("nas-bench-201");
        let mut setup = setup(&space, seed);
        setup.objectives[0].goal = goal;
        Reinforce::open(setup, options, space).unwrap()
    }

    /// Learns ten times as fast as the paper's, so that a few hundred queries show it.
    fn fast() -> Options {
        Options { learning_rate: 0.006, ..Options::default() }
    }

    fn mean(history: &[(Query, Option<f64>)]) -> f64 {
        history.iter().filter_map(|(_, value)| *value).sum::<f64>() / history.len() as f64
    }

    #[test]
    fn learns_what_is_good() {
        // Random architectures have a mean of 0.2, with a standard deviation of 0.016 over a hundred.
        for (seed, in_flight) in [(0, 1), (1, 1), (2, 1), (3, 20), (4, 20)] {
            let mut search = search(fast(), seed, Goal::Maximize);
            let history = run(&mut search, 600, in_flight, |architecture| Some(value(architecture)));
            let (first, last) = (mean(&history[..100]), mean(&history[500..]));
            assert!(first < 0.4 && last > 0.9, "seed {seed}, {in_flight} in flight: {first} to {last}");
        }
    }

    #[test]
    fn learns_with_the_options_of_the_paper() {
        let mut search = search(Options::default(), 0, Goal::Maximize);
        let history = run(&mut search, 1_500, 8, |architecture| Some(value(architecture)));
        let last = mean(&history[1_400..]);
        assert!(last > 0.8, "{last}");
    }

    #[test]
    fn minimizes() {
        let mut search = search(fast(), 0, Goal::Minimize);
        let history = run(&mut search, 600, 1, |architecture| Some(1.0 - value(architecture)));
        let last = mean(&history[500..]);
        assert!(last < 0.1, "{last}");
    }

    #[test]
    fn learns_to_avoid_what_fails() {
        // What passes nothing on fails, and otherwise all are alike but for a few.
        let fails = |architecture: &Architecture| {
            let Architecture::Point(values) = architecture else { panic!("a network") };
            values.contains(&Value::Index(0))
        };
        let mut search = search(fast(), 0, Goal::Maximize);
        let history = run(&mut search, 800, 4, |one| (!fails(one)).then(|| 0.5 + value(one)));
        let failed = |part: &[(Query, Option<f64>)]| part.iter().filter(|(_, value)| value.is_none()).count();
        assert!(failed(&history[..100]) > 50 && failed(&history[700..]) < 10);
    }

    #[test]
    fn goes_on_when_everything_fails() {
        let mut search = search(fast(), 0, Goal::Maximize);
        assert_eq!(run(&mut search, 50, 4, |_| None).len(), 50);
    }

    #[test]
    fn a_seed_always_gives_the_same() {
        let history = |seed| run(&mut search(fast(), seed, Goal::Maximize), 100, 3, |one| Some(value(one)));
        assert_eq!(history(1), history(1));
        assert_ne!(history(1), history(2));
    }

    #[test]
    fn asks_within_the_constraints_and_conditions_of_a_space() {
        for name in ["nas-bench-101", "chain", "enas-macro"] {
            let space = bundled_space(name);
            let mut search = Reinforce::open(setup(&space, 0), fast(), space.clone()).unwrap();
            let history = run(&mut search, 40, 4, |one| Some(space.encode(one, Encoding::OneHot).unwrap()[0].into()));
            assert_eq!(history.len(), 40);
        }
    }

    #[test]
    fn refuses_real_decisions() {
        let space = bundled_space("nas-bench-201");
        let mut setup = setup(&space, 0);
        setup.decisions[2].domain = Domain::Real { low: 0.0, high: 1.0, log_scale: false };
        let name = setup.decisions[2].name.clone();
        let error = Reinforce::open(setup, fast(), space).err().unwrap();
        assert!(matches!(&error, Error::Unsupported(text) if text.contains(&name)), "{error}");
    }
}
