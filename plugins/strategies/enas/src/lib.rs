//! Efficient neural architecture search: weights that all architectures share and a recurrent controller that draws the
//! architectures learn by turns (Pham et al. 2018, section 2.2).
//!
//! Three things differ from the official code (<https://github.com/melodyguan/enas>, `src/cifar10`). It adds the entropy of
//! the drawn distributions to the reward, here its exact gradient is added to that of the rewards. Its baseline starts at 0,
//! here at the mean of the first batch. And its controller knows the search space: it chooses the inputs of a node by
//! attention to the nodes before, and its scores of separable convolutions start out higher.

use std::collections::VecDeque;

use archwright_controller::{Adam, Agent, Baseline, Settings};
use archwright_sdk::prelude::*;

/// Trainings that fail one after the other until there is no more to come.
const FAILED_TRAININGS: u32 = 50;

/// Trainings that fail one after the other until the space draws what is trained: what a controller draws that knows nothing
/// yet may hardly ever meet an experiment's constraints, and what the space draws does.
const FAILED_DRAWS: u32 = 10;

/// Shares of training this close are the same.
const CLOSE: f64 = 1e-9;

/// Options of efficient neural architecture search.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Turns of the shared weights, all as long, each followed by one of the controller. 150, the epochs of the official
    /// search for cells (`num_epochs` in `cifar10_micro_search.sh`).
    #[schemars(range(min = 1, max = 100_000))]
    pub rounds: u32,
    /// Updates in each of the controller's turns. 30 in the official code (`controller_train_steps`).
    #[schemars(range(min = 1, max = 100_000))]
    pub controller_steps: u32,
    /// Architectures that an update of the controller learns from. 10 in the official code (`controller_num_aggregate`).
    #[schemars(range(min = 1, max = 10_000))]
    pub aggregate: u32,
    /// Architectures drawn at the end, which are recommended by how good they are with the shared weights. 10 in the
    /// official code; "several" in Pham et al. 2018 (section 2.2).
    #[schemars(range(min = 1, max = 10_000))]
    pub final_samples: u32,
    /// Step size of Adam. 0.0035 in the official code (`controller_lr`).
    #[schemars(range(min = 0.000_000_1, max = 1.0))]
    pub learning_rate: f64,
    /// How much of the baseline, a moving average of rewards, is kept at each reward. 0.99 in the official code
    /// (`controller_bl_dec`).
    #[schemars(range(min = 0.0, max = 0.999_999))]
    pub baseline_decay: f64,
    /// Weight of the controller's entropy, which keeps it exploring. 0.0001 in the official code
    /// (`controller_entropy_weight`).
    #[schemars(range(min = 0.0, max = 1_000.0))]
    pub entropy_weight: f64,
    /// Units of each of the controller's layers. 64 in the official code (`lstm_size`).
    #[schemars(range(min = 1, max = 1_000))]
    pub hidden_size: u32,
    /// The controller's layers. 1 in the official code (`lstm_num_layers`).
    #[schemars(range(min = 1, max = 10))]
    pub layers: u32,
    /// The controller's weights start out even in plus or minus this. 0.1 in the official code.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub initial_range: f64,
    /// What scores are divided by before the softmax. 1, the default, changes nothing, as in the official search for cells.
    #[schemars(range(min = 0.01, max = 1_000.0))]
    pub temperature: f64,
    /// Bounds scores to plus or minus this, by a hyperbolic tangent; 0 does not. 1.1 in the official search for cells
    /// (`controller_tanh_constant`), which bounds the scores of operations to 0.44.
    #[schemars(range(min = 0.0, max = 1_000.0))]
    pub tanh_constant: f64,
    /// Largest norm of a gradient; a longer one is scaled down. 0, the default, lets any pass, as in the official code.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub gradient_clip: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 150,
            controller_steps: 30,
            aggregate: 10,
            final_samples: 10,
            learning_rate: 0.0035,
            baseline_decay: 0.99,
            entropy_weight: 0.0001,
            hidden_size: 64,
            layers: 1,
            initial_range: 0.1,
            temperature: 1.0,
            tanh_constant: 1.1,
            gradient_clip: 0.0,
        }
    }
}

