use std::collections::BTreeMap;

use archwright_sdk::{
    Architecture, Error, LogLevel, Observation, Purpose, Query, Rng, Setup, Space, Subject, Value, log,
};

use crate::{Adam, Controller, Rewards, Sample, Settings};

/// Points drawn from the controller for one query, until one meets the space's constraints.
const DRAWS: usize = 20;

/// Multiply-adds for the points of one call, all draws included: some 2e9 of the 1e10 instructions that a call may take.
const WORK_OF_A_CALL: usize = 250_000_000;

/// Instructions that a multiply-add takes in a component, with all that is around it.
const INSTRUCTIONS: f64 = 10.0;

/// A controller with its space, the queries in flight, and what came of the others.
pub struct Agent {
    /// What draws the points.
    pub controller: Controller,
    space: Space,
    rng: Rng,
    rewards: Rewards,
    open: BTreeMap<u64, Sample>,
    next: u64,
}

/// What came of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What was asked for, with its probabilities at that time.
    pub sample: Sample,
    /// The reward, as [`Rewards::of`] gives it.
    pub reward: Option<f64>,
}

impl Agent {
    /// An agent for this space, which seeds everything with `setup.seed`.
    ///
    /// # Errors
    /// As [`Controller::new`].
    pub fn new(setup: &Setup, space: Space, settings: &Settings, adam: Adam) -> Result<Self, Error> {
        let mut rng = Rng::new(setup.seed);
        let controller = Controller::new(&setup.decisions, settings, adam, &mut rng)?;
        let rewards = Rewards::new(&setup.objectives);
        Ok(Self { controller, space, rng, rewards, open: BTreeMap::new(), next: 0 })
    }

    /// Warns where an update of so many points is likely to take more than a call may by default.
    pub fn warn_of_large_updates(&self, points: usize) {
        let work = 3.0 * (self.controller.work() * self.controller.longest()) as f64 * points as f64;
        if work * INSTRUCTIONS > 8e9 {
            let text = format!(
                "an update takes about {:.0e} instructions in this space: raise `limits.fuel_per_call`, or lower the hidden \
                 size or the number of architectures",
                work * INSTRUCTIONS
            );
            log(LogLevel::Warn, &text);
        }
    }

    /// Queries that one call should ask for at most, so that drawing them takes a small part of its fuel.
    pub fn at_once(&self) -> usize {
        (WORK_OF_A_CALL / (DRAWS * self.controller.work() * self.controller.longest()).max(1)).max(1)
    }

    /// A query for a point drawn from the controller. Where 20 draws do not meet the space's constraints it is one that the
    /// space draws.
    ///
    /// # Errors
    /// Where the space draws what is no point of it.
    pub fn query(&mut self, purpose: Purpose) -> Result<Query, Error> {
        let sample = self.draw()?;
        let id = self.next;
        self.next += 1;
        let subject = Subject::Architecture(Architecture::Point(sample.point.clone()));
        self.open.insert(id, sample);
        Ok(Query::new(id, subject, purpose))
    }

    /// Queries that nothing was told of yet.
    pub fn in_flight(&self) -> usize {
        self.open.len()
    }

    /// Takes an observation.
    ///
    /// # Errors
    /// Where there is no such query in flight.
    pub fn tell(&mut self, observation: &Observation) -> Result<Told, Error> {
        let Some(sample) = self.open.remove(&observation.query) else {
            return Err(Error::Internal(format!("query {} is not in flight", observation.query)));
        };
        Ok(Told { sample, reward: self.rewards.of(&observation.outcome) })
    }

    fn draw(&mut self) -> Result<Sample, Error> {
        for _ in 0..DRAWS {
            let sample = self.controller.sample(&mut self.rng);
            let architecture = Architecture::Point(sample.point.clone());
            // No neighbours at all: the cheapest question that a point has to meet the constraints for.
            if self.space.neighbors(&architecture, 0).is_ok() {
                return Ok(sample);
            }
        }
        match self.space.sample(self.rng.next_u64()) {
            Architecture::Point(point) => {
                let log_probabilities = self.log_probabilities(&point)?;
                Ok(Sample { point, log_probabilities })
            }
            Architecture::Network(_) => Err(Error::Internal("the space drew a network, not a point".into())),
        }
    }

    fn log_probabilities(&mut self, point: &[Value]) -> Result<Vec<f64>, Error> {
        let scores = self.controller.score(&[point])?;
        Ok(scores.into_iter().next().unwrap_or_default().log_probabilities)
    }
}
