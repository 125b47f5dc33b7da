//! Proximal policy optimization: a recurrent controller draws architectures, and learns several times from each batch of
//! them, never moving far from the controller that drew it (Zoph et al. 2018; Schulman et al. 2017).

use std::collections::VecDeque;

use archwright_controller::{Adam, Agent, Baseline, Sample, Score, Settings};
use archwright_sdk::prelude::*;

/// Options of proximal policy optimization.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Architectures that the controller learns from at once. 20 in Zoph et al. 2018 (appendix).
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_size: u32,
    /// Updates from each batch. The paper does not say; 10 in Schulman et al. 2017 (table 3).
    #[schemars(range(min = 1, max = 1_000))]
    pub epochs: u32,
    /// How far the probability of a value may move from that it was drawn with, as a share, and still count. 0.2 in Schulman
    /// et al. 2017 (section 6.1).
    #[schemars(range(min = 0.001, max = 1.0))]
    pub clip: f64,
    /// Step size of Adam. 0.00035 in Zoph et al. 2018 (appendix).
    #[schemars(range(min = 0.000_000_1, max = 1.0))]
    pub learning_rate: f64,
    /// How much of the baseline, a moving average of rewards, is kept at each reward. 0.95 in Zoph et al. 2018 (appendix).
    #[schemars(range(min = 0.0, max = 0.999_999))]
    pub baseline_decay: f64,
    /// Weight of the controller's entropy, which keeps it exploring. 0.00001 in Zoph et al. 2018 (appendix).
    #[schemars(range(min = 0.0, max = 1_000.0))]
    pub entropy_weight: f64,
    /// Units of each of the controller's layers. 100 in Zoph et al. 2018 (appendix).
    #[schemars(range(min = 1, max = 1_000))]
    pub hidden_size: u32,
    /// The controller's layers. 1 in Zoph et al. 2018 (appendix).
    #[schemars(range(min = 1, max = 10))]
    pub layers: u32,
    /// The controller's weights start out even in plus or minus this. 0.1 in Zoph et al. 2018 (appendix).
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
            batch_size: 20,
            epochs: 10,
            clip: 0.2,
            learning_rate: 0.00035,
            baseline_decay: 0.95,
            entropy_weight: 0.00001,
            hidden_size: 100,
            layers: 1,
            initial_range: 0.1,
            temperature: 1.0,
            tanh_constant: 0.0,
            gradient_clip: 0.0,
        }
    }
}

/// Proximal policy optimization.
pub struct Ppo {
    agent: Agent,
    baseline: Baseline,
    batch_size: usize,
    epochs: usize,
    /// Updates that fit one call.
    updates_at_once: usize,
    clip: f64,
    entropy_weight: f64,
    /// What it is learning from.
    batch: Option<Batch>,
    /// Samples with their rewards that the controller has not learned from, in the order they were told.
    told: VecDeque<(Sample, f64)>,
}

/// Samples, and how much better than the baseline they were.
struct Batch {
    samples: Vec<Sample>,
    advantages: Vec<f64>,
    epochs_left: usize,
}

impl Strategy for Ppo {
    const NAME: &'static str = "ppo";
    const SUMMARY: &'static str =
        "A recurrent controller that learns by proximal policy optimization (Zoph et al. 2018)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1707.07012", "arXiv:1707.06347"];
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
        Ok(Self {
            baseline: Baseline::new(options.baseline_decay),
            batch_size,
            epochs: options.epochs as usize,
            updates_at_once: agent.updates_at_once(batch_size),
            clip: options.clip,
            entropy_weight: options.entropy_weight,
            batch: None,
            told: VecDeque::new(),
            agent,
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        self.learn()?;
        // So few that the calls for a batch are enough to learn from one.
        let share = (self.batch_size.saturating_mul(self.updates_at_once) / self.epochs).clamp(1, self.batch_size);
        let count = capacity.min(share).min(self.agent.at_once());
        let queries = (0..count).map(|_| self.agent.query(Purpose::Estimate)).collect::<Result<_, _>>()?;
        Ok(Reply::Queries(queries))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            let told = self.agent.tell(observation)?;
            // What failed before anything was estimated says nothing.
            self.told.extend(told.reward.map(|reward| (told.sample, reward)));
        }
        Ok(())
    }
}

impl Ppo {
    /// Learns from a batch where one is complete. Where not all epochs fit a call, the others follow in the next ones, and
    /// what is drawn in between is from the controller as it is then.
    fn learn(&mut self) -> Result<(), Error> {
        if self.batch.is_none() && self.told.len() >= self.batch_size {
            let (samples, rewards): (Vec<_>, Vec<_>) = self.told.drain(..self.batch_size).unzip();
            let advantages = self.baseline.advantages(&rewards);
            self.batch = Some(Batch { samples, advantages, epochs_left: self.epochs });
        }
        let Some(Batch { samples, advantages, epochs_left }) = &mut self.batch else { return Ok(()) };
        let points: Vec<&[Value]> = samples.iter().map(|sample| sample.point.as_slice()).collect();
        let share = 1.0 / points.len() as f64;
        let (clip, entropy_weight) = (self.clip, share * self.entropy_weight);
        let epochs = self.updates_at_once.min(*epochs_left);
        for _ in 0..epochs {
            self.agent.controller.improve(&points, entropy_weight, |place, score| {
                slopes(score, &samples[place], share * advantages[place], clip)
            })?;
        }
        *epochs_left -= epochs;
        if *epochs_left == 0 {
            self.batch = None;
        }
        Ok(())
    }
}

