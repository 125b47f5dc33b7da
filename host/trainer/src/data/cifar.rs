//! CIFAR-10 and CIFAR-100 in their binary form.

use std::path::Path;

use super::{Examples, Pixels, files};
use crate::Problem;

/// Values of an image: three channels of 32x32 pixels.
const VALUES: usize = 3 * 32 * 32;

/// `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`: records of a label and an image.
pub(super) fn read_10(folder: &Path) -> Result<Examples, Problem> {
    let train: Vec<String> = (1..=5).map(|batch| format!("data_batch_{batch}.bin")).collect();
    read(folder, &train, "test_batch.bin", 1, 10)
}

/// `train.bin` and `test.bin`: records of a coarse label, a fine label and an image. The fine labels count.
pub(super) fn read_100(folder: &Path) -> Result<Examples, Problem> {
    read(folder, &["train.bin".to_owned()], "test.bin", 2, 100)
}

fn read(folder: &Path, train: &[String], test: &str, labels_each: usize, classes: u8) -> Result<Examples, Problem> {
    files::check_folder(folder, &format!("the files {} and {test}", train.join(", ")))?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let mut add = |name: &str| {
        let path = folder.join(name);
        let content = files::read(&path)?;
        parse(&content, labels_each, classes, &mut pixels, &mut labels)
            .map_err(|problem| Problem::data(format!("{}: {problem}", path.display())))?;
        Ok::<_, Problem>(labels.len())
    };
    let mut test_from = 0;
    for name in train {
        test_from = add(name)?;
    }
    add(test)?;
    Ok(Examples { shape: [3, 32, 32], pixels: Pixels::Bytes(pixels), labels, test_from: Some(test_from) })
}

/// Adds a file's records.
fn parse(
    content: &[u8],
    labels_each: usize,
    classes: u8,
    pixels: &mut Vec<u8>,
    labels: &mut Vec<u32>,
) -> Result<(), String> {
    let record = labels_each + VALUES;
    if content.is_empty() || !content.len().is_multiple_of(record) {
        let problem = format!("{} bytes are not a number of records of {record}", content.len());
        return Err(format!("{problem}: it is truncated or not of this format"));
    }
    for (index, record) in content.chunks_exact(record).enumerate() {
        let label = record[labels_each - 1];
        if label >= classes {
            return Err(format!("record {index} has the label {label}, labels are below {classes}"));
        }
        labels.push(label.into());
        pixels.extend(&record[labels_each..]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_records_and_refuses_others() {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        let mut content = vec![7; 1 + VALUES];
        content.extend(vec![9; 1 + VALUES]);
        parse(&content, 1, 10, &mut pixels, &mut labels).unwrap();
        assert_eq!((labels, pixels.len()), (vec![7, 9], 2 * VALUES));
        let refused = |content: &[u8]| parse(content, 1, 10, &mut Vec::new(), &mut Vec::new()).unwrap_err();
        assert!(refused(&content[1..]).contains("truncated"));
        assert!(refused(&[]).contains("truncated"));
        content[0] = 10;
        assert!(refused(&content).contains("label 10"));
    }
}
