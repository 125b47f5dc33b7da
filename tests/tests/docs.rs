//! What the README shows is what there is.

use std::fs;

use archwright_tests::repository;

#[test]
fn the_readme_explains_the_experiment_of_the_demo() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let experiment = fs::read_to_string(repository().join("examples/digits.toml")).unwrap();
    assert!(readme.contains(&format!("```toml\n{experiment}```")), "README.md does not show examples/digits.toml");
}
