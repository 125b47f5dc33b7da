//! Simulated searches.

use std::collections::VecDeque;
use std::sync::Arc;

use archwright_space::{Architecture, Space};

use super::report::Fault;
use super::values::{self, Details, Values};
use super::{Subject, advice};
use crate::model::{EstimateOutcome, Objective, Observation, Purpose, Query, Reply};
use crate::{GuestError, PluginError, Strategy, StrategySetup};

/// In which order observations come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// In the order of the queries; mostly one by one, sometimes all that there are.
    InOrder,
    /// The newest first.
    Backwards,
    /// All that there are, always.
    AtOnce,
    /// The very first one last of all, unless nothing goes on without it.
    Late,
}

/// How a simulated search goes.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) objectives: Vec<Objective>,
    /// Queries that are asked for in all.
    pub(super) queries: usize,
    /// What the strategy is told of that.
    pub(super) max_queries: Option<u64>,
    /// Queries in flight.
    pub(super) workers: usize,
    /// Every how many queries one fails; 0: none does.
    pub(super) failing: usize,
    pub(super) telling: Telling,
    pub(super) values: Values,
    pub(super) details: Details,
    /// Whether it is asked to recommend before anything else and after each turn, and not only at the end.
    pub(super) recommends: bool,
}

impl Plan {
    /// An ordinary search with one query in flight.
    pub(super) fn ordinary(queries: usize) -> Self {
        Self {
            seed: 1,
            objectives: vec![values::accuracy()],
            queries,
            max_queries: Some(queries as u64),
            workers: 1,
            failing: 0,
            telling: Telling::InOrder,
            values: Values::Ordinary,
            details: Details::Usual,
            recommends: false,
        }
    }
}

/// A call of a strategy.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    Ask(u32),
    Tell(Vec<Observation>),
    Recommend,
}

/// What it answered.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(super) enum Answer {
    Asked(Reply),
    Told,
    Picks(Vec<Architecture>),
}

/// What happened in a search.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript {
    pub(super) calls: Vec<Call>,
    pub(super) answers: Vec<Answer>,
    /// Fuel of each call.
    pub(super) fuel: Vec<u64>,
    /// Bytes of memory at the end.
    pub(super) memory: u64,
    pub(super) finished: bool,
    pub(super) told: usize,
    pub(super) asked: usize,
}

impl Transcript {
    /// Drops calls and answers, and keeps the counts.
    pub(super) fn forget(&mut self) {
        self.calls.clear();
        self.answers.clear();
        self.fuel.clear();
    }

    pub(super) fn queries(&self) -> impl Iterator<Item = &Query> {
        self.answers.iter().flat_map(|answer| match answer {
            Answer::Asked(Reply::Queries(queries)) => queries.as_slice(),
            _ => &[],
        })
    }

    /// The same with ids and parents counted in the order of asking: how a strategy counts is its business.
    pub(super) fn renumbered(&self) -> Vec<Answer> {
        let ids: Vec<u64> = self.queries().map(|query| query.id).collect();
        let number = |id: u64| ids.iter().position(|one| *one == id).map_or(id, |place| place as u64);
        let mut answers = self.answers.clone();
        for answer in &mut answers {
            if let Answer::Asked(Reply::Queries(queries)) = answer {
                for query in queries {
                    query.id = number(query.id);
                    query.parent = query.parent.map(number);
                }
            }
        }
        answers
    }

    pub(super) fn summary(&self) -> String {
        let end = if self.finished { ", then finished" } else { "" };
        let picks = self.answers.iter().rev().find_map(|answer| match answer {
            Answer::Picks(picks) => Some(picks.len()),
            _ => None,
        });
        format!("{} queries{end}, {} recommended", self.asked, picks.unwrap_or(0))
    }
}

/// Why a search ended before its end.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) error: PluginError,
    asked: usize,
    told: usize,
}

impl Trouble {
    /// Whether the plugin said in due form, when it was opened, that a setup is not for it.
    pub(super) fn declines(&self) -> bool {
        declines(&self.error)
    }
}

/// Whether an error says in due form that a setup is not for a plugin.
pub(super) fn declines(error: &PluginError) -> bool {
    matches!(error, PluginError::Guest { call, error: GuestError::Unsupported(_), .. } if call == "open")
}

impl From<Trouble> for Fault {
    fn from(Trouble { error, asked, told }: Trouble) -> Self {
        let when = match asked {
            0 => String::new(),
            1 => format!(" (after 1 query, {told} of them told)"),
            _ => format!(" (after {asked} queries, {told} of them told)"),
        };
        Self::new(format!("{error}{when}"), advice::on(&error))
    }
}

/// A search under way.
pub(super) struct Trial<'a> {
    plan: &'a Plan,
    space: Arc<Space>,
    pub(super) strategy: Strategy,
    in_flight: VecDeque<Query>,
    trained: usize,
    turns: usize,
    pub(super) transcript: Transcript,
}

impl<'a> Trial<'a> {
    pub(super) fn open(subject: &Subject<'_>, space: &Arc<Space>, plan: &'a Plan) -> Result<Self, Trouble> {
        let opened =
            Strategy::open(subject.component, Arc::clone(space), setup(subject, plan), subject.limits, subject.log());
        Ok(Self::start(opened.map_err(|error| Trouble { error, asked: 0, told: 0 })?, space, plan))
    }

    /// Starts a search in the instance of another, which ends.
    pub(super) fn open_in(self, subject: &Subject<'_>) -> Result<Self, Trouble> {
        let Self { plan, space, strategy, .. } = self;
        let opened = strategy.another(setup(subject, plan));
        Ok(Self::start(opened.map_err(|error| Trouble { error, asked: 0, told: 0 })?, &space, plan))
    }

