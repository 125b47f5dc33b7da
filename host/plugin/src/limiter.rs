//! Bounds what a plugin allocates, and remembers that it did.

use wasmtime::ResourceLimiter;

use crate::Limits;

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) of: &'static str,
    pub(crate) limit: u64,
    pub(crate) setting: &'static str,
}

impl std::fmt::Display for Reached {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "limit of {} {} reached", self.limit, self.of)
    }
}

impl std::error::Error for Reached {}

/// Counts memory over all of a plugin's memories.
///
/// A denied growth is an ordinary answer in WebAssembly: a guest may cope with it, and most end in a trap that says
/// nothing of memory. So a denial is remembered, and explains a trap that follows in the same call.
pub(crate) struct Limiter {
    memory_bytes: u64,
    table_elements: u32,
    instances: usize,
    tables: usize,
    memories: usize,
    used_bytes: u64,
    denied: Option<Reached>,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_bytes: limits.memory_bytes,
            table_elements: limits.table_elements,
            instances: limits.instances as usize,
            tables: limits.tables as usize,
            memories: limits.memories as usize,
            used_bytes: 0,
            denied: None,
        }
    }

    /// The growth denied since this was last asked.
    pub(crate) fn take_denied(&mut self) -> Option<Reached> {
        self.denied.take()
    }

    /// Which count the engine's message is about.
    pub(crate) fn count_exceeded(&self, message: &str) -> Reached {
        if message.contains("table count") {
            Reached { of: "tables", limit: self.tables as u64, setting: "limits.tables" }
        } else if message.contains("memory count") {
            Reached { of: "memories", limit: self.memories as u64, setting: "limits.memories" }
        } else {
            Reached { of: "core instances", limit: self.instances as u64, setting: "limits.instances" }
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
        if used > self.memory_bytes {
            self.denied =
                Some(Reached { of: "bytes of memory", limit: self.memory_bytes, setting: "limits.memory_bytes" });
            return Ok(false);
        }
        self.used_bytes = used;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if desired as u64 > u64::from(self.table_elements) {
            self.denied = Some(Reached {
                of: "elements of a table",
                limit: u64::from(self.table_elements),
                setting: "limits.table_elements",
            });
            return Ok(false);
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}
