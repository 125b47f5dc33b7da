//! What a file is, read before anything of it is compiled.

use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload};

use crate::guest::MESSAGE_BYTES;
use crate::model::Kind;
use crate::{PluginError, contract};

/// Longest name of an import or export that is shown, in bytes.
pub(crate) const NAME_BYTES: usize = 200;

/// What a plugin's file says of it.
pub(crate) struct Inspected {
    pub(crate) kind: Kind,
    /// The version of the contract that it is built for.
    pub(crate) contract: semver::Version,
}

/// What a component is, where it is a plugin for this host.
pub(crate) fn inspect(file: &str, bytes: &[u8]) -> Result<Inspected, PluginError> {
    let not = |problem: String| PluginError::NotAComponent { file: file.into(), problem };
    if !bytes.starts_with(b"\0asm") {
        return Err(not("this is not a WebAssembly file".into()));
    }
    let mut imports = Vec::new();
    let mut exports = Vec::new();
    outermost(file, bytes, |payload| {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } => {
                return Err(not("this is a core module, not a component: encode it with `archwright plugin build`, \
                                `wasm-tools component new` or the crate `wit-component`"
                    .into()));
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    imports.push(import.map_err(|error| damaged(file, &error))?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(|error| damaged(file, &error))?;
                    if export.kind == ComponentExternalKind::Instance {
                        exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    let inspected = exported_kind(file, &exports)?;
    for import in &imports {
        check_import(file, inspected.kind, import)?;
    }
    Ok(inspected)
}

/// Goes through a file's own sections, those of the parts within it aside.
pub(crate) fn outermost<'a>(
    file: &str,
    bytes: &'a [u8],
    mut visit: impl FnMut(Payload<'a>) -> Result<(), PluginError>,
) -> Result<(), PluginError> {
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| damaged(file, &error))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            payload if depth == 0 => visit(payload)?,
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn damaged(file: &str, error: &wasmparser::BinaryReaderError) -> PluginError {
    // The reader's message may have several lines, and names out of the file.
    let text = crate::text::shown(&error.to_string(), MESSAGE_BYTES);
    let problem = if error.message().contains("unexpected end") {
        format!("the file is cut off: {text}")
    } else {
        format!("the file is damaged: {text}")
    };
    PluginError::Load { file: file.into(), problem }
}

fn exported_kind(file: &str, exports: &[String]) -> Result<Inspected, PluginError> {
    let wrong = |found: String| PluginError::WrongKind {
        plugin: file.into(),
        wanted: "a component that exports `archwright:nas/strategy`, `archwright:nas/estimator` or \
                 `archwright:nas/search-space`"
            .into(),
        found,
    };
    let mut kinds = Vec::new();
    for export in exports {
        let Some((interface, version)) = contract::ours(export) else { continue };
        let Some(kind) = contract::kind_of(interface) else { continue };
        kinds.push(Inspected { kind, contract: contract::check(file, export, version)? });
    }
    match kinds.len() {
        0 if exports.is_empty() => Err(wrong("one that exports no interface".into())),
        0 => Err(wrong(format!("one that exports {}", quoted(exports)))),
        1 => Ok(kinds.remove(0)),
        _ => Err(wrong(format!("several at once ({}): build one component for each", quoted(exports)))),
    }
}

fn check_import(file: &str, kind: Kind, import: &str) -> Result<(), PluginError> {
    let shown = crate::text::shown(import, NAME_BYTES);
    let refuse = |advice: String| Err(PluginError::Import { file: file.into(), import: shown.clone(), advice });
    if import.starts_with("wasi:") {
        return refuse(
            "plugins have no clock, files, network or randomness. Build without WASI: Rust for \
             wasm32-unknown-unknown, Python with `componentize-py componentize --stub-wasi`, JavaScript with \
             `disableFeatures: ['random', 'stdio', 'clocks', 'http', 'fetch-event']`"
                .into(),
        );
    }
    let Some((interface, version)) = contract::ours(import) else {
        return refuse("plugins can import interfaces of `archwright:nas` only".into());
    };
    contract::check(file, import, version)?;
    let given: &[&str] = match kind {
        Kind::Strategy => &["types", "space", "log"],
        Kind::Estimator => &["types", "space", "actions", "log"],
        Kind::SearchSpace => &["types", "log"],
    };
    if given.contains(&interface) {
        return Ok(());
    }
    let given: Vec<_> = given.iter().map(|name| contract::named(name)).collect();
    refuse(format!("the host gives a {kind} {} and nothing else", quoted(&given)))
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{}`", crate::text::shown(name, NAME_BYTES))).collect::<Vec<_>>().join(", ")
}
