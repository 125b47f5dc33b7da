//! Experiment files: what is wrong is told with its place, and nothing makes the parser panic.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::path::Path;

use archwright_search::experiment::{ExperimentFile, schema};
use archwright_space::Definition;
use proptest::prelude::*;

const GOOD: &str = r#"
[space]
use = "chain"

[strategy]
use = "regularized-evolution"
population_size = 10

[estimator]
use = "low-fidelity"

[task]
data = "digits"
objectives = ["accuracy", "parameters"]

[task.split]
validation = 0.25

[task.recipe]
epochs = 4
optimizer = "adamw"

[budget]
queries = 10
time = "1h 30m"

[trainer]
patience = 60
"#;

fn parse(text: &str) -> Result<ExperimentFile, archwright_search::ExperimentError> {
    ExperimentFile::from_text("test.toml", text, Path::new("."))
}

/// The error for `GOOD` with one replacement: its place and its message.
fn check(from: &str, to: &str) -> (Option<(usize, usize)>, String) {
    assert!(GOOD.contains(from), "{from}");
    let error = parse(&GOOD.replacen(from, to, 1)).expect_err(to);
    (error.position(), error.to_string())
}

#[test]
fn reads_and_fills_in_defaults() {
    let experiment = parse(GOOD).unwrap().experiment;
    assert_eq!(experiment.strategy.options["population_size"], 10);
    assert_eq!(experiment.task.split.test, 0.2);
    assert_eq!(experiment.budget.time.unwrap().0, 5400.0);
    assert_eq!(experiment.trainer.threads, 1);
    assert_eq!(experiment.run.in_flight, 4);
}

#[test]
fn points_at_the_value() {
    assert_eq!(check("epochs = 4", "epochs = 0").0, Some((20, 10)));
    assert_eq!(check("validation = 0.25", "validation = 1.0").0, Some((17, 14)));
    assert_eq!(check("patience = 60", "threads = 0").0, Some((28, 11)));
    assert_eq!(check("\"adamw\"", "\"adam\"").0, Some((21, 13)));
    let (place, message) = check("queries = 10\ntime = \"1h 30m\"", "");
    assert_eq!(place, Some((23, 2)));
    assert!(message.contains("queries"), "{message}");
}

#[test]
fn values_that_nothing_would_come_of_are_refused_at_their_place() {
    for (from, to, place, part) in [
        ("epochs = 4", "learning_rate = inf", (20, 17), "`task.recipe.learning_rate` has to be finite and above 0"),
        ("epochs = 4", "weight_decay = inf", (20, 16), "finite and at least 0"),
        ("epochs = 4", "betas = [0.9, 0.9, 0.9]", (20, 9), "`task.recipe.betas` has to be two numbers, not 3"),
        ("epochs = 4", "betas = [0.9]", (20, 9), "`task.recipe.betas` has to be two numbers, not 1"),
        ("\"accuracy\", \"parameters\"", "\"loss\", \"loss\"", (14, 14), "a list of objectives that differ"),
        ("\"digits\"", "\"digits\"\nformat = \"idx\"", (14, 10), "have no `format`"),
        ("\"digits\"", "\"digits\"\nimage_size = 16", (14, 14), "`image_size` is for image folders"),
        ("\"digits\"", "\"./digits\"\nformat = \"digits\"", (14, 10), "the embedded images"),
        ("\"digits\"", "\"x\"\nformat = \"npz\"\nimage_size = 16", (15, 14), "`image_size` is for `images`"),
        ("patience = 60", "devices = [\"gpu\"]", (28, 11), "unknown device `gpu`: a device is `auto`, `cpu` or a GPU"),
        ("patience = 60", "devices = [\"cuda:x\"]", (28, 11), "unknown device `cuda:x`"),
        ("patience = 60", "command = [\"\"]", (28, 11), "`trainer.command` has to be a program and its arguments"),
        ("patience = 60", "[engine]\nstack_bytes = 1", (29, 15), "`engine.stack_bytes` has to be 65536 to 1048576"),
        ("patience = 60", "[engine]\nstack_bytes = 9000000", (29, 15), "65536 to 1048576"),
        ("patience = 60", "[engine]\npatience = 1e-9", (29, 12), "`engine.patience` has to be at least 0.001 seconds"),
    ] {
        let (found, message) = check(from, to);
        assert_eq!(found, Some(place), "{to}: {message}");
        assert!(message.contains(part), "{to}: {message}");
    }
    for good in ["devices = [\"auto\", \"cpu\", \"cuda:3\"]", "command = [\"train\"]\ndevices = [\"npu\"]"] {
        parse(&GOOD.replace("patience = 60", good)).expect(good);
    }
    parse(&GOOD.replace("\"digits\"", "\"digits\"\nformat = \"digits\"")).expect("the format that it has");
}

