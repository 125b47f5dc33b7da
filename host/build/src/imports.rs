//! What a component imports.

use std::path::Path;

use anyhow::{Context, Result, bail};
use wasmparser::Payload;

use crate::sections::outermost;

/// Every import of a plugin starts so.
const CONTRACT: &str = "archwright:nas/";

/// Reads a component that a tool made.
///
/// # Errors
/// Where it imports anything but the contract.
pub(crate) fn read_closed(component: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
    let foreign: Vec<String> = imports(&bytes)?.into_iter().filter(|import| !import.starts_with(CONTRACT)).collect();
    if !foreign.is_empty() {
        bail!("the component imports {}; a plugin has nothing but the contract", foreign.join(", "));
    }
    Ok(bytes)
}

/// The imports of a component, those of components within it aside.
fn imports(component: &[u8]) -> Result<Vec<String>> {
    const OTHERWISE: &str = "the tool made no component";
    let mut imports = Vec::new();
    outermost(component, OTHERWISE, |payload| {
        if let Payload::ComponentImportSection(section) = payload {
            for import in section {
                imports.push(import.context(OTHERWISE)?.name.name.to_owned());
            }
        }
        Ok(())
    })?;
    Ok(imports)
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection, InstanceType};

    use super::*;

    fn importing(name: &str) -> tempfile::NamedTempFile {
        let mut types = ComponentTypeSection::new();
        types.instance(&InstanceType::new());
        let mut imports = ComponentImportSection::new();
        imports.import(name, ComponentTypeRef::Instance(0));
        let mut component = Component::new();
        component.section(&types).section(&imports);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), component.finish()).unwrap();
        file
    }

    #[test]
    fn the_contract_alone_may_be_imported() {
        read_closed(importing("archwright:nas/log@0.1.0").path()).unwrap();
        let error = read_closed(importing("wasi:clocks/wall-clock@0.2.0").path()).unwrap_err().to_string();
        assert!(error.contains("wasi:clocks/wall-clock@0.2.0"), "{error}");
    }
}
