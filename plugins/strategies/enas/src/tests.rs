use archwright_sdk::testing::{bundled_space, estimate, setup};

use super::*;

/// Plays the estimator: so many trainings to come, and `value` for what is probed.
struct Estimator<'a> {
    trainings: u32,
    in_flight: usize,
    /// Whether the query in some place fails.
    fails: &'a dyn Fn(usize) -> bool,
    value: &'a dyn Fn(&Architecture) -> f64,
    /// Queries at most.
    queries: usize,
}

impl Estimator<'_> {
    /// What was asked for, in order, and whether the search came to an end.
    fn run(&self, search: &mut Enas) -> (Vec<(Purpose, Architecture)>, bool) {
        let mut history: Vec<(Purpose, Architecture)> = Vec::new();
        let mut open: VecDeque<(u64, usize)> = VecDeque::new();
        let mut trained = 0;
        loop {
            let room = self.in_flight - open.len();
            let reply = if room > 0 { Some(search.ask(room).unwrap()) } else { None };
            match reply {
                Some(Reply::Queries(queries)) => {
                    assert!((1..=room).contains(&queries.len()));
                    for query in queries {
                        let Subject::Architecture(architecture) = query.subject else { panic!("a relaxation") };
                        let together = |(_, place): &(u64, usize)| history[*place].0 == query.purpose;
                        assert!(open.iter().all(together), "weights change while they are probed");
                        assert_ne!(query.purpose, Purpose::Estimate);
                        open.push_back((query.id, history.len()));
                        history.push((query.purpose, architecture));
                        if history.len() == self.queries {
                            return (history, false);
                        }
                    }
                    continue;
                }
                Some(Reply::Waiting) => assert!(!open.is_empty(), "waiting for nothing"),
                Some(Reply::Finished) if open.is_empty() => return (history, true),
                Some(Reply::Finished) | None => {}
            }
            let Some((query, place)) = open.pop_front() else { panic!("nothing in flight") };
            let (purpose, architecture) = &history[place];
            let outcome = if (self.fails)(place) {
                EstimateOutcome::Failed("as the test wants".into())
            } else if *purpose == Purpose::Train {
                assert!(trained < self.trainings, "a training too many");
                trained += 1;
                let fidelity = f64::from(trained) / f64::from(self.trainings);
                EstimateOutcome::Estimated(Estimate { fidelity, ..estimate(0.0) })
            } else {
                EstimateOutcome::Estimated(estimate((self.value)(architecture)))
            };
            search.tell(&[Observation { query, outcome }]).unwrap();
        }
    }
}

/// Share of operations that are 3x3 convolutions.
fn value(architecture: &Architecture) -> f64 {
    let Architecture::Point(values) = architecture else { panic!("a network") };
    values.iter().filter(|value| **value == Value::Index(3)).count() as f64 / 6.0
}

fn search(options: Options, seed: u64, goal: Goal) -> Enas {
    let space = bundled_space("nas-bench-201");
    let mut setup = setup(&space, seed);
    setup.objectives[0].goal = goal;
    Enas::open(setup, options, space).unwrap()
}

fn estimator() -> Estimator<'static> {
    Estimator { trainings: 60, in_flight: 1, fails: &|_| false, value: &value, queries: usize::MAX }
}

