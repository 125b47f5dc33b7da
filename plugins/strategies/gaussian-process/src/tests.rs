use archwright_sdk::testing::{bundled_space, run, setup};
use archwright_surrogates::testing::{self, architecture, best, search, value};

use super::*;

fn quick() -> Options {
    Options { initial: 10, ..Options::default() }
}

fn opened(options: Options) -> impl Fn(Setup, Space) -> GaussianProcess {
    move |setup, space| GaussianProcess::open(setup, options.clone(), space).unwrap()
}

/// What counts is seen in the network alone: operations, and how many convolutions a sum is made of.
fn network_value(space: &Space, architecture: &Architecture) -> f64 {
    let network = space.build(architecture).unwrap();
    let gain = |node: &Node| match &node.op {
        Op::Conv2d { kernel: [3, 3], .. } => 0.37,
        Op::Conv2d { .. } => 0.11,
        Op::AvgPool { .. } => 0.2,
        Op::Add => {
            let is = |index: &&usize| network.nodes[**index].op == Op::BatchNorm { affine: true };
            [0.0, 1.0, 2.5, -1.0][node.inputs.iter().filter(is).count().min(3)]
        }
        _ => 0.0,
    };
    network.nodes.iter().map(gain).sum()
}

#[test]
fn beats_random_search() {
    // The best of 100), over 20 seeds: it wins in at least 15 and loses in at most 2. Under equal chances, whatever the draws, that
    // has a probability below 0.0012, which is what 15 of 17 have.
    let space = bundled_space("nas-bench-201");
    for kernel in [KernelName::WeisfeilerLehman, KernelName::Hamming] {
        let found = |initial: u32, seed: u64| {
            let options = Options { kernel, initial, ..Options::default() };
            let mut strategy = GaussianProcess::open(setup(&space, seed), options, space.clone()).unwrap();
            best(&run(&mut strategy, 100, 1, |architecture| {
                Some(match kernel {
                    KernelName::Hamming => value(architecture),
                    KernelName::WeisfeilerLehman => network_value(&space, architecture),
                })
            }))
        };
        let pairs: Vec<(f64, f64)> = (0..20).map(|seed| (found(10, seed), found(200, seed + 1000))).collect();
        let wins = pairs.iter().filter(|(guided, random)| guided > random).count();
        let losses = pairs.iter().filter(|(guided, random)| guided < random).count();
        assert!(wins >= 15 && losses <= 2, "{kernel:?}: {wins} of 20 won, {losses} lost");
    }
}

#[test]
fn minimizing_is_maximizing_the_negative() {
    testing::minimizes_as_it_maximizes(opened(quick()));
}

#[test]
fn asks_for_nothing_twice_and_for_mutants_after_the_first() {
    testing::asks_for_nothing_twice(opened(quick()), 3);
}

#[test]
fn told_late_and_out_of_order_it_goes_on() {
    let strategy = testing::is_told_late(opened(quick()));
    assert!(strategy.history.observed().len() > 15);
}

#[test]
fn goes_on_when_everything_fails_or_is_alike() {
    testing::goes_on_without_differences(opened(quick()));
}

#[test]
fn ends_once_every_architecture_was_asked_for() {
    testing::ends_with_the_space(opened(quick()));
}

#[test]
fn constraints_are_met() {
    testing::meets_constraints(opened(quick()));
}

#[test]
fn any_sort_of_decision_will_do() {
    for name in ["residual", "chain", "darts"] {
        for kernel in [KernelName::WeisfeilerLehman, KernelName::Hamming] {
            let space = bundled_space(name);
            let options = Options { kernel, initial: 5, candidates: 10, ..Options::default() };
            let mut strategy = GaussianProcess::open(setup(&space, 0), options, space.clone()).unwrap();
            let history = run(&mut strategy, 15, 2, |architecture| Some(format!("{architecture:?}").len() as f64));
            assert!(history.iter().all(|(query, _)| space.admits(architecture(query))));
        }
    }
}

#[test]
fn the_number_of_observations_learned_from_is_bounded() {
    let options = Options { observations: 8, ..quick() };
    assert_eq!(search(opened(options), 0, 40, 2).len(), 40);
}

#[test]
fn the_seed_alone_decides() {
    assert_eq!(search(opened(quick()), 1, 30, 2), search(opened(quick()), 1, 30, 2));
    assert_ne!(search(opened(quick()), 1, 30, 2), search(opened(quick()), 2, 30, 2));
}
