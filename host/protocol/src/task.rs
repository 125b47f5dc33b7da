//! The learning task: which data, how it is split.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A learning task: images to classify, or a text whose tokens to predict from those before.
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
    /// What a text is divided into; other formats have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Most different tokens of a text, `<unk>` included, which stands for all rarer ones; without it there are all that its
    /// training part has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<u32>,
}

impl DataSource {
    /// Data of this format, with the format's own settings left out.
    pub fn of(format: DataFormat) -> Self {
        Self { format, image_size: None, tokens: None, vocabulary: None }
    }
}

/// What a text is divided into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tokens {
    /// What white space separates, and `<eos>` at the end of each line, as in Penn Treebank (Mikolov et al. 2010).
    #[default]
    Words,
    /// Unicode characters, those for line ends and spaces included.
    Characters,
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
    /// A file of UTF-8 text, or a folder with `train.txt` and, where they are there, `valid.txt` and `test.txt`.
    Text,
    /// A table of measurements that `archwright table import` made. Trainers have nothing to do with it.
    Table,
}

/// How examples are divided into training, validation and test: images class by class with a generator seeded by `seed`, a
/// text from its start to its end in this order, so that each part is one piece.
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
