//! What this host will do for the components of today once the contract has grown: the real host functions under the
//! names of a newer contract with a function more, and a world of the newer contract to look exports up by.

use std::path::Path;
use std::sync::Arc;

use semver::Version;
use wasmtime::component::Linker;

use crate::contract::{CONTRACT, versioned};
use crate::guest::{Guest, State};
use crate::limits::InForce;
use crate::{Engine, EngineOptions, Limits, imports};

/// The strategy's interface as it is, in a package with the next version.
mod next {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package archwright:nas@0.1.2;

            interface strategy {
                use archwright:nas/types@0.1.1.{
                    description, error, decision, objective, query, observation, architecture
                };
                describe: func() -> description;
                record setup {
                    decisions: list<decision>,
                    objectives: list<objective>,
                    options: string,
                    seed: u64,
                    max-queries: option<u64>,
                    offers: list<string>,
                }
                variant reply { queries(list<query>), waiting, finished }
                resource search {
                    open: static func(setup: setup) -> result<search, error>;
                    ask: func(capacity: u32) -> result<reply, error>;
                    tell: func(observations: list<observation>) -> result<_, error>;
                    recommend: func() -> result<list<architecture>, error>;
                }
            }

            world strategy-plugin {
                export strategy;
            }
        ",
        world: "archwright:nas/strategy-plugin@0.1.2",
        with: { "archwright:nas/types@0.1.1": crate::bindings::shared::archwright::nas::types },
    });
}

fn newer() -> Version {
    Version::new(CONTRACT.major, CONTRACT.minor, CONTRACT.patch + 1)
}

/// The host functions of this host as those of a newer contract, which has one more.
fn linker(engine: &Engine) -> Linker<State> {
    let mut linker = imports::linker(engine.wasmtime(), &newer()).unwrap();
    let mut space = linker.instance(&versioned("space", &newer())).unwrap();
    space.func_wrap("count", |_, (): ()| Ok((0u64,))).unwrap();
    linker
}

fn component(engine: &Engine, kind: &str) -> wasmtime::component::Component {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/0.1.0").join(kind);
    wasmtime::component::Component::from_file(engine.wasmtime(), path).unwrap()
}

#[test]
fn the_next_contract_of_this_test_is_the_next_one() {
    assert_eq!(newer(), Version::new(0, 1, 2));
}

#[test]
fn components_find_their_imports_in_a_newer_contract() {
    let engine = Engine::new(&EngineOptions::default()).unwrap();
    for kind in ["strategy.wasm", "estimator.wasm", "search-space.wasm"] {
        linker(&engine).instantiate_pre(&component(&engine, kind)).unwrap();
    }
}

#[test]
fn the_exports_of_components_are_found_by_a_newer_contract() {
    let engine = Engine::new(&EngineOptions::default()).unwrap();
    let linked = linker(&engine).instantiate_pre(&component(&engine, "strategy.wasm")).unwrap();
    let plugin = next::StrategyPluginPre::new(linked).unwrap();
    let mut guest = Guest::new(&engine, "strategy.wasm", &InForce::new(&Limits::default(), []), Arc::new(|_, _| {}));
    let instance = guest.instantiate(|store| plugin.instantiate(&mut *store)).unwrap();
    let description =
        guest.call("describe", |store| instance.archwright_nas0_1_2_strategy().call_describe(store)).unwrap();
    assert!(!description.name.is_empty());
}
