//! The search spaces that come with Archwright, as files in the declarative format.

const SPACES: [(&str, &str); 4] = [
    ("chain", include_str!("../spaces/chain.toml")),
    ("darts", include_str!("../spaces/darts.toml")),
    ("nas-bench-201", include_str!("../spaces/nas-bench-201.toml")),
    ("rnn-cell", include_str!("../spaces/rnn-cell.toml")),
];

/// Their names.
pub fn names() -> &'static [&'static str] {
    const NAMES: [&str; SPACES.len()] = [SPACES[0].0, SPACES[1].0, SPACES[2].0, SPACES[3].0];
    &NAMES
}

/// The text of the space `name`.
pub fn source(name: &str) -> Option<&'static str> {
    SPACES.iter().find(|(its, _)| *its == name).map(|(_, text)| *text)
}
