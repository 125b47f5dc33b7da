//! Fractal networks (Larsson, Maire & Shakhnarovich 2017): a block of n columns is two blocks of n - 1 columns in a row, joined
//! with a convolution beside them.

use archwright_sdk::prelude::*;

/// Blocks of a network, at full depth.
const BLOCKS: std::ops::RangeInclusive<i64> = 1..=4;
/// Channels of the first block, at full width; each further one has twice those of the one before, up to eight times.
const CHANNELS: [f64; 4] = [8.0, 16.0, 24.0, 32.0];
/// Heights and widths of kernels.
const KERNELS: [f64; 2] = [3.0, 5.0];

/// Options of the space.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Columns of a block at most. A block of n columns has 2^n - 1 convolutions.
    #[schemars(range(min = 1, max = 6))]
    pub columns: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { columns: 4 }
    }
}

/// The space of fractal networks.
pub struct Fractal {
    options: Options,
}

impl SearchSpace for Fractal {
    const NAME: &'static str = "fractal";
    const SUMMARY: &'static str = "Networks that contain themselves (Larsson, Maire & Shakhnarovich 2017)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1605.07648"];
    type Options = Options;

    fn open(options: Options) -> Result<Self, Error> {
        Ok(Self { options })
    }

    fn decisions(&self) -> Vec<Decision> {
        let decision = |name: &str, domain| Decision { name: name.into(), domain, active_when: Vec::new() };
        let integers = |low, high| Domain::Integer { low, high, log_scale: false };
        vec![
            decision("columns", integers(1, self.options.columns.into())),
            decision("blocks", integers(*BLOCKS.start(), *BLOCKS.end())),
            decision("channels", Domain::Ordinal(CHANNELS.to_vec())),
            decision("kernel", Domain::Ordinal(KERNELS.to_vec())),
        ]
    }

    fn build(&self, values: &[Value], context: &Context) -> Result<Network, Error> {
        if context.input.len() != 3 {
            let problem = "the space is for images (channels, height, width)";
            return Err(Error::Unsupported(format!("{problem}, not for a shape of {:?}", context.input)));
        }
        let no_point = || Error::Other(format!("{values:?} is no point of this space"));
        let [Value::Integer(columns), Value::Integer(blocks), Value::Index(channels), Value::Index(kernel)] = values
        else {
            return Err(no_point());
        };
        let channels = CHANNELS.get(*channels as usize).ok_or_else(no_point)?;
        let kernel = *KERNELS.get(*kernel as usize).ok_or_else(no_point)? as u32;
        if !(1..=i64::from(self.options.columns)).contains(columns) || !BLOCKS.contains(blocks) {
            return Err(no_point());
        }
        let blocks = (*blocks as f64 * context.depth_share).round().max(1.0) as u32;
        let mut side = context.input.get(1..).and_then(|sides| sides.iter().min()).copied().unwrap_or(1);
        let mut network = Builder { nodes: Vec::new(), kernel };
        let mut last = network.add("input", Op::Input { shape: context.input.clone() }, &[]);
        for block in 0..blocks {
            let width = (channels * f64::from(1 << block.min(3)) * context.width_share).round().max(1.0) as u32;
            last = network.fractal(&format!("block-{block}"), *columns, last, width);
            // What is one pixel high has nothing left to halve.
            if side > 1 && block + 1 < blocks {
                let pool = Op::MaxPool { kernel: [2; 2], stride: [2; 2], padding: [0; 2] };
                last = network.add(&format!("block-{block}/pool"), pool, &[last]);
                side /= 2;
            }
        }
        last = network.add("head/pool", Op::GlobalAvgPool, &[last]);
        network.add("head/scores", Op::Linear { out_features: context.classes, bias: true }, &[last]);
        Ok(Network { nodes: network.nodes })
    }
}

struct Builder {
    nodes: Vec<Node>,
    kernel: u32,
}

impl Builder {
    fn add(&mut self, name: &str, op: Op, inputs: &[usize]) -> usize {
        self.nodes.push(Node { name: name.into(), op, inputs: inputs.to_vec() });
        self.nodes.len() - 1
    }

    /// The rule of expansion (section 2): f(1) is a convolution, f(n + 1) the mean of a convolution and of f(n) after f(n).
    fn fractal(&mut self, name: &str, columns: i64, input: usize, channels: u32) -> usize {
        let convolved = self.conv(&format!("{name}/column-{columns}"), input, channels);
        if columns <= 1 {
            return convolved;
        }
        let first = self.fractal(&format!("{name}/first"), columns - 1, input, channels);
        let second = self.fractal(&format!("{name}/second"), columns - 1, first, channels);
        self.add(&format!("{name}/join-{columns}"), Op::Mean, &[convolved, second])
    }

    fn conv(&mut self, name: &str, input: usize, channels: u32) -> usize {
        let op = Op::Conv2d {
            out_channels: channels,
            kernel: [self.kernel; 2],
            stride: [1; 2],
            padding: [self.kernel / 2; 2],
            dilation: [1; 2],
            groups: 1,
            bias: false,
        };
        let conv = self.add(&format!("{name}/conv"), op, &[input]);
        let norm = self.add(&format!("{name}/norm"), Op::BatchNorm { affine: true }, &[conv]);
        self.add(&format!("{name}/relu"), Op::Relu, &[norm])
    }
}

archwright_sdk::export_search_space!(Fractal);

#[cfg(test)]
mod tests {
    use super::*;

    fn point(columns: i64, blocks: i64) -> [Value; 4] {
        [Value::Integer(columns), Value::Integer(blocks), Value::Index(0), Value::Index(0)]
    }

    fn convolutions(network: &Network) -> usize {
        network.nodes.iter().filter(|node| matches!(node.op, Op::Conv2d { .. })).count()
    }

    #[test]
    fn a_block_of_n_columns_has_2_to_the_n_less_1_convolutions() {
        let space = Fractal::open(Options::default()).unwrap();
        for columns in 1..=4 {
            let network = space.build(&point(columns, 2), &Context::full(vec![3, 32, 32], 10)).unwrap();
            assert_eq!(convolutions(&network), 2 * ((1 << columns) - 1));
        }
    }

    #[test]
    fn points_build_at_every_size() {
        let space = Fractal::open(Options { columns: 6 }).unwrap();
        for input in [vec![1, 1, 1], vec![1, 8, 8], vec![3, 32, 32]] {
            for share in [1.0, 0.5, 0.01] {
                let context = Context { width_share: share, depth_share: share, ..Context::full(input.clone(), 10) };
                for (columns, blocks) in [(1, 1), (3, 4), (6, 2)] {
                    space.build(&point(columns, blocks), &context).unwrap().validate().unwrap();
                }
            }
        }
    }

    #[test]
    fn what_is_no_point_is_refused() {
        let space = Fractal::open(Options { columns: 2 }).unwrap();
        let context = Context::full(vec![3, 32, 32], 10);
        for values in [&point(3, 1)[..], &point(0, 1), &point(1, 9), &point(1, 1)[..3]] {
            assert!(space.build(values, &context).is_err(), "{values:?}");
        }
    }
}
