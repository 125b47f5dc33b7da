//! Mixtures against the networks that they are made of.

use std::cell::Cell;
use std::sync::Arc;

use archwright_protocol::Recipe;
use archwright_space::{Architecture, Context, Definition, Op, OpenNetwork, Scalar, Space, Value, bundled};
use chacha20::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::json;
use tch::{Device, Kind, Tensor};

use crate::Problem;
use crate::condense::condense;
use crate::material::channels_last;
use crate::mixture::{Mixture, Structure};
use crate::model::{Mode, Model, Scores, Start};
use crate::route::{Forward, Plain, Results, Route};
use crate::shared::SharedWeights;
use crate::{tensors, weights};

/// Random numbers of its own: tests side by side share libtorch's generator.
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform, with a variance of 1.
    pub(crate) fn values(&mut self, shape: &[i64]) -> Tensor {
        let mut unit = || f64::from(self.0.next_u32()) / f64::from(u32::MAX);
        let count = shape.iter().product::<i64>();
        let values: Vec<f64> = (0..count).map(|_| 3f64.sqrt() * (2.0 * unit() - 1.0)).collect();
        Tensor::from_slice(&values).view(shape)
    }

    /// Of so many classes.
    pub(crate) fn labels(&mut self, classes: u32, shape: &[i64]) -> Tensor {
        let count = shape.iter().product::<i64>();
        let labels: Vec<i64> = (0..count).map(|_| i64::from(self.0.next_u32() % classes)).collect();
        Tensor::from_slice(&labels).view(shape)
    }

    /// The model of all alternatives.
    pub(crate) fn model(&mut self, open: &OpenNetwork, kind: Kind) -> Model {
        let parameter = |_: &str, shape: &[i64], start: &Start| {
            let values = self.values(shape);
            Ok(match start {
                Start::Uniform(bound) => values * *bound,
                Start::One => values * 0.1 + 1.0,
                Start::Zero => values * 0.1,
            })
        };
        let buffer = |_: &str, length: i64, value: f64| Ok(Tensor::full([length], value, (kind, Device::Cpu)));
        Model::in_kind(&open.network, (kind, Device::Cpu), false, parameter, buffer).unwrap()
    }
}

/// A bundled space whose networks are small.
pub(crate) fn bundled_space(name: &str) -> Space {
    small(name, bundled::source(name).unwrap())
}

/// A bundled space by its text, changed or not.
pub(crate) fn small(name: &str, text: &str) -> Space {
    let input = if name == "rnn-cell" { vec![1] } else { vec![3, 8, 8] };
    small_for(name, text, Context::full(input, 10))
}

pub(crate) fn small_for(name: &str, text: &str, context: Context) -> Space {
    let sizes = [
        ("channels", 4),
        ("cells", if name.starts_with("darts") { 3 } else { 1 }),
        ("layers", 1),
        ("growth", 2),
        ("hidden_size", 6),
        ("embedding_size", 6),
        ("input_dropout", 0),
        ("hidden_dropout", 0),
        ("output_dropout", 0),
    ];
    let known = Definition::parse(text).unwrap();
    let sizes = sizes.into_iter().filter(|(key, _)| known.options().contains_key(*key));
    let options = sizes.map(|(key, value)| (key.to_owned(), Scalar::Integer(value))).collect();
    Space::new(Arc::new(Definition::parse_with(text, &options).unwrap()), context).unwrap()
}

/// All of the probability on a point's labels; that of decisions that are inactive on none.
pub(crate) fn one_hot(open: &OpenNetwork, point: &Architecture, kind: Kind) -> Tensor {
    let Architecture::Point(values) = point else { panic!("no point") };
    let mut probabilities = vec![0.0; open.probabilities()];
    for row in &open.rows {
        if let Value::Index(label) = values[row.decision] {
            probabilities[row.offset + label as usize] = 1.0;
        }
    }
    Tensor::from_slice(&probabilities).to_kind(kind)
}

fn input(is_text: bool) -> Tensor {
    let mut draws = Draws::new(1);
    match is_text {
        true => draws.labels(10, &[5, 3]),
        false => draws.values(&[4, 3, 8, 8]).to_kind(Kind::Float),
    }
}

