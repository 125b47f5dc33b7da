//! Parts are kept by content.

mod common;

use archwright_store::{Item, Store, StoreError};

#[test]
fn keeps_parts_by_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let digest = store.keep_part(b"a plugin").unwrap();
    assert_eq!(digest, common::digest("a plugin"));
    assert_eq!(store.keep_part(b"a plugin").unwrap(), digest);
    assert_eq!(store.part(&digest).unwrap().as_deref(), Some(&b"a plugin"[..]));
    assert_eq!(store.part(&common::digest("another")).unwrap(), None);
    assert_eq!(store.part("../archwright.db").unwrap(), None);
    assert_eq!(std::fs::read_dir(folder.path().join("parts")).unwrap().count(), 1);
}

#[test]
fn a_damaged_part_is_found_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let digest = store.keep_part(b"a plugin").unwrap();
    std::fs::write(folder.path().join("parts").join(&digest), "a plugim").unwrap();
    let error = store.part(&digest).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged(damage) if damage.item == Item::Part(digest.clone())), "{error}");
    store.keep_part(b"a plugin").unwrap();
    assert_eq!(store.part(&digest).unwrap().as_deref(), Some(&b"a plugin"[..]));
}
