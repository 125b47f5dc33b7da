//! Bad input gets a message that says what and where, exit code 2, and loses nothing.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::process::Command;

use archwright_tests::{Bench, experiment};

const RANDOM: &str = "use = \"random\"";

/// Replaces text in a good experiment and runs it; the message has to hold every part.
fn check(from: &str, to: &str, parts: &[&str]) {
    let bench = Bench::new();
    let good = experiment(RANDOM, "");
    assert!(good.contains(from), "{from}");
    bench.write("experiment.toml", good.replacen(from, to, 1));
    let message = bench.fails(["run", "experiment.toml"], 2);
    for part in parts {
        assert!(message.contains(part), "{to}: `{part}` is not in: {message}");
    }
    assert_eq!(bench.json(["runs", "--json"]).as_array().unwrap().len(), 0);
}

#[test]
fn unknown_keys_and_names_come_with_a_suggestion() {
    check("[strategy]", "[stratgy]", &["stratgy", "did you mean `strategy`?", "experiment.toml:4"]);
    check("epochs = 2", "epoch = 2", &["epoch", "did you mean `epochs`?", "experiment.toml:14"]);
    check("\"random\"", "\"randon\"", &["randon", "did you mean `random`?", "experiment.toml:5"]);
    check("\"chain\"", "\"chian\"", &["chian", "did you mean `chain`?", "experiment.toml:2"]);
    check("\"full-training\"", "\"full-trainig\"", &["did you mean `full-training`?", "experiment.toml:8"]);
    check("\"random\"", "\"random\"\nwithout_repeat = true", &["without_repeat", "without_repeats"]);
}

#[test]
fn wrong_types_and_absurd_sizes_are_refused() {
    check("epochs = 2", "epochs = \"two\"", &["whole number from 0 to 4294967295", "experiment.toml:14"]);
    check("epochs = 2", "epochs = 99999999999", &["experiment.toml:14"]);
    check("epochs = 2", "epochs = 0", &["task.recipe.epochs", "1 to 10^6"]);
    check("epochs = 2", "learning_rate = nan", &["task.recipe.learning_rate", "above 0"]);
    check("epochs = 2", "betas = [0.9, 0.9, 0.9]", &["two numbers, not 3", "experiment.toml:14"]);
    check("\"digits\"", "\"digits\"\nformat = \"idx\"", &["have no `format`", "experiment.toml:12"]);
    check("[budget]", "[trainer]\ndevices = [\"gpu\"]\n[budget]", &["unknown device `gpu`", "experiment.toml:17"]);
    check("[budget]", "[trainer]\ncommand = [\"\"]\n[budget]", &["trainer.command", "experiment.toml:17"]);
    check("[budget]", "[engine]\nstack_bytes = 1\n[budget]", &["engine.stack_bytes", "experiment.toml:17"]);
    check("queries = 6", "queries = 0", &["budget.queries"]);
    check("queries = 6", "", &["the budget is empty"]);
    check("queries = 6", "time = \"soon\"", &["soon", "seconds"]);
    check("final_seeds = 1", "final_seeds = -1", &["experiment.toml"]);
    check("\"digits\"", "\"/no/such/folder\"", &["/no/such/folder", "experiment.toml:11"]);
    check("\"random\"", "\"random\"\nwithout_repeats = 3", &["without_repeats", "true or false", "experiment.toml:6"]);
    check("[space]", "[space", &["experiment.toml:1"]);
}

#[test]
fn files_that_are_no_plugins_are_refused() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment(RANDOM, ""));
    for (content, part) in [
        (&b"\0asm\x01\0\0\0"[..], "core module"),
        (b"\0asm\x0d\0\x01\0", "archwright:nas"),
        (b"not wasm", "not a WebAssembly file"),
        (b"", "not a WebAssembly file"),
    ] {
        bench.write("plugin.wasm", content);
        bench.write("experiment.toml", experiment("use = \"./plugin.wasm\"", ""));
        let message = bench.fails(["run", "experiment.toml"], 2);
        assert!(message.contains("plugin.wasm") && message.contains(part), "{message}");
    }
}

#[test]
fn experiment_files_that_are_none_are_named() {
    let bench = Bench::new();
    let missing = bench.fails(["run", "missing.toml"], 2);
    assert!(missing.contains("missing.toml"), "{missing}");
    bench.write("binary.toml", [0xff, 0xfe, 0]);
    assert!(bench.fails(["run", "binary.toml"], 2).contains("UTF-8"));
    bench.write("large.toml", vec![b'#'; 2 << 20]);
    assert!(bench.fails(["run", "large.toml"], 2).contains("bytes"));
    bench.write("empty.toml", "");
    let empty = bench.fails(["run", "empty.toml"], 2);
    assert!(empty.contains("the file is empty") && empty.contains("[strategy]"), "{empty}");
    let pipe = bench.path().join("pipe.toml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for file in ["pipe.toml", "/dev/zero", "."] {
        assert!(bench.fails(["run", file], 2).contains("not a regular file"));
    }
    let good = experiment(RANDOM, "");
    for end in (0..good.len()).step_by(7) {
        bench.write("truncated.toml", &good[..end]);
        let output = bench.output(["run", "truncated.toml", "--dry-run"]);
        let code = output.status.code().unwrap();
        assert!(code == 2 || code == 0, "{end}: {code}");
    }
}

