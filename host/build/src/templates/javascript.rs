//! Projects in JavaScript.

use super::File;
use crate::manifest::Kind;

/// The files of a kind: its own, what all have alike, and the helper modules.
macro_rules! files {
    ($kind:literal) => {
        &[
            ("plugin.toml", include_str!(concat!("../../templates/javascript/", $kind, "/plugin.toml"))),
            ("plugin.js", include_str!(concat!("../../templates/javascript/", $kind, "/plugin.js"))),
            ("plugin.test.js", include_str!(concat!("../../templates/javascript/", $kind, "/plugin.test.js"))),
            ("experiment.toml", include_str!(concat!("../../templates/javascript/", $kind, "/experiment.toml"))),
            ("README.md", include_str!(concat!("../../templates/javascript/", $kind, "/README.md"))),
            ("package.json", include_str!("../../templates/javascript/package.json")),
            (".gitignore", include_str!("../../templates/javascript/gitignore")),
            helper!("javascript", "archwright.js"),
            helper!("javascript", "archwright-component.js"),
            helper!("javascript", "archwright-testing.js"),
        ]
    };
}

pub(super) fn files(kind: Kind) -> &'static [File] {
    match kind {
        Kind::Strategy => files!("strategy"),
        Kind::Estimator => files!("estimator"),
        Kind::SearchSpace => files!("search-space"),
    }
}
