//! The MNIST family's IDX files, plain or gzipped.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::{Examples, MAX_BYTES, Pixels, read_file};
use crate::Problem;

pub(super) fn read(folder: &Path) -> Result<Examples, Problem> {
    let (shape, mut pixels, mut labels) = part(folder, "train")?;
    let (test_shape, test_pixels, test_labels) = part(folder, "t10k")?;
    if shape != test_shape {
        let problem = format!("{}: training images are {shape:?}, test images {test_shape:?}", folder.display());
        return Err(Problem::data(problem));
    }
    let test_from = Some(labels.len());
    pixels.extend(test_pixels);
    labels.extend(test_labels);
    Ok(Examples { shape, pixels: Pixels::Bytes(pixels), labels, test_from })
}

/// Shape of an image, pixels of all images, labels.
type Part = ([u32; 3], Vec<u8>, Vec<u32>);

fn part(folder: &Path, name: &str) -> Result<Part, Problem> {
    let (path, content) = file(folder, &format!("{name}-images-idx3-ubyte"))?;
    let (sizes, pixels) = parse(&content, 3).map_err(|problem| named(&path, &problem))?;
    let (labels_path, labels) = file(folder, &format!("{name}-labels-idx1-ubyte"))?;
    let (counts, labels) = parse(&labels, 1).map_err(|problem| named(&labels_path, &problem))?;
    if sizes[0] != counts[0] {
        return Err(named(&labels_path, &format!("{} labels for {} images", counts[0], sizes[0])));
    }
    let labels = labels.iter().map(|label| u32::from(*label)).collect();
    Ok(([1, sizes[1], sizes[2]], pixels.to_vec(), labels))
}

fn named(path: &Path, problem: &str) -> Problem {
    Problem::data(format!("{}: {problem}", path.display()))
}

/// The file `name`, or `name.gz` unpacked.
fn file(folder: &Path, name: &str) -> Result<(PathBuf, Vec<u8>), Problem> {
    let plain = folder.join(name);
    let packed = folder.join(format!("{name}.gz"));
    if plain.is_file() || !packed.is_file() {
        let content = read_file(&plain)?;
        return Ok((plain, content));
    }
    let mut content = Vec::new();
    let compressed = read_file(&packed)?;
    GzDecoder::new(compressed.as_slice())
        .take(MAX_BYTES)
        .read_to_end(&mut content)
        .map_err(|error| named(&packed, &format!("it cannot be unpacked: {error}")))?;
    Ok((packed, content))
}

/// Sizes and values of an IDX file of unsigned bytes with so many axes.
pub(super) fn parse(content: &[u8], axes: u8) -> Result<(Vec<u32>, &[u8]), String> {
    let header = 4 + 4 * usize::from(axes);
    if content.len() < header {
        return Err(format!("{} bytes are too few for an IDX file's header", content.len()));
    }
    let magic = [0, 0, 8, axes];
    if content[..4] != magic {
        return Err(format!("it starts with {:?}, an IDX file of bytes on {axes} axes with {magic:?}", &content[..4]));
    }
    let sizes: Vec<u32> = content[4..header]
        .chunks_exact(4)
        .map(|size| size.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)))
        .collect();
    let expected = sizes.iter().try_fold(1u64, |product, size| product.checked_mul(u64::from(*size)));
    let values = &content[header..];
    if expected != Some(values.len() as u64) {
        return Err(format!(
            "its header says {sizes:?}, but {} values follow: it is truncated or damaged",
            values.len()
        ));
    }
    Ok((sizes, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..64), axes in 1u8..4) {
            let _ = parse(&content, axes);
        }

        #[test]
        fn a_header_of_any_size_is_refused_without_its_values(sizes in prop::collection::vec(2u32.., 3)) {
            let mut content = vec![0, 0, 8, 3];
            content.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
            prop_assert!(parse(&content, 3).unwrap_err().contains("truncated"));
        }
    }
}