/// Efficient neural architecture search.
pub struct Enas {
    options: Options,
    goal: Goal,
    agent: Agent,
    baseline: Baseline,
    phase: Phase,
    /// Share of the shared weights' training so far.
    trained: f64,
    /// Trainings that got it there.
    trainings: u64,
    /// Trainings that failed since the last one that did not.
    failures: u32,
    /// The last probes, where the end is not reached: as many as there are final samples.
    recent: VecDeque<(Architecture, f64)>,
    /// The final samples.
    finals: Vec<(Architecture, f64)>,
}

/// Whose turn it is. No query is in flight when it changes.
enum Phase {
    /// The weights', until so much of their training is done.
    Weights {
        until: f64,
    },
    Controller {
        updates: u32,
        batch: Batch,
    },
    Final(Batch),
    Over,
}

/// Architectures that are probed together.
#[derive(Default)]
struct Batch {
    asked: usize,
    told: usize,
    /// Points with their rewards, where there is one.
    rewarded: Vec<(Vec<Value>, f64)>,
}

impl Strategy for Enas {
    const NAME: &'static str = "enas";
    const SUMMARY: &'static str = "Shared weights and a controller that learn by turns (Pham et al. 2018)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1802.03268", "https://github.com/melodyguan/enas"];
    const NEEDS: &'static [&'static str] = &["shared-weights"];
    type Options = Options;

    fn open(setup: Setup, options: Options, space: Space) -> Result<Self, Error> {
        let settings = Settings {
            hidden: options.hidden_size as usize,
            layers: options.layers as usize,
            temperature: options.temperature,
            tanh_constant: options.tanh_constant,
            initial_range: options.initial_range,
        };
        // As `get_train_ops` of the official code (`utils.py`) sets it.
        let adam = Adam { first_decay: 0.0, epsilon: 1e-3, ..Adam::new(options.learning_rate, options.gradient_clip) };
        let agent = Agent::new(&setup, space, &settings, adam)?;
        // Warns of an update that is large: there is one a call.
        agent.updates_at_once(options.aggregate as usize);
        let probes = u64::from(options.rounds) * u64::from(options.controller_steps) * u64::from(options.aggregate);
        if let Some(queries) = setup.max_queries.filter(|queries| *queries <= probes) {
            let text = format!(
                "the budget allows {queries} queries, but the controller alone asks for {probes}: lower `rounds`, \
                 `controller_steps` or `aggregate` to come to an end"
            );
            log(LogLevel::Warn, &text);
        }
        Ok(Self {
            goal: setup.objectives.first().map_or(Goal::Maximize, |objective| objective.goal),
            agent,
            baseline: Baseline::new(options.baseline_decay),
            phase: Phase::Weights { until: 1.0 / f64::from(options.rounds) },
            trained: 0.0,
            trainings: 0,
            failures: 0,
            recent: VecDeque::new(),
            finals: Vec::new(),
            options,
        })
    }

    fn ask(&mut self, capacity: usize) -> Result<Reply, Error> {
        let (purpose, count) = loop {
            match &self.phase {
                Phase::Weights { until } => match self.trainings_until(*until) {
                    0 if self.agent.in_flight() == 0 => self.phase = Phase::controller(),
                    count => break (Purpose::Train, count),
                },
                Phase::Controller { batch, .. } => match batch.left(self.options.aggregate) {
                    0 if self.agent.in_flight() == 0 => self.learn()?,
                    count => break (Purpose::Probe, count),
                },
                Phase::Final(batch) => match batch.left(self.options.final_samples) {
                    0 if self.agent.in_flight() == 0 => self.phase = Phase::Over,
                    count => break (Purpose::Probe, count),
                },
                Phase::Over => return Ok(Reply::Finished),
            }
        };
        if count == 0 {
            return Ok(Reply::Waiting);
        }
        let count = count.min(capacity).min(self.agent.at_once());
        let at_random = purpose == Purpose::Train && self.failures >= FAILED_DRAWS;
        let query = |_| if at_random { self.agent.random_query(purpose) } else { self.agent.query(purpose) };
        let queries = (0..count).map(query).collect::<Result<_, _>>()?;
        if let Phase::Controller { batch, .. } | Phase::Final(batch) = &mut self.phase {
            batch.asked += count;
        }
        Ok(Reply::Queries(queries))
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        for observation in observations {
            match &self.phase {
                Phase::Weights { .. } => self.tell_training(observation)?,
                _ => self.tell_probe(observation)?,
            }
        }
        Ok(())
    }

    fn recommend(&mut self) -> Vec<Architecture> {
        let mut picks: Vec<_> = if self.finals.is_empty() {
            // The search ended early, or all final samples failed.
            self.recent.iter().cloned().collect()
        } else {
            self.finals.clone()
        };
        let goal = self.goal;
        picks.sort_by(|(_, left), (_, right)| match goal {
            Goal::Maximize => right.total_cmp(left),
            Goal::Minimize => left.total_cmp(right),
        });
        picks.into_iter().map(|(architecture, _)| architecture).collect()
    }
}

