//! What is done with every component that a tool made.

use std::path::Path;

use anyhow::{Context, Result, bail};
use wasmparser::{Parser, Payload};

use crate::manifest::Manifest;
use crate::wishes;

/// Every import of a plugin starts so.
const CONTRACT: &str = "archwright:nas/";

/// Writes a component with the manifest's wishes to `output`, where it imports nothing but the contract; gives its size.
pub(crate) fn finish(component: &Path, manifest: &Manifest, output: &Path) -> Result<usize> {
    let bytes = std::fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
    let foreign: Vec<String> =
        imports(&bytes)?.into_iter().filter(|import| !import.starts_with(CONTRACT)).collect();
    if !foreign.is_empty() {
        bail!("the component imports {}; a plugin has nothing but the contract", foreign.join(", "));
    }
    let bytes = wishes::add(bytes, &manifest.limits)?;
    if let Some(folder) = output.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(output, &bytes).with_context(|| format!("cannot write {}", output.display()))?;
    Ok(bytes.len())
}

/// What a component imports, the components within it aside.
fn imports(component: &[u8]) -> Result<Vec<String>> {
    let mut imports = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.context("the tool made no component")? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.context("the tool made no component")?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(imports)
}
