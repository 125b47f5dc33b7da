//! Operations in their generic form: a name and named attributes, as plugins give them.

use serde::{Deserialize, Serialize};

use crate::Op;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Attribute {
    /// A whole number.
    Integer(i64),
    /// A real number.
    Real(f64),
    /// A truth value.
    Boolean(bool),
    /// Text.
    Text(String),
    /// Whole numbers, e.g. by axis.
    Integers(Vec<i64>),
    /// Real numbers.
    Reals(Vec<f64>),
}

/// Names of all operations.
pub const OPERATIONS: [&str; 32] = [
    "input",
    "conv2d",
    "batch-norm",
    "linear",
    "embedding",
    "tied-linear",
    "state",
    "set-state",
    "relu",
    "relu6",
    "gelu",
    "silu",
    "hard-swish",
    "tanh",
    "sigmoid",
    "complement",
    "max-pool",
    "avg-pool",
    "global-avg-pool",
    "flatten",
    "add",
    "multiply",
    "mean",
    "concat",
    "identity",
    "zero",
    "shift",
    "truncate",
    "dropout",
    "locked-dropout",
    "drop-path",
    "auxiliary",
];

impl Op {
    /// The operation with this name and these attributes; attributes left out have their defaults.
    ///
    /// # Errors
    /// Names what is unknown, missing or out of range, and what would be right.
    pub fn parse(name: &str, attributes: &[(String, Attribute)]) -> Result<Self, String> {
        let mut reader = Reader { attributes, used: vec![false; attributes.len()] };
        let op = match name {
            "input" => Self::Input { shape: reader.list("shape")?.ok_or("it needs `shape`")? },
            "conv2d" => Self::Conv2d {
                out_channels: reader.number("out-channels")?.ok_or("it needs `out-channels`")?,
                kernel: reader.pair("kernel")?.ok_or("it needs `kernel`")?,
                stride: reader.pair("stride")?.unwrap_or([1, 1]),
                padding: reader.pair("padding")?.unwrap_or([0, 0]),
                dilation: reader.pair("dilation")?.unwrap_or([1, 1]),
                groups: reader.number("groups")?.unwrap_or(1),
                bias: reader.flag("bias")?.unwrap_or(false),
            },
            "batch-norm" => Self::BatchNorm { affine: reader.flag("affine")?.unwrap_or(true) },
            "linear" => Self::Linear {
                out_features: reader.number("out-features")?.ok_or("it needs `out-features`")?,
                bias: reader.flag("bias")?.unwrap_or(true),
            },
            "embedding" => Self::Embedding {
                vocabulary: reader.number("vocabulary")?.ok_or("it needs `vocabulary`")?,
                features: reader.number("features")?.ok_or("it needs `features`")?,
            },
            "tied-linear" => Self::TiedLinear {
                out_features: reader.number("out-features")?.ok_or("it needs `out-features`")?,
                bias: reader.flag("bias")?.unwrap_or(true),
            },
            "state" => Self::State {
                slot: reader.number("slot")?.ok_or("it needs `slot`")?,
                features: reader.number("features")?.ok_or("it needs `features`")?,
            },
            "set-state" => Self::SetState { slot: reader.number("slot")?.ok_or("it needs `slot`")? },
            "relu" => Self::Relu,
            "relu6" => Self::Relu6,
            "gelu" => Self::Gelu,
            "silu" => Self::Silu,
            "hard-swish" => Self::HardSwish,
            "tanh" => Self::Tanh,
            "sigmoid" => Self::Sigmoid,
            "complement" => Self::Complement,
            "max-pool" => Self::MaxPool {
                kernel: reader.pair("kernel")?.ok_or("it needs `kernel`")?,
                stride: reader.pair("stride")?.unwrap_or([1, 1]),
                padding: reader.pair("padding")?.unwrap_or([0, 0]),
            },
            "avg-pool" => Self::AvgPool {
                kernel: reader.pair("kernel")?.ok_or("it needs `kernel`")?,
                stride: reader.pair("stride")?.unwrap_or([1, 1]),
                padding: reader.pair("padding")?.unwrap_or([0, 0]),
                count_include_pad: reader.flag("count-include-pad")?.unwrap_or(false),
            },
            "global-avg-pool" => Self::GlobalAvgPool,
            "flatten" => Self::Flatten,
            "add" => Self::Add,
            "multiply" => Self::Multiply,
            "mean" => Self::Mean,
            "concat" => Self::Concat,
            "identity" => Self::Identity,
            "zero" => Self::Zero { stride: reader.pair("stride")?.unwrap_or([1, 1]) },
            "shift" => Self::Shift {
                rows: reader.number("rows")?.unwrap_or(0),
                columns: reader.number("columns")?.unwrap_or(0),
            },
            "truncate" => Self::Truncate { channels: reader.number("channels")?.ok_or("it needs `channels`")? },
            "dropout" => Self::Dropout { rate: reader.real("rate")?.ok_or("it needs `rate`")? },
            "locked-dropout" => Self::LockedDropout { rate: reader.real("rate")?.ok_or("it needs `rate`")? },
            "drop-path" => Self::DropPath,
            "auxiliary" => Self::Auxiliary,
            unknown => {
                let hint = crate::nearest(unknown, OPERATIONS).map(|name| format!("; did you mean `{name}`?"));
                return Err(format!("there is no operation `{unknown}`{}", hint.unwrap_or_default()));
            }
        };
        reader.finish(name)?;
        Ok(op)
    }

