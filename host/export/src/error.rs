use archwright_space::SpaceError;

/// Why a network could not be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The network is malformed.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// A format has no form of an operation.
    #[error("node `{node}`: the export to {format} does not know the operation `{op}`")]
    Unsupported {
        /// Name of the node.
        node: String,
        /// Name of its operation.
        op: String,
        /// The format.
        format: &'static str,
    },
    /// The weights are not those of the network.
    #[error("the weights are not this network's: {0}")]
    Weights(String),
    /// The network is too large for a format.
    #[error("{what}: {found} exceeds the limit of {limit}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The size found.
        found: u64,
        /// The largest size allowed.
        limit: u64,
    },
    /// A drawing could not be made into pixels.
    #[error("the drawing `{name}` cannot be made into pixels: {problem}")]
    Pixels {
        /// Name of the drawing.
        name: String,
        /// What went wrong.
        problem: String,
    },
    /// Something could not be written as text.
    #[error("the network cannot be written: {0}")]
    Text(String),
}
