//! A recurrent cell is searched and trained on a text given as a plain file, and judged by its perplexity.

use archwright_tests::{Bench, repository};

/// A small search; `task` are lines of that table.
fn experiment(task: &str) -> String {
    format!(
        "[space]\nuse = \"rnn-cell\"\nhidden_size = 16\nembedding_size = 16\ninput_dropout = 0\nhidden_dropout = 0\n\
         output_dropout = 0\n\n[strategy]\nuse = \"random\"\n\n[estimator]\nuse = \"low-fidelity\"\nepochs_share = 0.25\n\n\
         [task]\n{task}\n\n[task.recipe]\nepochs = 8\nbatch_size = 4\nsequence_length = 16\noptimizer = \"adamw\"\n\
         learning_rate = 0.02\nweight_decay = 1e-5\ngradient_clip = 0.25\n\n[budget]\nqueries = 3\n\n\
         [run]\nfinalists = 1\nfinal_seeds = 2\n"
    )
}

/// Lines that say the same in turn, so that what comes next follows from what came before.
fn verses() -> String {
    let numbers = ["one", "two", "three", "four", "five", "six", "seven"];
    let line = |index: usize| format!("after {} comes {}\n", numbers[index % 7], numbers[(index + 1) % 7]);
    (0..220).map(|index| line(index * index + 3 * index)).collect()
}

#[test]
fn a_cell_is_searched_and_reports_perplexity() {
    let bench = Bench::new();
    bench.write("verses.txt", verses());
    bench.write("experiment.toml", experiment("data = \"verses.txt\""));
    let report = bench.json(["run", "experiment.toml", "--json"]);
    let number = |pointer: &str| report.pointer(pointer).and_then(serde_json::Value::as_f64).unwrap();
    let perplexity = number("/test_perplexity");
    // Of 5 tokens one is drawn, of 4 numbers: without context 6 of them come about as often, with it one of 4 is open.
    assert!(perplexity < 2.5, "{report}");
    assert!(number("/test_perplexity_deviation") >= 0.0 && number("/test_accuracy") > 0.6, "{report}");
    let seeds = [number("/test/0/loss"), number("/test/1/loss")].map(f64::exp);
    assert!((perplexity - (seeds[0] + seeds[1]) / 2.0).abs() < 1e-9);
    assert_eq!((&report["tried"]["objective"], &report["tried"]["failed"]), (&"perplexity".into(), &0.into()));
    assert!(number("/tried/best") <= number("/tried/median"), "{report}");
    assert!(number("/found/validation_perplexity") < number("/tried/best"), "{report}");
    let run = bench.json(["show", "latest", "--json"]);
    assert_eq!(run["test_perplexity"], report["test_perplexity"]);
    assert_eq!(run["settings"]["trainer"]["data"]["input"], serde_json::json!([1]));
    assert_eq!(run["settings"]["experiment"]["task"]["objectives"], serde_json::json!(["perplexity"]));
    let shown = String::from_utf8(bench.output(["show", "latest"]).stdout).unwrap();
    assert!(
        shown.contains(&format!("test perplexity {perplexity:.4}")) && shown.contains("multiply-adds a token"),
        "{shown}"
    );
    let listed = String::from_utf8(bench.output(["runs"]).stdout).unwrap();
    assert!(listed.contains(&format!("perplexity {perplexity:.4}")), "{listed}");
    let verified = bench.output(["verify", "latest", "--deep"]);
    assert!(verified.status.success(), "{}", archwright_tests::stderr(&verified));
    let exported = bench.json(["export", "--json"]);
    let files: Vec<&str> = exported["files"].as_array().unwrap().iter().filter_map(serde_json::Value::as_str).collect();
    for name in ["network.json", "model.py", "weights.safetensors", "model.onnx", "skeleton.svg", "skeleton.png"] {
        assert!(files.contains(&name), "{files:?}");
    }
    let module = std::fs::read_to_string(bench.path().join("run-1-export/model.py")).unwrap();
    assert!(module.contains(&format!("test perplexity {perplexity:.4}")), "{module}");
    let message = bench.fails(["predict", "verses.txt"], 2);
    assert!(message.contains("no files to classify") && message.contains("`archwright export 1`"), "{message}");
    // With another number of workers, and from nothing, the same bits.
    let again = Bench::new();
    again.write("verses.txt", verses());
    again.write("experiment.toml", experiment("data = \"verses.txt\"").replace("[run]", "[run]\nworkers = 1"));
    let repeated = again.json(["run", "experiment.toml", "--json"]);
    assert_eq!((&repeated["test"], &repeated["found"]), (&report["test"], &report["found"]));
}

