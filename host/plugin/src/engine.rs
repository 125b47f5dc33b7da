//! The WebAssembly engine, configured once for the whole program.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wasmtime::component::Linker;
use wasmtime::{Config, Inlining, OptLevel, Strategy, WasmBacktraceDetails};

use crate::cache::{self, Cache};
use crate::component::Component;
use crate::contract::CONTRACT;
use crate::guest::{MESSAGE_BYTES, State};
use crate::text::shown;
use crate::{Limits, PluginError, imports};

/// The version of the engine, which decides how much fuel code takes.
const WASMTIME: &str = "48.0.8";

/// Largest [`EngineOptions::stack_bytes`]: twice this and the host's own frames fit into the smallest stack that a thread
/// of this program has where plugins are called.
const MAX_STACK_BYTES: usize = 1 << 20;

/// Smallest [`EngineOptions::stack_bytes`] that ordinary compiled code gets by with.
const MIN_STACK_BYTES: usize = 64 << 10;

/// Stack that host functions need on top of a plugin's.
const HOST_STACK_BYTES: usize = 512 << 10;

/// Stack of the thread that compiles: as main threads have.
const COMPILER_STACK_BYTES: usize = 8 << 20;

/// Ticks of the clock within the host's patience.
const PATIENCE_TICKS: u64 = 8;

/// How NaNs come out of arithmetic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NanProfile {
    /// One bit pattern everywhere: results are the same on every processor. Arithmetic on reals takes up to twice as
    /// long.
    #[default]
    Portable,
    /// As the processor gives them: a run repeats on processors of the same kind only.
    Native,
}

impl NanProfile {
    fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Native => "native",
        }
    }
}

/// What may differ between engines without a plugin's answers changing. Programs have the default; tests compare others
/// with it.
#[derive(Clone, Copy, Debug)]
pub struct Variation {
    /// Whether calls take fuel: they do.
    pub counts_fuel: bool,
    /// How much the compiler improves code: to be fast.
    pub optimization: OptLevel,
    /// Whether memories start as images that are copied when they are written to: they do.
    pub copies_on_write: bool,
    /// Whether functions are compiled into their callers. They are not: it takes gigabytes for a component of 19 MB.
    pub inlines: bool,
}

impl Default for Variation {
    fn default() -> Self {
        Self { counts_fuel: true, optimization: OptLevel::Speed, copies_on_write: true, inlines: false }
    }
}

/// Settings that all plugins of a program share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Stack of a plugin, in bytes, from 64 KiB to 1 MiB.
    pub stack_bytes: usize,
    /// How NaNs come out of arithmetic.
    pub nan: NanProfile,
    /// Folder for compiled code; `None`: compile each time. It must be writable by trusted users only: what is in it is
    /// run. A folder that everyone can write is not used. What is in it can be deleted at any time.
    pub cache_dir: Option<PathBuf>,
    /// Time after which the host gives up on a call. Not a limit to plan with: fuel is, which ends a call at the same
    /// place on every machine.
    pub patience: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { stack_bytes: 512 << 10, nan: NanProfile::default(), cache_dir: None, patience: Duration::from_secs(600) }
    }
}

/// Compiles and runs plugins. Cheap to clone; clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    wasmtime: wasmtime::Engine,
    linker: Linker<State>,
    cache: Option<Cache>,
    options: EngineOptions,
    variation: Variation,
    /// Dropping it ends the clock.
    _clock: mpsc::Sender<()>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Engine").field(&self.fingerprint()).finish()
    }
}

impl Engine {
    /// Starts an engine.
    ///
    /// # Errors
    /// [`PluginError::Engine`] where an option is out of range or the machine cannot run compiled code.
    pub fn new(options: &EngineOptions) -> Result<Self, PluginError> {
        Self::varied(options, Variation::default())
    }

