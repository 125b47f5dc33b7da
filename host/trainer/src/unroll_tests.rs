//! Unrolled networks against cells that are written out by hand.

use std::sync::Arc;

use archwright_space::{Architecture, Context, Definition, Domain, Network, Node, Op, Scalar, Space, Value, bundled};
use tch::{Device, Kind, Reduction, Tensor};

use crate::model::{Mode, Model};

const VOCABULARY: u32 = 7;
/// Training without anything random but dropout.
const TRAIN: Mode = Mode::Train { drop_path: 0.0 };

/// Activation and input of the nodes of a cell, all activations among them.
const CELL: [(&str, usize); 8] =
    [("sigmoid", 0), ("relu", 1), ("relu", 1), ("identity", 1), ("tanh", 2), ("sigmoid", 5), ("tanh", 3), ("relu", 5)];

/// The network of that cell in a small `rnn-cell`, with dropout of so many percent.
fn cell(options: &[(&str, i64)], dropout: i64) -> Network {
    let dropouts = ["input_dropout", "hidden_dropout", "output_dropout"].map(|name| (name, dropout));
    let options = options.iter().chain(&dropouts).map(|(name, value)| ((*name).to_owned(), Scalar::Integer(*value)));
    let definition = Definition::parse_with(bundled::source("rnn-cell").unwrap(), &options.collect()).unwrap();
    let space = Space::new(Arc::new(definition), Context::full(vec![1], VOCABULARY)).unwrap();
    let values = space.decisions().iter().map(|decision| {
        let Domain::Categorical(labels) = &decision.domain else { panic!("{decision:?}") };
        let node: usize = decision.name["cell/node-".len()..].split('/').next().unwrap().parse().unwrap();
        let (activation, input) = CELL[node - 1];
        let wanted = if decision.name.ends_with("inputs") { input.to_string() } else { activation.to_owned() };
        Value::Index(labels.iter().position(|label| *label == wanted).unwrap() as u32)
    });
    space.build(&Architecture::Point(values.collect())).unwrap()
}

fn model(network: &Network) -> Model {
    tch::manual_seed(11);
    Model::new(network, Device::Cpu, false).unwrap()
}

fn tokens(steps: i64, sequences: i64) -> Tensor {
    tch::manual_seed(4);
    Tensor::randint(VOCABULARY.into(), [steps, sequences], (Kind::Int64, Device::Cpu))
}

fn assert_close(left: &Tensor, right: &Tensor) {
    assert_eq!(left.size(), right.size());
    let difference = (left - right).abs().max().double_value(&[]);
    assert!(difference < 1e-5, "{difference}");
}

/// Scores and last state by the definition of the paper, step by step, node by node.
fn by_hand(model: &Model, tokens: &Tensor, state: &Tensor, tied: bool) -> (Tensor, Tensor) {
    let named = |part: &str| -> Vec<&Tensor> {
        let parameters = model.names.iter().zip(model.parameters());
        parameters.filter(|(name, _)| name.contains(part)).map(|(_, tensor)| tensor).collect()
    };
    let (gates, transforms) = (named("/gate/"), named("/transform/"));
    assert_eq!((gates.len(), transforms.len()), (9, 9));
    let embedding = named("embedding/weight")[0];
    let (weight, bias) = if tied {
        (embedding, named("tied-linear/bias")[0])
    } else {
        (*named("scores").first().unwrap(), *named("scores").last().unwrap())
    };
    let mut h = state.shallow_clone();
    let mut scores = Vec::new();
    for step in 0..tokens.size()[0] {
        let x = embedding.index_select(0, &tokens.get(step));
        let joined = Tensor::cat(&[&x, &h], 1);
        let c = joined.matmul(&gates[0].tr()).sigmoid();
        let mut nodes = vec![&h + &c * (joined.matmul(&transforms[0].tr()).tanh() - &h)];
        for (index, (activation, input)) in CELL.iter().enumerate() {
            let s = &nodes[*input];
            let c = s.matmul(&gates[index + 1].tr()).sigmoid();
            let new = s.matmul(&transforms[index + 1].tr());
            let new = match *activation {
                "tanh" => new.tanh(),
                "relu" => new.relu(),
                "sigmoid" => new.sigmoid(),
                _ => new,
            };
            nodes.push(s + c * (new - s));
        }
        h = Tensor::stack(&nodes[1..], 0).mean_dim(0, false, Kind::Float);
        scores.push(h.matmul(&weight.tr()) + bias);
    }
    (Tensor::cat(&scores, 0), h)
}

