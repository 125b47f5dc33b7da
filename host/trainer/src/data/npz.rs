//! NumPy archives.

use std::io::{BufReader, Cursor, ErrorKind, Read, Seek};
use std::path::Path;

use npyz::npz::{NpzArchive, file_name_from_array_name};
use npyz::zip::result::ZipError;
use npyz::{DType, NpyFile, Order, TypeChar};

use super::{Examples, Pixels, files};
use crate::Problem;

/// Arrays `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`. Examples are n x height x width, or n x channels x
/// height x width, as bytes or floats; labels are n integers.
pub(super) fn read(path: &Path) -> Result<Examples, Problem> {
    let problem = |problem: String| Problem::data(format!("{}: {problem}", path.display()));
    let file = BufReader::new(files::open(path)?);
    let archive = NpzArchive::new(file)
        .map_err(|error| problem(format!("it is no NumPy archive, as numpy.savez writes them: {error}")))?;
    Archive(archive).examples().map_err(problem)
}

/// How archives start, as zip files do.
pub(super) const START: &[u8] = b"PK\x03\x04";

/// The images of an archive's content, labelled or not: `x`, or else `x_train` and then `x_test`, where there are both. Gives
/// the shape of each and pixels of all.
pub(super) fn images(content: &[u8]) -> Result<([u32; 3], Pixels), String> {
    let archive = NpzArchive::new(Cursor::new(content))
        .map_err(|error| format!("it is no NumPy archive, as numpy.savez writes them: {error}"))?;
    let mut archive = Archive(archive);
    let names: Vec<String> = archive.0.array_names().map(str::to_owned).collect();
    let has = |name: &&str| names.iter().any(|one| one == *name);
    let wanted: Vec<&str> = if has(&"x") { vec!["x"] } else { ["x_train", "x_test"].into_iter().filter(has).collect() };
    let mut all: Option<([u32; 3], Pixels)> = None;
    for name in wanted {
        let (_, shape, pixels) = archive.images(name)?;
        all = Some(match all {
            None => (shape, pixels),
            Some((first, before)) => (first, joined((first, before), (shape, pixels))?),
        });
    }
    let found = if names.is_empty() { "no arrays".into() } else { names.join(", ") };
    all.ok_or_else(|| format!("it holds {found}, not `x`, `x_train` or `x_test`"))
}

/// Images of two parts, one after the other.
fn joined((shape, train): ([u32; 3], Pixels), (test_shape, test): ([u32; 3], Pixels)) -> Result<Pixels, String> {
    if shape != test_shape {
        return Err(format!(
            "`x_train` has examples of the shape {shape:?}, `x_test` of {test_shape:?}: they have to be the same"
        ));
    }
    match (train, test) {
        (Pixels::Bytes(mut train), Pixels::Bytes(test)) => {
            train.extend(test);
            Ok(Pixels::Bytes(train))
        }
        (Pixels::Floats(mut train), Pixels::Floats(test)) => {
            train.extend(test);
            Ok(Pixels::Floats(train))
        }
        _ => Err("`x_train` and `x_test` have to be both bytes or both floats".into()),
    }
}

struct Archive<R: Read + Seek>(NpzArchive<R>);

/// Shape of an image, pixels of all images, labels.
type Part = ([u32; 3], Pixels, Vec<u32>);

impl<R: Read + Seek> Archive<R> {
    fn examples(&mut self) -> Result<Examples, String> {
        let names: Vec<String> = self.0.array_names().map(str::to_owned).collect();
        let has = |name: &str| names.iter().any(|one| one == name);
        if has("x") && has("y") {
            let (shape, pixels, labels) = self.part("x", "y")?;
            return Ok(Examples { shape, pixels, labels, test_from: None });
        }
        if !["x_train", "y_train", "x_test", "y_test"].into_iter().all(has) {
            let found = if names.is_empty() { "no arrays".into() } else { names.join(", ") };
            return Err(format!("it holds {found}, not `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`"));
        }
        let (shape, train, mut labels) = self.part("x_train", "y_train")?;
        let (test_shape, test, test_labels) = self.part("x_test", "y_test")?;
        let pixels = joined((shape, train), (test_shape, test))?;
        let test_from = Some(labels.len());
        labels.extend(test_labels);
        Ok(Examples { shape, pixels, labels, test_from })
    }

