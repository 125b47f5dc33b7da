//! Why something could not be done, in the protocol's terms.

use archwright_protocol::{Failure, FailureKind};
use archwright_space::SpaceError;
use tch::TchError;

/// A failure with the sort of failure it is.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The sort of failure.
    pub kind: FailureKind,
    /// What happened and, where that helps, what would be right.
    pub message: String,
}

impl Problem {
    /// A failure of this sort.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Data or weights that cannot be read.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Data, message)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { kind: problem.kind, message: problem.message }
    }
}

impl From<TchError> for Problem {
    fn from(error: TchError) -> Self {
        let text = error.to_string();
        // The first line says what happened; a C++ stack follows it.
        let message = text.lines().next().unwrap_or("libtorch failed").to_owned();
        let lower = message.to_lowercase();
        let memory = ["out of memory", "defaultcpuallocator", "bad_alloc", "can't allocate memory"];
        let kind = if memory.iter().any(|sign| lower.contains(sign)) {
            FailureKind::OutOfMemory
        } else {
            FailureKind::Internal
        };
        Self { kind, message }
    }
}

impl From<SpaceError> for Problem {
    fn from(error: SpaceError) -> Self {
        Self::new(FailureKind::Unsupported, error.to_string())
    }
}
