//! What a new project is made of.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;

use archwright_build::manifest::{Kind, Language, Manifest};
use archwright_build::{NewError, Project, sdk};

fn project(folder: &Path, kind: Kind) -> Project {
    let folder = folder.join(kind.name());
    Project { name: "my-own".into(), kind, language: Language::Rust, folder, sdk: sdk() }
}

fn texts(files: &[std::path::PathBuf]) -> Vec<String> {
    files.iter().filter(|file| !file.ends_with("Cargo.lock")).map(|file| fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn every_kind_has_a_manifest_a_crate_and_an_experiment() {
    let folder = tempfile::tempdir().unwrap();
    for kind in Kind::ALL {
        let project = project(folder.path(), kind);
        let files = project.create().unwrap();
        let manifest = Manifest::read(&project.folder).unwrap();
        assert_eq!((manifest.plugin.name.as_str(), manifest.plugin.kind), ("my-own", kind));
        for file in ["src/lib.rs", "Cargo.toml", "Cargo.lock", "README.md", ".gitignore"] {
            assert!(files.contains(&project.folder.join(file)), "{files:?}");
        }
        let texts = texts(&files);
        for placeholder in ["plugin-name", "plugin_name", "SDK_PATH"] {
            assert!(texts.iter().all(|text| !text.contains(placeholder)), "{placeholder}");
        }
        let experiment = fs::read_to_string(project.folder.join("experiment.toml")).unwrap();
        assert!(experiment.contains("use = \"./my-own.wasm\""), "{experiment}");
        let crate_file = fs::read_to_string(project.folder.join("Cargo.toml")).unwrap();
        let crate_file: toml::Table = crate_file.parse().unwrap();
        assert_eq!(crate_file["dependencies"]["archwright-sdk"]["path"].as_str(), sdk().to_str());
        assert_eq!(crate_file["package"]["version"].as_str(), Some(manifest.plugin.version.as_str()));
        assert!(matches!(project.create(), Err(NewError::Occupied(_))));
    }
}

#[test]
fn paths_with_quotes_can_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let sdk = folder.path().join("it's \"the\" SDK");
    fs::create_dir(&sdk).unwrap();
    let project = Project { sdk: sdk.clone(), ..project(folder.path(), Kind::Strategy) };
    assert!(matches!(project.create(), Err(NewError::NoSdk(_))));
    fs::write(sdk.join("Cargo.toml"), "").unwrap();
    project.create().unwrap();
    let crate_file: toml::Table = fs::read_to_string(project.folder.join("Cargo.toml")).unwrap().parse().unwrap();
    let path = crate_file["dependencies"]["archwright-sdk"]["path"].as_str();
    assert_eq!(path, sdk.canonicalize().unwrap().to_str());
}
