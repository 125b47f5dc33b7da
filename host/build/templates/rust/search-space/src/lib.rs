//! A search space: a cell of three edges between three nodes, each edge one of four operations,
//! repeated in a chain.
//!
//! ```text
//! node 0 ── edge-0-1 ── node 1 ── edge-1-2 ──┐
//!    └────────────── edge-0-2 ────────────── + ── node 2
//! ```
//!
//! The cell is a smaller one of NAS-Bench-201 (Dong & Yang 2020). A space lists its decisions, and
//! builds the network of any point for any images. Make it your own: other decisions, other
//! operations, another skeleton. What a network may be made of is in the host's docs/operators.md.

use archwright_sdk::prelude::*;

/// The operations of an edge.
const OPERATIONS: [&str; 4] = ["skip", "conv-1x1", "conv-3x3", "avg-pool-3x3"];
/// The edges of a cell.
const EDGES: [&str; 3] = ["edge-0-1", "edge-0-2", "edge-1-2"];
/// Channels of all layers, at full width.
const CHANNELS: [f64; 3] = [8.0, 16.0, 32.0];

/// What users may set: the fields, their comments, ranges and defaults are what `archwright plugin
/// inspect` shows.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Cells in a row, at full depth.
    #[schemars(range(min = 1, max = 16))]
    pub cells: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { cells: 2 }
    }
}

/// The space with its options.
pub struct Cells {
    options: Options,
}

impl SearchSpace for Cells {
    const NAME: &'static str = "plugin-name";
    const SUMMARY: &'static str = "A cell of three edges, repeated in a chain";
    const REFERENCES: &'static [&'static str] = &["arXiv:2001.00326"];
    type Options = Options;

    fn open(options: Options) -> Result<Self, Error> {
        Ok(Self { options })
    }

    /// What is open: an operation for each edge, and the number of channels.
    fn decisions(&self) -> Vec<Decision> {
        let decision = |name: &str, domain| Decision {
            name: name.into(),
            domain,
            active_when: Vec::new(),
        };
        let operations = || Domain::Categorical(OPERATIONS.map(String::from).to_vec());
        let mut decisions: Vec<Decision> = EDGES
            .iter()
            .map(|edge| decision(&format!("cell/{edge}"), operations()))
            .collect();
        decisions.push(decision("channels", Domain::Ordinal(CHANNELS.to_vec())));
        decisions
    }

    /// The network of a point. Trainings at a lower fidelity want it narrower or shallower.
    fn build(&self, values: &[Value], context: &Context) -> Result<Network, Error> {
        if context.input.len() != 3 {
            return Err(Error::Unsupported(format!(
                "the space is for images (channels, height, width), not for a shape of {:?}",
                context.input
            )));
        }
        let [
            Value::Index(first),
            Value::Index(second),
            Value::Index(third),
            Value::Index(channels),
        ] = values
        else {
            return Err(Error::Other(format!(
                "{values:?} is no point of this space"
            )));
        };
        let full = CHANNELS
            .get(*channels as usize)
            .copied()
            .unwrap_or(CHANNELS[0]);
        let channels = (full * context.width_share).round().max(1.0) as u32;
        let cells = (f64::from(self.options.cells) * context.depth_share)
            .round()
            .max(1.0) as u32;
        let mut layers = Layers {
            nodes: Vec::new(),
            channels,
        };
        let input = layers.add(
            "input",
            Op::Input {
                shape: context.input.clone(),
            },
            &[],
        );
        let mut last = layers.conv("stem", input, 3);
        for cell in 0..cells {
            let name = |edge: &str| format!("cell-{cell}/{edge}");
            let one = layers.edge(&name(EDGES[0]), *first, last)?;
            let long = layers.edge(&name(EDGES[1]), *second, last)?;
            let short = layers.edge(&name(EDGES[2]), *third, one)?;
            last = layers.add(&name("sum"), Op::Add, &[long, short]);
        }
        last = layers.add("head/pool", Op::GlobalAvgPool, &[last]);
        layers.add(
            "head/scores",
            Op::Linear {
                out_features: context.classes,
                bias: true,
            },
            &[last],
        );
        Ok(Network {
            nodes: layers.nodes,
        })
    }
}

