use archwright_relaxation::testing::{Planted, one_cell};
use archwright_sdk::testing::{bundled_space, setup};

use super::*;

fn open(name: &str, seed: u64, goal: Goal, options: Options) -> (ProxylessNas, Rows) {
    open_in(bundled_space(name), seed, goal, options)
}

fn open_in(space: Space, seed: u64, goal: Goal, options: Options) -> (ProxylessNas, Rows) {
    let mut setup = setup(&space, seed);
    setup.objectives[0].goal = goal;
    let rows = Rows::of(&setup.decisions).unwrap();
    (ProxylessNas::open(setup, options, space).unwrap(), rows)
}

fn reinforce() -> Options {
    Options { update: Update::Reinforce, ..Options::default() }
}

fn found(options: &Options, goal: Goal, steps: u64) -> usize {
    let one = |seed: &u64| {
        let (mut proxyless, rows) = open("nas-bench-201", *seed, goal, options.clone());
        let mut planted = Planted { goal, ..Planted::new(rows, steps, 100 + seed) };
        planted.run(&mut proxyless, 1);
        planted.is_found(&mut proxyless)
    };
    (0..10).filter(one).count()
}

#[test]
fn finds_what_is_planted_by_gates() {
    let found = found(&Options { update_every: 1, ..Options::default() }, Goal::Maximize, 2000);
    assert!(found >= 9, "{found}");
}

#[test]
fn finds_what_is_planted_by_rewards() {
    for goal in [Goal::Maximize, Goal::Minimize] {
        let found = found(&Options { update_every: 2, ..reinforce() }, goal, 2000);
        assert!(found >= 9, "{found}");
    }
}

#[test]
fn finds_it_among_failures_and_in_spaces_of_other_decisions() {
    for options in [Options::default(), reinforce()] {
        let options = Options { update_every: 2, ..options };
        let (mut proxyless, rows) = open("nas-bench-201-macro", 1, Goal::Maximize, options);
        let mut planted = Planted { failing: 5, ..Planted::new(rows, 4000, 2) };
        planted.run(&mut proxyless, 3);
        assert!(planted.is_found(&mut proxyless));
    }
}

