//! Derivatives against finite differences, in double precision.

use std::sync::Arc;

use archwright_protocol::{DataFormat, DataSource, Recipe, Split, Task};
use archwright_space::{Context, Definition, Op, OpenNetwork, Space, bundled};
use tch::{Device, Kind, Tensor};

use crate::derivative::{Ahead, Point, first_order, second_order, second_order_over};
use crate::material::Material;
use crate::mixture::{Mixture, Structure};
use crate::mixture_tests::{Draws, bundled_space, one_hot, small, small_for};
use crate::model::{Mode, Model};
use crate::optimizer::Optimizer;
use crate::route::Forward;
use crate::{Problem, data, run};

const TRAIN: Mode = Mode::Train { drop_path: 0.0 };

/// A mixture with random weights in double precision.
struct Case {
    open: OpenNetwork,
    structure: Structure,
    model: Model,
    draws: Draws,
}

/// Examples and their labels.
type Batch = (Tensor, Tensor);

impl Case {
    fn new(space: &Space, seed: u64) -> Self {
        let (open, mut draws) = (space.open().unwrap(), Draws::new(seed));
        let model = draws.model(&open, Kind::Double);
        Self { structure: Structure::of(&open).unwrap(), open, model, draws }
    }

    fn batch(&mut self) -> Batch {
        let Op::Input { shape } = &self.open.network.nodes[0].op else { panic!("no input") };
        match shape[..] {
            [_] => (self.draws.labels(10, &[4, 3]), self.draws.labels(10, &[12])),
            _ => {
                let shape: Vec<i64> = [8].into_iter().chain(shape.iter().map(|side| i64::from(*side))).collect();
                (self.draws.values(&shape), self.draws.labels(3, &[8]))
            }
        }
    }

    /// Random probabilities of each decision's labels.
    fn probabilities(&mut self) -> Tensor {
        let lengths: Vec<i64> = self.open.rows.iter().map(|row| row.length as i64).collect();
        let rows = lengths.into_iter().map(|length| self.draws.values(&[length]).softmax(0, None));
        Tensor::cat(&rows.collect::<Vec<_>>(), 0)
    }

    fn loss<'a>(&self, (examples, labels): &'a Batch) -> impl FnMut(&Mixture<'_>) -> Result<Tensor, Problem> + use<'a> {
        move |mixture| {
            let scores = match examples.dim() {
                2 => mixture.unroll(examples, &mut mixture.model().first_states(3)?, TRAIN)?,
                _ => mixture.forward(examples, TRAIN)?,
            };
            Ok(scores.output.cross_entropy_loss::<Tensor>(labels, None, tch::Reduction::Mean, -100, 0.0))
        }
    }

    fn at<'a>(&'a self, probabilities: &'a Tensor) -> Point<'a> {
        Point { structure: &self.structure, probabilities, wanted: None }
    }

    fn mixture(&self, probabilities: &Tensor) -> Mixture<'_> {
        Mixture::new(&self.model, &self.structure, probabilities, None).unwrap()
    }
}

/// Central differences of a function of a row.
fn differences(at: &Tensor, step: f64, function: &mut dyn FnMut(&Tensor) -> f64) -> Vec<f64> {
    let mut moved = |place: i64, by: f64| {
        let point = at.copy();
        let _ = point.get(place).g_add_scalar_(by);
        function(&point)
    };
    (0..at.numel() as i64).map(|place| (moved(place, step) - moved(place, -step)) / (2.0 * step)).collect()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::<f64>::try_from(tensor).unwrap()
}

fn close(found: &Tensor, expected: &[f64], tolerance: f64, what: &str) {
    let found = values(found);
    let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let apart: Vec<f64> = found.iter().zip(expected).map(|(found, expected)| found - expected).collect();
    assert!(norm(expected) > 1e-3, "{what}: the derivative is 0");
    assert!(norm(&apart) < tolerance * norm(expected), "{what}: {found:?} {expected:?}");
}

