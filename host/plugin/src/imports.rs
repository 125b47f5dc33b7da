//! What plugins can call: questions about the space, actions, the log.
//!
//! The host's work is charged to the plugin's fuel, so that fuel bounds a call as a whole. Prices are of the order of what
//! the work takes, in the time of a unit of fuel; they are part of the contract's behaviour and listed in
//! `docs/limits.md`.

use archwright_space::{Architecture, Facts, Network, Space, SpaceError};
use semver::Version;
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceTableError, ResourceType};
use wasmtime::{Engine, Result, StoreContextMut, Trap};

use crate::actions::{ActionRules, HostAction, HostOutcome};
use crate::bindings::{actions, log, space, types};
use crate::checked::{self, NetworkBounds, Wrong};
use crate::contract::versioned;
use crate::guest::State;
use crate::log::LogLevel;
use crate::lower;
use crate::model::PluginAction;

/// Fuel for any question.
const CALL: u64 = 1_000;

/// Fuel for each decision, of each architecture.
const DECISION: u64 = 500;

/// Fuel for each node of a network built.
const NODE: u64 = 10_000;

/// Fuel for each node of a network whose fingerprint is taken.
const FINGERPRINT_NODE: u64 = 40_000;

/// Fuel for each number of an encoding.
const FEATURE: u64 = 20;

/// Everything that a plugin of any kind imports, at a version of the contract. Plugins of older versions of its track find it
/// there, too.
pub(crate) fn linker(engine: &Engine, version: &Version) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    linker.instance(&versioned("types", version))?;
    link_space(&mut linker.instance(&versioned("space", version))?)?;
    link_actions(&mut linker.instance(&versioned("actions", version))?)?;
    link_log(&mut linker.instance(&versioned("log", version))?)?;
    Ok(linker)
}

fn link_log(log: &mut LinkerInstance<'_, State>) -> Result<()> {
    log.func_wrap("log", |mut store: StoreContextMut<'_, State>, (level, message): (log::Level, String)| {
        charge(&mut store, CALL + message.len() as u64)?;
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        store.data_mut().log.write(level, &message);
        Ok(())
    })
}

