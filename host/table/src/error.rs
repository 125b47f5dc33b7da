use std::io;
use std::path::{Path, PathBuf};

/// Why a table cannot be imported or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A file cannot be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was to be done, e.g. "read".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file to import is not what its name says.
    #[error("{}: {problem}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A column cannot be what it is said to be, or one that is needed is missing.
    #[error("{0}")]
    Columns(String),
    /// Rows that cannot be taken, the first few of them.
    #[error("{}", rows(.problems, *.more))]
    Rows {
        /// Row numbers from 1, the header not counted, and what is wrong.
        problems: Vec<(u64, String)>,
        /// How many others there are.
        more: u64,
    },
    /// A table's file is damaged, or none.
    #[error("{} is no table, or a damaged one: {problem}; `archwright table import` makes it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A table was made for another space.
    #[error("the table was imported for the space `{space}`, which differs from this one: {problem}")]
    OtherSpace {
        /// The name under which the space was given at the import.
        space: String,
        /// The first difference.
        problem: String,
    },
}

impl TableError {
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }
}

fn rows(problems: &[(u64, String)], more: u64) -> String {
    let mut lines: Vec<String> = problems.iter().map(|(row, problem)| format!("row {row}: {problem}")).collect();
    if more > 0 {
        lines.push(format!("and {more} more rows like these"));
    }
    lines.join("\n")
}