impl Enas {
    /// Whether the shared weights have no training to come.
    fn is_trained(&self) -> bool {
        self.trained >= 1.0 - CLOSE || self.failures >= FAILED_TRAININGS
    }

    /// Trainings to ask for until so much is done, beyond those in flight. As many as are likely to be needed: how far one
    /// gets is known once the first is told, which is therefore asked for alone.
    fn trainings_until(&self, until: f64) -> usize {
        if self.is_trained() || self.trained >= until - CLOSE {
            return 0;
        }
        let needed = match self.trainings {
            0 => 1,
            trainings => ((until - self.trained) * trainings as f64 / self.trained - CLOSE).ceil().max(1.0) as usize,
        };
        needed.saturating_sub(self.agent.in_flight())
    }

    fn tell_training(&mut self, observation: &Observation) -> Result<(), Error> {
        self.agent.close(observation.query)?;
        match &observation.outcome {
            EstimateOutcome::Estimated(estimate) => {
                self.trained = self.trained.max(estimate.fidelity);
                self.trainings += 1;
                self.failures = 0;
            }
            EstimateOutcome::Failed(_) => self.failures = self.failures.saturating_add(1),
        }
        if self.failures == FAILED_TRAININGS {
            log(
                LogLevel::Warn,
                &format!("{FAILED_TRAININGS} trainings failed in a row: the weights are left as they are"),
            );
        }
        Ok(())
    }

    fn tell_probe(&mut self, observation: &Observation) -> Result<(), Error> {
        let told = self.agent.tell(observation)?;
        let value = match &observation.outcome {
            EstimateOutcome::Estimated(estimate) => estimate.objectives.first().copied(),
            EstimateOutcome::Failed(_) => None,
        };
        let probe = value.map(|value| (Architecture::Point(told.sample.point.clone()), value));
        match &mut self.phase {
            Phase::Controller { batch, .. } => {
                batch.told += 1;
                batch.rewarded.extend(told.reward.map(|reward| (told.sample.point, reward)));
                self.recent.extend(probe);
                while self.recent.len() > self.options.final_samples as usize {
                    self.recent.pop_front();
                }
            }
            Phase::Final(batch) => {
                batch.told += 1;
                self.finals.extend(probe);
            }
            Phase::Weights { .. } | Phase::Over => {}
        }
        Ok(())
    }

    /// Learns from a batch of which all is told (section 2.2): up the mean of `(reward - baseline) * log p`, and the entropy.
    /// After the last update of its turn it is the weights' again.
    fn learn(&mut self) -> Result<(), Error> {
        let Phase::Controller { updates, batch } = &mut self.phase else { return Ok(()) };
        *updates += 1;
        let (points, rewards): (Vec<_>, Vec<_>) = std::mem::take(batch).rewarded.into_iter().unzip();
        if *updates >= self.options.controller_steps {
            let rounds = f64::from(self.options.rounds);
            let next = ((self.trained * rounds + CLOSE).floor() + 1.0) / rounds;
            self.phase = if self.is_trained() {
                Phase::Final(Batch::default())
            } else {
                Phase::Weights { until: next.min(1.0) }
            };
        }
        if points.is_empty() {
            return Ok(());
        }
        let advantages = self.baseline.advantages(&rewards);
        let points: Vec<&[Value]> = points.iter().map(Vec::as_slice).collect();
        let share = 1.0 / points.len() as f64;
        self.agent.controller.improve(&points, share * self.options.entropy_weight, |place, score| {
            vec![share * advantages[place]; score.log_probabilities.len()]
        })
    }
}

impl Phase {
    fn controller() -> Self {
        Self::Controller { updates: 0, batch: Batch::default() }
    }
}

impl Batch {
    /// What is to be asked for yet.
    fn left(&self, size: u32) -> usize {
        (size as usize).saturating_sub(self.asked)
    }
}

archwright_sdk::export_strategy!(Enas);

#[cfg(test)]
mod tests;