fn space(text: &str) -> Space {
    let definition = Definition::parse(text).unwrap_or_else(|diagnostic| panic!("{diagnostic}"));
    Space::new(Arc::new(definition), Context::full(vec![2, 6, 6], 3)).unwrap()
}

/// A space with a part before the classifier, and a stem before it.
fn around(part: &str, modules: &str) -> Space {
    space(&format!(
        r#"
        name = "small"
        network = "network"
        [module.network]
        kind = "chain"
        layers = [{{ op = "conv2d", kernel = 3, channels = 4 }}, {part}, "global-avg-pool", {{ op = "linear", features = "classes" }}]
        {modules}
        "#
    ))
}

const CHOICES: &str = r#"
    none = { op = "zero", stride = "stride" }
    skip = { strided = { op = "avg-pool", kernel = 1, stride = 2 }, plain = "identity" }
    conv = ["silu", { op = "conv2d", kernel = 3, stride = "stride" }, "batch-norm"]
    pool = { op = "avg-pool", kernel = 3, stride = "stride" }
"#;

/// Small supergraphs of each kind, all smooth.
fn small_spaces() -> Vec<(&'static str, Space)> {
    let edges =
        format!("[module.cell]\nkind = \"edges\"\nvertices = 4\nnothing = \"none\"\n[module.cell.choices]{CHOICES}");
    let stacked = format!(
        "[module.cell]\nkind = \"edges\"\ninputs = 2\nvertices = 4\noutput = \"concat\"\n\
         fit = [{{ op = \"conv2d\", kernel = 1 }}, \"batch-norm\"]\n[module.cell.choices]{CHOICES}"
    );
    let nodes = format!(
        "[module.cell]\nkind = \"nodes\"\ninputs = 2\nvertices = 2\npicks = 2\n\
         fit = {{ op = \"conv2d\", kernel = 1 }}\n[module.cell.choices]{CHOICES}"
    );
    let repeats = nodes.replace("picks = 2", "picks = 2\nrepeats = true\noutputs = \"unused\"");
    let matrix = "[module.cell]\nkind = \"matrix\"\nvertices = 4\n\
                  project = [{ op = \"conv2d\", kernel = 1 }, \"batch-norm\", \"tanh\"]\n[module.cell.choices]\n\
                  conv = [{ op = \"conv2d\", kernel = 3 }, \"batch-norm\", \"tanh\"]\npool = { op = \"avg-pool\", kernel = 3 }";
    let skips = format!(
        "[module.cell]\nkind = \"skips\"\nlayers = 3\njoin = [{{ op = \"conv2d\", kernel = 1 }}, \"batch-norm\"]\n[module.cell.choices]{CHOICES}"
    );
    let chain = "[module.layer]\nkind = \"chain\"\nlayers = [{ choose = { a = [\"tanh\", \"batch-norm\"], \
                 b = { op = \"conv2d\", kernel = 3 }, c = { choose = { d = \"silu\", e = \"identity\" }, name = \"inner\" } } }]";
    let cells = "{ module = \"cell\", channels = 4 }, { module = \"cell\", channels = 4, stride = 2 }";
    vec![
        ("edges", around(cells, &edges)),
        ("edges with two inputs", around(cells, &stacked)),
        ("nodes", around(cells, &nodes)),
        ("nodes with repeats", around(cells, &repeats)),
        ("matrix", around("{ module = \"cell\", channels = 6 }", matrix)),
        ("skips", around("{ module = \"cell\", channels = 4 }", &skips)),
        (
            "chain",
            around(
                "{ module = \"layer\", channels = 4, independent = true }, { places = { module = \"layer\", channels = 4, independent = true }, length = 2 }",
                chain,
            ),
        ),
    ]
}

/// A recurrent cell of two nodes.
fn recurrent() -> (&'static str, Space) {
    let text = bundled::source("rnn-cell").unwrap().replace("vertices = 8", "vertices = 2");
    ("rnn-cell", small("rnn-cell", &text))
}

