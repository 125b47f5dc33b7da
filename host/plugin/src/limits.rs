//! How much a plugin may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Writes [`Limits`] down once: documentation, key, type and default of each.
macro_rules! limits {
    ($($(#[doc = $doc:literal])* $key:ident: $type:ty = $default:expr,)*) => {
        /// Limits of one live plugin: the keys of `[limits]` in an experiment file, and of a plugin's own wishes.
        ///
        /// All of them bound what is counted, never time, so that a plugin that stays within them does so on every
        /// machine. `docs/limits.md` says what each one stops.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct Limits {
            $($(#[doc = $doc])* pub $key: $type,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }

        impl Limits {
            /// The names of all limits.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($key)),*];

            /// Takes `wish` for the limit `key` where it is less; whether it is.
            pub(crate) fn lower(&mut self, key: &str, wish: u64) -> bool {
                match key {
                    $(stringify!($key) => match <$type>::try_from(wish) {
                        Ok(wish) if wish < self.$key => {
                            self.$key = wish;
                            true
                        }
                        _ => false,
                    },)*
                    _ => false,
                }
            }
        }

        /// One limit, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(non_camel_case_types, reason = "they are the keys as people write them")]
        pub(crate) enum Key {
            $($key,)*
        }

        impl Key {
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$key => stringify!($key),)*
                }
            }

            /// The setting of an experiment file.
            pub(crate) fn setting(self) -> &'static str {
                match self {
                    $(Self::$key => concat!("limits.", stringify!($key)),)*
                }
            }

            pub(crate) fn of(self, limits: &Limits) -> u64 {
                match self {
                    $(Self::$key => limits.$key.into(),)*
                }
            }
        }
    };
}

limits! {
    /// Fuel for one call of a plugin: about one unit per WebAssembly instruction, and the prices of `docs/limits.md` for
    /// what the host does on the plugin's behalf. 10^10 takes about a second.
    fuel_per_call: u64 = 10_000_000_000,
    /// Bytes of linear memory, over all of the plugin's memories.
    memory_bytes: u64 = 256 << 20,
    /// Elements of each table.
    table_elements: u32 = 100_000,
    /// Core instances that a component is made of; modules, components and instances of components in its file.
    instances: u32 = 64,
    /// Tables, over all instances.
    tables: u32 = 64,
    /// Linear memories, over all instances.
    memories: u32 = 16,
    /// Bytes that one call may hand to the host: its result, or the arguments of one call it makes of the host.
    hostcall_bytes: u32 = 16 << 20,
    /// Handles to host resources, such as actions, that a plugin may hold at once.
    handles: u32 = 10_000,
    /// Lines a plugin may log in a run; the rest is dropped.
    log_lines: u32 = 10_000,
    /// Bytes a plugin may log in a run; the rest is dropped.
    log_bytes: u64 = 1 << 20,
    /// Size of a component's file.
    component_bytes: u64 = 64 << 20,
    /// Bytes of a component's file that are neither code nor data: types, imports, exports, names and the like.
    declaration_bytes: u64 = 8 << 20,
    /// Functions with code, over all modules of a component.
    functions: u32 = 100_000,
    /// What compiling the largest function takes, in the units of `docs/limits.md`.
    function_work: u64 = 32 << 20,
    /// What compiling all functions takes, in the units of `docs/limits.md`.
    compile_work: u64 = 512 << 20,
    /// Nodes of a network that a plugin gives.
    network_nodes: u32 = 10_000,
    /// Trainable parameters of a network that a plugin gives.
    network_parameters: u64 = 500_000_000,
    /// Bytes of all results of a network that a plugin gives, for one input.
    network_activation_bytes: u64 = 1 << 30,
}

/// A limit in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// What is limited, e.g. `units of fuel`.
    pub(crate) of: &'static str,
    pub(crate) limit: u64,
    pub(crate) setting: Setting,
}

impl std::fmt::Display for Bound {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the limit of {} {} ({})", self.limit, self.of, self.setting)
    }
}

impl std::error::Error for Bound {}

/// Who sets a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting {
    /// A key of an experiment file, e.g. `limits.fuel_per_call`.
    Experiment(&'static str),
    /// A key of the plugin's own wishes, e.g. `fuel_per_call`, which are lower than what the host allows.
    Plugin(&'static str),
}

impl Setting {
    /// How an author has the limit raised.
    pub(crate) fn raised(&self) -> String {
        match self {
            Self::Experiment(key) => format!("have experiments raise `{key}`"),
            Self::Plugin(key) => {
                format!("raise `{key}` among the plugin's own limits (`[limits]` of its plugin.toml) and build it anew")
            }
        }
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Experiment(key) => write!(formatter, "`{key}` sets it"),
            Self::Plugin(key) => write!(formatter, "the plugin's own wish for `{key}` sets it"),
        }
    }
}

/// The limits in force for one plugin: the host's, and the plugin's own wishes where they are lower.
#[derive(Clone, Debug)]
pub(crate) struct InForce {
    pub(crate) limits: Limits,
    /// Keys of the limits that the plugin set.
    wished: Vec<&'static str>,
}

impl InForce {
    pub(crate) fn new<'a>(host: &Limits, wishes: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let mut limits = host.clone();
        let mut wished = Vec::new();
        for (key, wish) in wishes {
            if limits.lower(key, wish) {
                wished.extend(Limits::KEYS.iter().find(|known| **known == key));
            }
        }
        Self { limits, wished }
    }

    /// The limit `key` of what `of` names.
    pub(crate) fn bound(&self, of: &'static str, key: Key) -> Bound {
        let setting = if self.wished.contains(&key.name()) {
            Setting::Plugin(key.name())
        } else {
            Setting::Experiment(key.setting())
        };
        Bound { of, limit: key.of(&self.limits), setting }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_limit_and_wish_is_in_force() {
        let wishes = [("fuel_per_call", 5), ("memories", 1 << 40), ("no-such-key", 1)];
        let in_force = InForce::new(&Limits::default(), wishes);
        assert_eq!(in_force.limits, Limits { fuel_per_call: 5, ..Limits::default() });
        let fuel = in_force.bound("units of fuel", Key::fuel_per_call);
        assert_eq!((fuel.limit, fuel.setting), (5, Setting::Plugin("fuel_per_call")));
        let memories = in_force.bound("memories", Key::memories);
        assert_eq!((memories.limit, memories.setting), (16, Setting::Experiment("limits.memories")));
    }

    #[test]
    fn every_limit_is_in_the_documentation() {
        let table = include_str!("../../../docs/limits.md");
        for key in Limits::KEYS {
            assert!(table.contains(&format!("`{key}`")), "{key}");
        }
    }
}
