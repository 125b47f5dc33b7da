//! Running a search space that is a plugin.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use archwright_space::{Context, Decision, Network, Scalar, SearchSpace, SpaceError, Value};
use wasmtime::component::ResourceAny;

use crate::bindings::search_space::SearchSpacePlugin;
use crate::bindings::search_space::exports::archwright::nas::search_space as wit;
use crate::bindings::types::{self, AttributeValue};
use crate::checked::{self, NetworkBounds, Wrong};
use crate::component::{Component, Export};
use crate::guest::Guest;
use crate::limits::InForce;
use crate::log::LogSink;
use crate::model::Kind;
use crate::text::shown;
use crate::{Limits, PluginError, lower};

/// Longest text value of a recipe, in bytes.
const TEXT_BYTES: usize = 200;

/// A search space written as a plugin.
///
/// Calls take place on the calling thread, one at a time; its stack has to have room for
/// [`Engine::native_stack_bytes`]. A search space is pure, so an instance that was stopped is replaced by a fresh one: a
/// point that makes the plugin trap costs that point and no other.
///
/// [`Engine::native_stack_bytes`]: crate::Engine::native_stack_bytes
pub struct SpaceComponent {
    component: Component,
    options: String,
    limits: InForce,
    networks: NetworkBounds,
    log: LogSink,
    decisions: Vec<Decision>,
    live: Mutex<Option<Live>>,
}

/// An instance and its definition.
struct Live {
    guest: Guest,
    plugin: SearchSpacePlugin,
    definition: ResourceAny,
}

impl SpaceComponent {
    /// Opens the space; `options` are as [`Component::options`] completes them.
    ///
    /// # Errors
    /// Where the component is no search space, refuses the options, or breaks a limit or the contract. Whether the
    /// decisions make sense is for [`archwright_space::Space`] to say.
    pub fn open(
        component: &Component,
        options: &serde_json::Value,
        limits: &Limits,
        log: LogSink,
    ) -> Result<Self, PluginError> {
        let limits = component.in_force(limits);
        let mut space = Self {
            component: component.clone(),
            options: options.to_string(),
            networks: NetworkBounds::new(&limits),
            limits,
            log,
            decisions: Vec::new(),
            live: Mutex::new(None),
        };
        let mut live = space.start()?;
        let Live { guest, plugin, definition } = &mut live;
        let decisions = guest.call("decisions", |store| {
            plugin.archwright_nas_search_space().definition().call_decisions(store, *definition)
        })?;
        space.decisions = checked::decisions(decisions);
        space.live = Mutex::new(Some(live));
        Ok(space)
    }

    fn start(&self) -> Result<Live, PluginError> {
        let Export::SearchSpace(export) = self.component.export() else {
            return Err(self.component.wrong_kind(Kind::SearchSpace));
        };
        let log = std::sync::Arc::clone(&self.log);
        let mut guest = Guest::new(self.component.engine(), self.component.name(), &self.limits, log);
        let plugin = guest.instantiate(|store| export.instantiate(store))?;
        let definition = guest
            .ask("open", |store| plugin.archwright_nas_search_space().definition().call_open(store, &self.options))?;
        Ok(Live { guest, plugin, definition })
    }

    /// Asks the live instance, or a fresh one.
    fn ask<T>(&self, question: impl FnOnce(&mut Live) -> Result<T, PluginError>) -> Result<T, SpaceError> {
        let mut slot = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match slot.take() {
            Some(live) => Ok(live),
            None => self.start(),
        }
        .and_then(|mut live| {
            let answer = question(&mut live);
            if answer.as_ref().err().is_none_or(PluginError::is_recoverable) {
                *slot = Some(live);
            }
            answer
        });
        answer.map_err(|error| SpaceError::Unsupported(error.to_string()))
    }
}

impl SearchSpace for SpaceComponent {
    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn build(&self, values: &[Value], context: &Context) -> Result<Network, SpaceError> {
        let values = lower::values(values);
        let given = context;
        let context = wit::Context {
            input: context.input.clone(),
            classes: context.classes,
            width_share: context.width_share,
            depth_share: context.depth_share,
        };
        self.ask(|Live { guest, plugin, definition }| {
            let network = guest.ask("build", |store| {
                plugin.archwright_nas_search_space().definition().call_build(store, *definition, &values, &context)
            })?;
            sound(network, given, &self.networks).map_err(|wrong| guest.wrong("build", wrong))
        })
    }

    fn recipe(&self, values: &[Value]) -> Result<BTreeMap<String, Scalar>, SpaceError> {
        let values = lower::values(values);
        self.ask(|Live { guest, plugin, definition }| {
            let recipe = guest.ask("recipe", |store| {
                plugin.archwright_nas_search_space().definition().call_recipe(store, *definition, &values)
            })?;
            let mut checked = BTreeMap::new();
            for (index, attribute) in recipe.into_iter().enumerate() {
                let field = format!("recipe[{index}]");
                let value = scalar(attribute.value)
                    .map_err(|problem| guest.wrong("recipe", Wrong::new(format!("{field}.value"), problem)))?;
                let name = shown(&attribute.name, TEXT_BYTES);
                if checked.insert(name.clone(), value).is_some() {
                    let problem = format!("`{name}` is given twice");
                    return Err(guest.wrong("recipe", Wrong::new(format!("{field}.name"), problem)));
                }
            }
            Ok(checked)
        })
    }
}

/// The network as the host uses it: valid, for this context, and simplified.
fn sound(network: types::Network, context: &Context, bounds: &NetworkBounds) -> Result<Network, Wrong> {
    let network = checked::network(network, bounds)?;
    checked::fits(&network, context, bounds).map_err(|problem| Wrong::new("network", problem))?;
    Ok(network.simplify())
}

fn scalar(value: AttributeValue) -> Result<Scalar, String> {
    match value {
        AttributeValue::Boolean(flag) => Ok(Scalar::Boolean(flag)),
        AttributeValue::Integer(integer) => Ok(Scalar::Integer(integer)),
        AttributeValue::Real(real) if real.is_finite() => Ok(Scalar::Real(real)),
        AttributeValue::Real(real) => Err(format!("it is {real}")),
        AttributeValue::Text(text) if text.len() <= TEXT_BYTES => Ok(Scalar::Text(text)),
        AttributeValue::Text(text) => Err(format!("{} bytes of text are more than {TEXT_BYTES}", text.len())),
        AttributeValue::Integers(_) | AttributeValue::Reals(_) => {
            Err("a hyperparameter is one value, not a list".into())
        }
    }
}
