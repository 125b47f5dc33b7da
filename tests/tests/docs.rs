//! What the README shows is what there is.

use std::fs;

use archwright_tests::{Bench, program, repository};

#[test]
fn the_readme_explains_the_experiment_of_the_demo() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let experiment = fs::read_to_string(repository().join("examples/digits.toml")).unwrap();
    assert!(readme.contains(&format!("```toml\n{experiment}```")), "README.md does not show examples/digits.toml");
}

#[test]
fn the_strategy_in_ten_minutes_is_the_one_that_is_made() {
    let bench = Bench::new();
    let made = bench.json(["plugin", "new", "oldest-die", "--kind", "strategy", "--lang", "rust", "--json"]);
    let page = fs::read_to_string(repository().join("docs/write-a-strategy-in-rust.md")).unwrap();
    let source = fs::read_to_string(bench.path().join("oldest-die/src/lib.rs")).unwrap();
    let (method, _) = source.split_once("\n#[cfg(test)]").unwrap();
    assert!(page.contains(&format!("```rust\n{method}```")), "the page does not show src/lib.rs of a new strategy");
    for command in made["next"].as_array().unwrap() {
        let command = command.as_str().unwrap().replace(program().to_str().unwrap(), "archwright");
        assert!(page.contains(&format!("\n{command}\n")), "the page lacks {command}");
    }
}

#[test]
fn the_strategies_in_other_languages_are_the_ones_that_are_made() {
    let bench = Bench::new();
    for (language, entry, code) in [("python", "app.py", "python"), ("javascript", "plugin.js", "js")] {
        let made = ["plugin", "new", "oldest-die", "--kind", "strategy", "--lang", language, "--folder", language];
        assert!(bench.output(made).status.success());
        let page = fs::read_to_string(repository().join(format!("docs/write-a-strategy-in-{language}.md"))).unwrap();
        let source = fs::read_to_string(bench.path().join(language).join(entry)).unwrap();
        assert!(page.contains(&format!("```{code}\n{source}```")), "the page does not show {entry} of a new strategy");
    }
}
