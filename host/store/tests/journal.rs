//! A journal gives back what was written, and tells where it is not that any more.

#![expect(clippy::unwrap_used, reason = "a test fails where it is wrong")]

use std::fs;
use std::path::Path;

use archwright_store::{JournalError, JournalLock, JournalReader, JournalWriter, is_being_written};
use proptest::prelude::*;

fn write(path: &Path, records: &[Vec<u8>]) {
    let mut writer = JournalWriter::create(path).unwrap();
    for record in records {
        writer.append(|buffer| buffer.extend_from_slice(record)).unwrap();
    }
    writer.sync().unwrap();
}

/// The records that can be read, and what ends them.
fn read(path: &Path) -> (Vec<Vec<u8>>, Result<(), JournalError>) {
    let mut records = Vec::new();
    let mut reader = match JournalReader::open(path) {
        Ok(reader) => reader,
        Err(error) => return (records, Err(error)),
    };
    loop {
        match reader.next_record() {
            Ok(Some(record)) => records.push(record.to_vec()),
            Ok(None) => return (records, Ok(())),
            Err(error) => return (records, Err(error)),
        }
    }
}

/// Records of which few are empty.
fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..20)
}

proptest! {
    #[test]
    fn gives_back_what_was_written(records in records()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.journal");
        write(&path, &records);
        let (read, end) = read(&path);
        prop_assert_eq!(read, records);
        prop_assert!(end.is_ok());
    }

    #[test]
    fn a_journal_that_breaks_off_is_whole_up_to_there_and_goes_on(records in records(), cut in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.journal");
        write(&path, &records);
        let whole = fs::read(&path).unwrap();
        let length = 12 + cut.index(whole.len() - 12);
        fs::write(&path, &whole[..length]).unwrap();
        let (before, end) = read(&path);
        prop_assert!(records.starts_with(&before));
        prop_assert!(matches!(end, Ok(()) | Err(JournalError::Torn { .. })), "{:?}", end);
        prop_assert!(before.len() < records.len());

        let mut reader = JournalReader::open(&path).unwrap();
        while let Ok(Some(_)) = reader.next_record() {}
        let mut writer = JournalLock::take(&path).unwrap().resume(reader.end()).unwrap();
        for record in &records[before.len()..] {
            writer.append(|buffer| buffer.extend_from_slice(record)).unwrap();
        }
        drop(writer);
        prop_assert_eq!(fs::read(&path).unwrap(), whole);
        // What was cut off is kept.
        let kept = fs::read(path.with_extension("torn")).unwrap_or_default();
        prop_assert_eq!(kept.is_empty(), end.is_ok());
    }

    #[test]
    fn any_changed_byte_is_found(records in records(), place in any::<prop::sample::Index>(), bit in 0..8u8) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.journal");
        write(&path, &records);
        let mut bytes = fs::read(&path).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        fs::write(&path, &bytes).unwrap();
        let (before, end) = read(&path);
        prop_assert!(records.starts_with(&before) && before.len() < records.len());
        prop_assert!(end.is_err());
    }
}

#[test]
fn zeros_at_the_end_are_a_torn_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.journal");
    write(&path, &[vec![1, 2, 3], vec![4]]);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([0; 100]);
    fs::write(&path, &bytes).unwrap();
    let (before, end) = read(&path);
    assert_eq!(before.len(), 2);
    assert!(matches!(end, Err(JournalError::Torn { record: 2, .. })), "{end:?}");
}

#[test]
fn one_process_at_a_time_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.journal");
    let writer = JournalWriter::create(&path).unwrap();
    assert!(is_being_written(&path).unwrap());
    assert!(matches!(JournalLock::take(&path), Err(JournalError::Busy { .. })));
    assert!(JournalWriter::create(&path).is_err(), "a journal is never begun twice");
    drop(writer);
    assert!(!is_being_written(&path).unwrap());
    assert!(JournalLock::take(&path).is_ok());
}

#[test]
fn what_is_no_journal_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.journal");
    let open = || JournalReader::open(&path).map(|_| ()).unwrap_err();
    assert!(matches!(open(), JournalError::Absent { .. }));
    fs::write(&path, b"archw").unwrap();
    assert!(matches!(open(), JournalError::Unbegun { .. }));
    fs::write(&path, b"something else altogether").unwrap();
    assert!(open().to_string().contains("is no journal"));
    fs::write(&path, b"archwjnl\xff\0\0\0").unwrap();
    assert!(open().to_string().contains("has version 255"));
}
