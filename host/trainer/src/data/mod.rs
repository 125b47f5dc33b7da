//! Data sets: reading them, dividing them, keeping them on the device.

mod check;
mod cifar;
mod digits;
mod files;
mod given;
mod idx;
mod image_data;
mod images;
mod npz;
mod split;
mod text;
mod text_data;

use std::path::Path;

use archwright_protocol::{DataFormat, DataSummary, FailureKind, Recipe, Task};
use tch::Device;

use crate::Problem;

pub(crate) use image_data::ImageData;
pub(crate) use split::shuffle;
pub use text::{Text, read as read_text};
pub(crate) use text_data::{Columns, TextData};

/// Examples as read from files, in the files' order.
#[derive(Debug, PartialEq)]
pub struct Examples {
    /// Shape of one example: channels, height, width.
    pub shape: [u32; 3],
    /// All examples, one after the other.
    pub pixels: Pixels,
    /// A class for each example.
    pub labels: Vec<u32>,
    /// Where the data has a test part of its own: the index of its first example. It reaches to the end.
    pub test_from: Option<usize>,
}

impl Examples {
    /// Number of classes, which are numbered from 0.
    fn classes(&self) -> u32 {
        self.labels.iter().max().map_or(0, |largest| largest.saturating_add(1))
    }
}

/// Values of examples.
#[derive(Debug, PartialEq)]
pub enum Pixels {
    /// 0 to 255.
    Bytes(Vec<u8>),
    /// Any finite numbers.
    Floats(Vec<f32>),
}

impl Pixels {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }
}

/// Reads the examples of a task of images, and checks that they fit together.
///
/// # Errors
/// Names the file, what is wrong with it and what would be right.
pub fn read(task: &Task, location: Option<&Path>) -> Result<Examples, Problem> {
    let located = || location.ok_or_else(|| Problem::data("ARCHWRIGHT_DATA does not say where the data lies"));
    let examples = match task.data.format {
        DataFormat::Digits => digits::read(),
        DataFormat::Idx => idx::read(located()?),
        DataFormat::Cifar10 => cifar::read_10(located()?),
        DataFormat::Cifar100 => cifar::read_100(located()?),
        DataFormat::Images => images::read(located()?, task.data.image_size.unwrap_or(32)),
        DataFormat::Npz => npz::read(located()?),
        other => Err(Problem::new(FailureKind::Unsupported, format!("this trainer does not read {other:?}"))),
    }?;
    check::check(&examples).map_err(|problem| at(location, &problem))?;
    Ok(examples)
}

/// A problem with the data as a whole.
fn at(location: Option<&Path>, problem: &str) -> Problem {
    match location {
        Some(path) => Problem::data(format!("{}: {problem}", path.display())),
        None => Problem::data(problem),
    }
}

/// A task's data on the device.
pub(crate) enum Data {
    Images(ImageData),
    Text(TextData),
}

/// Reads, divides and moves a task's data to a device.
pub(crate) fn load(task: &Task, location: Option<&Path>, device: Device) -> Result<Data, Problem> {
    match task.data.format {
        DataFormat::Text => TextData::new(&read_text(task, location)?, device).map(Data::Text),
        _ => ImageData::load(task, location, device).map(Data::Images),
    }
}

impl Data {
    pub(crate) fn summary(&self) -> DataSummary {
        match self {
            Self::Images(images) => images.summary(),
            Self::Text(text) => text.summary(),
        }
    }

    /// What can be done with it. A text has no files to classify.
    pub(crate) fn actions(&self) -> &'static [&'static str] {
        match self {
            Self::Images(_) => &["train", "train.resume", "evaluate", "shared", "predict", "latency"],
            Self::Text(_) => &["train", "train.resume", "evaluate", "shared", "latency"],
        }
    }

    /// Checks that networks can take inputs of this shape.
    pub(crate) fn check_input(&self, input: &[u32]) -> Result<(), Problem> {
        match self {
            Self::Images(images) => images.check_input(input),
            Self::Text(_) if *input == [1] => Ok(()),
            Self::Text(_) => {
                let problem = format!("a text's input is one token, of the shape [1], not {input:?}");
                Err(Problem::new(FailureKind::Unsupported, problem))
            }
        }
    }

    /// Refuses what a recipe says of images alone.
    pub(crate) fn check_recipe(&self, recipe: &Recipe) -> Result<(), Problem> {
        let Recipe { crop_padding, flip, cutout, mixup, .. } = *recipe;
        let set = [("crop_padding", crop_padding > 0), ("flip", flip), ("cutout", cutout > 0), ("mixup", mixup > 0.0)];
        match (self, set.iter().find(|(_, is_set)| *is_set)) {
            (Self::Text(_), Some((key, _))) => {
                let problem = format!("`{key}` changes images, a text has none: leave it out");
                Err(Problem::new(FailureKind::Unsupported, problem))
            }
            _ => Ok(()),
        }
    }
}