    /// Images and their labels.
    fn part(&mut self, images: &str, labels: &str) -> Result<Part, String> {
        let (count, shape, pixels) = self.images(images)?;
        let values = self.labels(labels)?;
        if count != values.len() as u64 {
            let found = format!("`{images}` has {count} images, `{labels}` {} labels", values.len());
            return Err(format!("{found}: there has to be one label for each image"));
        }
        Ok((shape, pixels, values))
    }

    /// Their number, the shape of each, and pixels of all.
    fn images(&mut self, name: &str) -> Result<(u64, [u32; 3], Pixels), String> {
        let array = self.array(name)?;
        let side = |side: u64| u32::try_from(side).map_err(|_| format!("`{name}` has a side of {side}"));
        let (count, shape) = match *array.shape() {
            [count, height, width] => (count, [1, side(height)?, side(width)?]),
            [_, channels, _, last] if is_channels(last) && !is_channels(channels) => {
                return Err(format!(
                    "`{name}` has the shape {:?}, which seems to be n x height x width x channels: the order has to be \
                     n x channels x height x width (N,C,H,W); transpose it with {name}.transpose(0, 3, 1, 2)",
                    array.shape()
                ));
            }
            [count, channels, height, width] => (count, [side(channels)?, side(height)?, side(width)?]),
            ref other => {
                let expected = "n x height x width or n x channels x height x width";
                return Err(format!("`{name}` has the shape {other:?}, which has to be {expected}"));
            }
        };
        let failed = |error| unread(name, &error);
        let pixels = match plain(&array) {
            Some((TypeChar::Uint, 1)) => Pixels::Bytes(array.into_vec().map_err(failed)?),
            Some((TypeChar::Float, 4)) => Pixels::Floats(array.into_vec().map_err(failed)?),
            Some((TypeChar::Float, 8)) => {
                let values: Vec<f64> = array.into_vec().map_err(failed)?;
                Pixels::Floats(values.into_iter().map(|value| value as f32).collect())
            }
            _ => return Err(format!("`{name}` is {}, not uint8, float32 or float64", array.dtype().descr())),
        };
        Ok((count, shape, pixels))
    }

    fn labels(&mut self, name: &str) -> Result<Vec<u32>, String> {
        let array = self.array(name)?;
        if array.shape().len() != 1 {
            let expected = "one axis with a class number for each image";
            return Err(format!("`{name}` has the shape {:?}, which has to be {expected}", array.shape()));
        }
        let failed = |error| unread(name, &error);
        let values: Vec<i64> = match plain(&array) {
            Some((TypeChar::Int, 8)) => array.into_vec::<i64>().map_err(failed)?,
            Some((TypeChar::Int, 4)) => widened(array.into_vec::<i32>().map_err(failed)?),
            Some((TypeChar::Int, 2)) => widened(array.into_vec::<i16>().map_err(failed)?),
            Some((TypeChar::Int, 1)) => widened(array.into_vec::<i8>().map_err(failed)?),
            Some((TypeChar::Uint, 4)) => widened(array.into_vec::<u32>().map_err(failed)?),
            Some((TypeChar::Uint, 2)) => widened(array.into_vec::<u16>().map_err(failed)?),
            Some((TypeChar::Uint, 1)) => widened(array.into_vec::<u8>().map_err(failed)?),
            _ => return Err(format!("`{name}` is {}, not an integer type", array.dtype().descr())),
        };
        let label = |value: i64| {
            u32::try_from(value)
                .map_err(|_| format!("`{name}` holds the label {value}: classes have to be numbered from 0"))
        };
        values.into_iter().map(label).collect()
    }

