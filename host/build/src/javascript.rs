//! Components of plugins written in JavaScript: `componentize-js` puts an interpreter and the plugin's modules into one.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::imports::read_closed;
use crate::manifest::{Kind, Manifest};
use crate::{contract, tools};

/// The file of a project whose default export is the plugin.
pub(crate) const ENTRY: &str = "plugin.js";

/// Version of `componentize-js`; the other packages are pinned with it in `tools/package-lock.json`.
const VERSION: &str = "0.23.0";

/// Packages and their locked versions.
const PACKAGES: [(&str, &str); 2] = [
    ("package.json", include_str!("../tools/package.json")),
    ("package-lock.json", include_str!("../tools/package-lock.json")),
];

/// Fails where Node.js is too old.
const IS_RECENT: &str = "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)";

/// What calls the tool. Its arguments: the tool's folder, the entry, the contract's folder, the world, the output.
const DRIVER: &str = include_str!("../tools/componentize.mjs");

/// The helper module, for projects without a copy of their own.
pub(crate) const HELPER: [(&str, &str); 2] =
    [helper!("javascript", "archwright.js"), helper!("javascript", "archwright-component.js")];

/// The component of the plugin in `folder`.
///
/// A project's own copy of the helper module is what is built; where it has none, this program's is.
///
/// # Errors
/// Where there is no plugin, no Node.js with npm, the tool cannot be fetched, or it fails on the plugin.
pub(crate) fn component(folder: &Path, manifest: &Manifest) -> Result<Vec<u8>> {
    if !folder.join(ENTRY).is_file() {
        bail!(
            "there is no {ENTRY} in {}: a plugin in JavaScript has one, whose default export is its class",
            folder.display()
        );
    }
    if !tools::answers(Path::new("node"), &["--eval", IS_RECENT])? {
        bail!(
            "building a plugin in JavaScript takes Node.js 20 or newer, and there is no such `node`.\n\
             Install it from your system's packages (`apt-get install nodejs npm`) or nodejs.org"
        );
    }
    let tool = tools::install(&tools::folder()?, &format!("componentize-js-{VERSION}"), fetch)?;
    let work = tempfile::tempdir().context("cannot make a temporary folder")?;
    contract::write(&work.path().join("wit"))?;
    // The tool reads modules below one folder only.
    let sources = work.path().join("sources");
    crate::write_all(&sources, &HELPER)?;
    copy_modules(folder, &sources)?;
    crate::write_all(&sources, &[("archwright-entry.js", &entry(manifest)?), ("componentize.mjs", DRIVER)])?;
    let made = work.path().join("plugin.wasm");
    let mut command = Command::new("node");
    command
        .current_dir(&sources)
        .arg("componentize.mjs")
        .arg(&tool)
        .arg("archwright-entry.js")
        .arg(work.path().join("wit"))
        .arg(contract::world(manifest.plugin.kind))
        .arg(&made);
    tools::run(&mut command, "componentize-js", shorten)?;
    read_closed(&made)
}

/// The module that ties the plugin to the contract.
fn entry(manifest: &Manifest) -> Result<String> {
    let plugin = &manifest.plugin;
    let declared = json!({
        "name": plugin.name,
        "version": plugin.version,
        "summary": plugin.description.as_deref().unwrap_or(&plugin.name),
    });
    let (export, imports): (&str, &[&str]) = match plugin.kind {
        Kind::Strategy => ("strategy", &["space"]),
        Kind::Estimator => ("estimator", &["space", "actions"]),
        Kind::SearchSpace => ("searchSpace", &[]),
    };
    let mut text = format!("import {{ log }} from \"{}\";\n", contract::interface("log")?);
    for name in imports {
        text += &format!("import * as {name} from \"{}\";\n", contract::interface(name)?);
    }
    text += &format!(
        "import {{ {export}Interface }} from \"./archwright-component.js\";\n\
         import plugin from \"./{ENTRY}\";\n\n\
         export const {export} = {export}Interface(plugin, {declared}, {{ {} }});\n",
        [&["log"], imports].concat().join(", ")
    );
    Ok(text)
}

/// Copies the project's modules, installed packages and hidden folders aside.
fn copy_modules(from: &Path, to: &Path) -> Result<()> {
    let entries = std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", from.display()))?;
        let name = PathBuf::from(entry.file_name());
        let path = entry.path();
        let kind = entry.file_type().with_context(|| format!("cannot read {}", path.display()))?;
        let is_aside = name.to_string_lossy().starts_with('.') || name == Path::new("node_modules");
        if kind.is_dir() && !is_aside {
            copy_modules(&path, &to.join(&name))?;
        } else if !kind.is_dir() && name.extension().is_some_and(|extension| extension == "js" || extension == "mjs") {
            std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
            std::fs::copy(&path, to.join(&name)).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

fn fetch(into: &Path) -> Result<()> {
    if !tools::answers(Path::new("npm"), &["--version"])? {
        bail!(
            "building a plugin in JavaScript takes npm, and there is none.\n\
             Install it from your system's packages (`apt-get install npm`); with nodejs.org's Node.js it comes along"
        );
    }
    eprintln!("fetching componentize-js {VERSION} (130 MB, 390 MB installed, once)");
    crate::write_all(into, &PACKAGES)?;
    let mut npm = Command::new("npm");
    npm.current_dir(into).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]);
    tools::run(&mut npm, "npm", str::to_owned).context("cannot fetch componentize-js: does the network work?")
}

/// What the tool says of a mistake: the engine's own words, not where the tool was.
fn shorten(said: &str) -> String {
    let own: Vec<&str> = said.lines().take_while(|line| !line.trim_start().starts_with("at ")).collect();
    own.join("\n").trim().to_owned()
}