#[test]
fn first_order_equals_finite_differences() {
    let bundled = ("nas-bench-201", bundled_space("nas-bench-201"));
    for (name, space) in small_spaces().into_iter().chain([bundled, recurrent()]) {
        let mut case = Case::new(&space, 3);
        let batch = case.batch();
        let mut loss = case.loss(&batch);
        let settled = one_hot(&case.open, &space.sample(2), Kind::Double);
        for probabilities in [case.probabilities(), settled] {
            let derivative = first_order(&case.model, case.at(&probabilities), &mut loss).unwrap();
            let mut of = |point: &Tensor| tch::no_grad(|| loss(&case.mixture(point)).unwrap().double_value(&[]));
            assert_eq!(derivative.loss.double_value(&[]), of(&probabilities), "{name}");
            close(&derivative.by_probabilities, &differences(&probabilities, 1e-5, &mut of), 1e-6, name);
        }
    }
}

#[test]
fn derivatives_that_are_not_wanted_are_zero() {
    let (_, space) = small_spaces().remove(0);
    let mut case = Case::new(&space, 3);
    let (batch, probabilities) = (case.batch(), case.probabilities());
    let mut loss = case.loss(&batch);
    let all = values(&first_order(&case.model, case.at(&probabilities), &mut loss).unwrap().by_probabilities);
    let wanted: Vec<bool> = (0..all.len()).map(|place| place % 3 == 0).collect();
    let at = Point { wanted: Some(&wanted), ..case.at(&probabilities) };
    let some = values(&first_order(&case.model, at, &mut loss).unwrap().by_probabilities);
    for (place, (all, some)) in all.into_iter().zip(some).enumerate() {
        let expected = if wanted[place] { all } else { 0.0 };
        assert!((expected - some).abs() < 1e-12, "{place}: {some} {expected}");
    }
    let nothing = vec![false; wanted.len()];
    let at = Point { wanted: Some(&nothing), ..at };
    let none = first_order(&case.model, at, &mut loss).unwrap();
    assert_eq!(values(&none.by_probabilities), vec![0.0; wanted.len()]);
}

#[test]
fn second_order_equals_finite_differences() {
    for (seed, (name, space)) in (0..).zip(small_spaces().into_iter().chain([recurrent()])) {
        let mut case = Case::new(&space, seed);
        let (training, validation) = (case.batch(), case.batch());
        let (mut training, mut validation) = (case.loss(&training), case.loss(&validation));
        let (weights, gathered) = (case.model.flat.copy(), case.draws.values(&[case.model.flat.numel() as i64]) * 0.01);
        let plain = Ahead { rate: 0.1, momentum: None, weight_decay: 0.0 };
        let heavy = Ahead { rate: 0.1, momentum: Some((0.9, &gathered)), weight_decay: 0.01 };
        for ahead in [plain, heavy] {
            let probabilities = case.probabilities();
            let at = case.at(&probabilities);
            let statistics: Vec<Tensor> = case.model.buffers.iter().map(|(_, statistic)| statistic.copy()).collect();
            let derivative = second_order_over(1e-4, &case.model, at, &mut training, &mut validation, &ahead).unwrap();
            assert_eq!(case.model.flat, weights, "{name}");
            assert!(case.model.buffers.iter().zip(&statistics).all(|((_, now), before)| now == before), "{name}");
            let set = |weights: &Tensor| tch::no_grad(|| case.model.flat.shallow_clone().copy_(weights));
            let mut behind = |point: &Tensor| {
                let mixture = case.mixture(point);
                let gradient = case.model.gradient(&training(&mixture).unwrap()).unwrap();
                let mut step = gradient + &weights * ahead.weight_decay;
                if let Some((momentum, gathered)) = ahead.momentum {
                    step += gathered * momentum;
                }
                set(&(&weights - step * ahead.rate));
                let loss = tch::no_grad(|| validation(&mixture).unwrap().double_value(&[]));
                set(&weights);
                loss
            };
            let (found, expected) = (derivative.loss.double_value(&[]), behind(&probabilities));
            assert!((found - expected).abs() < 1e-12, "{name}: {found} {expected}");
            let expected = differences(&probabilities, 1e-5, &mut behind);
            close(&derivative.by_probabilities, &expected, 1e-5, name);
            // Farther apart it is less exact.
            let far = second_order(&case.model, at, &mut training, &mut validation, &ahead).unwrap();
            close(&far.by_probabilities, &expected, 1e-2, name);
            // The second term has a part in it.
            let ahead = Ahead { rate: 0.0, momentum: None, weight_decay: 0.0 };
            let first = second_order(&case.model, at, &mut training, &mut validation, &ahead).unwrap();
            assert_ne!(first.by_probabilities, derivative.by_probabilities, "{name}");
        }
    }
}