fn link_space(interface: &mut LinkerInstance<'_, State>) -> Result<()> {
    interface.func_wrap("sample", |mut store: StoreContextMut<'_, State>, (seed,): (u64,)| {
        let space = the_space(&store)?;
        charge(&mut store, CALL + points(&space, 1))?;
        let mut nodes = 0;
        let sampled = space.sample_counting(seed, &mut nodes);
        charge_draws(&mut store, nodes)?;
        Ok((lower::architecture(&sampled),))
    })?;
    interface.func_wrap(
        "mutate",
        |mut store: StoreContextMut<'_, State>, (parent, seed): (types::Architecture, u64)| {
            let mut nodes = 0;
            let answer = ask(&mut store, [parent], |space, [parent]| space.mutate_counting(&parent, seed, &mut nodes))?;
            charge_draws(&mut store, nodes)?;
            Ok((answer.map(|child| lower::architecture(&child)),))
        },
    )?;
    interface.func_wrap(
        "crossover",
        |mut store: StoreContextMut<'_, State>,
         (left, right, seed): (types::Architecture, types::Architecture, u64)| {
            let mut nodes = 0;
            let answer = ask(&mut store, [left, right], |space, [left, right]| {
                space.crossover_counting(&left, &right, seed, &mut nodes)
            })?;
            charge_draws(&mut store, nodes)?;
            Ok((answer.map(|child| lower::architecture(&child)),))
        },
    )?;
    interface.func_wrap(
        "neighbors",
        |mut store: StoreContextMut<'_, State>, (of, limit): (types::Architecture, u32)| {
            let space = the_space(&store)?;
            // One more than the fuel pays for is enough to run out of it.
            let fuel = if store.data().counts_fuel { store.get_fuel()? } else { u64::MAX - 1 };
            let affordable = fuel / points(&space, 1).max(1) + 1;
            let limit = usize::try_from(affordable).unwrap_or(usize::MAX).min(limit as usize);
            let mut nodes = 0;
            let answer = ask(&mut store, [of], |space, [of]| space.neighbors_counting(&of, limit, &mut nodes))?;
            charge_draws(&mut store, nodes)?;
            if let Ok(neighbors) = &answer {
                charge(&mut store, points(&space, neighbors.len()))?;
            }
            Ok((answer.map(|neighbors| neighbors.iter().map(lower::architecture).collect::<Vec<_>>()),))
        },
    )?;
    interface.func_wrap("fingerprint", |mut store: StoreContextMut<'_, State>, (of,): (types::Architecture,)| {
        let answer = ask_for_facts(&mut store, of, FINGERPRINT_NODE, Facts::fingerprint_text, |space, of, _| {
            space.fingerprint(of)
        })?;
        Ok((answer,))
    })?;
    interface.func_wrap(
        "encode",
        |mut store: StoreContextMut<'_, State>, (of, encoding): (types::Architecture, space::Encoding)| {
            let encoding = match encoding {
                space::Encoding::OneHot => archwright_space::Encoding::OneHot,
                space::Encoding::Adjacency => archwright_space::Encoding::Adjacency,
                space::Encoding::Path => archwright_space::Encoding::Path,
            };
            let answer = ask(&mut store, [of], |space, [of]| space.encode(&of, encoding))?;
            if let Ok(features) = &answer {
                charge(&mut store, FEATURE * features.len() as u64)?;
            }
            Ok((answer,))
        },
    )?;
    interface.func_wrap("build", |mut store: StoreContextMut<'_, State>, (of,): (types::Architecture,)| {
        let answer = ask_of_network(&mut store, of, NODE, |_, _, network| Ok(network))?;
        Ok((answer.map(|network| lower::network(&network)),))
    })?;
    interface.func_wrap("admits", |mut store: StoreContextMut<'_, State>, (of,): (types::Architecture,)| {
        let space = the_space(&store)?;
        let answer = if space.limits().is_some() {
            // What takes long is building the network, to see how large it is.
            ask_of_network(&mut store, of, NODE, |space, of, _| Ok(space.admits(of)))?
        } else {
            ask(&mut store, [of], |space, [of]| Ok(space.admits(&of)))?
        };
        Ok((answer.unwrap_or(false),))
    })?;
    interface.func_wrap("admits-all", |mut store: StoreContextMut<'_, State>, (): ()| {
        let space = the_space(&store)?;
        charge(&mut store, CALL)?;
        Ok((space.admits_all(),))
    })?;
    interface.func_wrap("profile", |mut store: StoreContextMut<'_, State>, (of,): (types::Architecture,)| {
        let known = |facts: &Facts| facts.footprint;
        let answer = ask_for_facts(&mut store, of, NODE, known, |_, _, network| network.footprint())?;
        let footprint = answer.map(|footprint| space::Footprint {
            parameters: footprint.parameters,
            multiply_adds: footprint.multiply_adds,
            depth: footprint.depth,
            activation_bytes: footprint.activation_bytes,
        });
        Ok((footprint,))
    })
}

