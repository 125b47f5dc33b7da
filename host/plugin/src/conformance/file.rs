//! Checks of the file, before anything of it runs.

use std::time::Instant;

use super::advice;
use super::report::{Checks, Fault};
use super::resources::count;
use crate::wishes::{SECTION, Wishes};
use crate::{Component, Engine, Interface, Kind, Limits, PluginError, inspect};

/// How to build without WASI.
const WITHOUT_WASI: &str = "build without WASI: Rust for wasm32-unknown-unknown, which `archwright plugin build` does; Python \
    with `componentize-py componentize --stub-wasi`; JavaScript with componentize-js and \
    `disableFeatures: ['random', 'stdio', 'clocks', 'http', 'fetch-event']`; C and C++ with `-nostdlib` or `--no-wasi` \
    adapters. Draw random numbers from `setup.seed`, and log with `archwright:nas/log`";

/// Checks the file and loads it; gives its kind, as far as it shows, where it cannot be loaded.
pub(super) fn check(
    engine: &Engine,
    name: &str,
    bytes: &[u8],
    limits: &Limits,
    checks: &mut Checks,
) -> Result<Component, Option<Kind>> {
    let interface = match Interface::read(name, bytes) {
        Ok(interface) => interface,
        Err(error) => {
            checks.add("component", Err(error.into()));
            return Err(None);
        }
    };
    let kind = match interface.kinds.as_slice() {
        [kind] => Some(*kind),
        _ => None,
    };
    size(bytes, limits, checks);
    wishes(&interface, checks);
    // What is wrong with the outside of a component shows before anything is compiled, one thing at a time.
    let outside = inspect::inspect(name, bytes);
    let passed: &[&str] = match &outside {
        Ok(_) => &["component", "one-kind", "contract-version", "imports"],
        Err(PluginError::NotAComponent { .. }) => &[],
        Err(PluginError::WrongKind { .. }) => &["component"],
        Err(PluginError::Import { .. }) => &["component", "one-kind", "contract-version"],
        Err(_) => &["component", "one-kind"],
    };
    for id in passed {
        checks.add(id, Ok(shown(id, &interface)));
    }
    if let Err(error) = outside {
        let id = match &error {
            PluginError::NotAComponent { .. } => "component",
            PluginError::WrongKind { .. } => "one-kind",
            PluginError::Import { .. } => "imports",
            _ => "contract-version",
        };
        checks.add(id, Err(explained(error, &interface)));
        return Err(kind);
    }
    let start = Instant::now();
    let loaded = engine.load_bytes(name, bytes, limits);
    let seconds = start.elapsed().as_secs_f64();
    match loaded {
        Ok(component) => {
            checks.add("compiles", Ok(format!("loaded in {seconds:.1} s, which compiling takes the first time")));
            Ok(component)
        }
        Err(error) => {
            let id = match &error {
                PluginError::Limit { call, .. } if call == "load" => "size",
                PluginError::Load { .. } => "compiles",
                _ => "describes-itself",
            };
            if id == "describes-itself" {
                checks.add("compiles", Ok(format!("compiled in {seconds:.1} s")));
            }
            if id != "size" {
                checks.add(id, Err(error.into()));
            }
            Err(kind)
        }
    }
}

fn shown(id: &str, interface: &Interface) -> String {
    match id {
        "component" => "a component".into(),
        "one-kind" => interface.kinds.iter().map(|kind| format!("a plugin of the kind {kind}")).collect(),
        "contract-version" => format!("version {} of the contract", interface.contract.join(", ")),
        _ if interface.imports.is_empty() => "no imports".into(),
        _ => interface.imports.join(", "),
    }
}

fn explained(error: PluginError, interface: &Interface) -> Fault {
    let wasi = |name: &str| name.starts_with("wasi:") || name.starts_with("wasi_snapshot");
    let foreign: Vec<_> = interface.foreign_imports().collect();
    match &error {
        PluginError::Import { file, .. } if foreign.iter().any(|name| wasi(name)) => {
            Fault::new(format!("{file}: it imports {}", listed(&foreign)), WITHOUT_WASI)
        }
        PluginError::Import { file, .. } if !foreign.is_empty() => Fault::new(
            format!("{file}: it imports {}", listed(&foreign)),
            "the host gives plugins interfaces of `archwright:nas` and nothing else: find what needs the others, and do \
             without it",
        ),
        PluginError::NotAComponent { .. } if foreign.iter().any(|name| wasi(name)) => {
            let advice = format!("{}; and {WITHOUT_WASI}", advice::on(&error));
            Fault::new(format!("{error}; it imports {}", listed(&foreign)), advice)
        }
        PluginError::Load { .. } => Fault::new(
            error.to_string(),
            "build it against the contract of this archwright, which its release holds in wit/, or use the archwright \
             that has the contract it was built for",
        ),
        _ => error.into(),
    }
}

/// The first few of a list of names, and how many more there are.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 6;
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))
}

fn size(bytes: &[u8], limits: &Limits, checks: &mut Checks) {
    let (size, limit) = (bytes.len() as u64, limits.component_bytes);
    let seen = format!("{} of {} bytes", count(size), count(limit));
    checks.add("size", if size <= limit {
        Ok(seen)
    } else {
        Err(Fault::new(
            seen,
            "leave out debug information and what is not used (`strip = true`, `opt-level = \"s\"`, `wasm-tools strip`), or \
             have experiments raise `limits.component_bytes`",
        ))
    });
}

fn wishes(interface: &Interface, checks: &mut Checks) {
    let Some(wishes) = &interface.wishes else {
        return checks.skip("wishes", "it wishes for no limits of its own");
    };
    checks.add(
        "wishes",
        match Wishes::parse(wishes.as_bytes()) {
            Ok(read) if read.by_key().values().all(|wish| *wish > 0) => {
                Ok(serde_json::json!(read.by_key()).to_string())
            }
            Ok(_) => Err(Fault::new(
                format!("`{SECTION}` holds {}", crate::text::shown(wishes, 200)),
                "each limit is a whole number above 0",
            )),
            Err(problem) => Err(Fault::new(
                format!("`{SECTION}` {problem}"),
                "give limits in [limits] of plugin.toml, and let `archwright plugin build` write the section",
            )),
        },
    );
}
