//! Who is chosen, and how often.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use archwright_sdk::selection::{rank, ranking, roulette, tournament, truncation};
use archwright_sdk::{Architecture, Goal, Member, Population, Rng};
use proptest::prelude::*;

const DRAWS: usize = 20_000;

fn shares(places: usize, mut draw: impl FnMut(&mut Rng) -> Option<usize>) -> Vec<f64> {
    let mut rng = Rng::new(0);
    let mut counts = vec![0; places];
    (0..DRAWS).for_each(|_| counts[draw(&mut rng).unwrap()] += 1);
    counts.into_iter().map(|count| f64::from(count) / DRAWS as f64).collect()
}

/// Four standard errors are at most 0.0142.
fn assert_near(found: &[f64], expected: &[f64]) {
    assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 0.0142), "{found:?}");
}

#[test]
fn the_best_come_first_and_nan_last() {
    let values = [2.0, f64::NAN, 3.0, 2.0, f64::NEG_INFINITY, -0.0, 0.0];
    assert_eq!(ranking(&values, Goal::Maximize), [2, 0, 3, 5, 6, 4, 1]);
    assert_eq!(truncation(&values, Goal::Minimize, 3), [4, 5, 6]);
    assert_eq!(truncation(&values, Goal::Minimize, 99).len(), 7);
    assert!(truncation(&[], Goal::Minimize, 3).is_empty());
}

#[test]
fn selection_is_as_likely_as_published() {
    let values = [1.0, 4.0, 2.0];
    // The best of two draws of three.
    assert_near(&shares(3, |rng| tournament(&values, Goal::Maximize, 2, rng)), &[1.0 / 9.0, 5.0 / 9.0, 3.0 / 9.0]);
    // How far above the worst.
    assert_near(&shares(3, |rng| roulette(&values, Goal::Maximize, rng)), &[0.0, 0.75, 0.25]);
    assert_near(&shares(3, |rng| roulette(&values, Goal::Minimize, rng)), &[0.6, 0.0, 0.4]);
    assert_near(&shares(3, |rng| rank(&values, Goal::Maximize, 1.5, rng)), &[0.5 / 3.0, 0.5, 1.0 / 3.0]);
    assert_near(&shares(3, |rng| rank(&values, Goal::Maximize, 1.0, rng)), &[1.0 / 3.0; 3]);
    assert_near(&shares(3, |rng| rank(&values, Goal::Minimize, 2.0, rng)), &[2.0 / 3.0, 0.0, 1.0 / 3.0]);
}

#[test]
fn what_cannot_be_compared_is_not_chosen_while_there_is_something_else() {
    let values = [f64::NAN, 1.0, f64::INFINITY, 1.0];
    assert_near(&shares(4, |rng| roulette(&values, Goal::Maximize, rng)), &[0.0, 0.5, 0.0, 0.5]);
    let extreme = [f64::MAX, -f64::MAX, 0.0];
    assert_near(&shares(3, |rng| roulette(&extreme, Goal::Maximize, rng)), &[2.0 / 3.0, 0.0, 1.0 / 3.0]);
    assert!(roulette(&[f64::NAN], Goal::Maximize, &mut Rng::new(0)).is_some());
}

fn member(query: u64, value: f64) -> Member {
    Member { query, architecture: Architecture::Point(Vec::new()), value }
}

fn population(values: &[f64]) -> Population {
    let mut population = Population::new(Goal::Maximize);
    (0..).zip(values).for_each(|(query, value)| population.add(member(query, *value)));
    population
}

fn queries(population: &Population) -> Vec<u64> {
    population.iter().map(|member| member.query).collect()
}

#[test]
fn the_oldest_die_or_the_worst() {
    let values = [3.0, 1.0, 2.0, 1.0, 5.0];
    let mut ageing = population(&values);
    ageing.keep_youngest(2);
    assert_eq!(queries(&ageing), [3, 4]);
    let mut elitist = population(&values);
    elitist.keep_best(4);
    assert_eq!(queries(&elitist), [0, 1, 2, 4]);
    elitist.keep_best(2);
    assert_eq!(queries(&elitist), [0, 4]);
    assert_eq!(elitist.best().unwrap().query, 4);
    assert_eq!(elitist.remove(0).unwrap().query, 0);
    assert_eq!((elitist.len(), elitist.remove(7)), (1, None));
    elitist.keep_best(0);
    assert!(elitist.is_empty() && elitist.best().is_none());
}

#[test]
fn members_are_chosen_as_their_values_are() {
    let living = population(&[1.0, 4.0, 2.0]);
    let mut twin = Rng::new(3);
    let mut rng = Rng::new(3);
    for _ in 0..100 {
        let place = tournament(&living.values(), Goal::Maximize, 2, &mut twin).unwrap();
        assert_eq!(living.tournament(2, &mut rng).unwrap().query, place as u64);
        let place = roulette(&living.values(), Goal::Maximize, &mut twin).unwrap();
        assert_eq!(living.roulette(&mut rng).unwrap().query, place as u64);
        let place = rank(&living.values(), Goal::Maximize, 1.7, &mut twin).unwrap();
        assert_eq!(living.rank(1.7, &mut rng).unwrap().query, place as u64);
    }
}

proptest! {
    #[test]
    fn whatever_the_values_one_is_chosen(values in prop::collection::vec(any::<f64>(), 0..12), seed: u64, pressure: f64) {
        let mut rng = Rng::new(seed);
        for goal in [Goal::Minimize, Goal::Maximize] {
            let mut places = ranking(&values, goal);
            for chosen in [
                tournament(&values, goal, 3, &mut rng),
                roulette(&values, goal, &mut rng),
                rank(&values, goal, pressure, &mut rng),
            ] {
                prop_assert_eq!(chosen.is_some(), !values.is_empty());
                prop_assert!(chosen.is_none_or(|place| place < values.len()));
            }
            places.sort_unstable();
            prop_assert_eq!(places, (0..values.len()).collect::<Vec<_>>());
        }
    }
}
