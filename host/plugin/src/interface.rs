//! What a file imports, exports and carries, whether or not it can be loaded.

use std::borrow::Cow;

use wasmparser::{ComponentExternalKind, Encoding, Payload};

use crate::contract::{PACKAGE, kind_of, ours};
use crate::inspect::{NAME_BYTES, damaged, outermost};
use crate::model::Kind;
use crate::text::shown;
use crate::{PluginError, wishes};

/// Names of each kind that are kept. No honest component comes near.
const NAMES: usize = 1000;

/// The outside of a WebAssembly file, read without compiling anything.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Interface {
    /// BLAKE3 of the file, in hexadecimal.
    pub digest: String,
    /// Size of the file.
    pub bytes: u64,
    /// Whether the file is a component, rather than a core module.
    pub component: bool,
    /// What it imports, e.g. `archwright:nas/space@0.1.0`; of a core module, `module name`.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The kinds of plugin that it exports.
    pub kinds: Vec<Kind>,
    /// The versions of the contract in the names of its imports and exports, each once.
    pub contract: Vec<String>,
    /// Custom sections, each with its size in bytes.
    pub sections: Vec<(String, usize)>,
    /// What its section `archwright:limits` holds, where there is one.
    pub wishes: Option<String>,
}

impl Interface {
    /// Reads a file's interface; `file` stands for it in messages.
    ///
    /// # Errors
    /// Where the bytes are no WebAssembly, or damaged.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, PluginError> {
        if !bytes.starts_with(b"\0asm") {
            let problem = "this is not a WebAssembly file".into();
            return Err(PluginError::NotAComponent { file: file.into(), problem });
        }
        let mut interface = Self {
            digest: blake3::hash(bytes).to_hex().to_string(),
            bytes: bytes.len() as u64,
            component: true,
            imports: Vec::new(),
            exports: Vec::new(),
            kinds: Vec::new(),
            contract: Vec::new(),
            sections: Vec::new(),
            wishes: None,
        };
        let failed = |error| damaged(file, &error);
        outermost(file, bytes, |payload| {
            match payload {
                Payload::Version { encoding, .. } => interface.component = encoding == Encoding::Component,
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        push(&mut interface.imports, import.map_err(failed)?.name.name.into());
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.map_err(failed)?;
                        push(&mut interface.imports, format!("{} {}", import.module, import.name).into());
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        let export = export.map_err(failed)?;
                        if export.kind == ComponentExternalKind::Instance {
                            push(&mut interface.exports, export.name.name.into());
                        }
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        push(&mut interface.exports, export.map_err(failed)?.name.into());
                    }
                }
                Payload::CustomSection(section) => {
                    if interface.sections.len() < NAMES {
                        interface.sections.push((shown(section.name(), NAME_BYTES), section.data().len()));
                    }
                    if section.name() == wishes::SECTION {
                        interface.wishes = Some(String::from_utf8_lossy(section.data()).into_owned());
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        interface.settle();
        Ok(interface)
    }

    /// Imports that are not the contract's.
    pub fn foreign_imports(&self) -> impl Iterator<Item = &str> {
        self.imports.iter().map(String::as_str).filter(|import| !import.starts_with(PACKAGE))
    }

    /// Finds kinds and versions in the names.
    fn settle(&mut self) {
        for name in self.exports.iter().chain(&self.imports) {
            let Some((interface, version)) = ours(name) else { continue };
            if !version.is_empty() && !self.contract.iter().any(|known| known == version) {
                self.contract.push(version.to_owned());
            }
            if let Some(kind) = kind_of(interface)
                && !self.kinds.contains(&kind)
            {
                self.kinds.push(kind);
            }
        }
    }
}

fn push(names: &mut Vec<String>, name: Cow<'_, str>) {
    if names.len() < NAMES {
        names.push(shown(&name, NAME_BYTES));
    }
}