    pub(crate) fn varied(options: &EngineOptions, variation: Variation) -> Result<Self, PluginError> {
        if !(MIN_STACK_BYTES..=MAX_STACK_BYTES).contains(&options.stack_bytes) {
            return Err(PluginError::Engine {
                problem: format!(
                    "stack_bytes is {}; it has to be from {MIN_STACK_BYTES} to {MAX_STACK_BYTES}",
                    options.stack_bytes
                ),
            });
        }
        if options.patience < Duration::from_millis(1) {
            return Err(PluginError::Engine { problem: "patience has to be at least 1 millisecond".into() });
        }
        let failed = |error: wasmtime::Error| PluginError::Engine { problem: format!("{error:#}") };
        let wasmtime = wasmtime::Engine::new(&configuration(options, variation)).map_err(failed)?;
        let linker = imports::linker(&wasmtime, &CONTRACT).map_err(failed)?;
        let cache = options.cache_dir.as_deref().map(|folder| Cache::new(folder, &wasmtime));
        let clock = start_clock(&wasmtime, options.patience)?;
        Ok(Self(Arc::new(Inner { wasmtime, linker, cache, options: options.clone(), variation, _clock: clock })))
    }

    /// Loads a component from a file: checks what it is, compiles it and asks it to describe itself.
    ///
    /// # Errors
    /// Where the file cannot be read, is no plugin, or describes itself badly; where a limit is reached.
    pub fn load(&self, path: &Path, limits: &Limits) -> Result<Component, PluginError> {
        Component::load(self, path, limits)
    }

    /// Reads a component's file, for [`Engine::load_bytes`].
    ///
    /// # Errors
    /// Where the file cannot be read or is too large.
    pub fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, PluginError> {
        Component::read(path, limits)
    }

    /// Loads a component from bytes; `name` stands for the file's name in messages.
    ///
    /// # Errors
    /// As [`Engine::load`].
    pub fn load_bytes(&self, name: &str, bytes: &[u8], limits: &Limits) -> Result<Component, PluginError> {
        Component::load_bytes(self, name, bytes, limits)
    }

    /// The engine's version and everything in its configuration that can change what a plugin answers.
    pub fn fingerprint(&self) -> String {
        let EngineOptions { stack_bytes, nan, .. } = &self.0.options;
        format!("wasmtime {WASMTIME}, nan {}, stack {stack_bytes}", nan.name())
    }

