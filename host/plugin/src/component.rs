//! A plugin that is loaded but does not run.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use wasmtime::component::InstancePre;

use crate::bindings;
use crate::checked::{self, Wrong};
use crate::engine::Engine;
use crate::guest::{Guest, MESSAGE_BYTES, State};
use crate::inspect::Inspected;
use crate::log::{LogLevel, LogSink};
use crate::model::{Description, Kind};
use crate::options::Schema;
use crate::text::shown;
use crate::{Limits, PluginError, inspect};

/// A compiled plugin, ready to be opened any number of times. Cheap to clone.
#[derive(Clone)]
pub struct Component(Arc<Loaded>);

struct Loaded {
    engine: Engine,
    export: Export,
    digest: String,
    contract: semver::Version,
    description: Description,
    schema: Schema,
}

/// A component linked to the host, by kind.
pub(crate) enum Export {
    Strategy(bindings::strategy::StrategyPluginPre<State>),
    Estimator(bindings::estimator::EstimatorPluginPre<State>),
    SearchSpace(bindings::search_space::SearchSpacePluginPre<State>),
}

impl std::fmt::Debug for Component {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Component")
            .field("kind", &self.kind())
            .field("name", &self.name())
            .field("digest", &self.digest())
            .finish_non_exhaustive()
    }
}

impl Component {
    pub(crate) fn load(engine: &Engine, path: &Path, limits: &Limits) -> Result<Self, PluginError> {
        Self::load_bytes(engine, &path.display().to_string(), &Self::read(path, limits)?, limits)
    }

    pub(crate) fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, PluginError> {
        let name = path.display().to_string();
        let failed = |error: std::io::Error| PluginError::Load {
            file: name.clone(),
            problem: format!("cannot be read: {error}"),
        };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(PluginError::Load { file: name, problem: "this is not a file".into() });
        }
        check_size(&name, metadata.len(), limits)?;
        let mut bytes = Vec::new();
        // The file may grow meanwhile.
        file.take(limits.component_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        check_size(&name, bytes.len() as u64, limits)?;
        Ok(bytes)
    }

    pub(crate) fn load_bytes(engine: &Engine, name: &str, bytes: &[u8], limits: &Limits) -> Result<Self, PluginError> {
        check_size(name, bytes.len() as u64, limits)?;
        let Inspected { kind, contract } = inspect::inspect(name, bytes)?;
        let digest = blake3::hash(bytes);
        let compiled = match engine.cache() {
            Some(cache) => cache.component(engine.wasmtime(), &digest, bytes),
            None => wasmtime::component::Component::from_binary(engine.wasmtime(), bytes),
        };
        let failed = |what: &str, error: &wasmtime::Error| PluginError::Load {
            file: name.into(),
            problem: format!("{what}: {}", shown(&format!("{error:#}"), MESSAGE_BYTES)),
        };
        let compiled = compiled.map_err(|error| failed("it does not compile", &error))?;
        let linked = engine.linker().instantiate_pre(&compiled).and_then(|linked| Export::new(kind, linked));
        let export =
            linked.map_err(|error| failed("it does not fit the contract `archwright:nas` of this host", &error))?;
        let (description, schema) = describe(engine, &export, name, limits)?;
        Ok(Self(Arc::new(Loaded {
            engine: engine.clone(),
            export,
            digest: digest.to_hex().to_string(),
            contract,
            description,
            schema,
        })))
    }

    /// What the component exports.
    pub fn kind(&self) -> Kind {
        match &self.0.export {
            Export::Strategy(_) => Kind::Strategy,
            Export::Estimator(_) => Kind::Estimator,
            Export::SearchSpace(_) => Kind::SearchSpace,
        }
    }

    /// The plugin's own name.
    pub fn name(&self) -> &str {
        &self.0.description.name
    }

    /// BLAKE3 of the component, in hexadecimal: the identity of the plugin in every record.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// The version of the contract that the component is built for.
    pub fn contract(&self) -> &semver::Version {
        &self.0.contract
    }

    /// What the plugin says of itself.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// Checks options against the plugin's schema and fills in its defaults; the result is an object.
    ///
    /// # Errors
    /// [`PluginError::Options`] for the first option that is unknown, missing or out of range.
    pub fn options(&self, given: &Map<String, Value>) -> Result<Value, PluginError> {
        self.0.schema.complete(given).map_err(|problem| PluginError::Options {
            plugin: self.name().into(),
            option: problem.path,
            problem: problem.problem,
            suggestion: problem.suggestion,
        })
    }

    /// Names of the options, in alphabetical order.
    pub fn option_names(&self) -> Vec<&str> {
        self.0.schema.names().collect()
    }

    /// Asks a fresh instance to describe itself.
    pub(crate) fn describe_again(&self, limits: &Limits) -> Result<Description, PluginError> {
        describe(&self.0.engine, &self.0.export, self.name(), limits).map(|(description, _)| description)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn export(&self) -> &Export {
        &self.0.export
    }

    pub(crate) fn wrong_kind(&self, wanted: Kind) -> PluginError {
        PluginError::wrong_kind(self.name(), wanted, self.kind())
    }
}

impl Export {
    fn new(kind: Kind, linked: InstancePre<State>) -> wasmtime::Result<Self> {
        Ok(match kind {
            Kind::Strategy => Self::Strategy(bindings::strategy::StrategyPluginPre::new(linked)?),
            Kind::Estimator => Self::Estimator(bindings::estimator::EstimatorPluginPre::new(linked)?),
            Kind::SearchSpace => Self::SearchSpace(bindings::search_space::SearchSpacePluginPre::new(linked)?),
        })
    }
}

fn check_size(name: &str, bytes: u64, limits: &Limits) -> Result<(), PluginError> {
    if bytes <= limits.component_bytes {
        return Ok(());
    }
    Err(PluginError::Limit {
        plugin: name.into(),
        call: "load".into(),
        of: "bytes of a component",
        limit: limits.component_bytes,
        setting: "limits.component_bytes",
    })
}

fn describe(
    engine: &Engine,
    export: &Export,
    name: &str,
    limits: &Limits,
) -> Result<(Description, Schema), PluginError> {
    let plugin = name.to_owned();
    let log: LogSink = Arc::new(move |level, line| {
        if level >= LogLevel::Warn {
            tracing::warn!(plugin, "{line}");
        } else {
            tracing::debug!(plugin, "{line}");
        }
    });
    let mut guest = Guest::new(engine, name, limits, log);
    let description = match export {
        Export::Strategy(export) => {
            let instance = guest.instantiate(|store| export.instantiate(&mut *store))?;
            guest.call("describe", |store| instance.archwright_nas_strategy().call_describe(store))?
        }
        Export::Estimator(export) => {
            let instance = guest.instantiate(|store| export.instantiate(&mut *store))?;
            guest.call("describe", |store| instance.archwright_nas_estimator().call_describe(store))?
        }
        Export::SearchSpace(export) => {
            let instance = guest.instantiate(|store| export.instantiate(&mut *store))?;
            guest.call("describe", |store| instance.archwright_nas_search_space().call_describe(store))?
        }
    };
    let invalid = |wrong: Wrong| wrong.in_call(name, "describe");
    let description = checked::description(description).map_err(invalid)?;
    let schema = Schema::compile(&description.options_schema)
        .map_err(|problem| invalid(Wrong::new(format!("options-schema at {}", problem.path), problem.problem)))?;
    Ok((description, schema))
}
