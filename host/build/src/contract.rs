//! The contract's text, for the tools that make components of other languages.

use std::path::Path;

use anyhow::{Context, Result};

use crate::manifest::Kind;

/// The contract's files.
pub(crate) const FILES: [(&str, &str); 4] = [
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("strategy.wit", include_str!("../../../wit/strategy.wit")),
    ("estimator.wit", include_str!("../../../wit/estimator.wit")),
    ("search-space.wit", include_str!("../../../wit/search-space.wit")),
];

/// Writes the contract's files into a folder.
///
/// # Errors
/// Where they cannot be written.
pub(crate) fn write(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, text) in FILES {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The world of components of a kind.
pub(crate) fn world(kind: Kind) -> String {
    format!("{kind}-plugin")
}

/// The contract's name for an interface, with its version: `archwright:nas/log@0.1.0`.
///
/// # Errors
/// Where the contract does not say its version.
pub(crate) fn interface(name: &str) -> Result<String> {
    let package = FILES[0].1.lines().find_map(|line| line.strip_prefix("package ")?.strip_suffix(';'));
    let (package, version) =
        package.and_then(|package| package.split_once('@')).context("the contract has no version")?;
    Ok(format!("{package}/{name}@{version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_there_and_of_one_version() {
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
        let on_disk = std::fs::read_dir(wit).unwrap().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            Path::new(&name).extension().is_some_and(|extension| extension == "wit")
        });
        assert_eq!(on_disk.count(), FILES.len());
        let package = FILES[0].1.lines().next().unwrap();
        assert!(FILES.iter().all(|(_, text)| text.starts_with(package)));
        assert!(interface("log").unwrap().starts_with("archwright:nas/log@"), "{package}");
    }
}
