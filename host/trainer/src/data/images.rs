//! A folder of images by class.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{ImageReader, Limits};

use super::{Examples, Pixels};
use crate::Problem;

/// Largest side of an image that is decoded.
const MAX_SIDE: u32 = 20_000;

/// A sub-folder of PNG or JPEG files for each class, or `train` and `test` with such sub-folders. Images become RGB of
/// `side` by `side` pixels.
pub(super) fn read(folder: &Path, side: u32) -> Result<Examples, Problem> {
    let own_test = folder.join("train").is_dir() && folder.join("test").is_dir();
    let parts = if own_test { vec![folder.join("train"), folder.join("test")] } else { vec![folder.to_owned()] };
    let mut classes = BTreeSet::new();
    for part in &parts {
        classes.extend(entries(part)?.into_iter().filter(|path| path.is_dir()).filter_map(|path| name(&path)));
    }
    let (mut pixels, mut labels, mut test_from) = (Vec::new(), Vec::new(), None);
    for (index, part) in parts.iter().enumerate() {
        if index == 1 {
            test_from = Some(labels.len());
        }
        for (label, class) in classes.iter().enumerate() {
            let folder = part.join(class);
            let files = if folder.is_dir() { entries(&folder)? } else { Vec::new() };
            for file in files.into_iter().filter(|path| is_image(path)) {
                pixels.extend(decode(&file, side)?);
                labels.push(label as u32);
            }
        }
    }
    if labels.is_empty() {
        let problem =
            format!("{}: no images: it holds a sub-folder of PNG or JPEG files for each class", folder.display());
        return Err(Problem::data(problem));
    }
    Ok(Examples { shape: [3, side, side], pixels: Pixels::Bytes(pixels), labels, test_from })
}

/// What a folder holds, by name, so that the order does not depend on the file system.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let unreadable = |error: std::io::Error| Problem::data(format!("cannot read {}: {error}", folder.display()));
    let mut entries = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()).map_err(unreadable))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    Ok(entries)
}

fn name(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    matches!(ending.as_deref(), Some("png" | "jpg" | "jpeg"))
}

/// Red, green and blue of an image, channel by channel.
fn decode(path: &Path, side: u32) -> Result<Vec<u8>, Problem> {
    let problem = |problem: String| Problem::data(format!("{}: {problem}", path.display()));
    let mut reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|error| problem(error.to_string()))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| problem(error.to_string()))?;
    let image = image.resize_exact(side, side, FilterType::Triangle).to_rgb8();
    Ok((0..3).flat_map(|channel| image.pixels().map(move |pixel| pixel.0[channel])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_classes_by_folder_and_names_what_it_cannot_read() {
        let folder = tempfile::tempdir().unwrap();
        for (class, colour) in [("cats", [255, 0, 0]), ("dogs", [0, 0, 255])] {
            std::fs::create_dir(folder.path().join(class)).unwrap();
            for index in 0..3 {
                let image = image::RgbImage::from_pixel(5, 7, image::Rgb(colour));
                image.save(folder.path().join(class).join(format!("{index}.png"))).unwrap();
            }
        }
        let examples = read(folder.path(), 4).unwrap();
        assert_eq!(examples.labels, [0, 0, 0, 1, 1, 1]);
        let Pixels::Bytes(pixels) = &examples.pixels else { panic!("bytes") };
        assert_eq!(pixels[..16], [255; 16]);
        assert_eq!(pixels[16..48], [0; 32]);
        std::fs::write(folder.path().join("dogs/broken.png"), "no image").unwrap();
        assert!(read(folder.path(), 4).unwrap_err().message.contains("broken.png"));
    }
}
