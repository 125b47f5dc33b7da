//! How children come about.

use archwright_sdk::testing::bundled_space;
use archwright_sdk::variation::{Variation, mutated};
use archwright_sdk::{Architecture, Distinct, Rng, Space};

fn differences(left: &Architecture, right: &Architecture) -> usize {
    let (Architecture::Point(left), Architecture::Point(right)) = (left, right) else { panic!("a network") };
    left.iter().zip(right).filter(|(left, right)| left != right).count()
}

fn nas_bench_201() -> (Space, Rng) {
    (bundled_space("nas-bench-201"), Rng::new(0))
}

#[test]
fn each_mutation_changes_one_decision() {
    let (space, mut rng) = nas_bench_201();
    let parent = space.sample(0);
    assert_eq!(mutated(&space, &parent, 0, &mut rng).unwrap(), parent);
    for _ in 0..50 {
        assert_eq!(differences(&parent, &mutated(&space, &parent, 1, &mut rng).unwrap()), 1);
        assert!(differences(&parent, &mutated(&space, &parent, 3, &mut rng).unwrap()) <= 3);
    }
}

#[test]
fn children_have_what_their_parents_have_but_for_mutations() {
    let (space, mut rng) = nas_bench_201();
    let (first, second) = (space.sample(1), space.sample(2));
    for _ in 0..50 {
        let child = Variation::MUTATION.child(&space, &first, &second, &mut rng).unwrap();
        assert_eq!(differences(&first, &child), 1);
        let crossed = Variation { crossover_probability: 1.0, mutation_probability: 0.0, mutations: 1 };
        let child = crossed.child(&space, &first, &second, &mut rng).unwrap();
        let apart = differences(&first, &second);
        assert_eq!(differences(&first, &child) + differences(&second, &child), apart);
        let same = Variation { crossover_probability: 0.0, ..crossed };
        assert_eq!(same.child(&space, &first, &second, &mut rng).unwrap(), first);
    }
}

#[test]
fn the_first_new_one_is_taken() {
    let (space, _) = nas_bench_201();
    let mut seen = Distinct::default();
    let mut draws = [0, 0, 0, 1].into_iter().map(|seed| Ok(space.sample(seed)));
    assert_eq!(seen.first_new(&space, 2, || draws.next().unwrap()).unwrap(), Some(space.sample(0)));
    assert_eq!(seen.first_new(&space, 5, || draws.next().unwrap()).unwrap(), Some(space.sample(1)));
    let mut tries = 0;
    let again = seen.first_new(&space, 5, || {
        tries += 1;
        Ok(space.sample(1))
    });
    assert_eq!((again.unwrap(), tries), (Some(space.sample(1)), 5));
    assert_eq!(seen.first_new(&space, 0, || Ok(space.sample(7))).unwrap(), None);
}