    /// Stack, in bytes, that a thread needs where plugins are called on it: a strategy's, a search space's within it, and
    /// the host's own. The stacks of main threads and, with the default options, of `std::thread` are larger.
    pub fn native_stack_bytes(&self) -> usize {
        2 * self.0.options.stack_bytes + HOST_STACK_BYTES
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    pub(crate) fn linker(&self) -> &Linker<State> {
        &self.0.linker
    }

    /// Whether calls take fuel: always, but where tests compare engines.
    pub(crate) fn counts_fuel(&self) -> bool {
        self.0.variation.counts_fuel
    }

    /// Compiles a component whose weight was checked, or takes it from the cache.
    ///
    /// Compiling takes no fuel and has no end that all machines agree on: it takes place on a thread of its own, which is
    /// left to itself once the host's patience is over.
    pub(crate) fn compile(
        &self,
        name: &str,
        digest: &blake3::Hash,
        bytes: &[u8],
    ) -> Result<wasmtime::component::Component, PluginError> {
        if let Some(component) = self.0.cache.as_ref().and_then(|cache| cache.read(&self.0.wasmtime, digest)) {
            return Ok(component);
        }
        let (sender, receiver) = mpsc::channel();
        let (engine, bytes) = (self.0.wasmtime.clone(), bytes.to_vec());
        std::thread::Builder::new()
            .name("plugin compiler".into())
            .stack_size(COMPILER_STACK_BYTES)
            .spawn(move || {
                let _ = sender.send(cache::compile(&engine, &bytes));
            })
            .map_err(|error| PluginError::Engine { problem: format!("its compiler does not start: {error}") })?;
        let problem = match receiver.recv_timeout(self.patience()) {
            Ok(Ok(code)) => {
                if let Some(cache) = &self.0.cache {
                    cache.keep(digest, &code);
                }
                match cache::load(&self.0.wasmtime, &code) {
                    Ok(component) => return Ok(component),
                    Err(error) => shown(&format!("{error:#}"), MESSAGE_BYTES),
                }
            }
            Ok(Err(error)) => shown(&format!("{error:#}"), MESSAGE_BYTES),
            Err(RecvTimeoutError::Timeout) => {
                let seconds = self.patience().as_secs_f64();
                return Err(PluginError::Aborted { plugin: name.into(), call: "compile".into(), seconds });
            }
            // The thread ended without an answer.
            Err(RecvTimeoutError::Disconnected) => "the compiler panicked".into(),
        };
        Err(PluginError::Load { file: name.into(), problem: format!("it does not compile: {problem}") })
    }

    pub(crate) fn patience(&self) -> Duration {
        self.0.options.patience
    }

    /// Ticks that a call may last. The first may be almost over when the call starts.
    pub(crate) fn patience_ticks(&self) -> u64 {
        PATIENCE_TICKS + 1
    }

    pub(crate) fn stack_bytes(&self) -> usize {
        self.0.options.stack_bytes
    }
}

/// The one configuration of the engine in this program.
fn configuration(options: &EngineOptions, variation: Variation) -> Config {
    let inlining = if variation.inlines { Inlining::Yes } else { Inlining::No };
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(variation.optimization)
        .parallel_compilation(true)
        .compiler_inlining(inlining)
        // What bounds a call: fuel, the same everywhere. Epochs only end what the host has no patience for.
        .consume_fuel(variation.counts_fuel)
        .epoch_interruption(true)
        .max_wasm_stack(options.stack_bytes)
        // What would make answers depend on the machine.
        .cranelift_nan_canonicalization(options.nan == NanProfile::Portable)
        .wasm_relaxed_simd(false)
        .relaxed_simd_deterministic(true)
        .shared_memory(false)
        // Faster instantiation, and the reason for which its fuel differs between systems and is not counted.
        .memory_init_cow(variation.copies_on_write)
        // Proposals that no plugin toolchain needs.
        .wasm_memory64(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .concurrency_support(false)
        // Backtraces name addresses, and those change with every build of a plugin.
        .wasm_backtrace_max_frames(None)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .native_unwind_info(false);
    config
}

/// Advances the engine's epoch [`PATIENCE_TICKS`] times within `patience`, until the returned sender is dropped.
fn start_clock(engine: &wasmtime::Engine, patience: Duration) -> Result<mpsc::Sender<()>, PluginError> {
    let (sender, receiver) = mpsc::channel::<()>();
    let engine = engine.weak();
    let tick = patience / PATIENCE_TICKS as u32;
    std::thread::Builder::new()
        .name("plugin clock".into())
        .stack_size(64 << 10)
        .spawn(move || {
            while receiver.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
                let Some(engine) = engine.upgrade() else { break };
                engine.increment_epoch();
            }
        })
        .map_err(|error| PluginError::Engine { problem: format!("its clock does not start: {error}") })?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_version_is_the_locked_one() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"wasmtime\"\nversion = \"{WASMTIME}\"")));
    }

    #[test]
    fn options_out_of_range_are_refused() {
        let small = EngineOptions { stack_bytes: 1, ..EngineOptions::default() };
        assert!(matches!(Engine::new(&small), Err(PluginError::Engine { .. })));
        let large = EngineOptions { stack_bytes: 2 << 20, ..EngineOptions::default() };
        assert!(matches!(Engine::new(&large), Err(PluginError::Engine { .. })));
        let hasty = EngineOptions { patience: Duration::ZERO, ..EngineOptions::default() };
        assert!(matches!(Engine::new(&hasty), Err(PluginError::Engine { .. })));
    }
}