/// A network under construction: nodes name the earlier ones that they take by their places.
struct Layers {
    nodes: Vec<Node>,
    channels: u32,
}

impl Layers {
    fn add(&mut self, name: &str, op: Op, inputs: &[usize]) -> usize {
        self.nodes.push(Node {
            name: name.into(),
            op,
            inputs: inputs.to_vec(),
        });
        self.nodes.len() - 1
    }

    /// An operation by its place in the list.
    fn edge(&mut self, name: &str, operation: u32, input: usize) -> Result<usize, Error> {
        let pool = Op::AvgPool {
            kernel: [3; 2],
            stride: [1; 2],
            padding: [1; 2],
            count_include_pad: false,
        };
        match OPERATIONS.get(operation as usize) {
            Some(&"skip") => Ok(self.add(name, Op::Identity, &[input])),
            Some(&"conv-1x1") => Ok(self.conv(name, input, 1)),
            Some(&"conv-3x3") => Ok(self.conv(name, input, 3)),
            Some(&"avg-pool-3x3") => Ok(self.add(name, pool, &[input])),
            _ => Err(Error::Other(format!("there is no operation {operation}"))),
        }
    }

    /// A convolution that keeps height and width, normalized and activated.
    fn conv(&mut self, name: &str, input: usize, kernel: u32) -> usize {
        let op = Op::Conv2d {
            out_channels: self.channels,
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: [kernel / 2; 2],
            dilation: [1; 2],
            groups: 1,
            bias: false,
        };
        let conv = self.add(&format!("{name}/conv"), op, &[input]);
        let norm = self.add(
            &format!("{name}/norm"),
            Op::BatchNorm { affine: true },
            &[conv],
        );
        self.add(&format!("{name}/relu"), Op::Relu, &[norm])
    }
}

archwright_sdk::export_search_space!(Cells);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_builds_at_every_size() {
        let space = Cells::open(Options::default()).unwrap();
        for input in [vec![1, 8, 8], vec![3, 32, 32], vec![1, 1, 1]] {
            for point in 0..192_u32 {
                let values =
                    [point % 4, point / 4 % 4, point / 16 % 4, point / 64].map(Value::Index);
                let context = Context {
                    width_share: 0.5,
                    depth_share: 0.5,
                    ..Context::full(input.clone(), 10)
                };
                space.build(&values, &context).unwrap().validate().unwrap();
                space
                    .build(&values, &Context::full(input.clone(), 10))
                    .unwrap()
                    .validate()
                    .unwrap();
            }
        }
    }

    #[test]
    fn cells_repeat() {
        let space = Cells::open(Options { cells: 3 }).unwrap();
        let values = [1, 0, 2, 0].map(Value::Index);
        let network = space
            .build(&values, &Context::full(vec![1, 8, 8], 10))
            .unwrap();
        assert_eq!(
            network
                .nodes
                .iter()
                .filter(|node| node.name.ends_with("/sum"))
                .count(),
            3
        );
    }

    #[test]
    fn what_is_no_point_is_refused() {
        let space = Cells::open(Options::default()).unwrap();
        let context = Context::full(vec![1, 8, 8], 10);
        for values in [
            vec![],
            vec![Value::Index(0); 3],
            [9, 0, 0, 0].map(Value::Index).to_vec(),
        ] {
            assert!(space.build(&values, &context).is_err(), "{values:?}");
        }
    }

    #[test]
    fn vectors_are_declined() {
        let space = Cells::open(Options::default()).unwrap();
        let built = space.build(&[0; 4].map(Value::Index), &Context::full(vec![16], 10));
        assert!(matches!(built, Err(Error::Unsupported(_))), "{built:?}");
    }
}
