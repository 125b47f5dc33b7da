//! The wishes of a plugin, within its component: whoever has the file has them, too.

use anyhow::{Result, bail};
use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{Encoding, Payload};

use crate::manifest::Wishes;
use crate::sections::outermost;

/// Name of the custom section with a plugin's wishes: a JSON object of the keys of `[limits]` that are given.
pub const SECTION: &str = "archwright:limits";

/// The component with these wishes in it; as it is where there are none.
///
/// # Errors
/// Where the bytes are no component, or one that has wishes already.
pub fn add(mut component: Vec<u8>, wishes: &Wishes) -> Result<Vec<u8>> {
    if wishes.is_empty() {
        return Ok(component);
    }
    if has_wishes(&component)? {
        bail!("the component has a section `{SECTION}` already: `[limits]` of the manifest puts it there");
    }
    let json = serde_json::to_vec(wishes)?;
    CustomSection { name: SECTION.into(), data: json.into() }.append_to_component(&mut component);
    Ok(component)
}

/// Whether the component, not one within it, has the section.
fn has_wishes(component: &[u8]) -> Result<bool> {
    let mut found = false;
    outermost(component, "this is no component", |payload| {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } => bail!("this is a core module, not a component"),
            Payload::CustomSection(section) => found |= section.name() == SECTION,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_a_section_at_the_end() {
        let empty = wasm_encoder::Component::new().finish();
        assert_eq!(add(empty.clone(), &Wishes::default()).unwrap(), empty);
        let wishes = Wishes { fuel_per_call: Some(1_000), memory_bytes: None };
        let wished = add(empty.clone(), &wishes).unwrap();
        assert!(wished.starts_with(&empty));
        assert!(wished.ends_with(br#"archwright:limits{"fuel_per_call":1000}"#));
        assert!(has_wishes(&wished).unwrap());
        wasmparser::Validator::new().validate_all(&wished).unwrap();
        let twice = add(wished, &wishes).unwrap_err().to_string();
        assert!(twice.contains(SECTION), "{twice}");
    }

    #[test]
    fn what_is_no_component_is_refused() {
        let wishes = Wishes { fuel_per_call: Some(1), memory_bytes: Some(1) };
        let module = wasm_encoder::Module::new().finish();
        for bytes in [b"no wasm".to_vec(), Vec::new(), module] {
            assert!(add(bytes, &wishes).is_err());
        }
    }
}
