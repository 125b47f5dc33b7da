//! Drawings of cells and of the skeleton that they are stacked in, as SVG and as PNG.

mod cell;
mod layout;
mod pixels;
mod skeleton;
mod svg;

use std::collections::BTreeSet;

use crate::{ExportError, Exported};
pub use pixels::png;

/// A drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Name for a file, without an ending: `skeleton`, or `cell-NAME`.
    pub name: String,
    /// The drawing as SVG. Text is text; DejaVu Sans, Verdana or Helvetica fit it.
    pub svg: String,
}

/// Draws the skeleton of a network, and each of its cells.
///
/// # Errors
/// Where the network is malformed.
pub fn draw(exported: &Exported) -> Result<Vec<Drawing>, ExportError> {
    let mut drawings = vec![Drawing { name: "skeleton".into(), svg: skeleton::draw(&exported.network)? }];
    let mut names = BTreeSet::new();
    for graph in &exported.cells {
        let base = format!("cell-{}", file_name(&graph.name));
        let numbered = (2..).map(|number: u64| format!("{base}-{number}"));
        let name = std::iter::once(base.clone()).chain(numbered).find(|name| !names.contains(name));
        let name = name.unwrap_or(base);
        names.insert(name.clone());
        drawings.push(Drawing { name, svg: cell::draw(graph) });
    }
    Ok(drawings)
}

fn file_name(name: &str) -> String {
    name.chars().map(|one| if one.is_ascii_alphanumeric() || "-_".contains(one) { one } else { '-' }).collect()
}