#[test]
fn characters_of_this_projects_own_words_and_a_limited_vocabulary() {
    let bench = Bench::new();
    let text = std::fs::read_to_string(repository().join("docs/operators.md")).unwrap();
    let part = |from: usize, count: usize| text.chars().skip(from).take(count).collect::<String>();
    bench.write("corpus/train.txt", part(0, 3_000));
    bench.write("corpus/valid.txt", part(3_000, 600));
    bench.write("corpus/test.txt", part(3_600, 600));
    for (task, classes) in [
        ("data = \"corpus\"\ntokens = \"characters\"\nobjectives = [\"loss\", \"parameters\"]", None),
        ("data = \"corpus\"\nvocabulary = 20", Some(20)),
    ] {
        let text = experiment(task).replace("epochs = 8", "epochs = 4").replace("queries = 3", "queries = 1");
        bench.write("experiment.toml", text);
        let report = bench.json(["run", "experiment.toml", "--json"]);
        assert!(report["test_perplexity"].as_f64().unwrap() > 1.0, "{report}");
        let run = bench.json(["show", "latest", "--json"]);
        let data = &run["settings"]["trainer"]["data"];
        if let Some(classes) = classes {
            assert_eq!(data["classes"], classes);
        } else {
            assert_eq!((&data["train"], &data["validation"], &data["test"]), (&3_000.into(), &600.into(), &600.into()));
        }
    }
}

#[test]
fn the_example_is_an_experiment() {
    let bench = Bench::new();
    let example = repository().join("examples/text.toml");
    let output = bench.command(["run"]).arg(example).arg("--dry-run").output().unwrap();
    assert!(output.status.success(), "{}", archwright_tests::stderr(&output));
}

#[test]
fn mistakes_about_texts_are_told() {
    let bench = Bench::new();
    bench.write("verses.txt", verses());
    bench.write("empty.txt", "");
    bench.write("binary.txt", [0xff, 0xfe, 0x00, 0x41]);
    bench.write("short.txt", "too short");
    let text = || experiment("data = \"verses.txt\"");
    for (text, expected) in [
        (text().replace("epochs = 8", "epochs = 8\nflip = true"), "`task.recipe.flip` is for images"),
        (experiment("data = \"verses.txt\"\nimage_size = 8"), "`task.image_size` is for images"),
        (experiment("data = \"digits\"\ntokens = \"words\""), "`task.tokens` is for texts"),
        (experiment("data = \"digits\"\nvocabulary = 9"), "`task.vocabulary` is for texts"),
        (experiment("data = \"verses.txt\"\nvocabulary = 1"), "`task.vocabulary` has to be 2 to 300000"),
        (experiment("data = \"verses.txt\"\ntokens = \"letters\""), "expected `words` or `characters`"),
        (text().replace("sequence_length = 16", "sequence_length = 0"), "`task.recipe.sequence_length` has to be 1 to"),
        (experiment("data = \"nothing.txt\""), "there is no data at"),
        (experiment("data = \"empty.txt\""), "it is empty"),
        (experiment("data = \"binary.txt\""), "byte 0 is not UTF-8 text"),
        (experiment("data = \"short.txt\""), "more text is needed"),
        (text().replace("batch_size = 4", "batch_size = 5000"), "lower `batch_size`"),
        (text().replace("hidden_size = 16", "hidden_size = 12"), "both have to agree"),
        (
            text().replace("rnn-cell\"", "chain\"").replace("hidden_size = 16\nembedding_size = 16\n", ""),
            "unknown option",
        ),
        (experiment("data = \"digits\""), "it takes one token, an input of the shape [1], not 1x8x8"),
    ] {
        bench.write("experiment.toml", &text);
        let output = bench.output(["run", "experiment.toml"]);
        let message = archwright_tests::stderr(&output);
        assert!(!output.status.success() && message.contains(expected), "{expected}: {message}\n{text}");
    }
}
