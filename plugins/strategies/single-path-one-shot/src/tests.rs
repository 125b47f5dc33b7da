use archwright_relaxation::testing::{Planted, one_cell};
use archwright_sdk::testing::{bundled_space, setup};

use super::*;

fn open(space: Space, seed: u64, options: Options) -> (SinglePathOneShot, Rows) {
    let setup = setup(&space, seed);
    let rows = Rows::of(&setup.decisions).unwrap();
    (SinglePathOneShot::open(setup, options, space).unwrap(), rows)
}

fn small() -> Options {
    Options { population_size: 10, iterations: 5, parents: 3, crossovers: 4, mutations: 4, ..Options::default() }
}

fn points(asked: &[Query]) -> Vec<&[Value]> {
    asked
        .iter()
        .map(|query| match &query.subject {
            Subject::Architecture(Architecture::Point(values)) => values.as_slice(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn finds_what_is_planted() {
    let found = (0..10).filter(|seed| {
        let (mut search, rows) = open(one_cell(), *seed, Options::default());
        let mut planted = Planted::new(rows, 1, 100 + seed);
        assert!(planted.run(&mut search, 5).len() <= 1000);
        planted.is_found(&mut search)
    });
    let found = found.count();
    assert!(found >= 9, "{found}");
}

#[test]
fn generations_are_new_architectures_to_be_estimated() {
    let (mut search, rows) = open(one_cell(), 0, small());
    let asked = Planted::new(rows, 1, 0).run(&mut search, 4);
    assert_eq!(asked.len(), 50);
    assert!(asked.iter().all(|query| query.purpose == Purpose::Estimate));
    let texts: HashSet<String> = points(&asked).iter().map(|values| format!("{values:?}")).collect();
    assert_eq!(texts.len(), 50);
}

#[test]
fn a_generation_waits_for_the_one_before() {
    let (mut search, _) = open(one_cell(), 0, small());
    let Reply::Queries(queries) = search.ask(100).unwrap() else { panic!("no queries") };
    assert_eq!(queries.len(), 10);
    assert_eq!(search.ask(1).unwrap(), Reply::Waiting);
}

#[test]
fn nothing_larger_than_the_limits_is_asked_for() {
    let space = one_cell();
    // The cell has at most 6 convolutions of 4 x 4 x 3 x 3 weights; the median is some 200.
    let options = Options { max_parameters: Some(350), max_multiply_adds: Some(300_000), ..small() };
    let (mut search, rows) = open(space.clone(), 0, options);
    let asked = Planted::new(rows, 1, 0).run(&mut search, 1);
    assert!(asked.len() > 10, "{}", asked.len());
    for values in points(&asked) {
        let footprint = space.profile(&Architecture::Point(values.to_vec())).unwrap();
        assert!(footprint.parameters <= 350 && footprint.multiply_adds <= 300_000, "{footprint:?}");
    }
}

#[test]
fn limits_that_nothing_meets_are_an_error() {
    let (mut search, _) = open(one_cell(), 0, Options { max_parameters: Some(1), ..small() });
    let error = search.ask(1).unwrap_err();
    assert!(error.to_string().contains("max_parameters"), "{error}");
}

#[test]
fn the_best_are_recommended_first() {
    let (mut search, rows) = open(one_cell(), 0, small());
    let mut planted = Planted { goal: Goal::Maximize, ..Planted::new(rows, 1, 0) };
    let asked = planted.run(&mut search, 3);
    let mut values: Vec<f64> = asked.iter().map(|query| planted.estimate(query).objectives[0]).collect();
    values.sort_by(|left, right| right.total_cmp(left));
    let picks = search.recommend();
    let picked: Vec<f64> =
        picks.into_iter().map(|pick| planted.estimate(&Query::full(0, pick)).objectives[0]).collect();
    assert_eq!(picked, values[..3]);
}

#[test]
fn few_architectures_and_failures_end_the_search() {
    // 3 x 3 points, all of which are seen at last.
    let options = Options { iterations: 1000, ..small() };
    let space = archwright_sdk::testing::space(
        r#"
name = "few"
summary = "Two choices"
network = "network"

[module.network]
kind = "chain"
layers = [
    { choose = { relu = "relu", tanh = "tanh", none = "identity" } },
    { op = "conv2d", kernel = 3, channels = 4 },
    { module = "end" },
]

[module.end]
kind = "chain"
layers = [
    { choose = { relu = "relu", tanh = "tanh", none = "identity" } },
    "global-avg-pool",
    { op = "linear", features = "classes" },
]
"#,
    );
    let (mut search, rows) = open(space, 0, options);
    let mut planted = Planted::new(rows, 1, 0);
    let asked = planted.run(&mut search, 2);
    assert_eq!(asked.len(), 9);
    assert!(planted.is_found(&mut search));

    let (mut search, rows) = open(one_cell(), 0, small());
    let mut failing = Planted { failing: 1, ..Planted::new(rows, 1, 0) };
    assert_eq!(failing.run(&mut search, 2).len(), 50);
    assert_eq!(search.recommend(), []);
}

#[test]
fn decisions_of_all_kinds_evolve() {
    let (mut search, rows) = open(bundled_space("chain"), 0, small());
    let asked = Planted::new(rows, 1, 0).run(&mut search, 3);
    assert_eq!(asked.len(), 50);
}

#[test]
fn mutants_differ_in_about_a_tenth_of_the_decisions() {
    let (mut search, _) = open(bundled_space("enas-macro"), 0, Options::default());
    let Architecture::Point(parent) = search.points.space().sample(1) else { panic!("a network") };
    let member = Member { query: 0, architecture: Architecture::Point(parent.clone()), value: 0.5 };
    search.generation = Generation::next(vec![member], 50, 25, 25);
    let mut redrawn = 0;
    for _ in 0..100 {
        let mutant = search.mutant().unwrap();
        redrawn += mutant.iter().zip(&parent).filter(|(one, other)| one != other).count();
    }
    // 66 decisions on two labels, 12 on six: 100 * 0.1 * (66 / 2 + 12 * 5 / 6) = 430 of 7800.
    assert!((370..490).contains(&redrawn), "{redrawn}");
}

#[test]
fn seeds_decide() {
    let run = |seed| {
        let (mut search, rows) = open(one_cell(), seed, small());
        (Planted::new(rows, 1, 1).run(&mut search, 2), search.recommend())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).0, run(2).0);
}

#[test]
fn more_children_than_places_are_refused() {
    let space = one_cell();
    let options = Options { population_size: 40, ..Options::default() };
    let error = SinglePathOneShot::open(setup(&space, 0), options, space).err().unwrap();
    assert!(error.to_string().contains("population_size"), "{error}");
}

#[test]
fn spaces_without_a_categorical_decision_are_declined() {
    let space = one_cell();
    let setup = Setup { decisions: Vec::new(), ..setup(&space, 0) };
    assert!(matches!(SinglePathOneShot::open(setup, small(), space), Err(Error::Unsupported(_))));
}
