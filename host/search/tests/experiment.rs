//! Experiment files: what is wrong is told with its place, and nothing makes the parser panic.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::path::Path;

use archwright_search::experiment::{ExperimentFile, schema};
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