#[test]
fn a_cell_computes_what_the_paper_defines_and_so_do_its_gradients() {
    let cases = [
        (true, [("hidden_size", 5), ("embedding_size", 5), ("tied", 1)]),
        (false, [("hidden_size", 5), ("embedding_size", 3), ("tied", 0)]),
    ];
    for (tied, options) in cases {
        let model = model(&cell(&options, 0));
        let tokens = tokens(6, 3);
        let labels = Tensor::arange(18, (Kind::Int64, Device::Cpu)).remainder(i64::from(VOCABULARY));
        let first = Tensor::randn([3, 5], (Kind::Float, Device::Cpu));
        let mut states = vec![first.shallow_clone()];
        let scores = model.unroll(&tokens, &mut states, TRAIN).unwrap().output;
        let (expected, last) = by_hand(&model, &tokens, &first, tied);
        assert_close(&scores, &expected);
        assert_close(&states[0], &last.detach());
        assert!(!states[0].requires_grad(), "gradients go back to the window's start alone");
        let gradients = |scores: &Tensor| {
            let loss = scores.cross_entropy_loss::<Tensor>(&labels, None, Reduction::Mean, -100, 0.0);
            Tensor::run_backward(&[loss], model.parameters(), false, false)
        };
        for (left, right) in gradients(&scores).iter().zip(gradients(&expected)) {
            assert!(right.abs().max().double_value(&[]) > 0.0);
            assert_close(left, &right);
        }
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let model = model(&cell(&[("hidden_size", 4), ("embedding_size", 4)], 0));
    let (tokens, labels) = (tokens(5, 2), Tensor::arange(10, (Kind::Int64, Device::Cpu)).remainder(7));
    let loss = || {
        let mut states = model.first_states(2).unwrap();
        let scores = model.unroll(&tokens, &mut states, TRAIN).unwrap().output;
        scores.cross_entropy_loss::<Tensor>(&labels, None, Reduction::Sum, -100, 0.0)
    };
    let gradients = Tensor::run_backward(&[loss()], model.parameters(), false, false);
    for (parameter, gradient) in model.parameters().iter().zip(gradients) {
        let (values, gradient) = (parameter.detach().view([-1]), gradient.contiguous().view([-1]));
        let index = gradient.abs().argmax(0, false).int64_value(&[]);
        let (value, step) = (values.double_value(&[index]), 1e-2);
        let at = |to: f64| {
            let _ = values.narrow(0, index, 1).fill_(to);
            loss().double_value(&[])
        };
        let difference = (at(value + step) - at(value - step)) / (2.0 * step);
        at(value);
        let exact = gradient.double_value(&[index]);
        assert!((difference - exact).abs() < 2e-3 + 2e-2 * exact.abs(), "{difference} {exact}");
    }
}

#[test]
fn windows_go_on_where_the_last_one_ended() {
    let model = model(&cell(&[("hidden_size", 6), ("embedding_size", 6)], 50));
    let tokens = tokens(9, 2);
    let mut states = model.first_states(2).unwrap();
    let whole = model.unroll(&tokens, &mut states, Mode::Evaluate).unwrap().output;
    let end = states[0].shallow_clone();
    let mut states = model.first_states(2).unwrap();
    let parts: Vec<Tensor> = [(0, 4), (4, 1), (5, 4)]
        .into_iter()
        .map(|(first, rows)| model.unroll(&tokens.narrow(0, first, rows), &mut states, Mode::Evaluate).unwrap().output)
        .collect();
    assert_close(&whole, &Tensor::cat(&parts, 0));
    assert_close(&end, &states[0]);
}

fn network(nodes: &[(Op, &[usize])]) -> Network {
    let nodes = nodes.iter().enumerate().map(|(index, (op, inputs))| Node {
        name: format!("node-{index}"),
        op: op.clone(),
        inputs: inputs.to_vec(),
    });
    Network { nodes: nodes.collect() }
}

const EMBEDDING: Op = Op::Embedding { vocabulary: VOCABULARY, features: 40 };

#[test]
fn locked_dropout_drops_the_same_values_in_all_steps() {
    let (steps, sequences) = (5, 3);
    let locked = || Op::LockedDropout { rate: 0.5 };
    let token = || (Op::Input { shape: vec![1] }, &[][..]);
    let before = network(&[token(), (EMBEDDING, &[0]), (locked(), &[1])]);
    let state = || Op::State { slot: 4, features: 40 };
    let set = || Op::SetState { slot: 4 };
    let within = network(&[
        token(),
        (EMBEDDING, &[0]),
        (state(), &[]),
        (Op::Add, &[1, 2]),
        (locked(), &[3]),
        (set(), &[4]),
        (Op::Identity, &[4]),
    ]);
    let after =
        network(&[token(), (EMBEDDING, &[0]), (state(), &[]), (Op::Add, &[1, 2]), (set(), &[3]), (locked(), &[3])]);
    for network in [before, within, after] {
        let model = model(&network);
        let tokens = tokens(steps, sequences);
        let run = |mode| {
            let mut states = model.first_states(sequences).unwrap();
            let scores = model.unroll(&tokens, &mut states, mode).unwrap().output;
            scores.view([steps, sequences, 40])
        };
        let dropped = run(TRAIN);
        let zero = dropped.eq(0.0);
        for step in 1..steps {
            assert_eq!(zero.get(step), zero.get(0));
        }
        assert_ne!(zero.get(0).get(0), zero.get(0).get(1), "sequences differ");
        let share = zero.to_kind(Kind::Float).mean(Kind::Float).double_value(&[]);
        assert!((0.3..0.7).contains(&share), "{share}");
        let plain = run(Mode::Evaluate);
        assert_eq!(plain.eq(0.0).any().int64_value(&[]), 0);
        // In the first step nothing that was dropped has come back yet.
        let kept = zero.get(0).logical_not().to_kind(Kind::Float);
        assert_close(&dropped.get(0), &(plain.get(0) * kept * 2.0));
        assert_ne!(dropped, run(TRAIN), "each time others");
    }
}

#[test]
fn a_state_that_the_output_alone_reads_comes_a_step_later() {
    let delayed = network(&[
        (Op::Input { shape: vec![1] }, &[]),
        (EMBEDDING, &[0]),
        (Op::State { slot: 0, features: 40 }, &[]),
        (Op::SetState { slot: 0 }, &[1]),
        (Op::Identity, &[2]),
    ]);
    let model = model(&delayed);
    let tokens = tokens(3, 2);
    let mut states = model.first_states(2).unwrap();
    let scores = model.unroll(&tokens, &mut states, Mode::Evaluate).unwrap().output.view([3, 2, 40]);
    let vector = |step| model.parameters()[0].index_select(0, &tokens.get(step)).detach();
    assert_close(&scores.get(0), &Tensor::zeros([2, 40], (Kind::Float, Device::Cpu)));
    assert_close(&scores.get(1).detach(), &vector(0));
    assert_close(&scores.get(2).detach(), &vector(1));
    assert_close(&states[0], &vector(2));
}

#[test]
fn auxiliary_heads_see_every_step() {
    let heads = network(&[
        (Op::Input { shape: vec![1] }, &[]),
        (EMBEDDING, &[0]),
        (Op::State { slot: 0, features: 40 }, &[]),
        (Op::Mean, &[1, 2]),
        (Op::SetState { slot: 0 }, &[3]),
        (Op::Auxiliary, &[3]),
        (Op::Complement, &[3]),
    ]);
    let model = model(&heads);
    let mut states = model.first_states(2).unwrap();
    let scores = model.unroll(&tokens(3, 2), &mut states, TRAIN).unwrap();
    assert_close(&scores.output, &(1.0 - &scores.auxiliary[0]));
    assert_eq!(scores.output.size(), [6, 40]);
    assert!(model.unroll(&tokens(3, 2), &mut states, Mode::Evaluate).unwrap().auxiliary.is_empty());
}