#[test]
fn weights_and_probabilities_descend_in_turn() {
    // As DARTS searches: a step of the probabilities by one half of the examples, a step of the weights by the other.
    let task = Task { data: DataSource::of(DataFormat::Digits), split: Split::default() };
    let data = data::load(&task, None, Device::Cpu).unwrap();
    let text = bundled::source("nas-bench-201").unwrap();
    let input = vec![1, 8, 8];
    let space = small_for("nas-bench-201", text, Context::full(input.clone(), 10));
    let mut case = Case { model: Draws::new(1).model(&space.open().unwrap(), Kind::Float), ..Case::new(&space, 1) };
    let recipe = Recipe { batch_size: 64, flip: false, crop_padding: 0, nesterov: false, ..Recipe::default() };
    let material = Material::new(&data, 1.0, &recipe).unwrap();
    let batches = material.batches(&recipe, 0);
    let scored = |mixture: &Mixture<'_>, batch: usize| {
        material.scores(mixture, &batches[batch], &mut [], &recipe, &input, TRAIN).unwrap()
    };
    let mut optimizer = Optimizer::new(&recipe, &case.model.flat).unwrap();
    let rows: Vec<Tensor> = case
        .open
        .rows
        .iter()
        .map(|row| Tensor::ones([row.length as i64], (Kind::Float, Device::Cpu)) / row.length as f64)
        .collect();
    let mut probabilities = Tensor::cat(&rows, 0);
    let mut seen = Vec::new();
    for turn in 0..8 {
        let (training, validation) = (2 * (turn % 4), 2 * (turn % 4) + 1);
        let momentum = optimizer.state[0].1.shallow_clone();
        let ahead =
            Ahead { rate: 0.05, momentum: Some((recipe.momentum, &momentum)), weight_decay: recipe.weight_decay };
        let at = Point { structure: &case.structure, probabilities: &probabilities, wanted: None };
        let mut by_training = |mixture: &Mixture<'_>| run::loss(&scored(mixture, training), &recipe);
        let mut by_validation = |mixture: &Mixture<'_>| run::loss(&scored(mixture, validation), &recipe);
        let derivative = second_order(&case.model, at, &mut by_training, &mut by_validation, &ahead).unwrap();
        seen.push(derivative.loss.double_value(&[]));
        let moved = &probabilities * (derivative.by_probabilities * -1.0).exp();
        let rows = case.open.rows.iter().map(|row| moved.narrow(0, row.offset as i64, row.length as i64));
        probabilities = Tensor::cat(&rows.map(|row| &row / row.sum(Kind::Float)).collect::<Vec<_>>(), 0);
        let nothing = vec![false; case.structure.probabilities()];
        let scored = {
            let mixture = Mixture::new(&case.model, &case.structure, &probabilities, Some(&nothing)).unwrap();
            scored(&mixture, training)
        };
        let _ = run::step(&mut case.model, &mut optimizer, scored, &recipe, 0.05).unwrap();
    }
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    assert!(mean(&seen[4..]) < 0.9 * mean(&seen[..4]), "{seen:?}");
}
