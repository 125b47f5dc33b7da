//! Residual networks that widen a little with every block (Han, Kim & Kim 2017): the width of a block follows from a
//! formula over decisions, which the declarative format has no words for.

use std::collections::BTreeMap;

use archwright_sdk::prelude::*;

/// Widths that the last block may add to the first one's.
const WIDENINGS: [f64; 5] = [8.0, 16.0, 32.0, 64.0, 128.0];
/// Factors by which a bottleneck's output is wider than its inside.
const EXPANSIONS: [f64; 2] = [2.0, 4.0];
/// Blocks of each of the three stages.
const BLOCKS: std::ops::RangeInclusive<i64> = 1..=4;

/// Options of the space.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Channels of the first layer, at full width.
    #[schemars(range(min = 1, max = 1_024))]
    pub channels: u32,
    /// Whether the learning rate is a decision, too.
    pub joint: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { channels: 16, joint: false }
    }
}

/// The space of pyramidal residual networks.
pub struct Pyramid {
    options: Options,
}

/// A point of the space.
struct Point {
    bottleneck: bool,
    expansion: u32,
    widening: f64,
    blocks: [u32; 3],
}

impl SearchSpace for Pyramid {
    const NAME: &'static str = "pyramid";
    const SUMMARY: &'static str = "Residual networks that widen by a constant with every block (Han, Kim & Kim 2017)";
    const REFERENCES: &'static [&'static str] = &["arXiv:1610.02915"];
    type Options = Options;

    fn open(options: Options) -> Result<Self, Error> {
        if !(1..=1_024).contains(&options.channels) {
            return Err(Error::InvalidOptions(format!("`channels` is {}, not 1 to 1024", options.channels)));
        }
        Ok(Self { options })
    }

    fn decisions(&self) -> Vec<Decision> {
        let always = |name: &str, domain| Decision { name: name.into(), domain, active_when: Vec::new() };
        let blocks = || Domain::Integer { low: *BLOCKS.start(), high: *BLOCKS.end(), log_scale: false };
        let mut decisions = vec![
            always("block", Domain::Categorical(vec!["basic".into(), "bottleneck".into()])),
            Decision {
                name: "expansion".into(),
                domain: Domain::Ordinal(EXPANSIONS.to_vec()),
                active_when: vec![archwright_sdk::Condition { decision: 0, any_of: vec![1] }],
            },
            always("widening", Domain::Ordinal(WIDENINGS.to_vec())),
            always("stage-1/blocks", blocks()),
            always("stage-2/blocks", blocks()),
            always("stage-3/blocks", blocks()),
        ];
        if self.options.joint {
            decisions.push(always("learning_rate", Domain::Real { low: 0.005, high: 0.5, log_scale: true }));
        }
        decisions
    }

    fn build(&self, values: &[Value], context: &Context) -> Result<Network, Error> {
        let point = point(values)?;
        let [_, height, width] = context.input[..] else {
            return Err(Error::Unsupported(format!("it takes images, not inputs of shape {:?}", context.input)));
        };
        let mut builder = Builder { nodes: Vec::new() };
        let mut blocks = point.blocks.map(|blocks| ((f64::from(blocks) * context.depth_share).round() as u32).max(1));
        // Small images are halved less often: a map of one pixel has nothing left to halve.
        let side = height.min(width);
        let stages = if side < 4 {
            1
        } else if side < 8 {
            2
        } else {
            3
        };
        let total: u32 = blocks.iter().sum();
        blocks[stages - 1] += blocks[stages..].iter().sum::<u32>();
        let width = |block: u32| {
            let full = f64::from(self.options.channels) + point.widening * f64::from(block) / f64::from(total);
            ((full * context.width_share).floor() as u32).max(1)
        };
        let input = builder.add("input", Op::Input { shape: context.input.clone() }, &[]);
        let mut last = builder.conv("stem/conv", input, width(0), 3, 1);
        last = builder.norm("stem/norm", last);
        let (mut block, mut channels) = (0, width(0));
        for (stage, count) in blocks[..stages].iter().enumerate() {
            for index in 0..*count {
                block += 1;
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let name = format!("stage-{}/block-{}", stage + 1, index + 1);
                (last, channels) = builder.block(&name, last, channels, width(block), stride, &point);
            }
        }
        last = builder.norm("head/norm", last);
        last = builder.add("head/relu", Op::Relu, &[last]);
        last = builder.add("head/pool", Op::GlobalAvgPool, &[last]);
        builder.add("head/scores", Op::Linear { out_features: context.classes, bias: true }, &[last]);
        Ok(Network { nodes: builder.nodes })
    }

    fn recipe(&self, values: &[Value]) -> Result<BTreeMap<String, Scalar>, Error> {
        Ok(match values.get(6) {
            Some(Value::Real(rate)) => BTreeMap::from([("learning_rate".to_owned(), Scalar::Real(*rate))]),
            _ => BTreeMap::new(),
        })
    }
}

