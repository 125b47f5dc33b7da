use archwright_space::{Architecture, Decision};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Error, Goal, Objective, Observation, Query, Space};

/// A search strategy: decides which architectures to look at next.
///
/// The host asks for queries, has them estimated, and tells what came of them. A strategy has neither a clock nor
/// randomness but `setup.seed`: the same calls give the same answers.
pub trait Strategy: Sized + 'static {
    /// Name under which it is used, in kebab-case.
    const NAME: &'static str;
    /// One line for a listing.
    const SUMMARY: &'static str;
    /// Papers and code that the method comes from, e.g. `arXiv:1802.01548`.
    const REFERENCES: &'static [&'static str] = &[];
    /// What it cannot do without, e.g. `gradients`.
    const NEEDS: &'static [&'static str] = &[];
    /// What it gives.
    const GIVES: &'static [&'static str] = &[];
    /// Its options. Doc comments, ranges and defaults end in the schema that users see and the host checks against.
    type Options: DeserializeOwned + JsonSchema;

    /// Starts a search.
    ///
    /// # Errors
    /// Where options are out of range or the space cannot be searched so.
    fn open(setup: Setup, options: Self::Options, space: Space) -> Result<Self, Error>;

    /// At most `capacity` (at least 1) new queries.
    ///
    /// # Errors
    /// Where the strategy cannot go on.
    fn ask(&mut self, capacity: usize) -> Result<Reply, Error>;

    /// Observations of queries asked before, each told once.
    ///
    /// # Errors
    /// Where the strategy cannot go on.
    fn tell(&mut self, observations: &[Observation]) -> Result<(), Error>;

    /// The architectures it would pick now, best first. Empty: the best observed.
    fn recommend(&mut self) -> Vec<Architecture> {
        Vec::new()
    }
}

/// What a search starts from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The space's decisions.
    pub decisions: Vec<Decision>,
    /// What is optimized; the first counts for methods with one objective. Never empty.
    pub objectives: Vec<Objective>,
    /// Seed of every random choice.
    pub seed: u64,
    /// Queries the budget allows, where it is counted in queries.
    pub max_queries: Option<u64>,
    /// What the estimator gives.
    pub offers: Vec<String>,
}

impl Setup {
    /// Which way the first objective is better; larger where there is none.
    pub fn goal(&self) -> Goal {
        self.objectives.first().map_or(Goal::Maximize, |objective| objective.goal)
    }
}

/// An answer to [`Strategy::ask`].
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// At least one query.
    Queries(Vec<Query>),
    /// Nothing until more observations come. Only while queries are in flight.
    Waiting,
    /// The search is over.
    Finished,
}

impl Reply {
    /// `capacity` queries, made one after the other.
    ///
    /// # Errors
    /// What `query` fails with first.
    pub fn each(capacity: usize, mut query: impl FnMut() -> Result<Query, Error>) -> Result<Self, Error> {
        // A host may ask for more than there is room for, and get an error first.
        let mut queries = Vec::with_capacity(capacity.min(1_000));
        for _ in 0..capacity {
            queries.push(query()?);
        }
        Ok(Self::Queries(queries))
    }
}
