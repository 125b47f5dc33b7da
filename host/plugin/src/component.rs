//! A plugin that is loaded but does not run.

use std::collections::BTreeMap;
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
use crate::limits::{InForce, Key};
use crate::log::{LogLevel, LogSink};
use crate::model::{Description, Kind};
use crate::options::Schema;
use crate::text::shown;
use crate::wishes::Wishes;
use crate::{Limits, PluginError, inspect, weight};

/// A compiled plugin, ready to be opened any number of times. Cheap to clone.
#[derive(Clone)]
pub struct Component(Arc<Loaded>);

struct Loaded {
    engine: Engine,
    export: Export,
    digest: String,
    wishes: Wishes,
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
        let wishes = Wishes::read(name, bytes)?;
        let in_force = wishes.under(limits);
        weight::check(name, bytes, &in_force)?;
        let digest = blake3::hash(bytes);
        let compiled = engine.compile(name, &digest, bytes)?;
        let unfit = |error: wasmtime::Error| PluginError::Load {
            file: name.into(),
            problem: format!(
                "it does not fit the contract `archwright:nas` of this host: {}",
                shown(&format!("{error:#}"), MESSAGE_BYTES)
            ),
        };
        let linked = engine.linker().instantiate_pre(&compiled).and_then(|linked| Export::new(kind, linked));
        let export = linked.map_err(unfit)?;
        let (description, schema) = describe(engine, &export, name, &in_force)?;
        Ok(Self(Arc::new(Loaded {
            engine: engine.clone(),
            export,
            digest: digest.to_hex().to_string(),
            wishes,
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

    /// The limits that the plugin sets itself in its section `archwright:limits`, by the keys of `[limits]`. Where one is
    /// lower than the host's, it is the one in force.
    pub fn wishes(&self) -> &BTreeMap<String, u64> {
        self.0.wishes.by_key()
    }

    /// The limits in force for this plugin under the host's.
    pub(crate) fn in_force(&self, limits: &Limits) -> InForce {
        self.0.wishes.under(limits)
    }

    /// Checks options against the plugin's schema and fills in its defaults; the result is an object.
    ///
    /// # Errors
    /// [`PluginError::Options`] for the first option that is unknown, missing or out of range.
    pub fn options(&self, given: &Map<String, Value>) -> Result<Value, PluginError> {
        self.0.schema.complete(given).map_err(|problem| PluginError::Options {
            plugin: self.name().into(),
            option: problem.path,
            problem: shown(&problem.problem, MESSAGE_BYTES),
            suggestion: problem.suggestion,
        })
    }

    /// Names of the options, in alphabetical order.
    pub fn option_names(&self) -> Vec<&str> {
        self.0.schema.names().collect()
    }

    /// Asks a fresh instance to describe itself, twice.
    pub(crate) fn describe_again(&self, limits: &Limits) -> Result<[Description; 2], PluginError> {
        let invalid = |wrong: Wrong| wrong.in_call(self.name(), "describe");
        let [first, second] = given_descriptions(&self.0.engine, &self.0.export, self.name(), &self.in_force(limits))?;
        Ok([checked::description(first).map_err(invalid)?, checked::description(second).map_err(invalid)?])
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
    let bound = InForce::new(limits, []).bound("bytes of a component", Key::component_bytes);
    Err(PluginError::limit(name, "load", bound))
}

fn describe(
    engine: &Engine,
    export: &Export,
    name: &str,
    limits: &InForce,
) -> Result<(Description, Schema), PluginError> {
    let [description] = given_descriptions(engine, export, name, limits)?;
    let invalid = |wrong: Wrong| wrong.in_call(name, "describe");
    let description = checked::description(description).map_err(invalid)?;
    let schema = Schema::compile(&description.options_schema).map_err(|problem| {
        let path = shown(&problem.path, MESSAGE_BYTES);
        invalid(Wrong::new(format!("options-schema at {path}"), problem.problem))
    })?;
    Ok((description, schema))
}

/// Asks one instance to describe itself.
type Describe = Box<dyn FnMut(&mut Guest) -> Result<bindings::types::Description, PluginError>>;

/// What a fresh instance says of itself, asked so many times.
fn given_descriptions<const TIMES: usize>(
    engine: &Engine,
    export: &Export,
    name: &str,
    limits: &InForce,
) -> Result<[bindings::types::Description; TIMES], PluginError> {
    let plugin = name.to_owned();
    let log: LogSink = Arc::new(move |level, line| {
        if level >= LogLevel::Warn {
            tracing::warn!(plugin, "{line}");
        } else {
            tracing::debug!(plugin, "{line}");
        }
    });
    let mut guest = Guest::new(engine, name, limits, log);
    let mut describe: Describe = match export {
        Export::Strategy(export) => {
            let instance = guest.instantiate(|store| export.instantiate(&mut *store))?;
            Box::new(move |guest| {
                guest.call("describe", |store| instance.archwright_nas_strategy().call_describe(store))
            })
        }
        Export::Estimator(export) => {
            let instance = guest.instantiate(|store| export.instantiate(&mut *store))?;
            Box::new(move |guest| {
                guest.call("describe", |store| instance.archwright_nas_estimator().call_describe(store))
            })
        }
        Export::SearchSpace(export) => {
            let instance = guest.instantiate(|store| export.instantiate(&mut *store))?;
            Box::new(move |guest| {
                guest.call("describe", |store| instance.archwright_nas_search_space().call_describe(store))
            })
        }
    };
    let mut given = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        given.push(describe(&mut guest)?);
    }
    <[_; TIMES]>::try_from(given).map_err(|_| PluginError::Engine { problem: "a description was lost".into() })
}
