//! Data that cannot be what was meant is refused: with the file, what is wrong, and what would be right.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::{Cursor, Write};
use std::path::Path;

use archwright_protocol::{DataFormat, DataSource, FailureKind, Split, Task};
use archwright_trainer::data::{Examples, read};
use npyz::zip::ZipWriter;
use npyz::zip::write::FileOptions;
use npyz::{AutoSerialize, WriterBuilder};
use tempfile::TempDir;

fn task(format: DataFormat) -> Task {
    Task { data: DataSource::of(format), split: Split::default() }
}

/// What is said of data at a path, which it begins with.
fn refused(format: DataFormat, path: &Path) -> String {
    let problem = read(&task(format), Some(path)).unwrap_err();
    assert_eq!(problem.kind, FailureKind::Data, "{problem}");
    assert!(problem.message.contains(&path.display().to_string()), "{problem}");
    problem.message
}

fn holds(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

/// An archive of NumPy arrays.
#[derive(Default)]
struct Npz(Vec<(String, Vec<u8>)>);

impl Npz {
    fn with<T: AutoSerialize>(mut self, name: &str, shape: &[u64], values: Vec<T>) -> Self {
        let mut array = Vec::new();
        let mut writer =
            npyz::WriteOptions::<T>::new().default_dtype().shape(shape).writer(&mut array).begin_nd().unwrap();
        writer.extend(values).unwrap();
        writer.finish().unwrap();
        self.0.push((format!("{name}.npy"), array));
        self
    }

    /// `count` images of this shape, of zeros.
    fn images(self, name: &str, shape: &[u64]) -> Self {
        let values = vec![0u8; shape.iter().product::<u64>() as usize];
        self.with(name, shape, values)
    }

    fn labels(self, name: &str, labels: &[i64]) -> Self {
        self.with(name, &[labels.len() as u64], labels.to_vec())
    }

    fn bytes(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in &self.0 {
            zip.start_file(name, FileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn read(&self) -> Result<Examples, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.npz");
        std::fs::write(&path, self.bytes()).unwrap();
        let result = read(&task(DataFormat::Npz), Some(&path));
        result.map_err(|problem| {
            assert!(problem.message.starts_with(&path.display().to_string()), "{problem}");
            problem.message
        })
    }
}

#[test]
fn arrays_in_another_order_are_refused_with_the_remedy() {
    for last in [1, 3, 4] {
        let message = Npz::default().images("x", &[4, 16, 12, last]).labels("y", &[0, 1, 0, 1]).read().unwrap_err();
        holds(&message, &["`x`", "N,C,H,W", "x.transpose(0, 3, 1, 2)", &format!("[4, 16, 12, {last}]")]);
    }
    for shape in [[4, 3, 16, 12], [4, 1, 5, 3], [4, 3, 3, 3], [4, 2, 5, 6]] {
        let examples = Npz::default().images("x", &shape).labels("y", &[0, 1, 0, 1]).read().unwrap();
        assert_eq!(examples.shape.map(u64::from), shape[1..]);
    }
}

#[test]
fn labels_that_do_not_number_classes_are_refused() {
    let with = |labels: &[i64]| {
        Npz::default().images("x", &[labels.len() as u64, 2, 2]).labels("y", labels).read().unwrap_err()
    };
    holds(&with(&[0, 20, 40]), &["up to 40", "1 to 19, 21 to 39", "numbered from 0 without gaps"]);
    holds(&with(&[1, 2, 1, 2]), &["up to 2", "none is 0"]);
    holds(&with(&[0, 1, 255]), &["up to 255", "2 to 254"]);
    holds(&with(&[0, 1, 3, 5, 7, 9, 11, 13]), &["2, 4, 6, 8, 10 and 1 more"]);
    holds(&with(&[7, 7]), &["every label is 7", "at least two classes"]);
    holds(&with(&[0, -1]), &["label -1", "numbered from 0"]);
    holds(&with(&[]), &["no examples", "at least two classes"]);
    holds(&with(&[0, i64::from(u32::MAX)]), &["up to 4294967295"]);
}

#[test]
fn test_labels_that_no_training_example_has_are_refused() {
    let archive = Npz::default()
        .images("x_train", &[3, 2, 2])
        .labels("y_train", &[0, 1, 2])
        .images("x_test", &[3, 2, 2])
        .labels("y_test", &[0, 5, 7]);
    holds(&archive.read().unwrap_err(), &["test examples have labels that no training example has: 5, 7"]);
}

#[test]
fn numbers_of_images_and_labels_that_differ_are_refused() {
    let message = Npz::default().images("x", &[4, 2, 2]).labels("y", &[0, 1, 0]).read().unwrap_err();
    holds(&message, &["`x` has 4 images", "`y` 3 labels", "one label for each image"]);
}

#[test]
fn values_that_are_no_numbers_are_refused() {
    let mut values = vec![0.5f32; 16];
    values[9] = f32::NAN;
    let message = Npz::default().with("x", &[4, 2, 2], values).labels("y", &[0, 1, 0, 1]).read().unwrap_err();
    holds(&message, &["example 2 holds NaN", "finite number"]);
}

#[test]
fn archives_that_lie_are_refused_before_they_are_unpacked() {
    // A header that promises more than there is.
    let mut lying = Npz::default().images("x", &[4, 2, 2]).labels("y", &[0, 1, 0, 1]);
    let length = lying.0[0].1.len();
    lying.0[0].1.truncate(length - 5);
    holds(&lying.read().unwrap_err(), &["`x`", "truncated or damaged"]);
    // Half a gigabyte of zeros in half a megabyte.
    let bomb = Npz::default().images("x", &[2, 16_384, 16_384]).labels("y", &[0, 1]);
    assert!(bomb.bytes().len() < 1 << 20);
    holds(&bomb.read().unwrap_err(), &["`x`", "unpacks from", "without compression"]);
    // A header of any size that nothing follows.
    let mut endless = Npz::default().images("x", &[4, 2, 2]).labels("y", &[0, 1, 0, 1]);
    endless.0[0].1 = b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec();
    holds(&endless.read().unwrap_err(), &["`x`", "truncated or damaged"]);
}

#[test]
fn archives_of_something_else_are_told() {
    let message = Npz::default().images("images", &[4, 2, 2]).read().unwrap_err();
    holds(&message, &["it holds images", "`x_train`"]);
    let folder = tempfile::tempdir().unwrap();
    holds(&refused(DataFormat::Npz, folder.path()), &["it is a folder, not a file"]);
}

fn pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn pipes_and_devices_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npz");
    pipe(&path);
    holds(&refused(DataFormat::Npz, &path), &["not a regular file"]);
    holds(&refused(DataFormat::Npz, Path::new("/dev/zero")), &["not a regular file"]);
    pipe(&folder.path().join("train-images-idx3-ubyte"));
    holds(&refused(DataFormat::Idx, folder.path()), &["train-images-idx3-ubyte", "not a regular file"]);
    std::fs::rename(folder.path().join("train-images-idx3-ubyte"), folder.path().join("train.bin")).unwrap();
    holds(&refused(DataFormat::Cifar100, folder.path()), &["train.bin", "not a regular file"]);
    let images = images(&["a", "b"]);
    pipe(&images.path().join("a/pipe.png"));
    holds(&refused(DataFormat::Images, images.path()), &["pipe.png", "not a regular file"]);
}

#[test]
fn a_file_in_place_of_a_folder_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (format, part) in [
        (DataFormat::Idx, "train-images-idx3-ubyte"),
        (DataFormat::Cifar10, "data_batch_1.bin"),
        (DataFormat::Images, "PNG or JPEG"),
    ] {
        holds(&refused(format, file.path()), &["is no folder", part]);
        holds(&refused(format, Path::new("/no/such/folder")), &["does not exist", part]);
    }
}

/// A folder with an image in each of these.
fn images(folders: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for folder in folders {
        let folder = root.path().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        image::RgbImage::new(2, 2).save(folder.join("one.png")).unwrap();
    }
    root
}

#[test]
fn image_folders_whose_parts_have_other_classes_are_refused() {
    let folder = images(&["train/a", "train/b", "test/a", "test/z"]);
    let message = refused(DataFormat::Images, folder.path());
    holds(&message, &["the same classes", "`b` in `train` alone", "`z` in `test` alone"]);
    let examples = read(&task(DataFormat::Images), Some(images(&["train/a", "train/b", "test/a", "test/b"]).path()));
    assert_eq!(examples.unwrap().labels, [0, 1, 0, 1]);
}

#[test]
fn image_folders_without_images_are_named() {
    let folder = images(&["a", "b"]);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    holds(&refused(DataFormat::Images, folder.path()), &["empty", "no PNG or JPEG files"]);
    holds(&refused(DataFormat::Images, images(&["a"]).path()), &["at least two classes"]);
    holds(&refused(DataFormat::Images, tempfile::tempdir().unwrap().path()), &["no folders"]);
}

/// An IDX file of zeros on these axes.
fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut content = vec![0, 0, 8, sizes.len() as u8];
    content.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    content.extend(values);
    content
}

