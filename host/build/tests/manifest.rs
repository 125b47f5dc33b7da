//! What a manifest may say, and what is said of mistakes.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;

use archwright_build::manifest::{Kind, Language, Manifest, ManifestError, Wishes, check_name};
use proptest::prelude::*;

const SMALL: &str = "[plugin]\nname = \"my-strategy\"\nversion = \"0.1.0\"\nkind = \"strategy\"\nlanguage = \"rust\"\n";

fn problem(text: &str) -> String {
    Manifest::parse("plugin.toml", text).unwrap_err().to_string()
}

#[test]
fn a_manifest_says_what_is_built_and_where() {
    let manifest = Manifest::parse("plugin.toml", SMALL).unwrap();
    assert_eq!((manifest.plugin.kind, manifest.plugin.language), (Kind::Strategy, Language::Rust));
    assert_eq!(manifest.output(Path::new("folder")), Path::new("folder/my-strategy.wasm"));
    assert!(manifest.limits.is_empty());
    let full = SMALL.to_owned()
        + "license = \"MIT\"\ndescription = \"Tries\"\n[build]\noutput = \"out/it.wasm\"\n\
           [limits]\nfuel_per_call = 1_000_000_000\nmemory_bytes = 67_108_864\n";
    let manifest = Manifest::parse("plugin.toml", full).unwrap();
    assert_eq!(manifest.output(Path::new("folder")), Path::new("folder/out/it.wasm"));
    let wishes = Wishes { fuel_per_call: Some(1_000_000_000), memory_bytes: Some(67_108_864) };
    assert_eq!(manifest.limits, wishes);
    let again = Manifest::parse("plugin.toml", toml::to_string(&manifest).unwrap()).unwrap();
    assert_eq!(again, manifest);
}

#[test]
fn mistakes_are_named_with_their_line_and_what_would_be_right() {
    for (wrong, line, parts) in [
        (SMALL.replace("\"my-strategy\"", "\"MyStrategy\""), 2, &["`MyStrategy`", "`my-strategy`"][..]),
        (SMALL.replace("0.1.0", "1"), 3, &["`plugin.version`", "`0.1.0`"]),
        (SMALL.replace("\"strategy\"", "\"stategy\""), 4, &["unknown value `stategy`", "`search-space`"]),
        (SMALL.replace("rust", "cobol"), 5, &["`cobol`", "`javascript`"]),
        (SMALL.to_owned() + "licence = \"MIT\"\n", 6, &["unknown key `licence`", "`license`"]),
        (SMALL.to_owned() + "[limits]\nfuel = 1\n", 7, &["unknown key `fuel`", "`fuel_per_call`"]),
        (SMALL.to_owned() + "[limits]\nmemory_bytes = 0\n", 7, &["`limits.memory_bytes`", "at least 1"]),
        (SMALL.to_owned() + "[limits]\nfuel_per_call = -1\n", 7, &["-1", "u64"]),
        (SMALL.to_owned() + "[build]\noutput = \"../it.wasm\"\n", 7, &["within the project's folder"]),
        (SMALL.to_owned() + "[build]\noutput = \"/it.wasm\"\n", 7, &["within the project's folder"]),
        (SMALL.to_owned() + "[build]\noutput = \"it\"\n", 7, &["`.wasm`"]),
        (SMALL.to_owned() + "[other]\n", 6, &["unknown key `other`", "`limits`"]),
        (SMALL.replace("kind = \"strategy\"\n", ""), 1, &["no `kind`", "\"search-space\""]),
        (SMALL.replace("name = ", "name "), 2, &[]),
    ] {
        let message = problem(&wrong);
        assert!(message.starts_with(&format!("plugin.toml:{line}: ")), "{wrong}\n{message}");
        assert!(parts.iter().all(|part| message.contains(part)), "{parts:?}: {message}");
    }
    assert!(problem("").contains("`[plugin]` is missing"), "{}", problem(""));
}

#[test]
fn a_folder_without_a_manifest_is_told_from_one_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Manifest::read(folder.path()).unwrap_err();
    assert!(matches!(missing, ManifestError::Missing { .. }), "{missing}");
    std::fs::create_dir(folder.path().join("plugin.toml")).unwrap();
    let unreadable = Manifest::read(folder.path()).unwrap_err();
    assert!(matches!(unreadable, ManifestError::Unreadable { .. }), "{unreadable}");
}

#[test]
fn names_are_kebab_case() {
    for name in ["a", "my-strategy", "v2", "nsga-2", &"x".repeat(64)] {
        check_name(name).unwrap();
    }
    for name in ["", "-", "a-", "-a", "a--b", "A", "2d", "a_b", "a b", "ä", "../a", &"x".repeat(65)] {
        assert!(check_name(name).is_err(), "{name}");
    }
    assert!(check_name("My_Search Space").unwrap_err().contains("`my-search-space`"));
}

#[test]
fn the_schema_knows_the_keys() {
    let schema = Manifest::schema().to_string();
    for key in ["fuel_per_call", "memory_bytes", "search-space", "javascript", "output"] {
        assert!(schema.contains(key), "{key}");
    }
}

proptest! {
    #[test]
    fn any_text_gives_a_manifest_or_an_error(text in "\\PC{0,80}", key in "[a-z]{1,6}") {
        let _ = Manifest::parse("plugin.toml", text.clone());
        let _ = Manifest::parse("plugin.toml", format!("{SMALL}{key} = {text}"));
        if let Err(problem) = check_name(&text) {
            prop_assert!(!problem.is_empty());
        }
    }
}
