//! Running a search strategy.

use std::collections::VecDeque;
use std::sync::Arc;

use archwright_space::{Architecture, Space};
use serde_json::Value;
use wasmtime::component::ResourceAny;

use crate::bindings::strategy::StrategyPlugin;
use crate::bindings::strategy::exports::archwright::nas::strategy as wit;
use crate::checked::{self, Wrong};
use crate::component::{Component, Export};
use crate::guest::Guest;
use crate::ids::Ids;
use crate::log::LogSink;
use crate::model::{Kind, Objective, Observation, Reply};
use crate::{Limits, PluginError, lower};

/// What a strategy is opened with, besides the space.
#[derive(Clone, Debug)]
pub struct StrategySetup {
    /// What is optimized, the first one first of all. Never empty.
    pub objectives: Vec<Objective>,
    /// Options as [`Component::options`] completes them.
    pub options: Value,
    /// Seed of all the strategy's randomness.
    pub seed: u64,
    /// Queries the budget allows, where it is counted in queries.
    pub max_queries: Option<u64>,
    /// What the estimator gives.
    pub offers: Vec<String>,
}

/// A search in progress.
///
/// Calls take place on the calling thread, whose stack has to have room for [`Engine::native_stack_bytes`].
///
/// [`Engine::native_stack_bytes`]: crate::Engine::native_stack_bytes
pub struct Strategy {
    guest: Guest,
    plugin: StrategyPlugin,
    search: ResourceAny,
    space: Arc<Space>,
    asked: Ids,
    /// Ids of queries that were not told yet, in order: few at a time, the oldest mostly first to go.
    in_flight: VecDeque<u64>,
}

impl Strategy {
    /// Starts a search.
    ///
    /// # Errors
    /// Where the component is no strategy, refuses the setup, or breaks a limit or the contract.
    pub fn open(
        component: &Component,
        space: Arc<Space>,
        setup: StrategySetup,
        limits: &Limits,
        log: LogSink,
    ) -> Result<Self, PluginError> {
        let Export::Strategy(export) = component.export() else { return Err(component.wrong_kind(Kind::Strategy)) };
        let mut guest = Guest::new(component.engine(), component.name(), &component.in_force(limits), log);
        guest.state().space = Some(Arc::clone(&space));
        let plugin = guest.instantiate(|store| export.instantiate(store))?;
        Self::start(guest, plugin, space, setup)
    }

    /// Starts another search in the instance of this one, which is not asked any more: what it answers must not depend on
    /// this one.
    pub(crate) fn another(self, setup: StrategySetup) -> Result<Self, PluginError> {
        let Self { guest, plugin, space, .. } = self;
        Self::start(guest, plugin, space, setup)
    }

    fn start(
        mut guest: Guest,
        plugin: StrategyPlugin,
        space: Arc<Space>,
        setup: StrategySetup,
    ) -> Result<Self, PluginError> {
        let setup = wit::Setup {
            decisions: lower::decisions(space.decisions()),
            objectives: lower::objectives(&setup.objectives),
            options: setup.options.to_string(),
            seed: setup.seed,
            max_queries: setup.max_queries,
            offers: setup.offers,
        };
        let search = guest.ask("open", |store| plugin.archwright_nas_strategy().search().call_open(store, &setup))?;
        Ok(Self { guest, plugin, search, space, asked: Ids::default(), in_flight: VecDeque::new() })
    }

    /// Asks for at most `capacity` (at least 1) queries.
    ///
    /// # Errors
    /// Where the strategy fails, or its answer breaks a limit or the contract.
    pub fn ask(&mut self, capacity: u32) -> Result<Reply, PluginError> {
        if capacity == 0 {
            return Err(self.out_of_turn("ask", "the capacity has to be at least 1".into()));
        }
        let search = self.search;
        let plugin = &self.plugin;
        let reply = self
            .guest
            .ask("ask", |store| plugin.archwright_nas_strategy().search().call_ask(store, search, capacity))?;
        match reply {
            wit::Reply::Queries(queries) => {
                let networks = self.guest.state().networks;
                let queries = checked::queries(queries, capacity, &self.asked, &self.space, &networks)
                    .map_err(|wrong| self.guest.wrong("ask", wrong))?;
                for query in &queries {
                    self.asked.insert(query.id);
                    let place = self.in_flight.partition_point(|other| *other < query.id);
                    self.in_flight.insert(place, query.id);
                }
                Ok(Reply::Queries(queries))
            }
            wit::Reply::Waiting if self.in_flight.is_empty() => {
                let problem = "it waits for observations, but no query is in flight";
                Err(self.guest.wrong("ask", Wrong::new("reply", problem)))
            }
            wit::Reply::Waiting => Ok(Reply::Waiting),
            wit::Reply::Finished => Ok(Reply::Finished),
        }
    }

    /// Tells observations of queries in flight, each once.
    ///
    /// # Errors
    /// [`PluginError::OutOfTurn`] where one is of a query that is not in flight; otherwise where the strategy fails or
    /// breaks a limit.
    pub fn tell(&mut self, observations: &[Observation]) -> Result<(), PluginError> {
        let mut told: Vec<u64> = observations.iter().map(|observation| observation.query).collect();
        let unknown = told.iter().find(|query| self.in_flight.binary_search(query).is_err()).copied();
        told.sort_unstable();
        let twice = told.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        if let Some(query) = unknown.or(twice) {
            return Err(self.out_of_turn("tell", format!("query {query} is not in flight")));
        }
        let lowered: Vec<_> = observations.iter().map(lower::observation).collect();
        let search = self.search;
        let plugin = &self.plugin;
        self.guest.ask("tell", |store| plugin.archwright_nas_strategy().search().call_tell(store, search, &lowered))?;
        for Observation { query, .. } in observations {
            if let Ok(place) = self.in_flight.binary_search(query) {
                self.in_flight.remove(place);
            }
        }
        Ok(())
    }

    /// The architectures that the strategy would pick now, best first. Empty: take the best observed.
    ///
    /// # Errors
    /// Where the strategy fails, or its answer breaks a limit or the contract.
    pub fn recommend(&mut self) -> Result<Vec<Architecture>, PluginError> {
        let search = self.search;
        let plugin = &self.plugin;
        let picks = self
            .guest
            .ask("recommend", |store| plugin.archwright_nas_strategy().search().call_recommend(store, search))?;
        let networks = self.guest.state().networks;
        let mut checked = Vec::with_capacity(picks.len());
        for (index, pick) in picks.into_iter().enumerate() {
            let pick = checked::architecture(pick, &self.space, &networks);
            checked
                .push(pick.map_err(|wrong| self.guest.wrong("recommend", wrong.within(&format!("picks[{index}]"))))?);
        }
        Ok(checked)
    }

    /// Number of queries asked and not told yet.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Fuel of all calls so far.
    pub fn fuel_used(&self) -> u64 {
        self.guest.fuel_used()
    }

    /// Bytes of linear memory in use.
    pub fn memory_bytes(&self) -> u64 {
        self.guest.memory_bytes()
    }

    fn out_of_turn(&self, call: &str, problem: String) -> PluginError {
        PluginError::OutOfTurn { plugin: self.guest.name().into(), call: call.into(), problem }
    }
}