/// The scores of images, or of tokens.
fn scores(network: &impl Forward, input: &Tensor, mode: Mode) -> Scores {
    match input.dim() {
        2 => network.unroll(input, &mut network.model().first_states(3).unwrap(), mode).unwrap(),
        _ => network.forward(input, mode).unwrap(),
    }
}

/// Shared weights that hold all of an open network's.
fn shared(open: &OpenNetwork) -> SharedWeights {
    let model = Draws::new(5).model(open, Kind::Float);
    let named = model.names.iter().zip(model.parameters()).map(|(name, parameter)| {
        let sides: Vec<String> = parameter.size().iter().map(ToString::to_string).collect();
        (format!("{name}:{}", sides.join("x")), tensors::values(parameter).unwrap())
    });
    let content = tensors::serialize(named.collect(), &json!({"seed": 0, "steps": 0, "taken": {}})).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let digest = weights::store(folder.path(), &content).unwrap();
    SharedWeights::load(folder.path(), &digest, &Recipe::default(), Device::Cpu).unwrap()
}

/// Fills some parameters with what spoils every result that it comes to; says how many there are.
fn spoil(model: &Model, is_spoiled: impl Fn(&str) -> bool) -> usize {
    let all = model.names.iter().zip(model.parameters());
    let spoiled: Vec<&Tensor> = all.filter(|(name, _)| is_spoiled(name)).map(|(_, parameter)| parameter).collect();
    for parameter in &spoiled {
        let _ = tch::no_grad(|| parameter.shallow_clone().fill_(f64::NAN));
    }
    spoiled.len()
}

#[test]
fn one_alternative_with_all_of_the_probability_is_the_path_bit_for_bit() {
    for name in ["nas-bench-201", "densenet-cells", "darts-edges", "darts", "rnn-cell"] {
        let (space, input) = (bundled_space(name), input(name == "rnn-cell"));
        let open = space.open().unwrap();
        let structure = Structure::of(&open).unwrap();
        let shared = shared(&open);
        for seed in 0..2 {
            let point = space.sample(seed);
            let network = space.build(&point).unwrap();
            let probabilities = one_hot(&open, &point, Kind::Float);
            for mode in [Mode::Train { drop_path: 0.0 }, Mode::Evaluate] {
                let path = shared.alone(&network).unwrap();
                let expected = scores(&path, &input, mode).output;
                let whole = shared.alone(&open.network).unwrap();
                for wanted in [Some(vec![false; open.probabilities()]), None] {
                    let mixture = Mixture::new(&whole, &structure, &probabilities, wanted.as_deref()).unwrap();
                    if let Mode::Train { .. } = mode {
                        let found = scores(&mixture, &input, mode).output;
                        eprintln!(
                            "{name} {seed} {} {}",
                            wanted.is_none(),
                            (&found - &expected).abs().max().double_value(&[])
                        );
                    }
                }
                let nothing = vec![false; open.probabilities()];
                // What is not on the path is not computed: it would make the scores no numbers.
                let whole = shared.alone(&open.network).unwrap();
                assert!(spoil(&whole, |one| !path.names.iter().any(|name| name == one)) > 0);
                let mixture = Mixture::new(&whole, &structure, &probabilities, Some(&nothing)).unwrap();
                let found = scores(&mixture, &input, mode).output;
                assert_eq!(found, expected, "{name}, seed {seed}, {mode:?}");
                // The gradient is the path's.
                if let Mode::Train { .. } = mode {
                    let gradient = whole.gradient(&found.square().sum(Kind::Float)).unwrap();
                    let norm = |gradient: &Tensor| f64::try_from(gradient.square().sum(Kind::Double)).unwrap();
                    let alone = norm(&path.gradient(&expected.square().sum(Kind::Float)).unwrap());
                    assert!((norm(&gradient) - alone).abs() <= 1e-5 * alone, "{} {alone}", norm(&gradient));
                }
            }
        }
    }
}

