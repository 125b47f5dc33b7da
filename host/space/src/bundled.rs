//! The search spaces that come with Archwright, as files in the declarative format.

use std::sync::LazyLock;

/// What makes a joint space of any other: training hyperparameters as decisions (Zela et al. 2018).
const JOINT: &str = include_str!("../spaces/joint.toml");
/// The space whose networks are not for images: some of the hyperparameters mean nothing there.
const FOR_TEXTS: &str = "rnn-cell";
/// Ends the names of joint spaces.
const SUFFIX: &str = "-joint";

macro_rules! spaces {
    ($($name:literal),* $(,)?) => {
        const NAMES: &[&str] = &[$($name),*];
        const TEXTS: &[&str] = &[$(include_str!(concat!("../spaces/", $name, ".toml"))),*];
    };
}

spaces!(
    "amoebanet",
    "chain",
    "darts",
    "darts-edges",
    "dense",
    "densenet-cells",
    "enas-macro",
    "enas-micro",
    "hierarchical",
    "nas-bench-101",
    "nas-bench-201",
    "nas-bench-201-macro",
    "nasnet",
    "pnas",
    "proxylessnas",
    "residual",
    "rnn-cell",
);

/// The texts of the joint spaces, in the order of [`NAMES`].
static JOINT_TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| NAMES.iter().zip(TEXTS).map(joint).collect());

/// Their names. Each one for images has a variant with the name `NAME-joint`, whose decisions are also those of training
/// hyperparameters.
pub fn names() -> &'static [&'static str] {
    NAMES
}

/// The text of the space `name`.
pub fn source(name: &str) -> Option<&'static str> {
    let place = |name: &str| NAMES.iter().position(|its| *its == name);
    match name.strip_suffix(SUFFIX) {
        Some(FOR_TEXTS) => None,
        Some(base) => place(base).map(|index| JOINT_TEXTS[index].as_str()),
        None => place(name).map(|index| TEXTS[index]),
    }
}

/// A space's text with another name and more decisions.
fn joint((name, text): (&&str, &&str)) -> String {
    let text = text.replacen(&format!("name = \"{name}\""), &format!("name = \"{name}{SUFFIX}\""), 1);
    format!("{text}\n{JOINT}")
}
