//! Components of plugins written in Python: `componentize-py` puts an interpreter, the plugin and its modules into one.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::imports::read_closed;
use crate::manifest::Manifest;
use crate::{contract, tools};

/// The file of a project that exports the plugin.
pub(crate) const ENTRY: &str = "app.py";

/// Version of `componentize-py`.
const VERSION: &str = "0.25.1";

/// Runs `componentize-py` from the folder given as the first argument, without the user's own packages.
const START: &str = "import sys; sys.path.insert(0, sys.argv.pop(1)); from componentize_py import script; script()";

/// Fails where Python is too old.
const IS_RECENT: &str = "import sys; sys.exit(sys.version_info < (3, 10))";

/// The helper package, for projects without a copy of their own.
pub(crate) const HELPER: [(&str, &str); 14] = [
    helper!("python", "archwright/__init__.py"),
    helper!("python", "archwright/component/__init__.py"),
    helper!("python", "archwright/component/convert.py"),
    helper!("python", "archwright/component/estimator.py"),
    helper!("python", "archwright/component/guard.py"),
    helper!("python", "archwright/component/search_space.py"),
    helper!("python", "archwright/component/space.py"),
    helper!("python", "archwright/component/strategy.py"),
    helper!("python", "archwright/model.py"),
    helper!("python", "archwright/operators.py"),
    helper!("python", "archwright/option.py"),
    helper!("python", "archwright/plugin.py"),
    helper!("python", "archwright/repeats.py"),
    helper!("python", "archwright/rng.py"),
];

/// The component of the plugin in `folder`.
///
/// A project's own copy of the helper package is what is built; where it has none, this program's is.
///
/// # Errors
/// Where there is no plugin, no Python with pip, the tool cannot be fetched, or it fails on the plugin.
pub(crate) fn component(folder: &Path, manifest: &Manifest) -> Result<Vec<u8>> {
    if !folder.join(ENTRY).is_file() {
        bail!("there is no {ENTRY} in {}: a plugin in Python has one, which exports its class", folder.display());
    }
    let python = python()?;
    let tool = tools::install(&tools::folder()?, &format!("componentize-py-{VERSION}"), |into| fetch(&python, into))?;
    let work = tempfile::tempdir().context("cannot make a temporary folder")?;
    contract::write(&work.path().join("wit"))?;
    let generated = work.path().join("generated");
    write_entry(&generated, manifest)?;
    let helper = work.path().join("helper");
    crate::write_all(&helper, &HELPER)?;
    // Packages of an activated environment come with the plugin; those of the whole machine do not.
    let environment = match std::env::var_os("VIRTUAL_ENV") {
        Some(environment) => PathBuf::from(environment),
        None => {
            let environment = work.path().join("environment");
            std::fs::create_dir_all(environment.join("lib/python/site-packages"))?;
            environment
        }
    };
    let made = work.path().join("plugin.wasm");
    let mut command = Command::new(&python);
    command
        .env("VIRTUAL_ENV", environment)
        .args(["-I", "-c", START])
        .arg(&tool)
        .arg("--wit-path")
        .arg(work.path().join("wit"))
        .args(["--world", &contract::world(manifest.plugin.kind), "--export-interface-name"])
        .arg(format!("{}=archwright_export", contract::interface(manifest.plugin.kind.name())?))
        .args(["componentize", "--stub-wasi", "archwright_entry", "--output"])
        .arg(&made);
    for path in [&generated, folder, &helper] {
        command.arg("--python-path").arg(path);
    }
    tools::run(&mut command, "componentize-py", shorten)?;
    read_closed(&made)
}

/// Modules between what the tool looks for and what the helper package has: the plugin's class is exported under one
/// name, whatever its kind.
fn write_entry(folder: &Path, manifest: &Manifest) -> Result<()> {
    let plugin = &manifest.plugin;
    let declared = json!({
        "name": plugin.name,
        "version": plugin.version,
        "summary": plugin.description.as_deref().unwrap_or(&plugin.name),
    });
    let kind = plugin.kind.name().replace('-', "_");
    let app = ENTRY.trim_end_matches(".py");
    let entry = format!(
        "import {app}\nfrom archwright.component import {kind}\n\n\
         ArchwrightExport = {kind}.interface({})\n",
        // A JSON object of texts is one of Python's.
        declared
    );
    let export = format!("from archwright.component.{kind} import *\n");
    crate::write_all(folder, &[("archwright_entry.py", &entry), ("archwright_export.py", &export)])
}

/// A Python that can be started.
fn python() -> Result<PathBuf> {
    for name in ["python3", "python"] {
        if tools::answers(Path::new(name), &["-c", IS_RECENT])? {
            return Ok(name.into());
        }
    }
    bail!(
        "building a plugin in Python takes Python 3.10 or newer, and there is no such `python3`.\n\
         Install it from your system's packages (`apt-get install python3 python3-pip`) or python.org"
    )
}

fn fetch(python: &Path, into: &Path) -> Result<()> {
    if !tools::answers(python, &["-m", "pip", "--version"])? {
        bail!(
            "building a plugin in Python takes pip, which `{}` does not have.\n\
             Install it with `{0} -m ensurepip`, or from your system's packages (`apt-get install python3-pip`)",
            python.display()
        );
    }
    eprintln!("fetching componentize-py {VERSION} (17 MB, once)");
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"])
        .args(["--only-binary", ":all:", "--target"])
        .arg(into)
        .arg(format!("componentize-py=={VERSION}"));
    tools::run(&mut pip, "pip", str::to_owned).context("cannot fetch componentize-py: does the network work?")
}

/// What the tool says of a mistake: Python's own words, not where the tool was.
fn shorten(said: &str) -> String {
    let own = said.split("\n\nCaused by:").next().unwrap_or(said);
    let own = own.split_once("AssertionError: ").map_or(own, |(_, own)| own);
    // Paths of the plugin's folder, as the tool's Python sees them.
    own.replace("\"/1/", "\"").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_in_pythons_words() {
        let said = "Traceback (most recent call last):\n  File \"<string>\", line 1, in <module>\n\
                    AssertionError: Traceback (most recent call last):\n  File \"/1/app.py\", line 8, in <module>\n\
                    ImportError: no `Archiv`\n\n\nCaused by:\n    ImportError\n\nStack backtrace:\n   0: x";
        let shown =
            "Traceback (most recent call last):\n  File \"app.py\", line 8, in <module>\nImportError: no `Archiv`";
        assert_eq!(shorten(said), shown);
        assert_eq!(shorten("no space left\n"), "no space left");
    }
}
