use std::collections::HashMap;

use archwright_sdk::testing::{bundled_space, setup, space};
use archwright_sdk::{Condition, Decision, Domain, EstimateOutcome, Observation, Purpose, Rng, Subject, Value};

use super::*;

/// Three values; where the second of them is chosen, 2 or 3 of an integer; a single value; two numbers.
fn decisions() -> Vec<Decision> {
    let decision = |name: &str, domain, active_when| Decision { name: name.into(), domain, active_when };
    let labels = |labels: &[&str]| Domain::Categorical(labels.iter().map(|one| (*one).to_owned()).collect());
    vec![
        decision("op", labels(&["a", "b", "c"]), vec![]),
        decision(
            "size",
            Domain::Integer { low: 2, high: 3, log_scale: false },
            vec![Condition { decision: 0, any_of: vec![1] }],
        ),
        decision("only", labels(&["one"]), vec![]),
        decision("width", Domain::Ordinal(vec![8.0, 16.0]), vec![Condition { decision: 0, any_of: vec![0, 1] }]),
        decision("again", labels(&["a", "b", "c"]), vec![]),
    ]
}

fn settings() -> Settings {
    Settings { hidden: 4, layers: 2, temperature: 1.0, tanh_constant: 0.0, initial_range: 1.0 }
}

fn controller(settings: &Settings, seed: u64) -> Controller {
    Controller::new(&decisions(), settings, Adam::new(0.01, 0.0), &mut Rng::new(seed)).unwrap()
}

/// All points.
fn points() -> Vec<Vec<Value>> {
    let mut points = Vec::new();
    for again in 0..3 {
        for width in 0..2 {
            let rest = [Value::Index(0), Value::Index(width), Value::Index(again)];
            points.push([vec![Value::Index(0), Value::Inactive], rest.to_vec()].concat());
            for size in 2..4 {
                points.push([vec![Value::Index(1), Value::Integer(size)], rest.to_vec()].concat());
            }
        }
        let rest = [Value::Index(0), Value::Inactive, Value::Index(again)];
        points.push([vec![Value::Index(2), Value::Inactive], rest.to_vec()].concat());
    }
    points
}

fn borrowed(points: &[Vec<Value>]) -> Vec<&[Value]> {
    points.iter().map(Vec::as_slice).collect()
}

#[test]
fn probabilities_of_all_points_sum_to_one() {
    for (temperature, tanh_constant) in [(1.0, 0.0), (5.0, 1.1)] {
        let mut controller = controller(&Settings { temperature, tanh_constant, ..settings() }, 1);
        let points = points();
        let scores = controller.score(&borrowed(&points)).unwrap();
        let sum: f64 = scores.iter().map(|score| score.log_probability().exp()).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    }
}

#[test]
fn frequencies_are_probabilities() {
    let mut controller = controller(&settings(), 2);
    let (mut rng, mut counts) = (Rng::new(3), HashMap::new());
    let draws = 20_000;
    for draw in 0..draws {
        let sample = controller.sample(&mut rng);
        *counts.entry(format!("{:?}", sample.point)).or_insert(0) += 1;
        if draw % 100 > 0 {
            continue;
        }
        let score = controller.score(&[&sample.point]).unwrap().remove(0);
        let (drawn, scored) = (&sample.log_probabilities, &score.log_probabilities);
        assert_eq!(drawn.len(), scored.len());
        assert!(drawn.iter().zip(scored).all(|(drawn, scored)| (drawn - scored).abs() < 1e-12));
    }
    let points = points();
    let mut seen = 0;
    for (point, score) in points.iter().zip(controller.score(&borrowed(&points)).unwrap()) {
        let probability = score.log_probability().exp();
        let count = counts.get(&format!("{point:?}")).copied().unwrap_or(0);
        seen += count;
        // Five standard deviations.
        let deviation = (f64::from(draws) * probability * (1.0 - probability)).sqrt();
        let off = (f64::from(count) - f64::from(draws) * probability).abs();
        assert!(off < 5.0 * deviation + 1.0, "{point:?}: {count} for {probability}");
    }
    assert_eq!(seen, draws);
}