#[test]
fn wanted_branches_are_computed_but_not_kept() {
    let space = bundled_space("nas-bench-201");
    let open = space.open().unwrap();
    let structure = Structure::of(&open).unwrap();
    let shared = shared(&open);
    let model = shared.alone(&open.network).unwrap();
    // All edges pass on but for the first, on which a convolution is wanted besides.
    let point = Architecture::Point(vec![Value::Index(1); 6]);
    let probabilities = one_hot(&open, &point, Kind::Float).set_requires_grad(true);
    let wanted: Vec<bool> = (0..open.probabilities()).map(|place| place == 3).collect();
    let mixture = Mixture::new(&model, &structure, &probabilities, Some(&wanted)).unwrap();
    let mode = Mode::Train { drop_path: 0.0 };
    let images = input(false);
    let output = scores(&mixture, &images, mode).output;
    let gradients = Tensor::run_backward(
        &[&output.square().sum(Kind::Float)],
        &[&probabilities].into_iter().chain(model.parameters()).collect::<Vec<_>>(),
        false,
        false,
    );
    let by_probabilities = Vec::<f32>::try_from(&gradients[0]).unwrap();
    for (place, derivative) in by_probabilities.iter().enumerate() {
        assert_eq!(*derivative != 0.0, place == 3, "{by_probabilities:?}");
    }
    let on_edges = model.names.iter().zip(&gradients[1..]).filter(|(name, _)| name.contains("edge-"));
    assert!(on_edges.fold(0, |all, (_, gradient)| all + usize::from(gradient.defined())) == 0);
    // What is neither in the scores nor wanted is not computed.
    spoil(&model, |name| name.contains("edge-") && !name.contains("edge-0-1/nor_conv_3x3"));
    assert_eq!(scores(&mixture, &images, mode).output, output);
    spoil(&model, |name| name.contains("edge-0-1/nor_conv_3x3"));
    assert!(bool::try_from(scores(&mixture, &images, mode).output.isnan().any()).unwrap());
}

/// All alternatives at once, each as probable as the others of its decision.
fn alike(open: &OpenNetwork, kind: Kind) -> Tensor {
    let shares = open.rows.iter().flat_map(|row| vec![1.0 / row.length as f64; row.length]);
    Tensor::from_slice(&shares.collect::<Vec<_>>()).to_kind(kind)
}

#[test]
fn condensed_mixtures_compute_the_same_with_less() {
    for name in ["darts-edges", "nas-bench-201", "pnas", "enas-macro", "rnn-cell"] {
        let space = bundled_space(name);
        let (open, less) = (space.open().unwrap(), condense(space.open().unwrap()));
        less.check(space.decisions()).unwrap();
        let names = |open: &OpenNetwork| open.network.nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&less), names(&open));
        let images = match name {
            "rnn-cell" => input(true),
            _ => input(false).to_kind(Kind::Double),
        };
        let results = [&open, &less].map(|open| {
            let model = Draws::new(5).model(open, Kind::Double);
            let leaf = alike(open, Kind::Double).set_requires_grad(true);
            let structure = Structure::of(open).unwrap();
            let mixture = Mixture::new(&model, &structure, &leaf, None).unwrap();
            let output = scores(&mixture, &images, Mode::Train { drop_path: 0.0 }).output;
            let sources: Vec<&Tensor> = [&leaf].into_iter().chain(model.parameters()).collect();
            let gradients = Tensor::run_backward(&[output.square().sum(Kind::Double)], &sources, false, false);
            let defined = gradients.into_iter().filter(Tensor::defined).map(|gradient| gradient.reshape([-1]));
            (output, Tensor::cat(&defined.collect::<Vec<_>>(), 0))
        });
        let [(output, gradient), (less_output, less_gradient)] = results;
        let far = |left: &Tensor, right: &Tensor| f64::try_from((left - right).norm() / right.norm()).unwrap();
        assert!(far(&less_output, &output) < 1e-12, "{name}");
        assert!(far(&less_gradient, &gradient) < 1e-9, "{name}");
    }
}