#[test]
fn mistakes_are_told_in_words_of_the_file() {
    for (from, to, expected) in [
        (
            "epochs = 4",
            "epochs = \"two\"",
            "`task.recipe.epochs` has to be a whole number from 0 to 4294967295, not text \"two\"",
        ),
        ("epochs = 4", "epochs = 2.5", "`task.recipe.epochs` has to be a whole number from 0 to 4294967295, not 2.5"),
        ("epochs = 4", "nesterov = 1", "`task.recipe.nesterov` has to be true or false, not 1"),
        ("epochs = 4", "momentum = true", "`task.recipe.momentum` has to be a number, not true"),
        ("epochs = 4", "betas = 3", "`task.recipe.betas` has to be two numbers, not 3"),
        ("\"digits\"", "3", "`task.data` has to be text, not 3"),
        ("queries = 10", "queries = -1", "`budget.queries` has to be a whole number, at least 0, not -1"),
        ("[space]\nuse = \"chain\"", "space = \"chain\"\n", "`space` has to be a table with `use`, not text \"chain\""),
        ("\"adamw\"", "\"adam\"", "`task.recipe.optimizer`: unknown value `adam`, expected `sgd` or `adamw`"),
        ("[space]\nuse = \"chain\"", "[space]", "`[space]` has no `use`: the name or path of a search space"),
        ("data = \"digits\"", "", "`[task]` has no `data`: `digits`, or the path of the data"),
        ("[budget]\nqueries = 10\ntime = \"1h 30m\"", "", "the table `[budget]` is missing"),
    ] {
        assert_eq!(check(from, to).1, expected, "{to}");
    }
    let error = parse("[task.recipe]\nepochs = 3\n[space]\nuse = \"chain\"").unwrap_err();
    assert_eq!(error.to_string(), "the tables `[strategy]`, `[estimator]`, `[budget]` are missing");
    for empty in ["", "# nothing\n"] {
        let error = parse(empty).unwrap_err();
        assert_eq!(error.to_string(), "the file is empty");
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        let tables = "`[space]`, `[strategy]`, `[estimator]`, `[task]`, `[budget]`";
        assert_eq!(help, format!("an experiment has the tables {tables}"));
    }
}

#[test]
fn missing_data_of_a_task_is_told_at_the_task() {
    let text = GOOD.replace("[task]\ndata = \"digits\"\nobjectives = [\"accuracy\", \"parameters\"]\n", "");
    let error = parse(&text).unwrap_err();
    assert_eq!(error.to_string(), "`[task]` has no `data`: `digits`, or the path of the data");
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.toml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, part) in
        [(Path::new("/dev/zero"), "a pipe or device"), (&pipe, "a pipe or device"), (folder.path(), "folder")]
    {
        let message = ExperimentFile::read(path).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains(&path.display().to_string()), "{message}");
    }
}

/// A space file that decides this of the recipe.
fn deciding(recipe: &str) -> Definition {
    let text = format!(
        "name = \"t\"\nnetwork = \"a\"\n[recipe]\n{recipe}\n[module.a]\nkind = \"chain\"\n\
         layers = [\"flatten\", {{ op = \"linear\", features = \"classes\" }}]"
    );
    Definition::parse(&text).expect("a space")
}