fn mnist(labels: &[u8], test_labels: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (part, labels) in [("train", labels), ("t10k", test_labels)] {
        let count = labels.len() as u32;
        let write =
            |name: &str, content| std::fs::write(folder.path().join(format!("{part}-{name}")), content).unwrap();
        write("images-idx3-ubyte", idx(&[count, 2, 2], &vec![0; labels.len() * 4]));
        write("labels-idx1-ubyte", idx(&[count], labels));
    }
    folder
}

#[test]
fn idx_files_that_do_not_fit_are_refused() {
    read(&task(DataFormat::Idx), Some(mnist(&[0, 1, 2], &[1]).path())).unwrap();
    holds(&refused(DataFormat::Idx, mnist(&[0, 1], &[1, 2]).path()), &["no training example has: 2"]);
    holds(&refused(DataFormat::Idx, mnist(&[0, 1, 255], &[1]).path()), &["2 to 254"]);
    holds(&refused(DataFormat::Idx, mnist(&[], &[]).path()), &["no examples"]);
    let folder = mnist(&[0, 1], &[1]);
    std::fs::write(folder.path().join("train-labels-idx1-ubyte"), idx(&[3], &[0, 1, 2])).unwrap();
    holds(&refused(DataFormat::Idx, folder.path()), &["train-labels-idx1-ubyte", "3 labels for 2 images"]);
}

#[test]
fn packed_idx_files_are_bounded_by_their_headers() {
    let pack = |folder: &TempDir, content: &[u8]| {
        std::fs::remove_file(folder.path().join("train-images-idx3-ubyte")).unwrap();
        let file = std::fs::File::create(folder.path().join("train-images-idx3-ubyte.gz")).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap();
    };
    let folder = mnist(&[0, 1], &[1]);
    pack(&folder, &idx(&[2, 2, 2], &[0; 8]));
    read(&task(DataFormat::Idx), Some(folder.path())).unwrap();
    let folder = mnist(&[0, 1], &[1]);
    pack(&folder, &idx(&[2, 4096, 4096], &vec![0; 2 * 4096 * 4096]));
    holds(&refused(DataFormat::Idx, folder.path()), &["train-images-idx3-ubyte.gz", "unpacks from"]);
    let folder = mnist(&[0, 1], &[1]);
    pack(&folder, &idx(&[2, 2, 2], &[0; 4_000_000]));
    holds(&refused(DataFormat::Idx, folder.path()), &["more values follow"]);
}
