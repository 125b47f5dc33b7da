//! Builds the bundled plugins and lays them where the host looks for them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use archwright_build::{TARGET, Toolchain, encode, run};

use crate::workspace::Workspace;

/// Folders of plugin crates, the same names in the source and in the build.
const KINDS: [(&str, &str); 3] = [("strategies", "strategy"), ("estimators", "estimator"), ("spaces", "space")];

struct Plugin {
    /// Name of its crate.
    package: String,
    /// What cargo makes of it.
    core: PathBuf,
    /// What the host loads.
    component: PathBuf,
}

pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    eprintln!("plugins: building");
    let toolchain = Toolchain::find()?;
    for (folder, kind) in KINDS {
        let plugins = plugins(workspace, folder, kind)?;
        // One kind at a time: the kinds differ in the SDK's features, which cargo joins within a build.
        let mut cargo = toolchain.cargo(Some(workspace.root()));
        cargo.args(["build", "--profile", "plugin", "--target", TARGET]);
        for plugin in &plugins {
            cargo.args(["-p", &plugin.package]);
        }
        run(&mut cargo)?;
        for plugin in &plugins {
            if !is_newer(&plugin.component, &plugin.core) {
                encode(&plugin.core, &plugin.component)?;
            }
        }
    }
    Ok(())
}

/// Has the built program compile the plugins for this machine, so that no search has to wait for that. Those that it compiled
/// already are kept.
pub(crate) fn compile(workspace: &Workspace) -> Result<()> {
    if !workspace.program().is_file() {
        return Ok(());
    }
    eprintln!("plugins: compiling for this machine");
    run(Command::new(workspace.program()).args(["plugin", "list"]).stdout(Stdio::null()))
}

/// The plugins in one folder of `plugins/`.
fn plugins(workspace: &Workspace, folder: &str, kind: &str) -> Result<Vec<Plugin>> {
    let source = workspace.root().join("plugins").join(folder);
    let entries = std::fs::read_dir(&source).with_context(|| format!("cannot read {}", source.display()))?;
    let mut plugins = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let package = format!("archwright-{kind}-{name}");
        let core = format!("{}.wasm", package.replace('-', "_"));
        plugins.push(Plugin {
            core: workspace.target().join(TARGET).join("plugin").join(core),
            component: workspace.release().join("plugins").join(folder).join(format!("{name}.wasm")),
            package,
        });
    }
    plugins.sort_by(|left, right| left.package.cmp(&right.package));
    Ok(plugins)
}

/// Copies the built plugins to another folder.
pub(crate) fn copy(workspace: &Workspace, to: &Path) -> Result<()> {
    for (folder, kind) in KINDS {
        std::fs::create_dir_all(to.join(folder))?;
        for plugin in plugins(workspace, folder, kind)? {
            let name = plugin.component.file_name().unwrap_or_default();
            std::fs::copy(&plugin.component, to.join(folder).join(name))
                .with_context(|| format!("cannot copy {}", plugin.component.display()))?;
        }
    }
    Ok(())
}

fn is_newer(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    matches!((changed(file), changed(than)), (Ok(file), Ok(than)) if file >= than)
}
