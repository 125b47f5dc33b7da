//! Projects in JavaScript.

use super::File;
use crate::javascript::HELPER;
use crate::manifest::Kind;

/// The files of a kind: its own, and what all have alike.
macro_rules! files {
    ($kind:literal) => {
        [
            ("plugin.toml", include_str!(concat!("../../templates/javascript/", $kind, "/plugin.toml"))),
            ("plugin.js", include_str!(concat!("../../templates/javascript/", $kind, "/plugin.js"))),
            ("plugin.test.js", include_str!(concat!("../../templates/javascript/", $kind, "/plugin.test.js"))),
            ("experiment.toml", include_str!(concat!("../../templates/javascript/", $kind, "/experiment.toml"))),
            ("README.md", include_str!(concat!("../../templates/javascript/", $kind, "/README.md"))),
            ("package.json", include_str!("../../templates/javascript/package.json")),
            (".gitignore", include_str!("../../templates/javascript/gitignore")),
        ]
    };
}

/// The helper module that tests need and components do not.
const TESTING: File = helper!("javascript", "archwright-testing.js");

pub(super) fn files(kind: Kind) -> Vec<File> {
    let own = match kind {
        Kind::Strategy => files!("strategy"),
        Kind::Estimator => files!("estimator"),
        Kind::SearchSpace => files!("search-space"),
    };
    own.into_iter().chain(HELPER).chain([TESTING]).collect()
}
