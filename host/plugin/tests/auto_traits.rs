//! Where plugins can live: moved between threads, and loaded ones shared.

use archwright_plugin::{Component, Engine, Estimator, Limits, PluginError, SpaceComponent, Strategy};

fn send<T: Send>() {}
fn sync<T: Sync>() {}

#[test]
fn plugins_move_between_threads() {
    send::<Strategy>();
    send::<Estimator>();
    send::<PluginError>();
    send::<SpaceComponent>();
}

#[test]
fn loaded_plugins_are_shared() {
    sync::<Component>();
    sync::<Engine>();
    sync::<Limits>();
    sync::<PluginError>();
    sync::<SpaceComponent>();
}
