//! The learning task: which data, how it is split.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A learning task: images to classify.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Where the examples come from.
    pub data: DataSource,
    /// How they are divided.
    pub split: Split,
}

/// Where examples come from. The files' place on this machine is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// How the data is stored.
    pub format: DataFormat,
    /// Height and width that images of an image folder are resized to; other formats have a size of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<u32>,
}

/// How a data set is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DataFormat {
    /// UCI optical recognition of handwritten digits (1,797 images, 1x8x8, 10 classes), embedded in the trainer.
    Digits,
    /// A folder of MNIST-family IDX files, plain or gzipped: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
    /// `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`.
    Idx,
    /// A folder of CIFAR-10 binary files: `data_batch_1.bin` ... `data_batch_5.bin`, `test_batch.bin`.
    Cifar10,
    /// A folder of CIFAR-100 binary files: `train.bin`, `test.bin` (fine labels).
    Cifar100,
    /// A folder with one sub-folder of PNG or JPEG images a class; or `train/` and `test/` folders of such.
    Images,
    /// A NumPy archive with `x` (n x height x width or n x channels x height x width) and `y` (n labels), or with
    /// `x_train`, `y_train`, `x_test`, `y_test`.
    Npz,
}

/// How examples are divided into training, validation and test. Drawn class by class with a generator seeded by `seed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Split {
    /// Seed of the division; the same for all seeds of a search, so that results compare.
    pub seed: u64,
    /// Share of the training examples kept for validation, in (0, 1).
    pub validation: f64,
    /// Share of all examples kept for the test, in (0, 1), for data without a test part of its own.
    pub test: f64,
}

impl Default for Split {
    fn default() -> Self {
        Self { seed: 0, validation: 0.2, test: 0.2 }
    }
}
