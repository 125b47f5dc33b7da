//! Drawings.
use crate::{ExportError, Exported};
/// A drawing.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// Name.
    pub name: String,
    /// SVG.
    pub svg: String,
}
/// Draws.
pub fn draw(_: &Exported) -> Result<Vec<Drawing>, ExportError> {
    Ok(vec![])
}
/// Pixels.
pub fn png(_: &Drawing) -> Result<Vec<u8>, ExportError> {
    Ok(vec![])
}
