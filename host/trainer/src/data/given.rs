//! Examples that are given one by one, outside of the data: they become what the data's own are.

use std::io::Cursor;

use archwright_protocol::DataFormat;
use npyz::{DType, NpyFile, Order, TypeChar};
use tch::{Kind, Tensor};

use super::{ImageData, Pixels, images, npz};
use crate::Problem;

/// How `.npy` files start.
const NPY: &[u8] = b"\x93NUMPY";
/// Most examples of one file.
const MAX_EXAMPLES: u64 = 1 << 20;

impl ImageData {
    /// The examples of a file's content, normalised and in the shape of `input`: a PNG or JPEG image, or a `.npy` array of
    /// one or several examples in the data's own shape and scale, or a `.npz` archive of such arrays.
    pub(crate) fn given(&self, content: &[u8], input: &[u32]) -> Result<Tensor, Problem> {
        let raw = if content.starts_with(NPY) {
            self.array(content)?
        } else if content.starts_with(npz::START) {
            self.archive(content)?
        } else {
            self.image(content)?
        };
        self.prepared(&raw.f_to_device(self.images.device())?, input)
    }

    fn image(&self, content: &[u8]) -> Result<Tensor, Problem> {
        let [channels, height, width] = self.shape;
        if self.images.kind() != Kind::Uint8 {
            let problem = "the data holds numbers of a scale of its own, so that an image cannot be one of its examples: \
                           give `.npy` files";
            return Err(Problem::data(problem));
        }
        if channels != 1 && channels != 3 {
            let problem = format!("the data has {channels} channels, an image 1 or 3: give `.npy` files");
            return Err(Problem::data(problem));
        }
        let pixels = images::pixels(Cursor::new(content), self.shape).map_err(Problem::data)?;
        let shape = [1, channels, height, width].map(i64::from);
        let pixels = Tensor::f_from_data_size(&pixels, &shape, Kind::Uint8)?.f_to_kind(Kind::Float)?;
        // The digits count inked pixels of 16; in other data a pixel is a byte.
        Ok(if self.format == DataFormat::Digits { pixels.f_mul_scalar(16.0 / 255.0)? } else { pixels })
    }

    /// Every image of an archive as the data may be one.
    fn archive(&self, content: &[u8]) -> Result<Tensor, Problem> {
        let (shape, pixels) = npz::images(content).map_err(Problem::data)?;
        if shape != self.shape {
            let own = self.shape;
            return Err(Problem::data(format!("its images have the shape {shape:?}, those of the data {own:?}")));
        }
        let values = match pixels {
            Pixels::Bytes(values) => values.into_iter().map(f32::from).collect(),
            Pixels::Floats(values) => values,
        };
        let each: u64 = shape.iter().map(|side| u64::from(*side)).product();
        let count = values.len() as u64 / each.max(1);
        check_count("archive", count)?;
        let [channels, height, width] = shape.map(i64::from);
        Ok(Tensor::f_from_slice(&values)?.f_view([count.cast_signed(), channels, height, width])?)
    }

    fn array(&self, content: &[u8]) -> Result<Tensor, Problem> {
        let damaged = |error: std::io::Error| Problem::data(format!("the array cannot be read: {error}"));
        let array = NpyFile::new(content).map_err(damaged)?;
        let [channels, height, width] = self.shape.map(u64::from);
        let count = match *array.shape() {
            [h, w] if (1, h, w) == (channels, height, width) => 1,
            [c, h, w] if (c, h, w) == (channels, height, width) => 1,
            [count, h, w] if (1, h, w) == (channels, height, width) => count,
            [count, c, h, w] if (c, h, w) == (channels, height, width) => count,
            ref other => {
                let own = self.shape;
                return Err(Problem::data(format!(
                    "the array has the shape {other:?}: it has to be {own:?}, or several of these along a first axis"
                )));
            }
        };
        check_count("array", count)?;
        if array.order() != Order::C {
            return Err(Problem::data("the array is in Fortran's order: save it with numpy.ascontiguousarray"));
        }
        let kind = match array.dtype() {
            DType::Plain(plain) => Some((plain.type_char(), plain.size_field())),
            _ => None,
        };
        let values: Vec<f32> = match kind {
            Some((TypeChar::Uint, 1)) => array.into_vec::<u8>().map_err(damaged)?.into_iter().map(f32::from).collect(),
            Some((TypeChar::Float, 4)) => array.into_vec().map_err(damaged)?,
            Some((TypeChar::Float, 8)) => {
                array.into_vec::<f64>().map_err(damaged)?.into_iter().map(|value| value as f32).collect()
            }
            _ => {
                let found = array.dtype().descr();
                return Err(Problem::data(format!("the array is {found}, not uint8, float32 or float64")));
            }
        };
        let shape = [count, channels, height, width].map(u64::cast_signed);
        Ok(Tensor::f_from_slice(&values)?.f_view(shape)?)
    }
}

fn check_count(what: &str, count: u64) -> Result<(), Problem> {
    match count {
        1..=MAX_EXAMPLES => Ok(()),
        _ => Err(Problem::data(format!("the {what} has {count} examples, not 1 to {MAX_EXAMPLES}"))),
    }
}
