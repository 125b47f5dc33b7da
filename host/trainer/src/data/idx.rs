//! The MNIST family's IDX files, plain or gzipped.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::{Examples, Pixels, files};
use crate::Problem;

pub(super) fn read(folder: &Path) -> Result<Examples, Problem> {
    files::check_folder(folder, "the files train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-...")?;
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
    let (path, content) = file(folder, &format!("{name}-images-idx3-ubyte"), 3)?;
    let (sizes, pixels) = parse(&content, 3).map_err(|problem| named(&path, &problem))?;
    let (labels_path, labels) = file(folder, &format!("{name}-labels-idx1-ubyte"), 1)?;
    let (counts, labels) = parse(&labels, 1).map_err(|problem| named(&labels_path, &problem))?;
    if sizes[0] != counts[0] {
        let problem = format!("{} labels for {} images: there has to be one for each", counts[0], sizes[0]);
        return Err(named(&labels_path, &problem));
    }
    let labels = labels.iter().map(|label| u32::from(*label)).collect();
    Ok(([1, sizes[1], sizes[2]], pixels.to_vec(), labels))
}

fn named(path: &Path, problem: &str) -> Problem {
    Problem::data(format!("{}: {problem}", path.display()))
}

/// The file `name`, or `name.gz` unpacked.
fn file(folder: &Path, name: &str, axes: u8) -> Result<(PathBuf, Vec<u8>), Problem> {
    let plain = folder.join(name);
    let packed = folder.join(format!("{name}.gz"));
    if plain.is_file() || !packed.exists() {
        let content = files::read(&plain)?;
        return Ok((plain, content));
    }
    let compressed = files::read(&packed)?;
    let content = unpack(&compressed, axes).map_err(|problem| named(&packed, &problem))?;
    Ok((packed, content))
}

/// Unpacks so much as the header promises, and what shows that there is more.
fn unpack(compressed: &[u8], axes: u8) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("it cannot be unpacked: {error}");
    let mut decoder = GzDecoder::new(compressed);
    let mut content = Vec::new();
    decoder.by_ref().take(header_length(axes) as u64).read_to_end(&mut content).map_err(failed)?;
    let (_, promised) = header(&content, axes)?;
    files::check_size(promised, Some(compressed.len() as u64))?;
    decoder.take(promised.saturating_add(1)).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

fn header_length(axes: u8) -> usize {
    4 + 4 * usize::from(axes)
}

/// Sizes of the axes, and the number of values that they come to.
fn header(content: &[u8], axes: u8) -> Result<(Vec<u32>, u64), String> {
    let length = header_length(axes);
    if content.len() < length {
        return Err(format!("{} bytes are too few for an IDX file's header", content.len()));
    }
    let magic = [0, 0, 8, axes];
    if content[..4] != magic {
        return Err(format!("it starts with {:?}, an IDX file of bytes on {axes} axes with {magic:?}", &content[..4]));
    }
    let sizes: Vec<u32> = content[4..length]
        .chunks_exact(4)
        .map(|size| size.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)))
        .collect();
    let values = sizes.iter().fold(1u64, |product, size| product.saturating_mul(u64::from(*size)));
    Ok((sizes, values))
}

/// Sizes and values of an IDX file of unsigned bytes with so many axes.
pub(super) fn parse(content: &[u8], axes: u8) -> Result<(Vec<u32>, &[u8]), String> {
    let (sizes, promised) = header(content, axes)?;
    let values = &content[header_length(axes)..];
    if promised != values.len() as u64 {
        let follow = if values.len() as u64 > promised { "more".to_owned() } else { values.len().to_string() };
        return Err(format!("its header says {sizes:?}, but {follow} values follow: it is truncated or damaged"));
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
