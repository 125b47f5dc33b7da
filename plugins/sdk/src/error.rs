use std::fmt;

use archwright_space::SpaceError;

/// Why a plugin refused or failed. The text is shown to the person running the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// An option is out of range: name it and say what is accepted.
    InvalidOptions(String),
    /// The plugin cannot work with this space, estimator or objective: say what it needs.
    Unsupported(String),
    /// A broken invariant inside the plugin.
    Internal(String),
    /// Anything else.
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidOptions(text) => write!(f, "invalid options: {text}"),
            Self::Unsupported(text) => write!(f, "unsupported: {text}"),
            Self::Internal(text) => write!(f, "internal error: {text}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

impl From<SpaceError> for Error {
    fn from(error: SpaceError) -> Self {
        Self::Other(error.to_string())
    }
}
