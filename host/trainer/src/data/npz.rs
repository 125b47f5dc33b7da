//! NumPy archives.

use std::io::{Read, Seek};
use std::path::Path;

use npyz::npz::NpzArchive;
use npyz::{DType, NpyFile, Order, TypeChar};

use super::{Examples, MAX_BYTES, Pixels};
use crate::Problem;

/// Arrays `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`. Examples are n x height x width, or n x channels x
/// height x width, as bytes or floats; labels are n integers.
pub(super) fn read(path: &Path) -> Result<Examples, Problem> {
    let problem = |problem: String| Problem::data(format!("{}: {problem}", path.display()));
    let archive = NpzArchive::open(path).map_err(|error| problem(format!("it is no NumPy archive: {error}")))?;
    Archive(archive).examples().map_err(problem)
}

struct Archive<R: Read + Seek>(NpzArchive<R>);

impl<R: Read + Seek> Archive<R> {
    fn examples(&mut self) -> Result<Examples, String> {
        let names: Vec<String> = self.0.array_names().map(str::to_owned).collect();
        let has = |name: &str| names.iter().any(|one| one == name);
        if has("x") && has("y") {
            let (shape, pixels) = self.images("x")?;
            let labels = self.labels("y")?;
            return Ok(Examples { shape, pixels, labels, test_from: None });
        }
        if !["x_train", "y_train", "x_test", "y_test"].into_iter().all(has) {
            return Err(format!(
                "it holds {}, not `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`",
                names.join(", ")
            ));
        }
        let (shape, train) = self.images("x_train")?;
        let (test_shape, test) = self.images("x_test")?;
        if shape != test_shape {
            return Err(format!("`x_train` has examples of {shape:?}, `x_test` of {test_shape:?}"));
        }
        let pixels = match (train, test) {
            (Pixels::Bytes(mut train), Pixels::Bytes(test)) => {
                train.extend(test);
                Pixels::Bytes(train)
            }
            (Pixels::Floats(mut train), Pixels::Floats(test)) => {
                train.extend(test);
                Pixels::Floats(train)
            }
            _ => return Err("`x_train` and `x_test` differ in their type".into()),
        };
        let mut labels = self.labels("y_train")?;
        let test_from = Some(labels.len());
        labels.extend(self.labels("y_test")?);
        Ok(Examples { shape, pixels, labels, test_from })
    }

    fn images(&mut self, name: &str) -> Result<([u32; 3], Pixels), String> {
        let array = self.array(name)?;
        let side = |side: u64| u32::try_from(side).map_err(|_| format!("`{name}` has a side of {side}"));
        let shape = match *array.shape() {
            [_, height, width] => [1, side(height)?, side(width)?],
            [_, channels, height, width] => [side(channels)?, side(height)?, side(width)?],
            ref other => return Err(format!("`{name}` has the shape {other:?}, not n x h x w or n x c x h x w")),
        };
        let failed = |error: std::io::Error| format!("`{name}`: {error}");
        let pixels = match plain(&array) {
            Some((TypeChar::Uint, 1)) => Pixels::Bytes(array.into_vec().map_err(failed)?),
            Some((TypeChar::Float, 4)) => Pixels::Floats(array.into_vec().map_err(failed)?),
            Some((TypeChar::Float, 8)) => {
                let values: Vec<f64> = array.into_vec().map_err(failed)?;
                Pixels::Floats(values.into_iter().map(|value| value as f32).collect())
            }
            _ => return Err(format!("`{name}` is {}, not uint8, float32 or float64", array.dtype().descr())),
        };
        Ok((shape, pixels))
    }

    fn labels(&mut self, name: &str) -> Result<Vec<u32>, String> {
        let array = self.array(name)?;
        if array.shape().len() != 1 {
            return Err(format!("`{name}` has the shape {:?}, not n", array.shape()));
        }
        let failed = |error: std::io::Error| format!("`{name}`: {error}");
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
        let label = |value: i64| u32::try_from(value).map_err(|_| format!("`{name}` holds the label {value}"));
        values.into_iter().map(label).collect()
    }

    /// An array in C order whose header promises no more than is read.
    fn array(&mut self, name: &str) -> Result<NpyFile<impl Read>, String> {
        let array = self.0.by_name(name).map_err(|error| format!("`{name}`: {error}"))?;
        let array = array.ok_or_else(|| format!("it holds no `{name}`"))?;
        let count = array.shape().iter().try_fold(8u64, |product, side| product.checked_mul(*side));
        if count.is_none_or(|bytes| bytes > MAX_BYTES) {
            return Err(format!("`{name}` claims the shape {:?}, more than is read", array.shape()));
        }
        if array.order() != Order::C {
            return Err(format!("`{name}` is in Fortran's order: save it with numpy.ascontiguousarray"));
        }
        Ok(array)
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
            let _ = examples(&content);
        }
    }
}
