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
            let output = bench.output(["run", path.to_str().unwrap(), "--dry-run"]);
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
    assert!(bench.fails(["correlate", "latest", "--against", "no-such"], 2).contains("no-such"));
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
    for (what, where_) in [("[constraints]\nlatency = 0.1\n\n[budget]", "trains none"), ("[budget]", "")] {
        let random = experiment("nas-bench-201", "random", "", 2, 0);
        let objectives = "data = \"digits\"\nobjectives = [\"accuracy\", \"latency\"]";
        let random = if where_.is_empty() { random.replace("data = \"digits\"", objectives) } else { random };
        bench.write("experiment.toml", random.replace("[budget]", what));
        let message = bench.fails(["run", "experiment.toml"], 2);
        assert!(message.contains("latency is measured before a network is trained alone"), "{message}");
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
