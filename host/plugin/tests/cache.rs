//! The folder of compiled code.
#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

mod guests;

use std::fs;
use std::path::{Path, PathBuf};

use archwright_plugin::{Engine, EngineOptions, Limits, NanProfile};
use guests::strategy;

fn engine(folder: &Path, nan: NanProfile) -> Engine {
    Engine::new(&EngineOptions { cache_dir: Some(folder.into()), nan, ..EngineOptions::default() }).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn load(engine: &Engine, bytes: &[u8]) -> String {
    engine.load_bytes("test.wasm", bytes, &Limits::default()).unwrap().digest().to_owned()
}

#[test]
fn compiled_code_is_kept_by_content_and_configuration() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("compiled");
    let portable = engine(&folder, NanProfile::Portable);
    let digest = load(&portable, &strategy(&[]));
    assert_eq!(digest, blake3::hash(&strategy(&[])).to_hex().as_str());
    assert_eq!(files(&folder).len(), 1);
    load(&portable, &strategy(&[]));
    load(&engine(&folder, NanProfile::Portable), &strategy(&[]));
    assert_eq!(files(&folder).len(), 1);
    load(&portable, &strategy(&[("summary", "Another one.")]));
    assert_eq!(files(&folder).len(), 2);
    load(&engine(&folder, NanProfile::Native), &strategy(&[]));
    assert_eq!(files(&folder).len(), 3);
}

#[test]
fn damaged_files_are_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), NanProfile::Portable);
    let bytes = strategy(&[]);
    load(&engine, &bytes);
    let file = files(folder.path()).remove(0);
    let good = fs::read(&file).unwrap();
    let mut damages = vec![Vec::new(), good[..40].to_vec(), good[..good.len() - 1].to_vec()];
    for at in [0, 20, 60, good.len() / 2] {
        let mut damaged = good.clone();
        damaged[at] ^= 1;
        damages.push(damaged);
    }
    for damaged in damages {
        fs::write(&file, damaged).unwrap();
        load(&engine, &bytes);
        assert_eq!(fs::read(&file).unwrap(), good);
    }
}

#[test]
fn a_file_under_another_name_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), NanProfile::Portable);
    load(&engine, &strategy(&[]));
    let first = files(folder.path()).remove(0);
    let other = strategy(&[("name", "other")]);
    load(&engine, &other);
    let second = files(folder.path()).into_iter().find(|file| *file != first).unwrap();
    fs::copy(&first, &second).unwrap();
    let component = engine.load_bytes("test.wasm", &other, &Limits::default()).unwrap();
    assert_eq!(component.name(), "other");
}

#[cfg(unix)]
#[test]
fn a_folder_that_everyone_can_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    load(&engine(folder.path(), NanProfile::Portable), &strategy(&[]));
    assert!(files(folder.path()).is_empty());
}
