//! What a component declares, and how often its parts are put together.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef, Encoding,
    Instance, Parser, Payload,
};

use super::{Refused, within};
use crate::limits::{Bound, InForce, Key};

/// What one data segment counts for, as bytes of declarations.
const SEGMENT: u64 = 8;

const FIRST_CLASS: &str = "it hands components around as values, which this host does not support: link its parts into one \
                           component";

/// What putting a component together takes, what it is made of included.
#[derive(Clone, Copy, Default)]
struct Assembly {
    /// Core instances and instances of components.
    instances: u64,
    /// Bytes of declarations that are gone through, once for each instance.
    bytes: u64,
}

impl Assembly {
    fn add(&mut self, part: Self) {
        self.instances = self.instances.saturating_add(part.instances);
        self.bytes = self.bytes.saturating_add(part.bytes);
    }
}

/// A component or module that is being read.
struct Frame {
    is_module: bool,
    assembly: Assembly,
    /// The index space of components: what an instance of each takes.
    components: Vec<Assembly>,
}

/// What is counted over the whole file.
#[derive(Default)]
struct Totals {
    /// Modules and components.
    parts: u64,
    declared: u64,
    functions: u64,
    tables: u64,
    memories: u64,
}

/// Refuses a component that declares more than the limits allow, or that is put together of more instances. An instance of
/// a component that instantiates others twice, which do the same, would otherwise grow without bounds.
pub(super) fn check(bytes: &[u8], limits: &InForce) -> Result<(), Refused> {
    let bounds = Bounds::new(limits);
    let mut totals = Totals::default();
    let mut frames: Vec<Frame> = Vec::new();
    let mut root = Assembly::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        match &payload {
            Payload::Version { encoding, .. } => {
                totals.parts += 1;
                let is_module = *encoding == Encoding::Module;
                frames.push(Frame { is_module, assembly: Assembly::default(), components: Vec::new() });
            }
            Payload::End(_) => {
                let Some(Frame { is_module: false, assembly, .. }) = frames.pop() else { continue };
                match frames.last_mut() {
                    Some(outer) => outer.components.push(assembly),
                    None => root = assembly,
                }
            }
            _ => {}
        }
        declared(&payload, &mut totals);
        assemble(&payload, &mut frames)?;
        // While reading, so that what is read for a file that is refused is bounded as well.
        bounds.check(&totals, &root)?;
    }
    bounds.check(&totals, &root)
}

struct Bounds {
    parts: Bound,
    instances: Bound,
    declared: Bound,
    functions: Bound,
    tables: Bound,
    memories: Bound,
}

impl Bounds {
    fn new(limits: &InForce) -> Self {
        Self {
            parts: limits.bound("modules and components", Key::instances),
            instances: limits.bound("instances of modules and components", Key::instances),
            declared: limits.bound("bytes of declarations", Key::declaration_bytes),
            functions: limits.bound("functions", Key::functions),
            tables: limits.bound("tables", Key::tables),
            memories: limits.bound("memories", Key::memories),
        }
    }

    fn check(&self, totals: &Totals, root: &Assembly) -> Result<(), Refused> {
        within(totals.parts, self.parts)?;
        within(root.instances, self.instances)?;
        within(totals.declared.saturating_add(root.bytes), self.declared)?;
        within(totals.functions, self.functions)?;
        within(totals.tables, self.tables)?;
        within(totals.memories, self.memories)
    }
}

/// Counts what a section declares.
fn declared(payload: &Payload<'_>, totals: &mut Totals) {
    match payload {
        Payload::CodeSectionStart { count, .. } => totals.functions += u64::from(*count),
        Payload::DataSection(section) => totals.declared += SEGMENT * u64::from(section.count()),
        // The parts within have sections of their own.
        Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {}
        // Names are read by the compiler; it skips whatever else is in custom sections.
        Payload::CustomSection(custom) if !matches!(custom.name(), "name" | "component-name") => {}
        other => {
            if let Some((_, range)) = other.as_section() {
                totals.declared += range.end.saturating_sub(range.start);
            }
        }
    }
    match payload {
        Payload::TableSection(section) => totals.tables += u64::from(section.count()),
        Payload::MemorySection(section) => totals.memories += u64::from(section.count()),
        _ => {}
    }
}

/// Follows how components are put together.
fn assemble(payload: &Payload<'_>, frames: &mut [Frame]) -> Result<(), Refused> {
    let Some((frame, outer)) = frames.split_last_mut() else { return Ok(()) };
    if frame.is_module {
        return Ok(());
    }
    if let (Some((_, range)), false) = (payload.as_section(), is_nested(payload)) {
        frame.assembly.bytes = frame.assembly.bytes.saturating_add(range.end.saturating_sub(range.start));
    }
    // An index that is out of range makes the component malformed; what is wrong with it, the validator says.
    let component = |frame: &Frame, index: u32| frame.components.get(index as usize).copied().unwrap_or_default();
    match payload {
        Payload::InstanceSection(section) => {
            for instance in section.clone() {
                if let Instance::Instantiate { .. } = instance? {
                    frame.assembly.add(Assembly { instances: 1, bytes: 0 });
                }
            }
        }
        Payload::ComponentInstanceSection(section) => {
            for instance in section.clone() {
                let ComponentInstance::Instantiate { component_index, .. } = instance? else { continue };
                let part = component(frame, component_index);
                frame.assembly.add(part);
                frame.assembly.add(Assembly { instances: 1, bytes: 0 });
            }
        }
        Payload::ComponentImportSection(section) => {
            for import in section.clone() {
                if let ComponentTypeRef::Component(_) = import?.ty {
                    return Err(Refused::Unsupported(FIRST_CLASS));
                }
            }
        }
        Payload::ComponentAliasSection(section) => {
            for alias in section.clone() {
                match alias? {
                    ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                        let aliased = match (count as usize).checked_sub(1) {
                            None => component(frame, index),
                            Some(above) => outer
                                .len()
                                .checked_sub(above + 1)
                                .map(|place| component(&outer[place], index))
                                .unwrap_or_default(),
                        };
                        frame.components.push(aliased);
                    }
                    ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                        return Err(Refused::Unsupported(FIRST_CLASS));
                    }
                    _ => {}
                }
            }
        }
        Payload::ComponentExportSection(section) => {
            for export in section.clone() {
                if export?.kind == ComponentExternalKind::Component {
                    return Err(Refused::Unsupported(FIRST_CLASS));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether a section holds a part that has sections of its own, or nothing that the compiler reads.
fn is_nested(payload: &Payload<'_>) -> bool {
    matches!(payload, Payload::ModuleSection { .. } | Payload::ComponentSection { .. } | Payload::CustomSection(_))
}
