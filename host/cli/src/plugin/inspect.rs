//! What a plugin says of itself.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use archwright_plugin::{Component, Engine, Interface, Limits, PluginError};
use serde_json::json;

use super::{find, kind_name, summary};
use crate::locations::Locations;
use crate::options;
use crate::outcome::{CliError, Output};

pub(super) fn inspect(plugin: &str, locations: &Locations, output: Output) -> Result<ExitCode, CliError> {
    let engine = locations.engine()?;
    let limits = Limits::default();
    let found = find(plugin, locations)?;
    let bytes = Engine::read(&found.path, &limits)?;
    found.check(&bytes)?;
    let name = found.path.display().to_string();
    let interface = Interface::read(&name, &bytes)?;
    match engine.load_bytes(&name, &bytes, &limits) {
        Ok(component) => loaded(&component, &interface, output),
        Err(error) => refused(&found.path, &interface, error, output),
    }
}

fn loaded(component: &Component, interface: &Interface, output: Output) -> Result<ExitCode, CliError> {
    if output.json {
        let mut value = summary(component.kind(), component.name(), component);
        value["bytes"] = json!(interface.bytes);
        value["interface"] = json!(interface);
        output.value(&value)?;
        return Ok(ExitCode::SUCCESS);
    }
    let description = component.description();
    let mut text = format!(
        "{} {} ({})\n{}\n\nreferences  {}\nneeds       {}\ngives       {}\ndigest      blake3:{}\n",
        description.name,
        description.version,
        kind_name(component.kind()),
        description.summary,
        or_nothing(&description.references),
        or_nothing(&description.needs),
        or_nothing(&description.gives),
        component.digest(),
    );
    outside(&mut text, interface);
    text.push('\n');
    text.push_str(&options::described(&description.options_schema));
    output.text(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A file that does not load: what shows from outside, and why it does not load, as the error of the command.
fn refused(path: &Path, interface: &Interface, error: PluginError, output: Output) -> Result<ExitCode, CliError> {
    if output.json {
        output.value(&json!({
            "file": path,
            "digest": interface.digest,
            "bytes": interface.bytes,
            "interface": interface,
            "problem": error.to_string(),
        }))?;
        eprintln!("archwright: {error}");
        return Ok(ExitCode::from(2));
    }
    let what = if interface.component { "a component" } else { "a core module, not a component" };
    let mut text = format!("{} ({what})\n\nexports     {}\n", path.display(), or_nothing(&interface.exports));
    outside(&mut text, interface);
    output.text(&text)?;
    Err(error.into())
}

fn outside(text: &mut String, interface: &Interface) {
    let _ = writeln!(text, "size        {} bytes", interface.bytes);
    let _ = writeln!(text, "contract    {}", or_nothing(&interface.contract));
    let _ = writeln!(text, "imports     {}", or_nothing(&interface.imports));
    // Whatever is in it, it takes one line.
    let wishes = interface.wishes.as_ref().map(|wishes| match serde_json::from_str::<serde_json::Value>(wishes) {
        Ok(wishes) => wishes.to_string(),
        Err(_) => format!("{wishes:?}"),
    });
    let _ = writeln!(text, "wishes      {}", wishes.as_deref().unwrap_or("nothing"));
}

fn or_nothing(list: &[String]) -> String {
    if list.is_empty() { "nothing".to_owned() } else { list.join(", ") }
}
