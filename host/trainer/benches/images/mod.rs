//! Images to measure with.

use std::path::Path;

/// Images in each of CIFAR-10's six files.
const IMAGES: usize = 256;

/// Files like CIFAR-10's, filled with a fixed pattern.
pub(crate) fn write(folder: &Path) {
    let names = (1..=5).map(|batch| format!("data_batch_{batch}.bin")).chain(["test_batch.bin".to_owned()]);
    for (file, name) in names.enumerate() {
        let record = |image: usize| {
            let label = std::iter::once((image % 10) as u8);
            label.chain((0..3072).map(move |pixel| (pixel * 7 + image * 31 + file * 13) as u8))
        };
        let content: Vec<u8> = (0..IMAGES).flat_map(record).collect();
        std::fs::write(folder.join(&name), content).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