    /// An array in C order whose header promises no more than there is and than is read.
    fn array(&mut self, name: &str) -> Result<NpyFile<impl Read>, String> {
        let entry = match self.0.zip_archive().by_name(&file_name_from_array_name(name)) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Err(format!("it holds no `{name}`")),
            Err(error) => return Err(format!("`{name}` cannot be read: {error}")),
        };
        let size = entry.size();
        files::check_size(size, Some(entry.compressed_size())).map_err(|problem| format!("`{name}`: {problem}"))?;
        let array = NpyFile::new(entry.take(size)).map_err(|error| unread(name, &error))?;
        let each = array.dtype().num_bytes().map_or(u64::MAX, |bytes| bytes as u64);
        let promised = array.shape().iter().try_fold(each, |product, side| product.checked_mul(*side));
        if promised.is_none_or(|promised| promised > size) {
            let shape = array.shape();
            return Err(format!("the header of `{name}` says {shape:?}, but only {size} bytes are there: {DAMAGED}"));
        }
        if array.order() != Order::C {
            return Err(format!("`{name}` is in Fortran's order: save it with numpy.ascontiguousarray"));
        }
        Ok(array)
    }
}

const DAMAGED: &str = "it is truncated or damaged";

fn is_channels(side: u64) -> bool {
    matches!(side, 1 | 3 | 4)
}

fn unread(name: &str, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => format!("`{name}` ends before its header says: {DAMAGED}"),
        _ => format!("`{name}` cannot be read: {error}"),
    }
}

/// Type and size of an array of plain numbers.
fn plain<R: Read>(array: &NpyFile<R>) -> Option<(TypeChar, u64)> {
    match array.dtype() {
        DType::Plain(plain) => Some((plain.type_char(), plain.size_field())),
        _ => None,
    }
}

fn widened<T: Into<i64>>(values: Vec<T>) -> Vec<i64> {
    values.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use npyz::WriterBuilder;
    use npyz::npz::NpzWriter;
    use npyz::zip::write::FileOptions;
    use proptest::prelude::*;

    use super::*;

    /// Four images of 2x3 and their labels.
    fn archive() -> Vec<u8> {
        let mut content = Cursor::new(Vec::new());
        let mut writer = NpzWriter::new(&mut content);
        let pixels = writer.array::<u8>("x", FileOptions::default()).unwrap();
        let mut pixels = pixels.default_dtype().shape(&[4, 2, 3]).begin_nd().unwrap();
        pixels.extend(0..24u8).unwrap();
        pixels.finish().unwrap();
        let labels = writer.array::<i64>("y", FileOptions::default()).unwrap();
        let mut labels = labels.default_dtype().shape(&[4]).begin_nd().unwrap();
        labels.extend([0i64, 1, 0, 1]).unwrap();
        labels.finish().unwrap();
        drop(writer);
        content.into_inner()
    }

    fn examples(content: &[u8]) -> Result<Examples, String> {
        let archive = NpzArchive::new(Cursor::new(content)).map_err(|error| error.to_string())?;
        Archive(archive).examples()
    }

    #[test]
    fn reads_images_and_labels() {
        let examples = examples(&archive()).unwrap();
        assert_eq!((examples.shape, examples.labels), ([1, 2, 3], vec![0, 1, 0, 1]));
        let Pixels::Bytes(pixels) = examples.pixels else { panic!("bytes") };
        assert_eq!(pixels, (0..24).collect::<Vec<u8>>());
    }

    #[test]
    fn images_need_no_labels() {
        let (shape, pixels) = images(&archive()).unwrap();
        let Pixels::Bytes(pixels) = pixels else { panic!("bytes") };
        assert_eq!((shape, pixels.len()), ([1, 2, 3], 24));
        assert!(images(b"PK\x03\x04").is_err());
    }

    proptest! {
        #[test]
        fn any_damage_is_read_or_refused(
            place in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            length in any::<prop::sample::Index>(),
            truncated in any::<bool>(),
        ) {
            let mut content = archive();
            let place = place.index(content.len());
            content[place] = byte;
            if truncated {
                content.truncate(length.index(content.len()));
            }
            let _ = (examples(&content), images(&content));
        }
    }
}