fn link_actions(interface: &mut LinkerInstance<'_, State>) -> Result<()> {
    interface.resource("action", ResourceType::host::<HostAction>(), |mut store, handle| {
        store.data_mut().resources.delete(Resource::<HostAction>::new_own(handle))?;
        Ok(())
    })?;
    // Plugins only ever borrow outcomes.
    interface.resource("outcome", ResourceType::host::<HostOutcome>(), |_, _| Ok(()))?;
    interface.func_wrap("train", |mut store: StoreContextMut<'_, State>, (spec,): (actions::Training,)| {
        let price = network_price(&spec.subject, NODE);
        describe(&mut store, 1, price, |rules, space, networks| {
            Ok(PluginAction::Train(rules.training(spec, space, networks)?))
        })
    })?;
    interface.func_wrap(
        "train-shared",
        |mut store: StoreContextMut<'_, State>, (spec,): (actions::SharedTraining,)| {
            let (count, price) = match &spec.paths {
                actions::Paths::Given(given) => (given.len(), given.iter().map(subject_price).sum()),
                _ => (1, 0),
            };
            describe(&mut store, count, price, |rules, space, networks| {
                Ok(PluginAction::TrainShared(rules.shared_training(spec, space, networks)?))
            })
        },
    )?;
    interface.func_wrap(
        "evaluate-shared",
        |mut store: StoreContextMut<'_, State>, (spec,): (actions::SharedEvaluation,)| {
            let price = network_price(&spec.subject, NODE);
            describe(&mut store, 1, price, |rules, space, networks| {
                Ok(PluginAction::EvaluateShared(rules.shared_evaluation(spec, space, networks)?))
            })
        },
    )?;
    interface.func_wrap(
        "differentiate-shared",
        |mut store: StoreContextMut<'_, State>, (spec,): (actions::SharedDerivative,)| {
            let price = FEATURE * spec.relaxation.probabilities.len() as u64;
            describe(&mut store, 1, price, |rules, space, _| {
                Ok(PluginAction::DifferentiateShared(rules.shared_derivative(spec, space)?))
            })
        },
    )?;
    interface.func_wrap("look-up", |mut store: StoreContextMut<'_, State>, (spec,): (actions::Measurement,)| {
        let price = network_price(&spec.subject, NODE);
        describe(&mut store, 1, price, |rules, space, networks| {
            Ok(PluginAction::LookUp(rules.measurement(spec, space, networks)?))
        })
    })?;
    interface.func_wrap("[method]outcome.failure", |store, (outcome,): (Resource<HostOutcome>,)| {
        let outcome = outcome_of(&store, &outcome)?;
        Ok((outcome.failure.clone(),))
    })?;
    interface.func_wrap("[method]outcome.curve", |mut store, (outcome,): (Resource<HostOutcome>,)| {
        let epochs = lower::epochs(outcome_of(&store, &outcome)?);
        charge(&mut store, CALL + FEATURE * epochs.as_ref().map_or(0, Vec::len) as u64)?;
        Ok((epochs,))
    })?;
    interface.func_wrap("[method]outcome.weights", |store, (outcome,): (Resource<HostOutcome>,)| {
        let outcome = outcome_of(&store, &outcome)?;
        Ok((outcome.weights.clone(),))
    })?;
    interface.func_wrap("[method]outcome.objectives", |store, (outcome,): (Resource<HostOutcome>,)| {
        let outcome = outcome_of(&store, &outcome)?;
        Ok((outcome.objectives.clone(),))
    })?;
    interface.func_wrap("[method]outcome.gradient", |mut store, (outcome,): (Resource<HostOutcome>,)| {
        let gradient = outcome_of(&store, &outcome)?.gradient.clone();
        charge(&mut store, CALL + FEATURE * gradient.as_ref().map_or(0, Vec::len) as u64)?;
        Ok((gradient,))
    })?;
    interface.func_wrap("[method]outcome.cost", |store, (outcome,): (Resource<HostOutcome>,)| {
        let outcome = outcome_of(&store, &outcome)?;
        Ok((outcome.cost,))
    })
}

/// Makes an action of what a plugin describes, with so many architectures in it; `price` is the fuel for their networks.
fn describe(
    store: &mut StoreContextMut<'_, State>,
    architectures: usize,
    price: u64,
    make: impl FnOnce(&ActionRules, &Space, &NetworkBounds) -> std::result::Result<PluginAction, Wrong>,
) -> Result<(std::result::Result<Resource<HostAction>, types::Error>,)> {
    let space = the_space(store)?;
    charge(store, CALL + points(&space, architectures) + price)?;
    let state = store.data_mut();
    let Some(rules) = &state.actions else { return Ok((Err(unsupported("there are no actions here")),)) };
    let action = match make(rules, &space, &state.networks) {
        Ok(action) => HostAction(action),
        Err(wrong) => return Ok((Err(refused(&wrong)),)),
    };
    let handles = state.handles;
    let handle = state.resources.push(action).map_err(|error| match error {
        ResourceTableError::Full => wasmtime::Error::from(handles),
        other => other.into(),
    })?;
    Ok((Ok(handle),))
}

fn outcome_of<'a>(
    store: &'a StoreContextMut<'_, State>,
    outcome: &Resource<HostOutcome>,
) -> Result<&'a crate::model::ActionOutcome> {
    Ok(&store.data().resources.get(outcome)?.0)
}

/// Takes fuel for the host's work; without enough of it the plugin is out of fuel.
fn charge(store: &mut StoreContextMut<'_, State>, price: u64) -> Result<()> {
    if !store.data().counts_fuel {
        return Ok(());
    }
    match store.get_fuel()?.checked_sub(price) {
        Some(left) => store.set_fuel(left),
        None => {
            store.set_fuel(0)?;
            Err(Trap::OutOfFuel.into())
        }
    }
}