    fn start(strategy: Strategy, space: &Arc<Space>, plan: &'a Plan) -> Self {
        Self {
            plan,
            space: Arc::clone(space),
            strategy,
            in_flight: VecDeque::new(),
            trained: 0,
            turns: 0,
            transcript: Transcript::default(),
        }
    }

    /// Goes to the search's end.
    pub(super) fn finish(mut self) -> Result<Transcript, Trouble> {
        while self.turn()? {}
        Ok(self.transcript)
    }

    /// Fills the room there is and tells something. False once the search is over.
    pub(super) fn turn(&mut self) -> Result<bool, Trouble> {
        if self.plan.recommends {
            self.recommend()?;
        }
        self.ask()?;
        if self.in_flight.is_empty() {
            self.recommend()?;
            self.transcript.memory = self.strategy.memory_bytes();
            return Ok(false);
        }
        let observations = self.observe();
        self.tell(observations)?;
        self.turns += 1;
        Ok(true)
    }

    /// Asks while there is room, as hosts do.
    fn ask(&mut self) -> Result<(), Trouble> {
        while !self.transcript.finished {
            let wanted = self.plan.queries.saturating_sub(self.transcript.asked);
            let room = self.plan.workers.saturating_sub(self.in_flight.len()).min(wanted);
            let Some(capacity) = u32::try_from(room).ok().filter(|room| *room > 0) else { break };
            let reply = self.call(
                Call::Ask(capacity),
                |strategy| strategy.ask(capacity),
                |reply| Answer::Asked(reply.clone()),
            )?;
            match reply {
                Reply::Queries(queries) => {
                    self.transcript.asked += queries.len();
                    self.in_flight.extend(queries);
                }
                Reply::Waiting => break,
                Reply::Finished => self.transcript.finished = true,
            }
        }
        Ok(())
    }

    /// What comes of some of the queries in flight.
    fn observe(&mut self) -> Vec<Observation> {
        let count = self.in_flight.len();
        let queries: Vec<Query> = match self.plan.telling {
            Telling::InOrder if self.turns % 4 == 3 => self.in_flight.drain(..).collect(),
            Telling::InOrder => self.in_flight.drain(..1).collect(),
            Telling::Backwards => self.in_flight.drain(count - 1..).collect(),
            Telling::AtOnce => self.in_flight.drain(..).collect(),
            Telling::Late => {
                let held = usize::from(count > 1);
                self.in_flight.drain(held..held + 1).collect()
            }
        };
        queries.into_iter().map(|query| self.observation(&query)).collect()
    }

    fn observation(&mut self, query: &Query) -> Observation {
        self.transcript.told += 1;
        // Nothing is a multiple of 0 but 0 itself.
        let fails = self.transcript.told.is_multiple_of(self.plan.failing);
        let outcome = if fails {
            EstimateOutcome::Failed("the training diverged".into())
        } else {
            self.trained += usize::from(query.purpose == Purpose::Train);
            let Plan { objectives, values, details, .. } = self.plan;
            let estimate = values::estimate(&self.space, query, self.trained, objectives.len(), *values, *details);
            EstimateOutcome::Estimated(estimate)
        };
        Observation { query: query.id, outcome }
    }

    fn tell(&mut self, observations: Vec<Observation>) -> Result<(), Trouble> {
        let given = observations.clone();
        self.call(Call::Tell(observations), |strategy| strategy.tell(&given), |()| Answer::Told)
    }

    fn recommend(&mut self) -> Result<(), Trouble> {
        self.call(Call::Recommend, Strategy::recommend, |picks| Answer::Picks(picks.clone())).map(drop)
    }

    /// Calls the strategy and takes down what it answered.
    fn call<T>(
        &mut self,
        call: Call,
        make: impl FnOnce(&mut Strategy) -> Result<T, PluginError>,
        answer: impl FnOnce(&T) -> Answer,
    ) -> Result<T, Trouble> {
        let before = self.strategy.fuel_used();
        let given = make(&mut self.strategy).map_err(|error| Trouble {
            error,
            asked: self.transcript.asked,
            told: self.transcript.told,
        })?;
        self.transcript.fuel.push(self.strategy.fuel_used() - before);
        self.transcript.calls.push(call);
        self.transcript.answers.push(answer(&given));
        Ok(given)
    }
}

/// A whole search.
pub(super) fn run(subject: &Subject<'_>, space: &Arc<Space>, plan: &Plan) -> Result<Transcript, Trouble> {
    Trial::open(subject, space, plan)?.finish()
}

/// The recorded calls of a search, made again of a fresh instance.
pub(super) fn replay(
    subject: &Subject<'_>,
    space: &Arc<Space>,
    plan: &Plan,
    calls: &[Call],
) -> Result<Transcript, Trouble> {
    let mut trial = Trial::open(subject, space, plan)?;
    for call in calls {
        match call {
            Call::Ask(capacity) => {
                trial.call(call.clone(), |strategy| strategy.ask(*capacity), |reply| Answer::Asked(reply.clone()))?;
            }
            Call::Tell(observations) => trial.tell(observations.clone())?,
            Call::Recommend => trial.recommend()?,
        }
    }
    Ok(trial.transcript)
}

fn setup(subject: &Subject<'_>, plan: &Plan) -> StrategySetup {
    StrategySetup {
        objectives: plan.objectives.clone(),
        options: subject.options.clone(),
        seed: plan.seed,
        max_queries: plan.max_queries,
        offers: subject.component.description().needs.clone(),
    }
}
