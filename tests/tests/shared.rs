//! Searches over weights that all architectures share.

use std::fs;

use archwright_tests::{Bench, repository, stderr};
use serde_json::Value;

/// Strategies that say themselves what the shared weights learn from, with options for little training.
const SEARCHES: [(&str, &str); 5] = [
    ("darts", "learning_rate = 0.02"),
    ("gdas", "learning_rate = 0.02"),
    ("snas", "learning_rate = 0.02"),
    ("proxylessnas", "learning_rate = 0.02\nupdate_every = 1"),
    ("enas", "rounds = 4\ncontroller_steps = 10\nlearning_rate = 0.02\ntanh_constant = 2.5\nfinal_samples = 5"),
];

/// One decision, and one label by which the classes can be told apart: the others leave the mean of each channel alone.
const PLANTED: &str = r#"
name = "planted"
summary = "One choice, of which one alternative can fit the task"
network = "network"

[module.network]
kind = "chain"
layers = [
    { op = "conv2d", kernel = 1, channels = 16 },
    "batch-norm",
    { choose = { nothing = { op = "zero" }, pass = "identity", mean = { op = "avg-pool", kernel = 3 }, see = { module = "see" } }, name = "planted" },
    "global-avg-pool",
    { op = "linear", features = "classes" },
]

[module.see]
kind = "chain"
layers = [{ op = "conv2d", kernel = 5, channels = 16 }, "batch-norm", "relu"]
"#;

/// Seeds that a planted label is looked for with; more with `ARCHWRIGHT_SEEDS`.
fn seeds() -> u64 {
    std::env::var("ARCHWRIGHT_SEEDS").ok().and_then(|number| number.parse().ok()).unwrap_or(2)
}

fn experiment(space: &str, strategy: &str, options: &str, epochs: u32, seed: u64) -> String {
    format!(
        "[space]\nuse = \"{space}\"\n\n[strategy]\nuse = \"{strategy}\"\n{options}\n\n\
         [estimator]\nuse = \"one-shot\"\nepochs = {epochs}\n\n[task]\ndata = \"digits\"\nsplit = {{ validation = 0.5 }}\n\n\
         [task.recipe]\nepochs = 2\nlearning_rate = 0.05\n\n[budget]\nqueries = 1_000_000\n\n\
         [run]\nfinalists = 1\nfinal_seeds = 1\nseed = {seed}\n"
    )
}

#[test]
fn searches_end_with_a_network_that_is_trained_anew_and_repeat() {
    let others = [
        ("single-path-one-shot", "population_size = 8\niterations = 2\nparents = 3\ncrossovers = 4\nmutations = 4"),
        ("random", ""),
        ("regularized-evolution", "population_size = 4\nsample_size = 2"),
        ("local-search", ""),
        ("reinforce", "batch_size = 4"),
        ("ppo", "batch_size = 4"),
    ];
    for (strategy, options) in SEARCHES.into_iter().chain(others) {
        let bench = Bench::new();
        let text = experiment("nas-bench-201", strategy, options, 2, 0);
        let text = text.replace("\"nas-bench-201\"", "\"nas-bench-201\"\nchannels = 4\ncells = 1");
        let queries = if SEARCHES.iter().any(|(name, _)| *name == strategy) { 1_000_000 } else { 12 };
        bench.write("experiment.toml", text.replace("1_000_000", &queries.to_string()));
        let report = bench.json(["run", "experiment.toml", "--json"]);
        assert!(report["test_accuracy"].as_f64().is_some_and(|accuracy| accuracy > 0.1), "{strategy}: {report}");
        assert_eq!(report["tried"]["failed"], 0, "{strategy}");
        let verified = bench.output(["verify", "latest"]);
        assert!(verified.status.success(), "{strategy}: {}", String::from_utf8_lossy(&verified.stdout));
    }
}

#[test]
fn what_alone_can_fit_the_task_is_found() {
    for (strategy, options) in SEARCHES {
        let found = (0..seeds()).filter(|seed| {
            let bench = Bench::new();
            bench.write("planted.toml", PLANTED);
            bench.write("experiment.toml", experiment("./planted.toml", strategy, options, 20, *seed));
            let report = bench.json(["run", "experiment.toml", "--json"]);
            report["found"]["decisions"].to_string().contains("see")
        });
        let found = found.count() as u64;
        assert!(10 * found >= 9 * seeds(), "{strategy}: {found} of {}", seeds());
    }
}

#[test]
fn examples_of_every_strategy_are_sound() {
    let bench = Bench::new();
    for entry in fs::read_dir(repository().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap_or_default();
        if path.extension().is_some_and(|extension| extension == "toml") && text.contains("data = \"digits\"") {
            let command = if text.contains("[[strategy]]") { "compare" } else { "run" };
            let output = bench.output([command, path.to_str().unwrap(), "--dry-run"]);
            assert!(output.status.success(), "{}: {}", path.display(), stderr(&output));
        }
    }
}

