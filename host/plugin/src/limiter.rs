//! Bounds what a plugin allocates, and remembers that it did.

use wasmtime::ResourceLimiter;

use crate::limits::{Bound, InForce, Key};

/// Counts memory over all of a plugin's memories.
///
/// A denied growth is an ordinary answer in WebAssembly: a guest may cope with it, and most end in a trap that says
/// nothing of memory. So a denial is remembered, and explains a trap that follows in the same call.
pub(crate) struct Limiter {
    memory: Bound,
    table: Bound,
    instances: Bound,
    tables: Bound,
    memories: Bound,
    used_bytes: u64,
    denied: Option<Bound>,
}

impl Limiter {
    pub(crate) fn new(limits: &InForce) -> Self {
        Self {
            memory: limits.bound("bytes of memory", Key::memory_bytes),
            table: limits.bound("elements of a table", Key::table_elements),
            instances: limits.bound("core instances", Key::instances),
            tables: limits.bound("tables", Key::tables),
            memories: limits.bound("memories", Key::memories),
            used_bytes: 0,
            denied: None,
        }
    }

    /// The growth denied since this was last asked.
    pub(crate) fn take_denied(&mut self) -> Option<Bound> {
        self.denied.take()
    }

    /// Which count the engine's message is about.
    pub(crate) fn count_exceeded(&self, message: &str) -> Bound {
        if message.contains("table count") {
            self.tables
        } else if message.contains("memory count") {
            self.memories
        } else {
            self.instances
        }
    }

    /// Bytes of linear memory in use.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.used_bytes
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // Beyond what the plugin declared for itself: an ordinary failure to grow.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let growth = desired.saturating_sub(current) as u64;
        let used = self.used_bytes.saturating_add(growth);
        if used > self.memory.limit {
            self.denied = Some(self.memory);
            return Ok(false);
        }
        self.used_bytes = used;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if desired as u64 > self.table.limit {
            self.denied = Some(self.table);
            return Ok(false);
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        count(self.instances)
    }

    fn tables(&self) -> usize {
        count(self.tables)
    }

    fn memories(&self) -> usize {
        count(self.memories)
    }
}

fn count(bound: Bound) -> usize {
    usize::try_from(bound.limit).unwrap_or(usize::MAX)
}