    /// The operation's attributes, all of them; [`Op::parse`] reads them back.
    pub fn attributes(&self) -> Vec<(String, Attribute)> {
        let number = |value: u32| Attribute::Integer(value.into());
        let pair = |pair: [u32; 2]| Attribute::Integers(pair.map(i64::from).to_vec());
        let list: Vec<(&str, Attribute)> = match self {
            Self::Input { shape } => {
                vec![("shape", Attribute::Integers(shape.iter().map(|side| (*side).into()).collect()))]
            }
            Self::Conv2d { out_channels, kernel, stride, padding, dilation, groups, bias } => vec![
                ("out-channels", number(*out_channels)),
                ("kernel", pair(*kernel)),
                ("stride", pair(*stride)),
                ("padding", pair(*padding)),
                ("dilation", pair(*dilation)),
                ("groups", number(*groups)),
                ("bias", Attribute::Boolean(*bias)),
            ],
            Self::BatchNorm { affine } => vec![("affine", Attribute::Boolean(*affine))],
            Self::Linear { out_features, bias } | Self::TiedLinear { out_features, bias } => {
                vec![("out-features", number(*out_features)), ("bias", Attribute::Boolean(*bias))]
            }
            Self::Embedding { vocabulary, features } => {
                vec![("vocabulary", number(*vocabulary)), ("features", number(*features))]
            }
            Self::State { slot, features } => vec![("slot", number(*slot)), ("features", number(*features))],
            Self::SetState { slot } => vec![("slot", number(*slot))],
            Self::MaxPool { kernel, stride, padding } => {
                vec![("kernel", pair(*kernel)), ("stride", pair(*stride)), ("padding", pair(*padding))]
            }
            Self::AvgPool { kernel, stride, padding, count_include_pad } => vec![
                ("kernel", pair(*kernel)),
                ("stride", pair(*stride)),
                ("padding", pair(*padding)),
                ("count-include-pad", Attribute::Boolean(*count_include_pad)),
            ],
            Self::Zero { stride } => vec![("stride", pair(*stride))],
            Self::Truncate { channels } => vec![("channels", number(*channels))],
            Self::Shift { rows, columns } => vec![("rows", number(*rows)), ("columns", number(*columns))],
            Self::Dropout { rate } | Self::LockedDropout { rate } => vec![("rate", Attribute::Real(*rate))],
            _ => Vec::new(),
        };
        list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Takes attributes by name, and tells which ones nobody took.
struct Reader<'a> {
    attributes: &'a [(String, Attribute)],
    used: Vec<bool>,
}

impl Reader<'_> {
    fn take(&mut self, name: &str) -> Option<&Attribute> {
        let index = self.attributes.iter().position(|(its, _)| its == name)?;
        self.used[index] = true;
        Some(&self.attributes[index].1)
    }

    fn number(&mut self, name: &str) -> Result<Option<u32>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Integer(value)) => size(name, *value).map(Some),
            Some(_) => Err(format!("`{name}` has to be an integer")),
        }
    }

    fn list(&mut self, name: &str) -> Result<Option<Vec<u32>>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Integers(values)) => {
                values.iter().map(|value| size(name, *value)).collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(format!("`{name}` has to be a list of integers")),
        }
    }

    /// Rows and columns; one number stands for both.
    fn pair(&mut self, name: &str) -> Result<Option<[u32; 2]>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Integer(value)) => size(name, *value).map(|value| Some([value; 2])),
            Some(Attribute::Integers(values)) if values.len() == 2 => {
                Ok(Some([size(name, values[0])?, size(name, values[1])?]))
            }
            Some(_) => Err(format!("`{name}` has to be an integer or two of them (rows, columns)")),
        }
    }

    fn flag(&mut self, name: &str) -> Result<Option<bool>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Boolean(value)) => Ok(Some(*value)),
            Some(_) => Err(format!("`{name}` has to be true or false")),
        }
    }

    fn real(&mut self, name: &str) -> Result<Option<f64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Real(value)) => Ok(Some(*value)),
            Some(Attribute::Integer(value)) => Ok(Some(*value as f64)),
            Some(_) => Err(format!("`{name}` has to be a number")),
        }
    }

    fn finish(self, op: &str) -> Result<(), String> {
        match self.used.iter().position(|used| !used) {
            None => Ok(()),
            Some(index) => Err(format!("`{op}` has no attribute `{}`, or it is given twice", self.attributes[index].0)),
        }
    }
}

fn size(name: &str, value: i64) -> Result<u32, String> {
    u32::try_from(value).map_err(|_| format!("`{name}` is {value}, not 0 to {}", u32::MAX))
}
