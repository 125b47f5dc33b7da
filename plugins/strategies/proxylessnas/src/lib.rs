//! ProxylessNAS: the weights of one sampled path at a time are trained, and the architecture's parameters learn by binary
//! gates or by rewards, with the cost of a network in view (Cai, Zhu & Han 2019).

mod costs;
mod gates;
mod latencies;
mod measuring;
mod options;
mod rewards;

use archwright_relaxation::{Adam, Alternation, Derivation, Method, Parameters, Points, Rows, Schedule, gradient};
use archwright_sdk::prelude::*;

use costs::Costs;
use gates::Gates;
use measuring::Measuring;
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
    /// What is found out of latencies before the architecture learns.
    measuring: Option<Measuring>,
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
        let mut measuring = None;
        if options.cost == Cost::Latency {
            measuring = Some(Measuring::new(&setup.objectives, &options, rng.next_u64())?);
        } else if options.cost != Cost::None {
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
        Ok(Self { search: Alternation::new(paths, schedule), derivation, measuring })
    }

    fn ask(&mut self, _: usize) -> Result<Reply, Error> {
        if let Some(measuring) = &mut self.measuring
            && let Some(reply) = measuring.ask(self.search.method().points.space())
        {
            return Ok(reply);
        }
        Ok(self.search.ask())
    }

    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error> {
        let Some(mut measuring) = self.measuring.take() else { return self.search.tell(observations) };
        let (own, others): (Vec<_>, Vec<_>) = observations.iter().cloned().partition(|one| measuring.is_own(one.query));
        own.iter().for_each(|observation| measuring.tell(observation));
        self.search.tell(&others)?;
        measuring.trained |= !others.is_empty();
        if measuring.is_over() {
            return self.search.method_mut().count_latencies(&measuring);
        }
        self.measuring = Some(measuring);
        Ok(())
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

    /// Fits costs to what was measured.
    fn count_latencies(&mut self, measuring: &Measuring) -> Result<(), Error> {
        let mut fitted = Costs::of_latencies(&self.parameters.rows, &measuring.measured, measuring.weight)
            .ok_or_else(|| Error::Other(measuring.problem()))?;
        let expected = fitted.expected(&self.parameters.probabilities());
        fitted.aim(measuring.target.unwrap_or(expected));
        self.costs = Some(fitted);
        Ok(())
    }

    /// What a path is worth: its value, larger being better, with its cost.
    fn reward(&self, value: f64) -> f64 {
        let factor =
            self.costs.as_ref().map_or(1.0, |costs| costs.factor(&self.points, &self.parameters.rows, &self.path));
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
mod tests;
