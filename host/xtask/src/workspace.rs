use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use archwright_build::run;

use crate::{libtorch, plugins};

/// This checkout.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the checkout and works in it from now on.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .context("xtask does not lie two folders below the workspace")?
            .to_owned();
        std::env::set_current_dir(&root).with_context(|| format!("cannot enter {}", root.display()))?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where `cargo build --release` puts programs.
    pub(crate) fn release(&self) -> PathBuf {
        self.target.join("release")
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.release().join("archwright")
    }

    /// What cargo needs to know to build the trainer and to find what was built.
    pub(crate) fn environment(&self) -> Result<Vec<(&'static str, PathBuf)>> {
        Ok(vec![("LIBTORCH", libtorch::find_or_fetch(self)?), ("ARCHWRIGHT_PROGRAM", self.program())])
    }

    /// Cargo with everything that building the trainer needs.
    pub(crate) fn cargo(&self) -> Result<Command> {
        let mut cargo = Command::new("cargo");
        cargo.envs(self.environment()?);
        Ok(cargo)
    }

    /// Sets everything up and builds it. What is there already stays.
    pub(crate) fn build(&self) -> Result<()> {
        need("c++", "the trainer is linked against libtorch", "apt-get install g++")?;
        need("make", "the program's allocator is built with it", "apt-get install make")?;
        let mut cargo = self.cargo()?;
        eprintln!("host, trainer: building in release mode");
        run(cargo.args(["build", "--release", "-p", "archwright", "-p", "archwright-trainer"]))?;
        plugins::build(self)
    }

    /// As [`Workspace::build`], into a folder of its own and with everything that makes programs faster.
    pub(crate) fn build_dist(&self) -> Result<()> {
        self.build()?;
        eprintln!("host, trainer: building for distribution");
        run(self.cargo()?.args(["build", "--profile", "dist", "-p", "archwright", "-p", "archwright-trainer"]))?;
        plugins::copy(self, &self.target.join("dist").join("plugins"))
    }

    /// Formatting, lints, documentation. In the release profile, so that nothing is built for the checks alone.
    pub(crate) fn check(&self) -> Result<()> {
        run(Command::new("cargo").args(["fmt", "--all", "--check"]))?;
        run(self.cargo()?.args(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
        run(self.cargo()?.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--release", "--workspace", "--no-deps"]))
    }
}

/// Checks that a program can be started.
pub(crate) fn need(program: &str, why: &str, mend: &str) -> Result<()> {
    let started = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match started {
        Ok(status) if status.success() => Ok(()),
        _ => bail!("`{program}` is missing: {why}. Mend it with `{mend}`"),
    }
}
