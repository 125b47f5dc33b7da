//! How much a plugin may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits of one live plugin: the keys of `[limits]` in an experiment file.
///
/// All of them bound what is counted, never time, so that a plugin that stays within them does so on every machine.
/// `docs/limits.md` says what each one stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Fuel for one call of a plugin: about one unit per WebAssembly instruction, and the prices of `docs/limits.md` for
    /// what the host does on the plugin's behalf. 10^10 takes about a second.
    pub fuel_per_call: u64,
    /// Bytes of linear memory, over all of the plugin's memories.
    pub memory_bytes: u64,
    /// Elements of each table.
    pub table_elements: u32,
    /// Core instances that a component is made of.
    pub instances: u32,
    /// Tables, over all instances.
    pub tables: u32,
    /// Linear memories, over all instances.
    pub memories: u32,
    /// Bytes that one call may hand to the host: its result, or the arguments of one call it makes of the host.
    pub hostcall_bytes: u32,
    /// Handles to host resources, such as actions, that a plugin may hold at once.
    pub handles: u32,
    /// Lines a plugin may log in a run; the rest is dropped.
    pub log_lines: u32,
    /// Bytes a plugin may log in a run; the rest is dropped.
    pub log_bytes: u64,
    /// Size of a component's file.
    pub component_bytes: u64,
    /// Nodes of a network that a plugin gives.
    pub network_nodes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel_per_call: 10_000_000_000,
            memory_bytes: 256 << 20,
            table_elements: 100_000,
            instances: 64,
            tables: 64,
            memories: 16,
            hostcall_bytes: 16 << 20,
            handles: 10_000,
            log_lines: 10_000,
            log_bytes: 1 << 20,
            component_bytes: 64 << 20,
            network_nodes: 10_000,
        }
    }
}