/// Derivatives of the clipped surrogate (Schulman et al. 2017, equation 7) by the logarithms of the probabilities of a
/// point's values, each of which is an action of its own. `min(r * a, clip(r) * a)` has the derivative `r * a` by `log p`,
/// until the ratio `r` is past the clip on the side that the advantage `a` pulls to: 0.
fn slopes(now: &Score, then: &Sample, advantage: f64, clip: f64) -> Vec<f64> {
    let slope = |(now, then): (&f64, &f64)| {
        let ratio = (now - then).exp();
        let is_past = if advantage > 0.0 { ratio > 1.0 + clip } else { ratio < 1.0 - clip };
        if is_past { 0.0 } else { ratio * advantage }
    };
    now.log_probabilities.iter().zip(&then.log_probabilities).map(slope).collect()
}

archwright_sdk::export_strategy!(Ppo);

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::{bundled_space, run, setup};

    use super::*;

    /// Share of operations that are 3x3 convolutions.
    fn value(architecture: &Architecture) -> f64 {
        let Architecture::Point(values) = architecture else { panic!("a network") };
        values.iter().filter(|value| **value == Value::Index(3)).count() as f64 / 6.0
    }

    fn search(options: Options, seed: u64, goal: Goal) -> Ppo {
        let space = bundled_space("nas-bench-201");
        let mut setup = setup(&space, seed);
        setup.objectives[0].goal = goal;
        Ppo::open(setup, options, space).unwrap()
    }

    /// A smaller controller that learns faster.
    fn small() -> Options {
        Options { hidden_size: 32, learning_rate: 0.002, ..Options::default() }
    }

    fn mean(history: &[(Query, Option<f64>)]) -> f64 {
        history.iter().filter_map(|(_, value)| *value).sum::<f64>() / history.len() as f64
    }

    #[test]
    fn learns_what_is_good_with_the_options_of_the_paper() {
        // Random architectures have a mean of 0.2, with a standard deviation of 0.016 over a hundred.
        for (seed, in_flight) in [(0, 1), (1, 8), (2, 50)] {
            let mut search = search(Options::default(), seed, Goal::Maximize);
            let history = run(&mut search, 700, in_flight, |architecture| Some(value(architecture)));
            let (first, last) = (mean(&history[..100]), mean(&history[600..]));
            assert!(first < 0.4 && last > 0.9, "seed {seed}, {in_flight} in flight: {first} to {last}");
        }
    }

    #[test]
    fn learns_where_one_call_does_not_take_a_whole_update() {
        for in_flight in [1, 8] {
            let mut search = search(small(), 0, Goal::Maximize);
            search.updates_at_once = 3;
            let history = run(&mut search, 400, in_flight, |architecture| Some(value(architecture)));
            let last = mean(&history[300..]);
            assert!(last > 0.8, "{last}");
            assert!(search.told.len() <= 20 + in_flight, "{} wait", search.told.len());
        }
    }

    #[test]
    fn minimizes() {
        let mut search = search(small(), 0, Goal::Minimize);
        let history = run(&mut search, 400, 1, |architecture| Some(1.0 - value(architecture)));
        let last = mean(&history[300..]);
        assert!(last < 0.2, "{last}");
    }

    #[test]
    fn learns_to_avoid_what_fails() {
        let fails = |architecture: &Architecture| {
            let Architecture::Point(values) = architecture else { panic!("a network") };
            values.contains(&Value::Index(0))
        };
        let mut search = search(small(), 0, Goal::Maximize);
        let history = run(&mut search, 600, 4, |one| (!fails(one)).then(|| 0.5 + value(one)));
        let failed = |part: &[(Query, Option<f64>)]| part.iter().filter(|(_, value)| value.is_none()).count();
        assert!(failed(&history[..100]) > 50 && failed(&history[500..]) < 10);
    }

    #[test]
    fn goes_on_when_everything_fails() {
        let mut search = search(small(), 0, Goal::Maximize);
        assert_eq!(run(&mut search, 50, 4, |_| None).len(), 50);
    }

    #[test]
    fn a_seed_always_gives_the_same() {
        let history = |seed| run(&mut search(small(), seed, Goal::Maximize), 100, 3, |one| Some(value(one)));
        assert_eq!(history(1), history(1));
        assert_ne!(history(1), history(2));
    }

    #[test]
    fn what_is_past_the_clip_does_not_count() {
        let then = Sample { point: vec![], log_probabilities: vec![0.0; 3] };
        let now = Score { log_probabilities: [1.5f64, 1.1, 0.5].map(f64::ln).to_vec(), entropy: 0.0 };
        let close = |slopes: Vec<f64>, expected: [f64; 3]| {
            assert!(
                slopes.iter().zip(expected).all(|(slope, expected)| (slope - expected).abs() < 1e-12),
                "{slopes:?}"
            );
        };
        close(slopes(&now, &then, 2.0, 0.2), [0.0, 2.2, 1.0]);
        close(slopes(&now, &then, -2.0, 0.2), [-3.0, -2.2, 0.0]);
    }
}