fn mean<'a>(architectures: impl Iterator<Item = &'a Architecture>) -> f64 {
    let values: Vec<f64> = architectures.map(value).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Ten rounds, in which the controller may become surer than by default.
fn small() -> Options {
    Options { rounds: 10, controller_steps: 10, tanh_constant: 2.5, ..Options::default() }
}

#[test]
fn learns_what_is_good() {
    // Random architectures have a mean of 0.2, with a standard deviation of 0.067 over six.
    for seed in 0..5 {
        let mut search = search(small(), seed, Goal::Maximize);
        let (history, ended) = Estimator { in_flight: 4, ..estimator() }.run(&mut search);
        assert!(ended);
        let trained: Vec<_> = history.iter().filter(|(purpose, _)| *purpose == Purpose::Train).collect();
        let (first, last) = (&trained[..6], &trained[trained.len() - 6..]);
        let [first, last] = [first, last].map(|part| mean(part.iter().map(|(_, architecture)| architecture)));
        let recommended = mean(search.recommend().iter());
        assert!(first < 0.5 && last > 0.75 && recommended > 0.75, "seed {seed}: {first} to {last}, {recommended}");
    }
}

#[test]
fn learns_with_the_bound_of_the_official_code() {
    // Scores within 1.1 give the best of five operations a probability of at most 0.69.
    for seed in 0..2 {
        let mut search = search(Options { rounds: 10, ..Options::default() }, seed, Goal::Maximize);
        estimator().run(&mut search);
        let picks = search.recommend();
        let (best, all) = (value(&picks[0]), mean(picks.iter()));
        assert!(best > 0.8 && all > 0.5, "seed {seed}: {best} of {all}");
    }
}

#[test]
fn weights_and_controller_take_turns() {
    let mut search = search(small(), 0, Goal::Maximize);
    let (history, ended) = estimator().run(&mut search);
    assert!(ended);
    for round in 0..10 {
        let turn = &history[106 * round..106 * (round + 1)];
        assert!(turn[..6].iter().all(|(purpose, _)| *purpose == Purpose::Train), "round {round}");
        assert!(turn[6..].iter().all(|(purpose, _)| *purpose == Purpose::Probe), "round {round}");
    }
    // The final samples.
    assert_eq!(history.len(), 1060 + 10);
    assert!(history[1060..].iter().all(|(purpose, _)| *purpose == Purpose::Probe));
    let picks = search.recommend();
    assert_eq!(picks.len(), 10);
    assert!(picks.is_sorted_by(|left, right| value(left) >= value(right)));
    assert!(picks.iter().all(|pick| history[1060..].iter().any(|(_, one)| one == pick)));
}

#[test]
fn turns_are_as_many_as_trainings_where_those_are_few() {
    for trainings in [1, 3, 7, 14, 25] {
        let options = Options { controller_steps: 2, aggregate: 3, ..small() };
        let mut search = search(options, 0, Goal::Maximize);
        let (history, ended) = Estimator { trainings, in_flight: 5, ..estimator() }.run(&mut search);
        assert!(ended);
        let count = history.iter().filter(|(purpose, _)| *purpose == Purpose::Train).count();
        assert_eq!(count as u32, trainings);
        assert_eq!(history.len() - count, 6 * trainings.min(10) as usize + 10);
    }
}

#[test]
fn how_many_are_in_flight_changes_nothing() {
    let history = |in_flight, seed| {
        let mut search = search(small(), seed, Goal::Maximize);
        let (history, _) = Estimator { in_flight, ..estimator() }.run(&mut search);
        (history, search.recommend())
    };
    let alone = history(1, 1);
    assert_eq!(history(1, 1), alone);
    assert_eq!(history(7, 1), alone);
    assert_eq!(history(64, 1), alone);
    assert_ne!(history(1, 2), alone);
}

#[test]
fn minimizes() {
    let loss = |architecture: &Architecture| 10.0 - value(architecture);
    let mut search = search(small(), 0, Goal::Minimize);
    Estimator { value: &loss, ..estimator() }.run(&mut search);
    let picks = search.recommend();
    assert!(mean(picks.iter()) > 0.75);
    assert!(picks.is_sorted_by(|left, right| loss(left) <= loss(right)));
}

#[test]
fn learns_although_some_queries_fail() {
    let mut search = search(small(), 0, Goal::Maximize);
    let fails = |place: usize| place % 3 == 1;
    let (history, ended) = Estimator { fails: &fails, in_flight: 4, ..estimator() }.run(&mut search);
    assert!(ended && history.len() > 1_000);
    let picks = search.recommend();
    assert!((5..10).contains(&picks.len()) && mean(picks.iter()) > 0.7, "{picks:?}");
}

#[test]
fn ends_where_everything_fails() {
    for in_flight in [1, 16] {
        let mut search = search(small(), 0, Goal::Maximize);
        let (history, ended) = Estimator { fails: &|_| true, in_flight, ..estimator() }.run(&mut search);
        // The trainings it gives up after, one turn of the controller, the final samples.
        assert!(ended);
        assert_eq!(history.len(), 50 + 100 + 10);
        assert!(search.recommend().is_empty());
    }
}

#[test]
fn ends_where_the_training_breaks_off() {
    let mut search = search(small(), 0, Goal::Maximize);
    let fails = |place: usize| place >= 300;
    let (history, ended) = Estimator { fails: &fails, in_flight: 3, ..estimator() }.run(&mut search);
    assert!(ended && history.len() < 600, "{}", history.len());
    // The final samples failed: what was probed before remains.
    assert_eq!(search.recommend().len(), 10);
}

#[test]
fn recommends_the_last_probed_where_the_budget_ends_the_search() {
    let mut search = search(small(), 0, Goal::Maximize);
    let (_, ended) = Estimator { queries: 500, ..estimator() }.run(&mut search);
    assert!(!ended);
    let picks = search.recommend();
    assert_eq!(picks.len(), 10);
    assert!(picks.is_sorted_by(|left, right| value(left) >= value(right)));
}

#[test]
fn goes_with_conditions_and_constraints() {
    for name in ["enas-micro", "nas-bench-101", "chain"] {
        let space = bundled_space(name);
        let options = Options { rounds: 2, controller_steps: 2, ..Options::default() };
        let mut search = Enas::open(setup(&space, 0), options, space.clone()).unwrap();
        let value = |one: &Architecture| f64::from(space.encode(one, archwright_sdk::Encoding::OneHot).unwrap()[0]);
        let (_, ended) = Estimator { trainings: 4, in_flight: 2, value: &value, ..estimator() }.run(&mut search);
        assert!(ended);
        assert_eq!(search.recommend().len(), 10);
    }
}

#[test]
fn refuses_real_decisions() {
    let space = bundled_space("nas-bench-201");
    let mut setup = setup(&space, 0);
    setup.decisions[2].domain = Domain::Real { low: 0.0, high: 1.0, log_scale: false };
    let error = Enas::open(setup, small(), space).err().unwrap();
    assert!(matches!(&error, Error::Unsupported(_)), "{error}");
}