/// The value of `sum weight * log p + entropy_weight * entropy`.
fn value(controller: &mut Controller, points: &[&[Value]], weights: &[f64], entropy_weight: f64) -> f64 {
    let scores = controller.score(points).unwrap();
    let one = |(score, weight): (&Score, &f64)| weight * score.log_probability() + entropy_weight * score.entropy;
    scores.iter().zip(weights).map(one).sum()
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let step = 1e-5;
    for (layers, temperature, tanh_constant) in [(1, 1.0, 0.0), (2, 1.0, 0.0), (3, 5.0, 1.1), (1, 0.5, 2.5)] {
        let mut controller = controller(&Settings { layers, temperature, tanh_constant, ..settings() }, 4);
        let points = points();
        let points = borrowed(&points);
        let weights: Vec<f64> = (0..points.len()).map(|place| (place as f64 * 0.7).sin()).collect();
        let gradient = controller
            .gradient(&points, 0.3, |place, score| vec![weights[place]; score.log_probabilities.len()])
            .unwrap();
        let mut checked = 0;
        for (tensor, by) in gradient.iter().enumerate() {
            for (place, by) in by.indexed_iter() {
                let original = controller.weights()[tensor][place];
                let mut at = |weight: f64| {
                    controller.weights()[tensor][place] = weight;
                    value(&mut controller, &points, &weights, 0.3)
                };
                let slope = (at(original + step) - at(original - step)) / (2.0 * step);
                at(original);
                assert!((slope - by).abs() < 1e-7 * (1.0 + slope.abs()), "{tensor} {place:?}: {by}, not {slope}");
                checked += usize::from(slope.abs() > 1e-9);
            }
        }
        assert!(checked > 150, "{checked} derivatives are not 0");
    }
}

#[test]
fn each_value_has_its_own_weight() {
    // The derivative of log p of the last value alone is the difference of two gradients.
    let mut controller = controller(&settings(), 5);
    let point = [Value::Index(1), Value::Integer(3), Value::Index(0), Value::Index(1), Value::Index(2)];
    let points = [&point[..]];
    let all = controller.gradient(&points, 0.0, |_, score| vec![1.0; score.log_probabilities.len()]).unwrap();
    let last = controller.gradient(&points, 0.0, |_, _| vec![0.0, 0.0, 0.0, 1.0]).unwrap();
    let others = controller.gradient(&points, 0.0, |_, _| vec![1.0, 1.0, 1.0, 0.0]).unwrap();
    for ((all, last), others) in all.iter().zip(&last).zip(&others) {
        assert!((all - &(last + others)).iter().all(|off| off.abs() < 1e-12));
    }
}

#[test]
fn points_of_a_batch_add_up() {
    let mut controller = controller(&settings(), 6);
    let points = points();
    let mut gradient = |points: &[&[Value]]| {
        controller.gradient(points, 0.1, |_, score| vec![1.0; score.log_probabilities.len()]).unwrap()
    };
    let all = gradient(&borrowed(&points));
    let single = points.iter().map(|point| gradient(&[point]));
    let sum = single.reduce(|left, right| left.iter().zip(&right).map(|(left, right)| left + right).collect()).unwrap();
    for (all, sum) in all.iter().zip(&sum) {
        assert!((all - sum).iter().all(|off| off.abs() < 1e-12));
    }
}

#[test]
fn improving_makes_a_point_likelier_and_is_repeatable() {
    let learn = || {
        let mut controller = controller(&Settings { initial_range: 0.1, ..settings() }, 7);
        let point = points().remove(4);
        let before = controller.score(&[&point]).unwrap().remove(0).log_probability();
        for _ in 0..100 {
            controller.improve(&[&point], 0.0, |_, score| vec![1.0; score.log_probabilities.len()]).unwrap();
        }
        (before, controller.score(&[&point]).unwrap().remove(0).log_probability())
    };
    let (before, after) = learn();
    assert!(after > before + 1.0, "{before} to {after}");
    assert_eq!(learn(), (before, after));
}

