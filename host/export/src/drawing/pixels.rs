//! PNG of drawings, with the font that comes with this crate: no other is looked for.

use std::sync::Arc;

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::Drawing;
use super::svg::FONT;
use crate::ExportError;

/// Pixels for each unit of the drawing: 288 dots an inch.
const SCALE: f32 = 3.0;
/// Longest side in pixels; larger drawings are drawn at a smaller scale.
const MAX_SIDE: f32 = 16_000.0;

/// Draws on white.
///
/// # Errors
/// Where the drawing has no size, or there is not enough memory.
pub fn png(drawing: &Drawing) -> Result<Vec<u8>, ExportError> {
    let problem = |problem: String| ExportError::Pixels { name: drawing.name.clone(), problem };
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    let options = Options { fontdb: Arc::new(fonts), font_family: "DejaVu Sans".into(), ..Options::default() };
    let tree = Tree::from_str(&drawing.svg, &options).map_err(|error| problem(error.to_string()))?;
    let size = tree.size();
    let scale = SCALE.min(MAX_SIDE / size.width().max(size.height()));
    let [width, height] = [size.width(), size.height()].map(|side| ((side * scale).ceil() as u32).max(1));
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| problem(format!("{width} x {height} pixels")))?;
    pixels.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| problem(error.to_string()))
}
