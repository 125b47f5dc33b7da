//! Fetches the registry that tests publish plugins to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Debian's package of the reference registry; its one program needs nothing else.
const PACKAGE: &str = "docker-registry";

/// Fetches the registry into the target folder, where it is not there and Debian's packages can be had. Without it tests
/// that need it say that they are skipped.
pub(crate) fn fetch(workspace: &Workspace) {
    let folder = workspace.target().join(PACKAGE);
    if program(&folder).is_file() || Command::new(PACKAGE).arg("--version").output().is_ok() {
        return;
    }
    eprintln!("{PACKAGE}: fetching (5 MB, once)");
    if let Err(error) = unpack(&folder) {
        eprintln!("{PACKAGE}: tests that publish plugins will be skipped: {error:#}");
    }
}

/// Where tests look for the program.
fn program(folder: &Path) -> PathBuf {
    folder.join("usr/bin").join(PACKAGE)
}

fn unpack(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let download = || quiet(Command::new("apt-get").args(["download", PACKAGE]).current_dir(folder));
    if download().is_err() {
        // The lists of packages may be missing; renewing them takes root.
        quiet(Command::new("apt-get").arg("update"))?;
        download()?;
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let package =
        entries.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "deb"));
    let package = package.context("apt-get left no package")?;
    quiet(Command::new("dpkg").arg("-x").arg(&package).arg(folder))?;
    fs::remove_file(&package).with_context(|| format!("cannot remove {}", package.display()))
}

/// Runs a command, which says something only where it fails.
fn quiet(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
