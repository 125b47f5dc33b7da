//! Finds or fetches libtorch.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use archwright_build::run;

use crate::workspace::{Workspace, need};

/// The one version that the trainer's bindings fit.
const VERSION: &str = "2.11.0";
/// What the CPU part of libtorch needs besides itself, for the build above.
const RUNTIME: [&str; 2] = ["nvidia-cuda-runtime==13.0.96", "nvidia-cuda-cupti==13.0.85"];

/// The folder with `lib` and `include` to build against: the user's own (`LIBTORCH`), the one of the user's Python, or
/// one that is fetched into the target folder.
pub(crate) fn find_or_fetch(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(own) = std::env::var_os("LIBTORCH").map(PathBuf::from) {
        if !own.join("lib").is_dir() {
            bail!(
                "LIBTORCH is {}, which has no folder `lib`: unset it to have libtorch {VERSION} fetched",
                own.display()
            );
        }
        return Ok(own);
    }
    let light = workspace.target().join(format!("libtorch-{VERSION}-cpu"));
    let full = workspace.target().join(format!("libtorch-{VERSION}-cuda"));
    let gpu = has_gpu();
    let fetched = if gpu { &full } else { &light };
    if is_complete(fetched) {
        return Ok(if gpu { in_site(&full) } else { light });
    }
    if let Some(python) = of_python() {
        return Ok(python);
    }
    need("python3", "libtorch is fetched with pip", "apt-get install python3 python3-pip")?;
    if !succeeds(Command::new("python3").args(["-m", "pip", "--version"])) {
        bail!("pip is missing: libtorch is fetched with it. Mend it with `apt-get install python3-pip`");
    }
    if gpu {
        eprintln!("libtorch: fetching {VERSION} with CUDA (several GB, once)");
        fetch_full(&full)?;
        Ok(in_site(&full))
    } else {
        eprintln!("libtorch: fetching {VERSION} for the CPU (550 MB, once)");
        fetch_light(&light)?;
        Ok(light)
    }
}

fn has_gpu() -> bool {
    succeeds(&mut Command::new("nvidia-smi"))
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The torch of the user's Python, where its version fits.
fn of_python() -> Option<PathBuf> {
    let script = "import os, torch; print(torch.__version__); print(os.path.dirname(torch.__file__))";
    let output = Command::new("python3").args(["-c", script]).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut lines = text.lines();
    let version = lines.next()?;
    let folder = PathBuf::from(lines.next()?);
    let fits = version.split('+').next() == Some(VERSION) && folder.join("include").is_dir();
    fits.then_some(folder)
}

/// A folder is complete once the last step wrote its mark.
fn is_complete(folder: &Path) -> bool {
    folder.join("complete").is_file()
}

fn mark_complete(folder: &Path) -> Result<()> {
    fs::write(folder.join("complete"), VERSION).with_context(|| format!("cannot write in {}", folder.display()))
}

fn in_site(full: &Path) -> PathBuf {
    full.join("torch")
}

fn fetch_full(folder: &Path) -> Result<()> {
    run(pip(&["install", "--upgrade", "--target"]).arg(folder).arg(format!("torch=={VERSION}")))?;
    mark_complete(folder)
}

/// Unpacks of the wheels what the CPU needs, and nothing of CUDA but the two small libraries that it is linked against.
fn fetch_light(folder: &Path) -> Result<()> {
    let wheels = folder.join("wheels");
    fs::create_dir_all(&wheels).with_context(|| format!("cannot make {}", wheels.display()))?;
    let mut pip = pip(&["download", "--no-deps", "--dest"]);
    run(pip.arg(&wheels).arg(format!("torch=={VERSION}")).args(RUNTIME))?;
    run(Command::new("python3").args(["-c", UNPACK]).arg(&wheels).arg(folder))?;
    // `-ltorch` of a full libtorch is a library of its own; here it stands for the two that are there.
    fs::write(folder.join("lib/libtorch.so"), "INPUT(libtorch_cpu.so libc10.so)\n")
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    fs::remove_dir_all(&wheels).with_context(|| format!("cannot remove {}", wheels.display()))?;
    mark_complete(folder)
}

const UNPACK: &str = r#"
import os, pathlib, sys, zipfile

wheels, folder = map(pathlib.Path, sys.argv[1:])
wanted = ("libtorch_cpu.so", "libc10.so", "libgomp.so.1", "libcudart.so.13", "libcupti.so.13")
(folder / "lib").mkdir(exist_ok=True)
for wheel in wheels.glob("*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            path = pathlib.PurePosixPath(member)
            if path.name in wanted:
                (folder / "lib" / path.name).write_bytes(archive.read(member))
            elif path.parts[:2] == ("torch", "include") and not member.endswith("/"):
                target = folder.joinpath(*path.parts[1:])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(member))
missing = [name for name in wanted if not (folder / "lib" / name).exists()]
if missing:
    sys.exit("the wheels of torch do not hold " + ", ".join(missing))
"#;

fn pip(arguments: &[&str]) -> Command {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "--disable-pip-version-check", "--quiet"]).args(arguments);
    pip
}