#[test]
fn damaged_spaces_are_refused_with_their_place() {
    let bench = Bench::new();
    bench.write("space.toml", "name = \"broken\"\nnetwork = \"cell\"\n\n[module.cel]\nkind = \"edges\"\n");
    bench.write("experiment.toml", experiment(RANDOM, "").replace("\"chain\"", "\"./space.toml\""));
    let message = bench.fails(["run", "experiment.toml"], 2);
    assert!(message.contains("space.toml"), "{message}");
    assert!(bench.fails(["space", "show", "./space.toml"], 2).contains("space.toml"));
    assert!(bench.fails(["space", "show", "no-such-space"], 2).contains("no-such-space"));
}

/// A space whose network is this chain.
fn chain(layers: &str) -> String {
    format!("name = \"t\"\nnetwork = \"a\"\n[module.a]\nkind = \"chain\"\nlayers = [{layers}]\n")
}

#[test]
fn spaces_that_give_no_network_for_the_task_are_refused() {
    let bench = Bench::new();
    bench.write("experiment.toml", experiment(RANDOM, "").replace("\"chain\"", "\"./space.toml\""));
    let scores = "\"flatten\", { op = \"linear\", features = \"classes\" }";
    for (layers, parts) in [
        ("\"flatten\", { op = \"linear\", features = 12 }".to_owned(), ["the output gives 12 scores", "10 scores"]),
        ("\"flatten\", { op = \"linear\", features = 7 }".to_owned(), ["the output gives 7 scores", "10 scores"]),
        (format!("{{ op = \"conv2d\", kernel = 3, channels = 0 }}, {scores}"), ["space.toml", "`channels` has to be"]),
        (format!("{{ op = \"conv2d\", kernel = 3, groups = 3 }}, {scores}"), ["1/conv2d", "3 groups have to divide"]),
        (format!("{{ op = \"conv2d\", kernel = 9, padding = 0 }}, {scores}"), ["1/conv2d", "does not fit"]),
        (format!("\"batchnorm\", {scores}"), ["space.toml", "did you mean `batch-norm`?"]),
    ] {
        bench.write("space.toml", chain(&layers));
        let message = bench.fails(["run", "experiment.toml"], 2);
        assert!(parts.iter().all(|part| message.contains(part)), "{parts:?}: {message}");
    }
    for (option, part) in
        [("cells = 0", "at least 1"), ("cells = 100000000", "at most 20000"), ("channels = -3", "at least 1")]
    {
        let text = experiment(RANDOM, "").replace("\"chain\"", &format!("\"nas-bench-201\"\n{option}"));
        bench.write("experiment.toml", text);
        let message = bench.fails(["run", "experiment.toml"], 2);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn damaged_data_is_refused_by_name() {
    let bench = Bench::new();
    let idx = |name: &str, content: &[u8]| bench.write(&format!("data/{name}"), content);
    idx("train-images-idx3-ubyte", &[0, 0, 8, 3, 0, 0, 0, 60, 0, 0, 0, 28, 0, 0, 0, 28, 1, 2, 3]);
    idx("train-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 60, 1, 2]);
    idx("t10k-images-idx3-ubyte", &[]);
    idx("t10k-labels-idx1-ubyte", &[]);
    bench.write("experiment.toml", experiment(RANDOM, "").replace("\"digits\"", "\"data\""));
    let message = bench.fails(["run", "experiment.toml"], 2);
    assert!(message.contains("train-images-idx3-ubyte"), "{message}");
    bench.write("archive.npz", "not an archive");
    bench.write("experiment.toml", experiment(RANDOM, "").replace("\"digits\"", "\"archive.npz\""));
    assert!(bench.fails(["run", "experiment.toml"], 2).contains("archive.npz"));
}

#[test]
fn wrong_usage_is_told() {
    let bench = Bench::new();
    for arguments in [["show", "seven"], ["show", "7"], ["plugin", "nonsense"]] {
        bench.fails(arguments, 2);
    }
}

#[test]
fn spaces_that_give_no_training_are_refused_before_a_run() {
    let space = |recipe: &str, layers: &str| {
        format!(
            "name = \"mine\"\nnetwork = \"net\"\n\n[module.net]\nkind = \"chain\"\nlayers = [\n{layers}\n]\n\n[recipe]\n{recipe}\n"
        )
    };
    let good = "    { op = \"conv2d\", kernel = { choose = [1, 3] }, channels = 4 },\n    \"relu\",\n    \"global-avg-pool\",\n    \
                { op = \"linear\", features = \"classes\" },";
    for (recipe, layers, part) in [
        ("epochs = 0", good.to_owned(), "epochs"),
        ("epoch = 3", good.to_owned(), "epoch"),
        ("learning_rate = { real = [-1.0, 0.1] }", good.to_owned(), "learning_rate"),
        ("epochs = 2", good.replace("\"classes\"", "7"), "7 scores"),
        ("epochs = 2", good.replace("channels = 4", "channels = 4, groups = 3"), "groups"),
    ] {
        let bench = Bench::new();
        bench.write("mine.toml", space(recipe, &layers));
        bench.write("experiment.toml", experiment(RANDOM, "").replace("\"chain\"", "\"./mine.toml\""));
        let message = bench.fails(["run", "experiment.toml"], 2);
        assert!(message.contains(part), "{recipe}: {message}");
        assert_eq!(bench.json(["runs", "--json"]).as_array().unwrap().len(), 0);
    }
}
