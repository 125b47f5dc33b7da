//! Tools that make components of other languages: fetched once, in pinned versions, into a folder of the user's.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Where tools are kept: `archwright/tools` in the user's cache folder.
///
/// # Errors
/// Where the user has no cache folder.
pub(crate) fn folder() -> Result<PathBuf> {
    let cache = dirs::cache_dir().context("there is no folder for tools: set HOME or XDG_CACHE_HOME")?;
    Ok(cache.join("archwright").join("tools"))
}

/// The folder `name` in `tools`, filled by `fill` where it is not there yet. It is there whole or not at all: what was
/// begun and not ended is done anew. Of two that want it at once one waits for the other.
pub(crate) fn install(tools: &Path, name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let target = tools.join(name);
    if target.is_dir() {
        return Ok(target);
    }
    std::fs::create_dir_all(tools).with_context(|| format!("cannot make {}", tools.display()))?;
    let path = tools.join(format!(".{name}.lock"));
    let lock = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    // Where files cannot be locked both fetch it, and the first one's stays.
    let _held = lock.lock();
    if target.is_dir() {
        return Ok(target);
    }
    let partial = tempfile::Builder::new()
        .prefix(&format!(".{name}-"))
        .tempdir_in(tools)
        .with_context(|| format!("cannot make a folder in {}", tools.display()))?;
    fill(partial.path())?;
    let filled = partial.keep();
    match std::fs::rename(&filled, &target) {
        Ok(()) => Ok(target),
        Err(_) if target.is_dir() => {
            std::fs::remove_dir_all(&filled).with_context(|| format!("cannot remove {}", filled.display()))?;
            Ok(target)
        }
        Err(error) => Err(error).with_context(|| format!("cannot make {}", target.display())),
    }
}

/// Runs a command. What it prints is shown where it fails, as `shorten` leaves it.
///
/// # Errors
/// Where it cannot be started or fails.
pub(crate) fn run(command: &mut Command, what: &str, shorten: impl FnOnce(&str) -> String) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{what} could not be started"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    let said = shorten(said.join("\n").trim());
    bail!("{what} failed ({}):\n{said}", output.status)
}

/// Whether a program can be started with these arguments, and ends well.
pub(crate) fn answers(program: &Path, arguments: &[&str]) -> Result<bool> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) => Ok(status.success()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot start {}", program.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_tool_is_there_whole_or_not_at_all() {
        let tools = tempfile::tempdir().unwrap();
        let half = |folder: &Path| {
            std::fs::write(folder.join("half"), "")?;
            bail!("the line went dead")
        };
        assert!(install(tools.path(), "tool-1", half).is_err());
        assert!(std::fs::read_dir(tools.path()).unwrap().all(|entry| !entry.unwrap().path().is_dir()));
        let whole = |folder: &Path| Ok(std::fs::write(folder.join("whole"), "")?);
        let folder = install(tools.path(), "tool-1", whole).unwrap();
        assert!(folder.join("whole").is_file() && !folder.join("half").exists());
        let again = install(tools.path(), "tool-1", |_| bail!("it is there already")).unwrap();
        assert_eq!(again, folder);
    }

    #[test]
    fn of_two_at_once_one_waits() {
        let tools = tempfile::tempdir().unwrap();
        let fetched = AtomicU32::new(0);
        let fetch = |folder: &Path| {
            fetched.fetch_add(1, Ordering::Relaxed);
            Ok(std::fs::write(folder.join("whole"), "")?)
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| install(tools.path(), "tool-1", fetch).unwrap());
            }
        });
        assert_eq!(fetched.into_inner(), 1);
    }

    #[test]
    fn what_a_tool_says_is_shown_where_it_fails() {
        let error = run(Command::new("sh").args(["-c", "echo said; exit 3"]), "the tool", str::to_owned).unwrap_err();
        assert!(error.to_string().contains("said"), "{error}");
        assert!(!answers(Path::new("no-such-program"), &[]).unwrap());
    }
}