fn point(values: &[Value]) -> Result<Point, Error> {
    let wrong = || Error::Other(format!("{values:?} is no point of this space"));
    let index = |place: usize, bound: usize| match values.get(place) {
        Some(Value::Index(index)) if (*index as usize) < bound => Ok(*index as usize),
        _ => Err(wrong()),
    };
    let blocks = |place: usize| match values.get(place) {
        Some(Value::Integer(blocks)) if BLOCKS.contains(blocks) => Ok(*blocks as u32),
        _ => Err(wrong()),
    };
    let bottleneck = index(0, 2)? == 1;
    Ok(Point {
        bottleneck,
        expansion: if bottleneck { EXPANSIONS[index(1, EXPANSIONS.len())?] as u32 } else { 1 },
        widening: WIDENINGS[index(2, WIDENINGS.len())?],
        blocks: [blocks(3)?, blocks(4)?, blocks(5)?],
    })
}

struct Builder {
    nodes: Vec<Node>,
}

impl Builder {
    fn add(&mut self, name: &str, op: Op, inputs: &[usize]) -> usize {
        self.nodes.push(Node { name: name.into(), op, inputs: inputs.to_vec() });
        self.nodes.len() - 1
    }

    fn conv(&mut self, name: &str, input: usize, channels: u32, kernel: u32, stride: u32) -> usize {
        let op = Op::Conv2d {
            out_channels: channels,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [kernel / 2; 2],
            dilation: [1; 2],
            groups: 1,
            bias: false,
        };
        self.add(name, op, &[input])
    }

    fn norm(&mut self, name: &str, input: usize) -> usize {
        self.add(name, Op::BatchNorm { affine: true }, &[input])
    }

    /// A residual block in the paper's order: normalised before and after each convolution, activated between them alone.
    /// Gives its result and channels. Where the shape changes, a pooled 1x1 convolution takes the shortcut.
    fn block(&mut self, name: &str, input: usize, from: u32, width: u32, stride: u32, point: &Point) -> (usize, u32) {
        let out = width * point.expansion;
        let kernels: &[(u32, u32, u32)] = if point.bottleneck {
            &[(1, width, 1), (3, width, stride), (1, out, 1)]
        } else {
            &[(3, width, stride), (3, out, 1)]
        };
        let mut last = self.norm(&format!("{name}/norm-0"), input);
        for (place, (kernel, channels, stride)) in kernels.iter().enumerate() {
            if place > 0 {
                last = self.add(&format!("{name}/relu-{place}"), Op::Relu, &[last]);
            }
            last = self.conv(&format!("{name}/conv-{}", place + 1), last, *channels, *kernel, *stride);
            last = self.norm(&format!("{name}/norm-{}", place + 1), last);
        }
        let mut shortcut = input;
        if stride > 1 {
            let pool = Op::AvgPool { kernel: [3; 2], stride: [stride; 2], padding: [1; 2], count_include_pad: false };
            shortcut = self.add(&format!("{name}/pool"), pool, &[shortcut]);
        }
        if from != out {
            shortcut = self.conv(&format!("{name}/shortcut"), shortcut, out, 1, 1);
        }
        (self.add(&format!("{name}/sum"), Op::Add, &[last, shortcut]), out)
    }
}

archwright_sdk::export_search_space!(Pyramid);

#[cfg(test)]
mod tests {
    use super::*;

    fn every_point(mut visit: impl FnMut(&[Value])) {
        for block in 0..2u32 {
            for expansion in 0..=block {
                for widening in 0..WIDENINGS.len() as u32 {
                    for blocks in [[1, 1, 1], [1, 4, 2], [4, 4, 4]] {
                        let expansion = if block == 0 { Value::Inactive } else { Value::Index(expansion) };
                        let mut values = vec![Value::Index(block), expansion, Value::Index(widening)];
                        values.extend(blocks.map(Value::Integer));
                        visit(&values);
                    }
                }
            }
        }
    }

    #[test]
    fn points_build_at_every_size() {
        let space = Pyramid::open(Options::default()).unwrap();
        for input in [vec![1, 2, 2], vec![1, 4, 4], vec![1, 8, 8], vec![1, 28, 28], vec![3, 32, 32]] {
            for (width_share, depth_share) in [(1.0, 1.0), (0.5, 0.5), (0.01, 0.01)] {
                let context = Context { width_share, depth_share, ..Context::full(input.clone(), 10) };
                every_point(|values| space.build(values, &context).unwrap().validate().unwrap());
            }
        }
    }

    #[test]
    fn widths_grow_by_a_constant() {
        let space = Pyramid::open(Options::default()).unwrap();
        let values = [
            Value::Index(0),
            Value::Inactive,
            Value::Index(3),
            Value::Integer(2),
            Value::Integer(1),
            Value::Integer(1),
        ];
        let network = space.build(&values, &Context::full(vec![3, 32, 32], 10)).unwrap();
        let widths: Vec<u32> = network
            .nodes
            .iter()
            .filter(|node| node.name.ends_with("conv-2"))
            .map(|node| if let Op::Conv2d { out_channels, .. } = node.op { out_channels } else { 0 })
            .collect();
        // 16 + 64 k / 4 after block k of 4.
        assert_eq!(widths, [32, 48, 64, 80]);
    }

    #[test]
    fn the_learning_rate_is_decided_on_request() {
        let space = Pyramid::open(Options { joint: true, ..Options::default() }).unwrap();
        assert_eq!(space.decisions().len(), 7);
        let mut values = vec![Value::Index(0), Value::Inactive, Value::Index(0)];
        values.extend([Value::Integer(1); 3]);
        values.push(Value::Real(0.1));
        assert_eq!(space.recipe(&values).unwrap()["learning_rate"], Scalar::Real(0.1));
    }
}
