//! UCI optical recognition of handwritten digits, embedded.

use super::{Examples, Pixels};
use crate::Problem;

/// 1,797 images of 8x8 pixels with values 0 to 16 (Alpaydin & Kaynak 1998).
pub(super) fn read() -> Result<Examples, Problem> {
    let set = smartcore::dataset::digits::load_dataset();
    let labels = set.target.iter().map(|label| *label as u32).collect();
    let pixels = set.data.iter().map(|value| *value as u8).collect();
    Ok(Examples { shape: [1, 8, 8], pixels: Pixels::Bytes(pixels), labels, test_from: None })
}
