//! The sections of a component.

use anyhow::{Context, Result};
use wasmparser::{Parser, Payload};

/// Goes through a component's own sections, those of the parts within it aside; `otherwise` says what the bytes are not.
pub(crate) fn outermost<'a>(
    component: &'a [u8],
    otherwise: &'static str,
    mut visit: impl FnMut(Payload<'a>) -> Result<()>,
) -> Result<()> {
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.context(otherwise)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            payload if depth == 0 => visit(payload)?,
            _ => {}
        }
    }
    Ok(())
}
