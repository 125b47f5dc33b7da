//! What `wit/` becomes in Rust. Nothing here leaves the crate.

/// The interfaces that plugins import, once for all kinds.
pub(crate) mod shared {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package archwright:host;
            world imports {
                import archwright:nas/types@0.1.1;
                import archwright:nas/space@0.1.1;
                import archwright:nas/actions@0.1.1;
                import archwright:nas/log@0.1.1;
            }
        ",
        with: {
            "archwright:nas/actions.action": crate::actions::HostAction,
            "archwright:nas/actions.outcome": crate::actions::HostOutcome,
        },
    });
}

pub(crate) mod strategy {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "archwright:nas/strategy-plugin",
        with: { "archwright:nas": super::shared::archwright::nas },
    });
}

pub(crate) mod estimator {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "archwright:nas/estimator-plugin",
        with: { "archwright:nas": super::shared::archwright::nas },
    });
}

pub(crate) mod search_space {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "archwright:nas/search-space-plugin",
        with: { "archwright:nas": super::shared::archwright::nas },
    });
}

pub(crate) use shared::archwright::nas::{actions, log, space, types};
