//! What can go wrong with a plugin.

use std::fmt::Write as _;

use crate::Setting;
use crate::limits::Bound;
use crate::model::Kind;

/// Why a plugin could not be loaded, or why a call of it ended without a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The engine's settings are out of range, or the engine does not start on this machine.
    #[error("plugin engine: {problem}")]
    Engine {
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The file cannot be read, or does not compile.
    #[error("{file}: {problem}")]
    Load {
        /// The file or the name given for the bytes.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// The file is something else than a component.
    #[error("{file}: {problem}")]
    NotAComponent {
        /// The file or the name given for the bytes.
        file: String,
        /// What it is and how to make a component of it.
        problem: String,
    },
    /// The component wants something that no host of plugins gives.
    #[error("{file}: it imports `{import}`: {advice}")]
    Import {
        /// The file or the name given for the bytes.
        file: String,
        /// The import.
        import: String,
        /// How to do without it.
        advice: String,
    },
    /// What the component wishes for itself cannot be read.
    #[error("{file}: its section `archwright:limits` {problem}")]
    Wishes {
        /// The file or the name given for the bytes.
        file: String,
        /// What is wrong with it and what would be right.
        problem: String,
    },
    /// The component is not of the kind that is wanted here, or of no kind.
    #[error("{plugin}: {wanted} is wanted here; this is {found}")]
    WrongKind {
        /// The plugin or its file.
        plugin: String,
        /// The kind wanted, with its article.
        wanted: String,
        /// What the component is.
        found: String,
    },
    /// A limit was reached; the plugin is stopped.
    #[error("{plugin}: `{call}` reached the limit of {limit} {of}; {setting}")]
    Limit {
        /// The plugin's name.
        plugin: String,
        /// The call, e.g. `ask`.
        call: String,
        /// What is limited, e.g. `fuel`.
        of: &'static str,
        /// The limit.
        limit: u64,
        /// Who sets it.
        setting: Setting,
    },
    /// The plugin trapped: it panicked, or did what WebAssembly forbids. The plugin is stopped.
    #[error("{plugin}: `{call}` trapped: {code}{}", said(.message.as_ref()))]
    Trap {
        /// The plugin's name.
        plugin: String,
        /// The call, e.g. `ask`.
        call: String,
        /// The trap in WebAssembly's words.
        code: String,
        /// The last error that the plugin logged in this call, e.g. the message of its panic.
        message: Option<String>,
    },
    /// The plugin answered with an error of its own. It can go on.
    #[error("{plugin}: `{call}`: {error}")]
    Guest {
        /// The plugin's name.
        plugin: String,
        /// The call, e.g. `open`.
        call: String,
        /// What it said.
        error: GuestError,
    },
    /// The plugin's answer breaks the contract. The plugin is stopped.
    #[error("{plugin}: `{call}` gave a wrong {field}: {problem}")]
    Invalid {
        /// The plugin's name.
        plugin: String,
        /// The call, e.g. `ask`.
        call: String,
        /// Path of the wrong value, e.g. `queries[2].fidelity`.
        field: String,
        /// What it is and what would be right.
        problem: String,
    },
    /// An option is unknown, missing or out of range.
    #[error("option `{option}` of {plugin}: {problem}{}", hint(.suggestion.as_ref()))]
    Options {
        /// The plugin's name.
        plugin: String,
        /// Path of the option, e.g. `population_size`.
        option: String,
        /// What is wrong and what is accepted.
        problem: String,
        /// The nearest name or value that is accepted.
        suggestion: Option<String>,
    },
    /// An earlier call stopped the plugin.
    #[error("{plugin}: `{call}` was not called, because an earlier call stopped the plugin: {cause}")]
    Poisoned {
        /// The plugin's name.
        plugin: String,
        /// The call, e.g. `tell`.
        call: String,
        /// The error of the earlier call.
        cause: String,
    },
    /// The host lost patience by the clock. Says nothing of the plugin: a slower machine gives up earlier.
    #[error("{plugin}: the host gave up on `{call}` after {seconds} seconds (the setting is `engine.patience`)")]
    Aborted {
        /// The plugin's name.
        plugin: String,
        /// The call, e.g. `ask`.
        call: String,
        /// The host's patience.
        seconds: f64,
    },
    /// The caller broke the protocol, e.g. told of a query that is not in flight. The plugin was not called.
    #[error("{plugin}: `{call}` called out of turn: {problem}")]
    OutOfTurn {
        /// The plugin's name.
        plugin: String,
        /// The call, e.g. `tell`.
        call: String,
        /// What is wrong.
        problem: String,
    },
}

impl PluginError {
    pub(crate) fn limit(plugin: &str, call: &str, Bound { of, limit, setting }: Bound) -> Self {
        Self::Limit { plugin: plugin.into(), call: call.into(), of, limit, setting }
    }

    pub(crate) fn wrong_kind(plugin: &str, wanted: Kind, found: Kind) -> Self {
        Self::WrongKind { plugin: plugin.into(), wanted: with_article(wanted), found: with_article(found) }
    }

    /// Whether the plugin can be called again after this error.
    pub fn is_recoverable(&self) -> bool {
        matches!(self, Self::Guest { .. } | Self::Options { .. } | Self::OutOfTurn { .. })
    }
}

/// An error that a plugin answers with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// An option is missing, unknown or out of range.
    #[error("invalid options: {0}")]
    InvalidOptions(String),
    /// It cannot work with this space, estimator or objective.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// A broken invariant inside the plugin.
    #[error("internal error: {0}")]
    Internal(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

fn with_article(kind: Kind) -> String {
    let article = if kind == Kind::Estimator { "an" } else { "a" };
    format!("{article} {kind}")
}

fn said(message: Option<&String>) -> String {
    let mut text = String::new();
    if let Some(message) = message {
        let _ = write!(text, "; it last logged: {message}");
    }
    text
}

fn hint(suggestion: Option<&String>) -> String {
    suggestion.map(|one| format!("; did you mean `{one}`?")).unwrap_or_default()
}
