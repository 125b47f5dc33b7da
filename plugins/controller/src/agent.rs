use std::collections::BTreeMap;

use archwright_sdk::{
    Architecture, Error, LogLevel, Observation, Purpose, Query, Rng, Setup, Space, Subject, Value, log,
};

use crate::{Adam, Controller, Rewards, Sample, Settings};

/// Points drawn from the controller for one query, until one meets the space's constraints.
const DRAWS: u64 = 20;

/// Multiply-adds for the points that one call draws, all draws included: at most 3e9 of the 1e10 instructions that a call
/// may take by default. A point drawn alone takes about 20 for each multiply-add.
const DRAWING: u64 = 150_000_000;

/// Multiply-adds for the updates of one call: about 4e9 instructions. Points in a batch take about 10 for each.
const LEARNING: u64 = 400_000_000;

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

    /// Updates from so many points that one call should do at most, so that they take about half of its fuel; one that
    /// takes more is logged as a warning.
    pub fn updates_at_once(&self, points: usize) -> usize {
        // The way back takes twice as many as the way forward.
        let update = self.controller.work().saturating_mul(3 * points as u64).max(1);
        if update > 2 * LEARNING {
            let text = format!(
                "an update takes about {:.0e} instructions in this space: raise `limits.fuel_per_call`, or lower the hidden \
                 size or the number of architectures",
                10.0 * update as f64
            );
            log(LogLevel::Warn, &text);
        }
        (LEARNING / update).max(1) as usize
    }

    /// Queries that one call should ask for at most, so that drawing them takes a small part of its fuel.
    pub fn at_once(&self) -> usize {
        (DRAWING / (DRAWS * self.controller.work()).max(1)).max(1) as usize
    }

    /// A query for a point drawn from the controller. Where 20 draws do not meet the space's constraints it is one that the
    /// space draws.
    ///
    /// # Errors
    /// Where the space draws what is no point of it.
    pub fn query(&mut self, purpose: Purpose) -> Result<Query, Error> {
        let sample = self.draw()?;
        Ok(self.query_for(sample, purpose))
    }

    /// A query for a random point that the space draws: one that meets the constraints of the experiment, too.
    ///
    /// # Errors
    /// Where the space draws what is no point of it.
    pub fn random_query(&mut self, purpose: Purpose) -> Result<Query, Error> {
        let sample = self.draw_from_space()?;
        Ok(self.query_for(sample, purpose))
    }

    fn query_for(&mut self, sample: Sample, purpose: Purpose) -> Query {
        let id = self.next;
        self.next += 1;
        let subject = Subject::Architecture(Architecture::Point(sample.point.clone()));
        self.open.insert(id, sample);
        Query::new(id, subject, purpose)
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
        Ok(Told { sample: self.close(observation.query)?, reward: self.rewards.of(&observation.outcome) })
    }

    /// Takes note that a query is no longer in flight, whose outcome is no reward.
    ///
    /// # Errors
    /// Where there is no such query in flight.
    pub fn close(&mut self, query: u64) -> Result<Sample, Error> {
        self.open.remove(&query).ok_or_else(|| Error::Internal(format!("query {query} is not in flight")))
    }

    fn draw(&mut self) -> Result<Sample, Error> {
        for _ in 0..DRAWS {
            let sample = self.controller.sample(&mut self.rng);
            let architecture = Architecture::Point(sample.point.clone());
            // No neighbours at all: the cheapest question that a point has to meet the constraints for.
            if self.space.admits(&architecture) {
                return Ok(sample);
            }
        }
        self.draw_from_space()
    }

    fn draw_from_space(&mut self) -> Result<Sample, Error> {
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