#[test]
fn edges_from_one_vertex_share_poolings_and_read_no_zeros() {
    let less = condense(bundled_space("darts-edges").open().unwrap());
    let nodes = &less.network.nodes;
    let mut is_read = vec![false; nodes.len()];
    nodes.iter().flat_map(|node| &node.inputs).for_each(|input| is_read[*input] = true);
    let read =
        |wanted: fn(&Op) -> bool| (0..nodes.len()).filter(|node| is_read[*node] && wanted(&nodes[*node].op)).count();
    // Of each of 3 cells' 5 vertices that edges leave.
    assert_eq!(read(|op| matches!(op, Op::MaxPool { .. })), 3 * 5);
    let zeros = |input: &usize| match &nodes[*input].op {
        Op::DropPath => matches!(nodes[nodes[*input].inputs[0]].op, Op::Zero { .. }),
        op => matches!(op, Op::Zero { .. }),
    };
    assert!(!less.choices.iter().flat_map(|choice| &nodes[choice.node].inputs).any(zeros));
}

/// Zeros in another layout would lead all sums to it, and convolutions there are several times slower.
#[test]
fn channels_stay_together_in_memory() {
    let less = condense(bundled_space("darts-edges").open().unwrap());
    let model = Draws::new(5).model(&less, Kind::Float);
    let structure = Structure::of(&less).unwrap();
    let mixture = Mixture::new(&model, &structure, &alike(&less, Kind::Float), None).unwrap();
    let apart = Apart { mixture: &mixture, found: Cell::new(0) };
    let images = channels_last(&input(false)).unwrap();
    model.forward_along(&apart, &images, Mode::Train { drop_path: 0.0 }).unwrap();
    assert_eq!(apart.found.get(), 0);
}

/// Counts the maps whose channels are apart.
struct Apart<'a> {
    mixture: &'a Mixture<'a>,
    found: Cell<usize>,
}

impl Route for Apart<'_> {
    fn last_use(&self) -> &[usize] {
        self.mixture.last_use()
    }

    fn result(&self, index: usize, rows: i64, results: &Results, plain: Plain<'_>) -> Result<Option<Tensor>, Problem> {
        let result = self.mixture.result(index, rows, results, plain)?;
        let is_apart = |map: &Tensor| map.dim() == 4 && map.size()[2] > 1 && map.stride()[1] != 1;
        self.found.set(self.found.get() + usize::from(result.as_ref().is_some_and(is_apart)));
        Ok(result)
    }
}

#[test]
fn heads_are_computed_in_training() {
    let text = bundled::source("darts-edges").unwrap();
    let options = [("cells", 3), ("channels", 2)].map(|(key, value)| (key.to_owned(), Scalar::Integer(value)));
    let definition = Definition::parse_with(text, &options.into_iter().collect()).unwrap();
    let space = Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).unwrap();
    let open = space.open().unwrap();
    let structure = Structure::of(&open).unwrap();
    let shared = shared(&open);
    let (model, point) = (shared.alone(&open.network).unwrap(), space.sample(1));
    let path = shared.alone(&space.build(&point).unwrap()).unwrap();
    let nothing = vec![false; open.probabilities()];
    let probabilities = one_hot(&open, &point, Kind::Float);
    let mixture = Mixture::new(&model, &structure, &probabilities, Some(&nothing)).unwrap();
    let images = Draws::new(1).values(&[2, 3, 32, 32]).to_kind(Kind::Float);
    let heads = |network: &dyn Fn(Mode) -> Scores| {
        assert!(network(Mode::Evaluate).auxiliary.is_empty());
        network(Mode::Train { drop_path: 0.0 }).auxiliary
    };
    let expected = heads(&|mode| path.forward(&images, mode).unwrap());
    assert_eq!(heads(&|mode| mixture.forward(&images, mode).unwrap()), expected);
    assert_eq!(expected.len(), 1);
}

#[test]
fn probabilities_of_another_length_are_refused() {
    let open = bundled_space("nas-bench-201").open().unwrap();
    let structure = Structure::of(&open).unwrap();
    let model = shared(&open).alone(&open.network).unwrap();
    let few = Tensor::zeros([29], (Kind::Float, Device::Cpu));
    let error = Mixture::new(&model, &structure, &few, None).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "a mixture with 30 probabilities was given [29]");
}
