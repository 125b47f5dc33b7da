//! A path's network is the stand-alone one with the shared weights, bit for bit. `ARCHWRIGHT_PATHS` is the number of paths of
//! each space, 3 by default.

use std::collections::BTreeMap;
use std::sync::Arc;

use archwright_protocol::Recipe;
use archwright_space::{Architecture, Context, Definition, Network, Space, Value, bundled};
use tch::{Device, Kind, Tensor};

use crate::model::{Mode, Model};
use crate::optimizer::Optimizer;
use crate::shared::SharedWeights;
use crate::tensors::{self, Contents};

fn scores(model: &Model, is_text: bool) -> Tensor {
    tch::manual_seed(1);
    tch::no_grad(|| {
        if is_text {
            let tokens = Tensor::randint(10, [5, 3], (Kind::Int64, Device::Cpu));
            return model.unroll(&tokens, &mut model.first_states(3).unwrap(), Mode::Evaluate).unwrap().output;
        }
        let images = Tensor::randn([4, 3, 32, 32], (Kind::Float, Device::Cpu));
        model.forward(&images, Mode::Evaluate).unwrap().output
    })
}

/// Gives all weights of a path, and the statistics of its batch norms, other values.
fn stir(shared: &mut SharedWeights, network: &Network, recipe: &Recipe) {
    let model = shared.path(network, recipe).unwrap();
    let mut gradients = BTreeMap::new();
    tch::no_grad(|| {
        let gradient: Vec<Tensor> = model.parameters().iter().map(Tensor::randn_like).collect();
        shared.gather(&model, &gradient, 1.0, &mut gradients).unwrap();
        for (_, statistic) in &model.buffers {
            let _ = statistic.shallow_clone().g_add_(&(statistic.rand_like() * 0.1));
        }
    });
    shared.step(gradients, recipe, 0.05).unwrap();
}

#[test]
fn paths_equal_stand_alone_networks_with_the_same_weights() {
    let paths = std::env::var("ARCHWRIGHT_PATHS").map_or(3, |paths| paths.parse().unwrap());
    let recipe = Recipe::default();
    for name in bundled::names() {
        let is_text = *name == "rnn-cell";
        let definition = Definition::parse(bundled::source(name).unwrap()).unwrap();
        let input = if is_text { vec![1] } else { vec![3, 32, 32] };
        let space = Space::new(Arc::new(definition), Context::full(input, 10)).unwrap();
        let small = Context { width_share: 0.1, depth_share: 0.01, ..space.context().clone() };
        let networks: Vec<Network> =
            (0..paths).map(|seed| space.build_in(&space.sample(seed), &small).unwrap()).collect();
        let mut shared = SharedWeights::new(7, &recipe, Device::Cpu);
        networks.iter().for_each(|network| stir(&mut shared, network, &recipe));
        for network in &networks {
            let path = shared.alone(network).unwrap();
            let alone = Model::new(network, Device::Cpu, false).unwrap();
            let optimizer = Optimizer::new(&recipe, &path.flat).unwrap();
            let content = tensors::serialize(tensors::of(&path, &optimizer).unwrap(), &()).unwrap();
            Contents::parse(&content).unwrap().restore(&alone, None).unwrap();
            assert_eq!(scores(&path, is_text), scores(&alone, is_text), "{name}");
        }
    }
}

#[test]
fn moments_are_corrected_by_the_steps_that_a_parameter_has_taken() {
    let definition = Definition::parse(bundled::source("nas-bench-201").unwrap()).unwrap();
    let space = Space::new(Arc::new(definition), Context::full(vec![3, 8, 8], 10)).unwrap();
    let network = |label: u32| space.build(&Architecture::Point(vec![Value::Index(label); 6])).unwrap();
    let recipe = Recipe { optimizer: archwright_protocol::Optimizer::Adamw, weight_decay: 0.0, ..Recipe::default() };
    let mut shared = SharedWeights::new(7, &recipe, Device::Cpu);
    let mut change = |network: &Network| {
        let before = shared.path(network, &recipe).unwrap();
        let mut gradients = BTreeMap::new();
        let ones: Vec<Tensor> = before.parameters().iter().map(Tensor::ones_like).collect();
        shared.gather(&before, &ones, 1.0, &mut gradients).unwrap();
        shared.step(gradients, &recipe, 0.01).unwrap();
        let after = shared.alone(network).unwrap();
        let moved = before.parameters().iter().zip(after.parameters());
        moved.map(|(before, after)| f64::try_from((before - after).abs().max()).unwrap()).fold(0.0, f64::max)
    };
    // A first step is as long as the learning rate, whenever it comes.
    (0..3).for_each(|_| assert!((change(&network(2)) - 0.01).abs() < 1e-4));
    assert!((change(&network(3)) - 0.01).abs() < 1e-4);
}
