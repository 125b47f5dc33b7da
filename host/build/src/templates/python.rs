//! Projects in Python.

use super::File;
use crate::manifest::Kind;

/// The files of a kind: its own, what all have alike, and the helper package.
macro_rules! files {
    ($kind:literal) => {
        &[
            ("plugin.toml", include_str!(concat!("../../templates/python/", $kind, "/plugin.toml"))),
            ("app.py", include_str!(concat!("../../templates/python/", $kind, "/app.py"))),
            ("test_app.py", include_str!(concat!("../../templates/python/", $kind, "/test_app.py"))),
            ("experiment.toml", include_str!(concat!("../../templates/python/", $kind, "/experiment.toml"))),
            ("README.md", include_str!(concat!("../../templates/python/", $kind, "/README.md"))),
            (".gitignore", include_str!("../../templates/python/gitignore")),
            helper!("python", "archwright/__init__.py"),
            helper!("python", "archwright/component/__init__.py"),
            helper!("python", "archwright/component/convert.py"),
            helper!("python", "archwright/component/estimator.py"),
            helper!("python", "archwright/component/guard.py"),
            helper!("python", "archwright/component/search_space.py"),
            helper!("python", "archwright/component/space.py"),
            helper!("python", "archwright/component/strategy.py"),
            helper!("python", "archwright/model.py"),
            helper!("python", "archwright/operators.py"),
            helper!("python", "archwright/option.py"),
            helper!("python", "archwright/plugin.py"),
            helper!("python", "archwright/repeats.py"),
            helper!("python", "archwright/rng.py"),
            helper!("python", "archwright/testing.py"),
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