#[test]
fn refuses_what_it_cannot_choose() {
    let decision = |domain| Decision { name: "rate".into(), domain, active_when: vec![] };
    for domain in [
        Domain::Real { low: 0.0, high: 1.0, log_scale: false },
        Domain::Integer { low: i64::MIN, high: i64::MAX, log_scale: false },
    ] {
        let settings = settings();
        let error = Controller::new(&[decision(domain)], &settings, Adam::new(0.1, 0.0), &mut Rng::new(0)).unwrap_err();
        assert!(matches!(&error, archwright_sdk::Error::Unsupported(text) if text.contains("`rate`")), "{error}");
    }
    for settings in [
        Settings { hidden: 0, ..settings() },
        Settings { layers: 0, ..settings() },
        Settings { temperature: 0.0, ..settings() },
        Settings { tanh_constant: f64::NAN, ..settings() },
        Settings { initial_range: -1.0, ..settings() },
    ] {
        assert!(Controller::new(&decisions(), &settings, Adam::new(0.1, 0.0), &mut Rng::new(0)).is_err());
    }
}

#[test]
fn refuses_points_of_other_spaces() {
    let mut controller = controller(&settings(), 0);
    let index = Value::Index;
    for point in [
        vec![index(0)],
        vec![index(3), Value::Inactive, index(0), index(0), index(0)],
        vec![index(0), Value::Integer(2), index(0), index(0), index(0)],
        vec![index(1), Value::Inactive, index(0), index(0), index(0)],
        vec![index(1), Value::Integer(1), index(0), index(0), index(0)],
        vec![index(1), index(0), index(0), index(0), index(0)],
        vec![Value::Real(0.0), Value::Inactive, index(0), index(0), index(0)],
    ] {
        assert!(controller.score(&[&point]).is_err(), "{point:?}");
    }
}

#[test]
fn bundled_spaces_are_drawn_from() {
    for name in ["nas-bench-101", "nas-bench-201", "darts", "enas-micro", "enas-macro", "proxylessnas"] {
        let space = bundled_space(name);
        let setup = setup(&space, 0);
        let mut agent = Agent::new(&setup, space.clone(), &settings(), Adam::new(0.01, 0.0)).unwrap();
        for _ in 0..20 {
            let query = agent.query(Purpose::Estimate).unwrap();
            let Subject::Architecture(architecture) = query.subject else { panic!("a relaxation") };
            space.neighbors(&architecture, 0).unwrap();
        }
        assert_eq!(agent.in_flight(), 20);
    }
}

/// Hardly any point meets the constraint.
const CONSTRAINED: &str = r#"
name = "constrained"
summary = "A chain of eight choices among three, of which seven are the same"
references = []
network = "network"

[module.network]
kind = "chain"
layers = [
    { choose = { keep = "identity", relu = "relu", tanh = "tanh" }, name = "a" },
    { choose = { keep = "identity", relu = "relu", tanh = "tanh" }, name = "b" },
    { choose = { keep = "identity", relu = "relu", tanh = "tanh" }, name = "c" },
    { choose = { keep = "identity", relu = "relu", tanh = "tanh" }, name = "d" },
    { choose = { keep = "identity", relu = "relu", tanh = "tanh" }, name = "e" },
    { choose = { keep = "identity", relu = "relu", tanh = "tanh" }, name = "f" },
    { choose = { keep = "identity", relu = "relu", tanh = "tanh" }, name = "g" },
    { choose = { keep = "identity", relu = "relu", tanh = "tanh" }, name = "h" },
    "global-avg-pool",
    { op = "linear", features = "classes" },
]

[[constraint]]
count = ["tanh"]
least = 7
"#;

#[test]
fn what_does_not_meet_the_constraints_is_left_to_the_space() {
    let space = space(CONSTRAINED);
    let mut agent = Agent::new(&setup(&space, 0), space.clone(), &settings(), Adam::new(0.01, 0.0)).unwrap();
    for _ in 0..5 {
        let query = agent.query(Purpose::Estimate).unwrap();
        let Subject::Architecture(architecture) = &query.subject else { panic!("a relaxation") };
        space.neighbors(architecture, 0).unwrap();
        let observation = Observation { query: query.id, outcome: EstimateOutcome::Failed("no".into()) };
        let told = agent.tell(&observation).unwrap();
        let random = agent.random_query(Purpose::Train).unwrap();
        assert_eq!(random.purpose, Purpose::Train);
        agent.close(random.id).unwrap();
        assert_eq!((told.reward, told.sample.log_probabilities.len()), (None, 8));
        assert!(agent.tell(&observation).is_err());
    }
}
