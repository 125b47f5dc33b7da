//! Compiled code that somebody else put into the cache.

use std::fs;
use std::path::{Path, PathBuf};

use archwright_plugin::Engine;

use crate::guests::host::{cached, limits};
use crate::guests::strategy;

fn name(folder: &Path, bytes: &[u8]) -> String {
    let engine = Engine::new(&cached(folder)).unwrap();
    engine.load_bytes("test.wasm", bytes, &limits()).unwrap().name().to_owned()
}

/// The only file of a folder.
fn file(folder: &Path) -> PathBuf {
    let mut files = fs::read_dir(folder).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    file
}

/// Length of what a file has before the code: a mark, the digest of what was compiled, a checksum of the code.
const HEADER: usize = 16 + 32 + 32;

#[test]
fn code_of_another_plugin_is_not_run() {
    let [ours, theirs] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (innocent, hostile) = (strategy(&[("name", "innocent")]), strategy(&[("name", "hostile")]));
    name(ours.path(), &innocent);
    name(theirs.path(), &hostile);
    let (target, forged) = (file(ours.path()), fs::read(file(theirs.path())).unwrap());
    let good = fs::read(&target).unwrap();
    let forgeries = [
        // All of the other's file, under this one's name.
        forged.clone(),
        // Its code under this one's header, and under its digest.
        [&good[..HEADER], &forged[HEADER..]].concat(),
        [&good[..48], &forged[48..HEADER], &good[HEADER..]].concat(),
        // Pieces of this one.
        good[..HEADER].to_vec(),
        good[..good.len() / 2].to_vec(),
        Vec::new(),
    ];
    for forgery in forgeries {
        fs::write(&target, forgery).unwrap();
        assert_eq!(name(ours.path(), &innocent), "innocent");
        assert_eq!(fs::read(&target).unwrap(), good, "it was compiled anew");
    }
}

/// Elsewhere, others might be able to write.
#[cfg(unix)]
#[test]
fn links_to_code_elsewhere_are_not_followed() {
    let [ours, elsewhere] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let innocent = strategy(&[("name", "innocent")]);
    name(ours.path(), &innocent);
    let target = file(ours.path());
    let moved = elsewhere.path().join("code");
    fs::rename(&target, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &target).unwrap();
    assert_eq!(name(ours.path(), &innocent), "innocent");
    assert!(fs::symlink_metadata(&target).unwrap().is_file(), "it was compiled anew, in place of the link");
    // Nor is a folder taken for code.
    fs::remove_file(&target).unwrap();
    fs::create_dir(&target).unwrap();
    assert_eq!(name(ours.path(), &innocent), "innocent");
}

/// Compiled code is nothing that can be loaded as a plugin.
#[test]
fn compiled_code_is_no_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::new(&cached(folder.path())).unwrap();
    engine.load_bytes("test.wasm", &strategy(&[]), &limits()).unwrap();
    let code = fs::read(file(folder.path())).unwrap();
    for bytes in [&code[..], &code[HEADER..]] {
        let error = engine.load_bytes("test.wasm", bytes, &limits()).map(drop).unwrap_err().to_string();
        assert_eq!(error, "test.wasm: this is not a WebAssembly file");
    }
}