/// Takes fuel for networks that were built to see whether they are within an experiment's constraints.
fn charge_draws(store: &mut StoreContextMut<'_, State>, nodes: u64) -> Result<()> {
    if nodes == 0 { Ok(()) } else { charge(store, NODE.saturating_mul(nodes)) }
}

fn points(space: &Space, count: usize) -> u64 {
    DECISION * (space.decisions().len() as u64 + 1) * count as u64
}

fn the_space(store: &StoreContextMut<'_, State>) -> Result<std::sync::Arc<Space>> {
    // Only strategies and estimators are let in with this import, and they are opened with a space.
    store.data().space.clone().ok_or_else(|| wasmtime::Error::msg("there is no space to ask about here"))
}

/// Answers a question about architectures.
fn ask<T, const N: usize>(
    store: &mut StoreContextMut<'_, State>,
    given: [types::Architecture; N],
    work: impl FnOnce(&Space, [Architecture; N]) -> std::result::Result<T, SpaceError>,
) -> Result<std::result::Result<T, types::Error>> {
    let space = the_space(store)?;
    charge(store, CALL + points(&space, N))?;
    let networks = store.data().networks;
    let mut checked = Vec::with_capacity(N);
    for one in given {
        charge(store, network_price(&one, NODE))?;
        match checked::unchecked_architecture(one, &networks) {
            Ok(architecture) => checked.push(architecture),
            Err(wrong) => return Ok(Err(refused(&wrong))),
        }
    }
    let Ok(checked) = <[Architecture; N]>::try_from(checked) else {
        return Err(wasmtime::Error::msg("as many architectures go out as came in"));
    };
    Ok(work(&space, checked).map_err(|error| unsupported(&error.to_string())))
}

/// Answers a question about an architecture's network, at a price for each of its nodes: what it costs shows once the
/// network is built, which the space's own limits bound.
fn ask_of_network<T>(
    store: &mut StoreContextMut<'_, State>,
    given: types::Architecture,
    price: u64,
    work: impl FnOnce(&Space, &Architecture, Network) -> std::result::Result<T, SpaceError>,
) -> Result<std::result::Result<T, types::Error>> {
    let built = ask(store, [given], |space, [architecture]| Ok((space.build(&architecture)?, architecture)))?;
    let (network, architecture) = match built {
        Ok(built) => built,
        Err(error) => return Ok(Err(error)),
    };
    charge(store, price * network.nodes.len() as u64)?;
    let space = the_space(store)?;
    Ok(work(&space, &architecture, network).map_err(|error| unsupported(&error.to_string())))
}

/// As [`ask_of_network`], at the same price, for what may be known without building the network.
fn ask_for_facts<T>(
    store: &mut StoreContextMut<'_, State>,
    given: types::Architecture,
    price: u64,
    known: impl FnOnce(&Facts) -> T,
    work: impl FnOnce(&Space, &Architecture, Network) -> std::result::Result<T, SpaceError>,
) -> Result<std::result::Result<T, types::Error>> {
    if let types::Architecture::Point(_) = &given {
        let space = the_space(store)?;
        let networks = store.data().networks;
        if let Ok(architecture) = checked::unchecked_architecture(given.clone(), &networks)
            && let Some(facts) = space.known_facts(&architecture)
        {
            charge(store, CALL + points(&space, 1))?;
            charge(store, price * u64::from(facts.nodes))?;
            return Ok(Ok(known(&facts)));
        }
    }
    ask_of_network(store, given, price, work)
}

fn subject_price(given: &types::Subject) -> u64 {
    match given {
        types::Subject::Architecture(architecture) => network_price(architecture, NODE),
        types::Subject::Relaxation(relaxation) => FEATURE * relaxation.probabilities.len() as u64,
    }
}

fn network_price(given: &types::Architecture, price: u64) -> u64 {
    match given {
        types::Architecture::Point(_) => 0,
        types::Architecture::Network(network) => price * network.nodes.len() as u64,
    }
}

fn refused(wrong: &Wrong) -> types::Error {
    unsupported(&format!("{}: {}", wrong.field, wrong.problem))
}

fn unsupported(problem: &str) -> types::Error {
    types::Error::Unsupported(problem.into())
}
