//! One live plugin: its store, what each call may use, and what a failed call means.

use std::sync::Arc;

use archwright_space::Space;
use wasmtime::component::ResourceTable;
use wasmtime::{Store, Trap};

use crate::PluginError;
use crate::actions::ActionRules;
use crate::bindings::types;
use crate::checked::{self, NetworkBounds, Wrong};
use crate::engine::Engine;
use crate::limiter::Limiter;
use crate::limits::{Bound, InForce, Key, Setting};
use crate::log::{Log, LogSink};
use crate::text::shown;

/// Longest text of a plugin or of the engine that goes into an error message, in bytes.
pub(crate) const MESSAGE_BYTES: usize = 2000;

/// What the host functions of one plugin work on.
pub(crate) struct State {
    pub(crate) limiter: Limiter,
    pub(crate) resources: ResourceTable,
    pub(crate) log: Log,
    /// The space that the `space` interface answers about; search-space plugins have none.
    pub(crate) space: Option<Arc<Space>>,
    /// What an estimator may ask for; others have none.
    pub(crate) actions: Option<ActionRules>,
    /// How large networks that the plugin gives may be.
    pub(crate) networks: NetworkBounds,
    /// How many handles the plugin may hold.
    pub(crate) handles: Bound,
    /// Whether calls take fuel: always, but where tests compare engines.
    pub(crate) counts_fuel: bool,
}

/// A store with one instance of a plugin in it.
///
/// Calls run on the caller's thread: plugin calls are short and never block, and a hop to another thread costs more than
/// a call. The thread's stack has to have room for [`Engine::native_stack_bytes`].
pub(crate) struct Guest {
    store: Store<State>,
    engine: Engine,
    name: String,
    fuel: Bound,
    hostcall: Bound,
    fuel_used: u64,
    /// The error that stopped the plugin.
    stopped: Option<String>,
}

impl Guest {
    pub(crate) fn new(engine: &Engine, name: &str, limits: &InForce, log: LogSink) -> Self {
        let mut resources = ResourceTable::new();
        let handles = limits.bound("handles held at once", Key::handles);
        resources.set_max_capacity(limits.limits.handles as usize);
        let state = State {
            limiter: Limiter::new(limits),
            resources,
            log: Log::new(log, limits),
            space: None,
            actions: None,
            networks: NetworkBounds::new(limits),
            handles,
            counts_fuel: engine.counts_fuel(),
        };
        let mut store = Store::new(engine.wasmtime(), state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(limits.limits.hostcall_bytes as usize);
        Self {
            store,
            engine: engine.clone(),
            name: name.into(),
            fuel: limits.bound("units of fuel", Key::fuel_per_call),
            hostcall: limits.bound("bytes handed to the host", Key::hostcall_bytes),
            fuel_used: 0,
            stopped: None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn state(&mut self) -> &mut State {
        self.store.data_mut()
    }

    /// Fuel of all calls so far, what the host charged for its work included.
    pub(crate) fn fuel_used(&self) -> u64 {
        self.fuel_used
    }

    /// Bytes of linear memory in use.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.store.data().limiter.used_bytes()
    }

    /// Runs guest code with the limits of one call.
    pub(crate) fn call<T>(
        &mut self,
        call: &str,
        run: impl FnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, PluginError> {
        if let Some(cause) = &self.stopped {
            return Err(PluginError::Poisoned { plugin: self.name.clone(), call: call.into(), cause: cause.clone() });
        }
        self.store.set_epoch_deadline(self.engine.patience_ticks());
        let _ = self.store.data_mut().limiter.take_denied();
        let _ = self.store.data_mut().log.take_last_error();
        let result = if self.store.data().counts_fuel {
            let result = self.store.set_fuel(self.fuel.limit).and_then(|()| run(&mut self.store));
            let left = self.store.get_fuel().unwrap_or_default();
            self.fuel_used = self.fuel_used.saturating_add(self.fuel.limit - left);
            result
        } else {
            run(&mut self.store)
        };
        result.map_err(|error| {
            let error = self.explain(call, &error);
            self.stop(error)
        })
    }

    /// Runs what happens once before all calls.
    ///
    /// It is bounded like a call and not counted: how much of a memory's first contents is written by code that takes fuel
    /// depends on the operating system.
    pub(crate) fn instantiate<T>(
        &mut self,
        run: impl FnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, PluginError> {
        let instance = self.call("instantiate", run)?;
        self.fuel_used = 0;
        Ok(instance)
    }

    /// Runs guest code that answers with a result of its own.
    pub(crate) fn ask<T>(
        &mut self,
        call: &str,
        run: impl FnOnce(&mut Store<State>) -> wasmtime::Result<Result<T, types::Error>>,
    ) -> Result<T, PluginError> {
        self.call(call, run)?.map_err(|error| PluginError::Guest {
            plugin: self.name.clone(),
            call: call.into(),
            error: checked::error(&error),
        })
    }

    /// Stops the plugin because of an answer that breaks the contract.
    pub(crate) fn wrong(&mut self, call: &str, wrong: Wrong) -> PluginError {
        let error = wrong.in_call(&self.name, call);
        self.stop(error)
    }

    /// Makes `error` the reason for which the plugin is not called any more.
    fn stop(&mut self, error: PluginError) -> PluginError {
        if !error.is_recoverable() {
            self.stopped = Some(error.to_string());
        }
        error
    }

    /// What an error of the engine means.
    fn explain(&mut self, call: &str, error: &wasmtime::Error) -> PluginError {
        let reached = |bound: Bound| PluginError::limit(&self.name, call, bound);
        let denied = self.store.data_mut().limiter.take_denied();
        if let Some(bound) = error.downcast_ref::<Bound>() {
            return reached(*bound);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => return reached(self.fuel),
            Some(Trap::Interrupt) => {
                return PluginError::Aborted {
                    plugin: self.name.clone(),
                    call: call.into(),
                    seconds: self.engine.patience().as_secs_f64(),
                };
            }
            Some(Trap::StackOverflow) => {
                let limit = self.engine.stack_bytes() as u64;
                let setting = Setting::Experiment("engine.stack_bytes");
                return reached(Bound { of: "bytes of stack", limit, setting });
            }
            _ => {}
        }
        if let Some(denied) = denied {
            return reached(denied);
        }
        // The engine has no types for these errors.
        let text = format!("{error:#}");
        if text.contains("fuel allocated for hostcalls") {
            return reached(self.hostcall);
        }
        if text.contains("resource limit exceeded") {
            return reached(self.store.data().limiter.count_exceeded(&text));
        }
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return PluginError::Trap {
                plugin: self.name.clone(),
                call: call.into(),
                code: trap.to_string().trim_start_matches("wasm trap: ").into(),
                message: self.store.data_mut().log.take_last_error(),
            };
        }
        PluginError::Invalid {
            plugin: self.name.clone(),
            call: call.into(),
            field: "result".into(),
            problem: shown(&error.root_cause().to_string(), MESSAGE_BYTES),
        }
    }
}