#[test]
fn weights_learn_from_paths_and_gates_ask_for_two_labels_of_each_row() {
    let options = Options { update_every: 2, warmup: 0.0, ..Options::default() };
    let (mut proxyless, rows) = open("proxylessnas", 0, Goal::Maximize, options);
    let asked = Planted::new(rows.clone(), 40, 0).run(&mut proxyless, 1);
    assert_eq!(asked.len(), 60);
    for query in &asked {
        match (&query.subject, query.purpose) {
            (Subject::Architecture(_), Purpose::Train) => {}
            (Subject::Relaxation(relaxation), Purpose::Probe) => {
                for row in rows.iter() {
                    assert_eq!(relaxation.wanted[row.range()].iter().filter(|wanted| **wanted).count(), 2);
                    let ones = row.range().filter(|place| relaxation.probabilities[*place] == 1.0);
                    let ones: Vec<usize> = ones.collect();
                    assert!(ones.len() == 1 && relaxation.wanted[ones[0]]);
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn in_other_spaces_weights_learn_from_hard_mixtures() {
    let (mut proxyless, rows) = open("chain", 0, Goal::Maximize, Options::default());
    for query in Planted::new(rows, 10, 0).run(&mut proxyless, 1) {
        let Subject::Relaxation(relaxation) = query.subject else { panic!("an architecture") };
        assert!(relaxation.probabilities.iter().all(|one| *one == 0.0 || *one == 1.0));
        assert!(!relaxation.wanted.is_empty(), "not all labels are to be computed");
    }
}

#[test]
fn rewards_take_several_architectures() {
    let (mut proxyless, rows) = open("nas-bench-201", 0, Goal::Maximize, reinforce());
    let asked = Planted::new(rows, 20, 0).run(&mut proxyless, 1);
    let probes: Vec<&Query> = asked.iter().filter(|query| query.purpose == Purpose::Probe).collect();
    // After 10, 15 and 20 steps, the first of them past the warmup of 5.
    assert_eq!(probes.len(), 30 + 10);
    assert!(probes.iter().all(|query| matches!(query.subject, Subject::Architecture(_))));
}

/// Where all labels are as good, those without weights are found.
#[test]
fn costs_decide_among_equals() {
    for (options, steps) in [(Options::default(), 2000), (reinforce(), 400)] {
        let options = Options { update_every: 1, cost: Cost::Parameters, ..options };
        let (mut proxyless, rows) = open_in(one_cell(), 1, Goal::Maximize, options);
        let mut planted = Planted::new(rows, steps, 0);
        planted.losses.fill(1.0);
        planted.run(&mut proxyless, 1);
        let choices = planted.recommended(&mut proxyless);
        assert!(choices.iter().all(|choice| !matches!(choice, Some(2 | 3))), "{choices:?}");
    }
}

#[test]
fn the_target_of_costs_is_what_is_expected_at_the_start() {
    let options = |cost_target| Options { cost: Cost::MultiplyAdds, cost_target, ..Options::default() };
    let slope = |target| {
        let (proxyless, _) = open("nas-bench-201", 1, Goal::Maximize, options(target));
        let method = proxyless.search.method();
        let costs = method.costs.as_ref().unwrap();
        (costs.slope(3), costs.expected(&method.parameters.probabilities()))
    };
    let (default, expected) = slope(None);
    assert!((slope(Some(expected)).0 - default).abs() < 1e-12);
    assert!((slope(Some(2.0 * expected)).0 - default / 2.0).abs() < 1e-12);
}

#[test]
fn seeds_decide() {
    for options in [Options::default(), reinforce()] {
        let run = |seed| {
            let (mut proxyless, rows) = open("nas-bench-201", seed, Goal::Maximize, options.clone());
            (Planted::new(rows, 30, 1).run(&mut proxyless, 1), proxyless.recommend())
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).0, run(2).0);
    }
}

#[test]
fn a_search_in_which_all_fails_ends_with_an_architecture() {
    for options in [Options::default(), reinforce()] {
        let (mut proxyless, rows) = open("nas-bench-201", 0, Goal::Maximize, options);
        let mut planted = Planted { failing: 1, ..Planted::new(rows, 100, 0) };
        assert_eq!(planted.run(&mut proxyless, 2).len(), 50);
        assert_eq!(proxyless.recommend().len(), 1);
    }
}

#[test]
fn spaces_without_a_categorical_decision_are_declined() {
    let space = bundled_space("nas-bench-201");
    let setup = Setup { decisions: Vec::new(), ..setup(&space, 0) };
    assert!(matches!(ProxylessNas::open(setup, Options::default(), space), Err(Error::Unsupported(_))));
}

/// Answers queries as an estimator would, with latencies that add up over labels; `fails` says which estimates do not work.
struct Stopwatch {
    rows: Rows,
    label_costs: Vec<f64>,
    steps: u64,
    fails: fn(u64) -> bool,
}

impl Stopwatch {
    fn run(&self, proxyless: &mut ProxylessNas) -> Result<Vec<Query>, Error> {
        let (mut asked, mut trained) = (Vec::new(), 0);
        loop {
            let Reply::Queries(queries) = proxyless.ask(4)? else { return Ok(asked) };
            let observations: Vec<Observation> =
                queries.iter().map(|query| self.observe(query, &mut trained)).collect();
            asked.extend(queries);
            proxyless.tell(&observations)?;
        }
    }

    fn observe(&self, query: &Query, trained: &mut u64) -> Observation {
        let mut estimate = archwright_sdk::testing::estimate(0.5);
        estimate.objectives = vec![0.5, 0.0];
        match (&query.subject, query.purpose) {
            (_, Purpose::Train) => {
                *trained += 1;
                estimate.fidelity = *trained as f64 / self.steps as f64;
            }
            (Subject::Architecture(Architecture::Point(values)), Purpose::Estimate) => {
                if (self.fails)(query.id) {
                    let outcome = EstimateOutcome::Failed("it does not fit".into());
                    return Observation { query: query.id, outcome };
                }
                let labels = self.rows.iter().filter_map(|row| match values[row.decision] {
                    Value::Index(label) => Some(self.label_costs[row.start + label as usize]),
                    _ => None,
                });
                estimate.objectives[1] = 1e-3 + labels.sum::<f64>();
            }
            (Subject::Relaxation(_), _) => estimate.gradient = vec![0.0; self.rows.labels()],
            _ => {}
        }
        Observation { query: query.id, outcome: EstimateOutcome::Estimated(estimate) }
    }
}

fn timed(options: Options, samples: u32) -> Result<(ProxylessNas, Stopwatch), Error> {
    let space = one_cell();
    let mut setup = setup(&space, 3);
    setup.objectives.push(Objective { name: "latency".into(), goal: Goal::Minimize });
    let rows = Rows::of(&setup.decisions)?;
    // Every third label of a row is dear.
    let label_costs =
        rows.iter().flat_map(|row| (0..row.labels.len()).map(|label| if label % 3 == 2 { 1e-3 } else { 1e-4 }));
    let label_costs = label_costs.collect();
    let options = Options { cost: Cost::Latency, latency_samples: samples, update_every: 1, ..options };
    let proxyless = ProxylessNas::open(setup, options, space)?;
    Ok((proxyless, Stopwatch { rows, label_costs, steps: 2000, fails: |_| false }))
}

#[test]
fn latencies_are_measured_first_and_decide_among_equals() {
    for options in [Options { cost_weight: 1.0, ..Options::default() }, Options { cost_weight: 1.0, ..reinforce() }] {
        let (mut proxyless, mut stopwatch) = timed(options, 150).unwrap();
        stopwatch.fails = |id| id % 10 == 0;
        let asked = stopwatch.run(&mut proxyless).unwrap();
        // The weights take one step, without which nothing could be estimated.
        assert_eq!(asked[0].purpose, Purpose::Train);
        assert!(asked[1..151].iter().all(|query| query.purpose == Purpose::Estimate));
        assert!(asked[151..].iter().all(|query| query.purpose != Purpose::Estimate));
        let ids: std::collections::BTreeSet<u64> = asked.iter().map(|query| query.id).collect();
        assert_eq!(ids.len(), asked.len(), "each query has an id of its own");
        let picked = proxyless.recommend();
        let Architecture::Point(values) = &picked[0] else { panic!("a point") };
        let dear = values.iter().filter(|value| matches!(value, Value::Index(label) if label % 3 == 2)).count();
        assert_eq!(dear, 0, "{values:?}");
    }
}

#[test]
fn a_cost_of_latency_needs_it_among_the_objectives() {
    let options = Options { cost: Cost::Latency, ..Options::default() };
    let space = one_cell();
    let Err(error) = ProxylessNas::open(setup(&space, 0), options, space) else { panic!("it opens") };
    assert!(
        matches!(&error, Error::InvalidOptions(text) if text.contains("add \"latency\" to task.objectives")),
        "{error}"
    );
}

#[test]
fn without_any_latency_the_search_ends_with_the_reason() {
    let (mut proxyless, mut stopwatch) = timed(Options::default(), 5).unwrap();
    stopwatch.fails = |_| true;
    let error = stopwatch.run(&mut proxyless).unwrap_err();
    assert!(error.to_string().contains("none of 5 random architectures"), "{error}");
    assert!(error.to_string().contains("it does not fit"), "{error}");
}