#[test]
fn recipes_that_a_space_decides_are_checked() {
    let file = parse(GOOD).unwrap();
    let check = |recipe: &str| file.check_space_recipe(&deciding(recipe));
    for good in ["epochs = 3", "learning_rate = { real = [0.01, 1] }", "optimizer = { choose = [\"sgd\", \"adamw\"] }"]
    {
        check(good).expect(good);
    }
    for (recipe, expected) in [
        ("epoch = 3", "a recipe has no key `epoch`"),
        ("epochs = 0", "`epochs` has to be 1 to 10^6, not 0"),
        ("epochs = \"many\"", "`epochs` has to be a whole number from 0 to 4294967295, not text \"many\""),
        ("epochs = { real = [1, 3] }", "`epochs` has to be a whole number from 0 to 4294967295, not 1.0"),
        ("learning_rate = { real = [-1, 0.1] }", "`learning_rate` has to be finite and above 0, not -1.0"),
        ("momentum = { choose = [0.9, 1.0] }", "`momentum` has to be at least 0 and below 1, not 1"),
        ("batch_size = { integer = [1, 10000000] }", "`batch_size` has to be 1 to 10^6, not 10000000"),
        ("schedule = { choose = [\"cosine\", \"cosin\"] }", "`schedule`: unknown value `cosin`"),
    ] {
        let error = check(recipe).expect_err(recipe);
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.position(), Some((3, 7)), "at the space's name");
    }
}

#[test]
fn full_settings_read_back_equal() {
    let experiment = parse(GOOD).unwrap().experiment;
    let text = toml::to_string(&experiment).unwrap();
    assert_eq!(parse(&text).unwrap().experiment, experiment);
}

#[test]
fn the_schema_names_every_section() {
    let schema = schema();
    for section in ["space", "strategy", "estimator", "task", "budget", "run", "trainer", "limits", "engine"] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,400}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_damage_is_read_or_refused(
        start in 0..GOOD.len(),
        length in 0usize..40,
        insert in prop::collection::vec(prop::sample::select(vec!["=", "[", "]", "\"", "\n", "9", "-", "nan", "x", "{", "'''", "."]), 0..6),
    ) {
        let end = (start + length).min(GOOD.len());
        let damaged = format!("{}{}{}", &GOOD[..start], insert.concat(), &GOOD[end..]);
        if let Err(error) = parse(&damaged) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn constraints_are_read_and_their_mistakes_told() {
    let with = |lines: &str| GOOD.replace("[budget]", &format!("[constraints]\n{lines}\n[budget]"));
    let file = parse(&with("parameters = 5000\nlatency = \"5ms\"")).expect("constraints");
    let constraints = file.experiment.constraints.expect("constraints");
    assert_eq!((constraints.parameters, constraints.multiply_adds), (Some(5000), None));
    assert!((constraints.latency.expect("a latency").0 - 0.005).abs() < 1e-12);
    for (lines, expected) in [
        ("parameters = 0", "`constraints.parameters` has to be at least 1"),
        ("multiply_adds = 0", "`constraints.multiply_adds` has to be at least 1"),
        ("activation_bytes = 0", "`constraints.activation_bytes` has to be at least 1"),
        ("parameters = -3", "`constraints.parameters` has to be a whole number, at least 0, not -3"),
        ("parameters = 1.5", "`constraints.parameters` has to be a whole number, at least 0, not 1.5"),
        ("latency = 0", "`constraints.latency` has to be a positive number of seconds"),
        ("latency = -1.0", "`constraints.latency` has to be a positive number of seconds"),
        ("latency = \"soon\"", "`constraints.latency` has to be a positive number of seconds"),
        ("params = 5", "unknown key `params`"),
        ("", "`[constraints]` is empty: give `parameters`"),
    ] {
        let message = parse(&with(lines)).expect_err(lines).to_string();
        assert!(message.contains(expected), "{lines}: {message}");
    }
    let none = check("data = \"digits\"", "data = \"digits\"\nlatency_batch = 0").1;
    assert_eq!(none, "`task.latency_batch` has to be 1 to 10^6");
    let objective = parse(&GOOD.replace("\"parameters\"]", "\"latency\"]\nlatency_batch = 8")).expect("an objective");
    assert_eq!(objective.experiment.task.latency_batch, 8);
}
