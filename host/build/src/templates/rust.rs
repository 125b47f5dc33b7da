//! Projects in Rust.

use super::File;
use crate::manifest::Kind;

/// The files of a kind. What all have alike is in the templates' folder, the rest in that of the kind.
macro_rules! files {
    ($kind:literal) => {
        vec![
            ("plugin.toml", include_str!(concat!("../../templates/rust/", $kind, "/plugin.toml"))),
            ("Cargo.toml", include_str!(concat!("../../templates/rust/", $kind, "/Cargo.toml"))),
            ("src/lib.rs", include_str!(concat!("../../templates/rust/", $kind, "/src/lib.rs"))),
            ("experiment.toml", include_str!(concat!("../../templates/rust/", $kind, "/experiment.toml"))),
            ("README.md", include_str!(concat!("../../templates/rust/", $kind, "/README.md"))),
            (".gitignore", include_str!("../../templates/rust/gitignore")),
        ]
    };
}

pub(super) fn files(kind: Kind) -> Vec<File> {
    match kind {
        Kind::Strategy => files!("strategy"),
        Kind::Estimator => files!("estimator"),
        Kind::SearchSpace => files!("search-space"),
    }
}
