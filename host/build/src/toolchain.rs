use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The target that plugins are built for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// A Rust toolchain that can build plugins.
#[derive(Clone, Debug)]
pub struct Toolchain {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// The user's toolchain, with the target's standard library.
    Installed,
    /// Debian's `rustc-web`, which builds the standard library from `rust-web-src`; with this linker.
    Debian { linker: PathBuf },
}

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_SOURCE: &str = "/usr/src/rustc";

impl Toolchain {
    /// Finds a toolchain, adding the target with rustup where it is missing.
    ///
    /// # Errors
    /// Where there is none; says how to get one.
    pub fn find() -> Result<Self> {
        if has_target()? {
            return Ok(Self { form: Form::Installed });
        }
        let added = Command::new("rustup").args(["target", "add", TARGET]).status();
        if added.is_ok_and(|status| status.success()) && has_target()? {
            return Ok(Self { form: Form::Installed });
        }
        match debian_linker() {
            Some(linker) => Ok(Self { form: Form::Debian { linker } }),
            None => bail!(
                "plugins need Rust's target {TARGET}, which rustup could not add.\n\
                 Mend it with `rustup target add {TARGET}`, or on Debian with \
                 `apt-get install rustc-web rust-web-src cargo lld`"
            ),
        }
    }

    /// A cargo command that builds plugins in the same bytes wherever cargo keeps its crates and, of a workspace at `root`,
    /// wherever that lies.
    pub fn cargo(&self, root: Option<&Path>) -> Command {
        let mut flags: Vec<String> = root.map(renamed_root).into_iter().collect();
        flags.push(renamed(&cargo_home(), "cargo"));
        let mut cargo = match &self.form {
            Form::Installed => Command::new("cargo"),
            Form::Debian { linker } => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                cargo
                    .env("RUSTC", DEBIAN_RUSTC)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("RUSTUP_TOOLCHAIN", "")
                    .arg("-Zbuild-std=std,panic_abort");
                flags.push(format!("-Clinker={}", linker.display()));
                cargo
            }
        };
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")).env_remove("RUSTFLAGS");
        cargo
    }
}

/// The flag by which the folder of a plugin's sources has a fixed name.
pub(crate) fn renamed_root(root: &Path) -> String {
    renamed(root, "plugin")
}

/// Paths of this machine end in panic messages; they are replaced by fixed names.
fn renamed(path: &Path, name: &str) -> String {
    format!("--remap-path-prefix={}={name}", path.display())
}

fn cargo_home() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

/// Whether the default toolchain has the target's standard library.
fn has_target() -> Result<bool> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .context("cannot start rustc: install Rust with rustup")?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    Ok(output.status.success() && entries.any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
}

/// The linker for Debian's toolchain, where that is installed with its source.
fn debian_linker() -> Option<PathBuf> {
    let there = [DEBIAN_RUSTC, DEBIAN_CARGO, DEBIAN_SOURCE].iter().all(|path| Path::new(path).exists());
    there.then(|| {
        let output = Command::new("rustc").args(["--print", "sysroot"]).output().ok();
        let sysroot = output.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
        let bundled = sysroot.map(|sysroot| sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld"));
        bundled.filter(|linker| linker.exists()).unwrap_or_else(|| "wasm-ld".into())
    })
}
