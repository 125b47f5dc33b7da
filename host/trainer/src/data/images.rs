//! A folder of images by class.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{ImageReader, Limits};

use super::{Examples, Pixels, files};
use crate::Problem;

/// Largest side of an image that is decoded.
const MAX_SIDE: u32 = 20_000;

/// What an image folder is.
const LAYOUT: &str = "a sub-folder of PNG or JPEG files for each class";

/// A sub-folder of PNG or JPEG files for each class, or `train` and `test` with such sub-folders. Images become RGB of
/// `side` by `side` pixels.
pub(super) fn read(folder: &Path, side: u32) -> Result<Examples, Problem> {
    files::check_folder(folder, LAYOUT)?;
    let (part, own_test) = training_part(folder);
    let train = by_class(&part)?;
    let mut test = Classes::new();
    if own_test {
        test = by_class(&folder.join("test"))?;
        check_same(folder, &train, &test)?;
    }
    if train.is_empty() {
        return Err(named(folder, &format!("it holds no folders: it has to hold {LAYOUT}")));
    }
    if let Some((class, _)) = train.iter().find(|(_, images)| images.is_empty()) {
        return Err(named(&part.join(class), "it holds no PNG or JPEG files: every folder here is a class"));
    }
    let count: usize = train.values().chain(test.values()).map(Vec::len).sum();
    let bytes = (count as u64).saturating_mul(3 * u64::from(side) * u64::from(side));
    files::check_size(bytes, None).map_err(|problem| named(folder, &problem))?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let mut add = |part: &Classes| {
        for (label, image) in
            part.values().enumerate().flat_map(|(label, images)| images.iter().map(move |one| (label, one)))
        {
            pixels.extend(decode(image, side)?);
            labels.push(label as u32);
        }
        Ok::<_, Problem>(labels.len())
    };
    let test_from = add(&train)?;
    add(&test)?;
    Ok(Examples {
        shape: [3, side, side],
        pixels: Pixels::Bytes(pixels),
        labels,
        test_from: own_test.then_some(test_from),
    })
}

/// The names of the classes, in the order of their numbers.
pub(super) fn class_names(folder: &Path) -> Result<Vec<String>, Problem> {
    Ok(by_class(&training_part(folder).0)?.into_keys().collect())
}

/// The folder with the training images by class, and whether there is another with those of the test.
fn training_part(folder: &Path) -> (PathBuf, bool) {
    let train = folder.join("train");
    if train.is_dir() && folder.join("test").is_dir() { (train, true) } else { (folder.to_owned(), false) }
}

/// Images by the names of their classes.
type Classes = BTreeMap<String, Vec<PathBuf>>;

fn by_class(folder: &Path) -> Result<Classes, Problem> {
    let mut classes = Classes::new();
    for path in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let images = entries(&path)?.into_iter().filter(|path| is_image(path)).collect();
        classes.extend(name(&path).map(|name| (name, images)));
    }
    Ok(classes)
}

/// Refuses classes that one part alone has.
fn check_same(folder: &Path, train: &Classes, test: &Classes) -> Result<(), Problem> {
    let alone = |one: &Classes, other: &Classes, part: &str| {
        let names: Vec<String> =
            one.keys().filter(|name| !other.contains_key(*name)).map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| format!("{} in `{part}` alone", names.join(", ")))
    };
    let differences: Vec<String> =
        [alone(train, test, "train"), alone(test, train, "test")].into_iter().flatten().collect();
    if differences.is_empty() {
        return Ok(());
    }
    let problem =
        format!("`train` and `test` have to have folders for the same classes: there is {}", differences.join(", "));
    Err(named(folder, &problem))
}

fn named(path: &Path, problem: &str) -> Problem {
    Problem::data(format!("{}: {problem}", path.display()))
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

fn decode(path: &Path, side: u32) -> Result<Vec<u8>, Problem> {
    let file = BufReader::new(files::open(path)?);
    pixels(file, [3, side, side]).map_err(|problem| named(path, &problem))
}

/// An image in the shape of channels, height and width, channel by channel: in grey, or red, green and blue.
pub(super) fn pixels(content: impl BufRead + Seek, [channels, height, width]: [u32; 3]) -> Result<Vec<u8>, String> {
    let mut reader = ImageReader::new(content).with_guessed_format().map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| error.to_string())?;
    let image = image.resize_exact(width, height, FilterType::Triangle);
    if channels == 1 {
        return Ok(image.to_luma8().into_raw());
    }
    let image = image.to_rgb8();
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
