//! Images on the device.

use std::path::Path;

use archwright_protocol::{DataFormat, DataSummary, FailureKind, Normalisation, Subset, Task};
use tch::{Device, Kind, Tensor};

use super::split::{Division, divide};
use super::{Examples, Pixels, at, images, read};
use crate::Problem;

/// Images and their classes on the device.
pub(crate) struct ImageData {
    pub(super) format: DataFormat,
    pub(super) images: Tensor,
    labels: Tensor,
    /// Mean and standard deviation by channel over the training examples.
    mean: Tensor,
    deviation: Tensor,
    pub(super) shape: [u32; 3],
    division: Division,
    validation: Tensor,
    test: Tensor,
    summary: DataSummary,
}

impl ImageData {
    /// Reads, divides and moves a task's images to a device.
    pub(super) fn load(task: &Task, location: Option<&Path>, device: Device) -> Result<Self, Problem> {
        let examples = read(task, location)?;
        let classes = examples.classes();
        let division = divide(&examples, classes, &task.split).map_err(|problem| at(location, &problem))?;
        let [channels, height, width] = examples.shape.map(i64::from);
        let shape = [examples.labels.len() as i64, channels, height, width];
        let images = match &examples.pixels {
            Pixels::Bytes(values) => Tensor::f_from_data_size(values, &shape, Kind::Uint8)?,
            Pixels::Floats(values) => Tensor::f_from_slice(values)?.f_view(shape)?,
        };
        let labels: Vec<i64> = examples.labels.iter().map(|label| i64::from(*label)).collect();
        let (mean, deviation) = statistics(&images, &division.train)?;
        let indices = |list: &[i64]| Ok::<_, Problem>(Tensor::f_from_slice(list)?.f_to_device(device)?);
        let summary = DataSummary {
            digest: digest(&examples),
            input: examples.shape.to_vec(),
            classes,
            train: division.train.len() as u64,
            validation: division.validation.len() as u64,
            test: division.test.len() as u64,
            normalisation: Some(Normalisation { mean: channels_of(&mean)?, deviation: channels_of(&deviation)? }),
            class_names: match (task.data.format, location) {
                (DataFormat::Images, Some(folder)) => Some(images::class_names(folder)?),
                _ => None,
            },
        };
        Ok(Self {
            format: task.data.format,
            images: images.f_to_device(device)?,
            labels: Tensor::f_from_slice(&labels)?.f_to_device(device)?,
            mean: mean.f_to_device(device)?,
            deviation: deviation.f_to_device(device)?,
            shape: examples.shape,
            validation: indices(&division.validation)?,
            test: indices(&division.test)?,
            division,
            summary,
        })
    }

    pub(crate) fn summary(&self) -> DataSummary {
        self.summary.clone()
    }

    /// Training examples in a random order that the split's seed decides.
    pub(crate) fn train(&self) -> &[i64] {
        &self.division.train
    }

    pub(crate) fn subset(&self, subset: Subset) -> &Tensor {
        match subset {
            Subset::Validation => &self.validation,
            Subset::Test => &self.test,
        }
    }

    /// Checks that images can be given in this shape: the data's, or smaller in height and width.
    pub(crate) fn check_input(&self, input: &[u32]) -> Result<(), Problem> {
        let [channels, height, width] = self.shape;
        let fits =
            matches!(*input, [c, h, w] if c == channels && (1..=height).contains(&h) && (1..=width).contains(&w));
        if fits {
            return Ok(());
        }
        let problem = format!("inputs of shape {input:?} cannot be made of examples of shape {:?}", self.shape);
        Err(Problem::new(FailureKind::Unsupported, problem))
    }

    /// Normalised images (in the shape of `input`) and labels.
    pub(crate) fn batch(&self, indices: &Tensor, input: &[u32]) -> Result<(Tensor, Tensor), Problem> {
        let images = self.images.f_index_select(0, indices)?.f_to_kind(Kind::Float)?;
        Ok((self.prepared(&images, input)?, self.labels.f_index_select(0, indices)?))
    }

    /// Images as networks get them: normalised, in the shape of `input`.
    pub(super) fn prepared(&self, images: &Tensor, input: &[u32]) -> Result<Tensor, Problem> {
        let images = images.f_sub(&self.mean)?.f_div(&self.deviation)?;
        if input[1..] == self.shape[1..] {
            return Ok(images);
        }
        // Means over areas, as downsampled data sets are made (Chrabaszcz et al. 2017).
        Ok(images.f_adaptive_avg_pool2d([i64::from(input[1]), i64::from(input[2])])?)
    }
}

/// Mean and standard deviation of each channel over these examples, as 1 x channels x 1 x 1.
fn statistics(images: &Tensor, train: &[i64]) -> Result<(Tensor, Tensor), Problem> {
    let channels = images.size()[1];
    let mut sum = Tensor::f_zeros([channels], (Kind::Double, Device::Cpu))?;
    let mut squares = sum.f_zeros_like()?;
    for part in train.chunks(4096) {
        let part = images.f_index_select(0, &Tensor::f_from_slice(part)?)?.f_to_kind(Kind::Double)?;
        sum = sum.f_add(&part.f_sum_dim_intlist([0i64, 2, 3].as_slice(), false, Kind::Double)?)?;
        squares =
            squares.f_add(&part.f_square()?.f_sum_dim_intlist([0i64, 2, 3].as_slice(), false, Kind::Double)?)?;
    }
    let size = images.size();
    let count = train.len() as f64 * (size[2] * size[3]) as f64;
    let mean = sum.f_div_scalar(count)?;
    let deviation = squares.f_div_scalar(count)?.f_sub(&mean.f_square()?)?.f_clamp_min(0.0)?.f_sqrt()?;
    // A channel that is the same everywhere stays at zero.
    let deviation = deviation.f_where_self(&deviation.f_gt(0.0)?, &deviation.f_ones_like()?)?;
    let as_map = |tensor: Tensor| tensor.f_to_kind(Kind::Float)?.f_view([1, channels, 1, 1]);
    Ok((as_map(mean)?, as_map(deviation)?))
}

fn channels_of(statistic: &Tensor) -> Result<Vec<f32>, Problem> {
    Ok(Vec::try_from(statistic.f_view([-1])?)?)
}

fn digest(examples: &Examples) -> String {
    let mut hasher = blake3::Hasher::new();
    for number in examples.shape.iter().chain(&examples.labels) {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(&(examples.test_from.map_or(u64::MAX, |index| index as u64)).to_le_bytes());
    match &examples.pixels {
        Pixels::Bytes(values) => {
            hasher.update(values);
        }
        Pixels::Floats(values) => values.iter().for_each(|value| {
            hasher.update(&value.to_le_bytes());
        }),
    }
    hasher.finalize().to_hex().to_string()
}
