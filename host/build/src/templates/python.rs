//! Projects in Python.

use super::File;
use crate::manifest::Kind;
use crate::python::HELPER;

/// The files of a kind: its own, and what all have alike.
macro_rules! files {
    ($kind:literal) => {
        [
            ("plugin.toml", include_str!(concat!("../../templates/python/", $kind, "/plugin.toml"))),
            ("app.py", include_str!(concat!("../../templates/python/", $kind, "/app.py"))),
            ("test_app.py", include_str!(concat!("../../templates/python/", $kind, "/test_app.py"))),
            ("experiment.toml", include_str!(concat!("../../templates/python/", $kind, "/experiment.toml"))),
            ("README.md", include_str!(concat!("../../templates/python/", $kind, "/README.md"))),
            (".gitignore", include_str!("../../templates/python/gitignore")),
        ]
    };
}

/// The part of the helper package that tests need and components do not.
const TESTING: File = helper!("python", "archwright/testing.py");

pub(super) fn files(kind: Kind) -> Vec<File> {
    let own = match kind {
        Kind::Strategy => files!("strategy"),
        Kind::Estimator => files!("estimator"),
        Kind::SearchSpace => files!("search-space"),
    };
    own.into_iter().chain(HELPER).chain([TESTING]).collect()
}
