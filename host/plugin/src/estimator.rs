//! Running a performance estimation strategy.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use archwright_space::Space;
use serde_json::Value;
use wasmtime::component::{Resource, ResourceAny};

use crate::actions::{ActionRules, HostOutcome};
use crate::bindings::estimator::EstimatorPlugin;
use crate::bindings::estimator::exports::archwright::nas::estimator as wit;
use crate::checked::{self, Wrong};
use crate::component::{Component, Export};
use crate::guest::Guest;
use crate::log::LogSink;
use crate::model::{ActionOutcome, Kind, Objective, Query, Step, Subject};
use crate::{Limits, PluginError, lower};

/// What an estimator is opened with, besides the space.
#[derive(Clone, Debug)]
pub struct EstimatorSetup {
    /// What is optimized, the first one first of all. Never empty.
    pub objectives: Vec<Objective>,
    /// Options as [`Component::options`] completes them.
    pub options: Value,
    /// Seed of all the estimator's randomness.
    pub seed: u64,
    /// Epochs of a full training, at least 1.
    pub full_epochs: u32,
    /// Names of the actions that can be carried out, e.g. `train`, `train.resume`.
    pub offers: Vec<String>,
    /// Steps of an epoch of shared training, at least 1.
    pub epoch_steps: u32,
}

/// An estimator at work on any number of jobs.
///
/// Calls take place on the calling thread, whose stack has to have room for [`Engine::native_stack_bytes`].
///
/// [`Engine::native_stack_bytes`]: crate::Engine::native_stack_bytes
pub struct Estimator {
    guest: Guest,
    plugin: EstimatorPlugin,
    estimation: ResourceAny,
    objectives: usize,
    /// Subjects of the jobs that wait for an outcome.
    jobs: HashMap<u64, Subject>,
}

impl Estimator {
    /// Starts an estimator.
    ///
    /// # Errors
    /// Where the component is no estimator, refuses the setup, or breaks a limit or the contract.
    pub fn open(
        component: &Component,
        space: Arc<Space>,
        setup: EstimatorSetup,
        limits: &Limits,
        log: LogSink,
    ) -> Result<Self, PluginError> {
        let Export::Estimator(export) = component.export() else {
            return Err(component.wrong_kind(Kind::Estimator));
        };
        let mut guest = Guest::new(component.engine(), component.name(), &component.in_force(limits), log);
        let lowered = wit::Setup {
            decisions: lower::decisions(space.decisions()),
            objectives: lower::objectives(&setup.objectives),
            options: setup.options.to_string(),
            seed: setup.seed,
            full_epochs: setup.full_epochs,
            offers: setup.offers.clone(),
            epoch_steps: setup.epoch_steps,
        };
        let state = guest.state();
        state.space = Some(space);
        state.actions = Some(ActionRules {
            full_epochs: setup.full_epochs,
            epoch_steps: setup.epoch_steps,
            offers: setup.offers.into_iter().collect(),
            weights: Default::default(),
        });
        let plugin = guest.instantiate(|store| export.instantiate(store))?;
        let estimation =
            guest.ask("open", |store| plugin.archwright_nas_estimator().estimation().call_open(store, &lowered))?;
        Ok(Self { guest, plugin, estimation, objectives: setup.objectives.len(), jobs: HashMap::new() })
    }

    /// Starts job `job` for `query`.
    ///
    /// # Errors
    /// [`PluginError::OutOfTurn`] where a job of this number waits for an outcome; otherwise where the estimator fails, or
    /// its answer breaks a limit or the contract.
    pub fn begin(&mut self, job: u64, query: &Query) -> Result<Step, PluginError> {
        if self.jobs.contains_key(&job) {
            return Err(self.out_of_turn("begin", format!("job {job} is open")));
        }
        let lowered = lower::query(query);
        let estimation = self.estimation;
        let plugin = &self.plugin;
        let step = self.guest.ask("begin", |store| {
            plugin.archwright_nas_estimator().estimation().call_begin(store, estimation, job, &lowered)
        })?;
        self.step("begin", job, step, Cow::Borrowed(&query.subject))
    }

    /// Takes the outcome of the action that job `job` asked for last to the estimator.
    ///
    /// An error that the estimator answers with ends the job.
    ///
    /// # Errors
    /// [`PluginError::OutOfTurn`] where the job does not wait for an outcome; otherwise where the estimator fails, or its
    /// answer breaks a limit or the contract.
    pub fn advance(&mut self, job: u64, outcome: &ActionOutcome) -> Result<Step, PluginError> {
        let Some(subject) = self.jobs.remove(&job) else {
            return Err(self.out_of_turn("advance", format!("job {job} does not wait for an outcome")));
        };
        let state = self.guest.state();
        if let (Some(weights), Some(rules)) = (&outcome.weights, &mut state.actions) {
            rules.weights.insert(weights.clone());
        }
        let handle = self.lend(outcome)?;
        let borrowed = Resource::<HostOutcome>::new_borrow(handle.rep());
        let estimation = self.estimation;
        let plugin = &self.plugin;
        let step = self.guest.ask("advance", |store| {
            plugin.archwright_nas_estimator().estimation().call_advance(store, estimation, job, borrowed)
        });
        // The borrow ended with the call.
        let _ = self.guest.state().resources.delete(handle);
        self.step("advance", job, step?, Cow::Owned(subject))
    }

    /// Puts an outcome where the plugin can look at it. A plugin that holds as many handles as it may leaves no room.
    fn lend(&mut self, outcome: &ActionOutcome) -> Result<Resource<HostOutcome>, PluginError> {
        let resources = &mut self.guest.state().resources;
        let capacity = resources.max_capacity();
        resources.set_max_capacity(capacity.saturating_add(1));
        let handle = resources.push(HostOutcome(outcome.clone()));
        resources.set_max_capacity(capacity);
        handle.map_err(|error| self.guest.wrong("advance", Wrong::new("handles", error.to_string())))
    }

    fn step(&mut self, call: &str, job: u64, step: wit::Step, subject: Cow<'_, Subject>) -> Result<Step, PluginError> {
        match step {
            wit::Step::Act(action) => {
                let action = self.guest.state().resources.delete(action);
                let action =
                    action.map_err(|error| self.guest.wrong(call, Wrong::new("step.act", error.to_string())))?;
                self.jobs.insert(job, subject.into_owned());
                Ok(Step::Act(action.0))
            }
            wit::Step::Done(estimate) => checked::estimate(estimate, self.objectives, &subject)
                .map(Step::Done)
                .map_err(|wrong| self.guest.wrong(call, wrong.within("step.done"))),
            wit::Step::Failed(reason) => Ok(Step::Failed(checked::reason(&reason))),
        }
    }

    /// Number of jobs that wait for an outcome.
    pub fn open_jobs(&self) -> usize {
        self.jobs.len()
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