#[test]
fn estimates_are_compared_with_stand_alone_training() {
    let bench = Bench::new();
    let text = experiment("nas-bench-201", "random", "", 4, 0).replace("1_000_000", "3");
    bench.write("experiment.toml", text.replace("\"nas-bench-201\"", "\"nas-bench-201\"\nchannels = 4\ncells = 1"));
    let output = bench.output(["run", "experiment.toml"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let compared = bench.json(["correlate", "latest", "--sample", "6", "--plot", "plot.svg", "--json"]);
    assert_eq!(compared["agreement"]["count"], 6, "{compared}");
    assert_eq!(compared["estimates"]["estimators"], serde_json::json!(["one-shot", "full-training"]));
    let tau = compared["agreement"]["kendall"].as_f64().unwrap();
    assert!((-1.0..=1.0).contains(&tau));
    assert_eq!(fs::read_to_string(bench.path().join("plot.svg")).unwrap().matches("<circle").count(), 6);
    // The same architectures are judged the same, and trained once.
    let again = bench.json(["correlate", "latest", "--sample", "6", "--json"]);
    assert_eq!(again["estimates"]["judged"], compared["estimates"]["judged"]);
    // An estimator agrees with itself.
    let other = ["correlate", "latest", "--sample=5", "--estimator=low-fidelity", "--option=epochs_share=0.5"];
    let same = ["--against=low-fidelity", "--against-option=epochs_share=0.5", "--json"];
    let arguments: [&str; 8] = std::array::from_fn(|index| *other.iter().chain(&same).nth(index).unwrap());
    let itself: Value = bench.json(arguments);
    assert_eq!(itself["agreement"]["kendall"], 1.0, "{itself}");
    for (option, other) in [("--against", "--against-option"), ("--estimator", "--option")] {
        let message = bench.fails(["correlate", "latest", option, "no-such"], 2);
        for part in [option, "no-such", "full-training", "one-shot"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(!message.contains("recorded settings"), "{message}");
        let message = bench.fails(["correlate", "latest", option, "low-fidelity", other, "bogus=1"], 2);
        assert!(message.contains(option) && message.contains("bogus"), "{message}");
    }
}

#[test]
fn what_is_found_is_within_the_sizes_allowed() {
    for (strategy, options) in SEARCHES {
        let bench = Bench::new();
        let text = experiment("nas-bench-201", strategy, options, 3, 0);
        let text = text.replace("\"nas-bench-201\"", "\"nas-bench-201\"\nchannels = 4\ncells = 1");
        bench.write("experiment.toml", text.replace("[budget]", "[constraints]\nparameters = 5000\n\n[budget]"));
        let report = bench.json(["run", "experiment.toml", "--json"]);
        let parameters = report["found"]["footprint"]["parameters"].as_u64().unwrap();
        assert!(parameters <= 5000, "{strategy}: {parameters}");
        assert_eq!(report["tried"]["failed"], 0, "{strategy}");
    }
}

#[test]
fn random_paths_train_what_is_within_the_sizes_allowed() {
    let bench = Bench::new();
    let text = experiment("nas-bench-201", "random", "", 3, 0).replace("1_000_000", "4");
    let text = text.replace("\"nas-bench-201\"", "\"nas-bench-201\"\nchannels = 4\ncells = 1");
    let trained = |text: &str| {
        bench.write("experiment.toml", text);
        let report = bench.json(["run", "experiment.toml", "--json"]);
        assert_eq!(report["tried"]["failed"], 0, "{report}");
        let entries = bench.json(["cache", "list", "--json"]);
        entries.as_array().unwrap().iter().filter(|entry| entry["action"] == "train-shared").count()
    };
    assert_eq!(trained(&text), 3);
    let limited = text.replace("[budget]", "[constraints]\nparameters = 5000\n\n[budget]");
    assert_eq!(trained(&limited), 6, "other paths are another training");
    // Along a mixture, and along what is asked for, nothing is drawn.
    let mixed = |text: &str| text.replace("epochs = 3", "epochs = 3\ntraining = \"mixture\"");
    assert_eq!(trained(&mixed(&text)), 9);
    assert_eq!(trained(&mixed(&limited)), 9, "the same mixture");
}

fn small(text: &str) -> String {
    text.replace("\"nas-bench-201\"", "\"nas-bench-201\"\nchannels = 4\ncells = 1")
}

#[test]
fn latencies_of_paths_are_measured_for_estimates() {
    let bench = Bench::new();
    let timed = small(&experiment("nas-bench-201", "random", "", 2, 0))
        .replace("1_000_000", "4")
        .replace("data = \"digits\"", "data = \"digits\"\nobjectives = [\"accuracy\", \"latency\"]");
    bench.write("experiment.toml", &timed);
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert!(report["found"]["latency"].as_f64().is_some_and(|latency| latency > 0.0), "{report}");
    let observed = bench.json(["show", "latest", "--json"])["observations"].clone();
    for one in observed.as_array().unwrap() {
        assert!(one["outcome"]["estimated"]["objectives"][1].as_f64().is_some_and(|latency| latency > 0.0), "{one}");
    }
    let verified = bench.json(["verify", "latest", "--deep", "20", "--json"]);
    assert_eq!(verified["differences"], serde_json::json!([]));
    // The same run finds what was measured.
    let again = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!((&again["tried"]["trained"], &again["found"]), (&0.into(), &report["found"]));
    bench.write("experiment.toml", timed.replace("[budget]", "[constraints]\nlatency = 1e-9\n\n[budget]"));
    let message = bench.fails(["run", "experiment.toml"], 1);
    assert!(message.contains("1.000e-9 s") && message.contains("was not evaluated"), "{message}");
}

#[test]
fn expected_latencies_are_part_of_a_differentiable_search() {
    let bench = Bench::new();
    let options = "cost = \"latency\"\nlatency_samples = 12\nupdate_every = 1\nlearning_rate = 0.02";
    let text = small(&experiment("nas-bench-201", "proxylessnas", options, 3, 0));
    bench.write("experiment.toml", &text);
    let message = bench.fails(["run", "experiment.toml"], 1);
    assert!(message.contains("add \"latency\" to task.objectives"), "{message}");
    let objectives = "data = \"digits\"\nobjectives = [\"accuracy\", \"latency\"]";
    bench.write("experiment.toml", text.replace("data = \"digits\"", objectives));
    let report = bench.json(["run", "experiment.toml", "--json"]);
    assert_eq!(report["tried"]["failed"], 0);
    assert!(report["found"]["latency"].as_f64().is_some_and(|latency| latency > 0.0), "{report}");
    let observed = bench.json(["show", "latest", "--json"])["observations"].clone();
    let measured =
        |one: &&Value| one["outcome"]["estimated"]["objectives"][1].as_f64().is_some_and(|latency| latency > 0.0);
    assert_eq!(observed.as_array().unwrap().iter().filter(measured).count(), 12);
    let verified = bench.output(["verify", "latest"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn shared_training_is_repeated_in_a_deep_verification() {
    let bench = Bench::new();
    let text = small(&experiment("nas-bench-201", "darts", "", 4, 0));
    bench.write("experiment.toml", text);
    let output = bench.output(["run", "experiment.toml"]);
    assert!(output.status.success(), "{}", stderr(&output));
    // Where nobody looks at a bar, every part of the training is a line.
    assert!(stderr(&output).contains("  shared weights: epoch 2 of 4"), "{}", stderr(&output));
    let weights = || {
        let entries = fs::read_dir(bench.path().join("store/weights")).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().path().is_file()).count()
    };
    let kept = weights();
    let verified = bench.json(["verify", "latest", "--deep", "8", "--json"]);
    assert_eq!((&verified["differences"], &verified["repeated"]), (&serde_json::json!([]), &8.into()));
    assert_eq!(weights(), kept, "what was trained again is not kept");
    // Without any weights they are come to from the beginning.
    fs::rename(bench.path().join("store/weights"), bench.path().join("elsewhere")).unwrap();
    fs::create_dir_all(bench.path().join("store/weights")).unwrap();
    let verified = bench.json(["verify", "latest", "--deep", "2", "--json"]);
    assert_eq!((&verified["differences"], &verified["repeated"]), (&serde_json::json!([]), &2.into()));
    assert_eq!(weights(), 0);
}

#[test]
fn what_a_relaxation_has_no_value_for_is_no_objective() {
    let bench = Bench::new();
    let text = experiment("nas-bench-201", "darts", "", 2, 0);
    bench.write(
        "experiment.toml",
        text.replace("data = \"digits\"", "data = \"digits\"\nobjectives = [\"accuracy\", \"parameters\"]"),
    );
    let message = bench.fails(["run", "experiment.toml"], 2);
    assert!(message.contains("`parameters` cannot be an objective here"), "{message}");
    let latency = |objectives: &str, constraints: &str| {
        let objectives = format!("data = \"digits\"\nobjectives = [{objectives}]");
        text.replace("data = \"digits\"", &objectives).replace("[budget]", &format!("{constraints}[budget]"))
    };
    for (objectives, constraints, what) in [
        ("\"latency\", \"accuracy\"", "", "`latency` cannot be an objective here"),
        ("\"accuracy\"", "[constraints]\nlatency = 0.1\n\n", "`latency` cannot be constrained here"),
    ] {
        bench.write("experiment.toml", latency(objectives, constraints));
        let message = bench.fails(["run", "experiment.toml"], 2);
        assert!(message.contains(what), "{message}");
    }
    for space in ["chain", "hierarchical"] {
        bench.write("experiment.toml", experiment(space, "darts", "", 2, 0));
        let message = bench.fails(["run", "experiment.toml"], 2);
        assert!(message.contains("needs a mixture of this space's architectures"), "{message}");
    }
    bench.write(
        "experiment.toml",
        text.replace("one-shot", "full-training").replace("epochs = 2\n\n[task]", "\n[task]"),
    );
    let message = bench.fails(["run", "experiment.toml"], 2);
    assert!(message.contains("needs `gradients`"), "{message}");
}
